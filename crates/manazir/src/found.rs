//! What was found in the sources, in the words of the report.

use manazir_detect::alarm::AlarmConfig;
use manazir_model::{Series, Timestamp};
use serde::{Deserialize, Serialize};

use crate::report::columns::gap_micros;

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// What the user named.
    pub sources: Vec<String>,
    /// Tables with series, events or references.
    pub tables: Vec<FoundTable>,
    /// Series that were judged, and totals of them.
    pub series: Vec<FoundSeries>,
    /// Rows that could not be read, by reason.
    pub rejects: Vec<RejectLine>,
    /// Files that were left out, and why.
    pub skipped: Vec<(String, String)>,
}

/// A table and what was decided about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoundTable {
    /// Its name.
    pub name: String,
    /// Its form: `long`, `wide`, `single`, `events`, `reference`.
    pub layout: String,
    /// Files it is made of.
    pub files: usize,
    /// Series in it, once it is read.
    pub series: usize,
    /// Distance of its samples, in words.
    pub grain: String,
    /// Zone of its clock.
    pub zone: String,
    /// What is measured, by which dimensions.
    pub columns: String,
    /// What was decided, how surely and why.
    pub reasons: Vec<String>,
}

/// A series and its quality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundSeries {
    /// Its key as text.
    pub name: String,
    /// Distance of its samples.
    pub grain: Option<manazir_model::Grain>,
    /// Zone of its clock.
    pub zone: String,
    /// Gauge or counter.
    pub kind: manazir_model::SeriesKind,
    /// Unit, if known.
    pub unit: Option<String>,
    /// Samples.
    pub samples: usize,
    /// First and last sample.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Runs of missing samples.
    pub gaps: usize,
    /// Share of the slots of its span that hold a number, in [0, 1]; 1 where it has no grain.
    pub filled: f64,
    /// Further faults in words: duplicates, late rows.
    pub faults: Vec<String>,
    /// Highest score; 0 if none was judged.
    pub score_max: f64,
    /// Score at which an episode of it begins.
    pub open_score: f64,
    /// Episodes found.
    pub anomalies: usize,
    /// Series whose total it is; 0 of a series that is in the sources.
    pub total_of: usize,
}

/// Rejected rows of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectLine {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// The first of them: `file:line: words`.
    pub examples: Vec<String>,
}

impl FoundSeries {
    /// Measures the quality of a series; what was found strange is filled in by the caller.
    pub fn of(series: &Series) -> Self {
        let numbers: Vec<Timestamp> =
            series.samples().filter(|sample| sample.value.is_finite()).map(|sample| sample.at).collect();
        let gap = gap_micros(series);
        let span = series.at.first().copied().zip(series.at.last().copied());
        let slots = span.zip(series.grain).map(|((first, last), grain)| {
            grain.samples_in(last.micros_since(first).saturating_add(grain.micros()))
        });
        Self {
            name: series.key.to_string(),
            grain: series.grain,
            zone: series.zone.clone(),
            kind: series.kind,
            unit: series.unit.clone(),
            samples: series.len(),
            span,
            gaps: numbers.windows(2).filter(|pair| pair[1].micros_since(pair[0]) > gap).count(),
            filled: slots.map_or(1.0, |slots| (numbers.len() as f64 / slots as f64).min(1.0)),
            faults: Vec::new(),
            score_max: 0.0,
            open_score: AlarmConfig::default().open_score,
            anomalies: 0,
            total_of: 0,
        }
    }

    /// `99.1 % filled, 3 gaps, 12 duplicates`; `complete` if nothing is to be said.
    pub fn quality(&self) -> String {
        use crate::report::number::{counted, number};
        let mut words = Vec::new();
        if self.total_of > 0 {
            words.push(format!("total of {} series", crate::report::number::count(self.total_of)));
        }
        if self.filled < 0.99995 {
            // Rounded down: 99.99 % must not read as all.
            words.push(format!("{} % filled", number((self.filled * 10_000.0).floor() / 100.0)));
        }
        if self.gaps > 0 {
            words.push(counted(self.gaps, "gap", "gaps"));
        }
        words.extend(self.faults.iter().cloned());
        if words.is_empty() { "complete".to_owned() } else { words.join(", ") }
    }
}

impl Found {
    /// Rows that could not be read.
    pub fn rejected(&self) -> u64 {
        self.rejects.iter().map(|line| line.count).sum()
    }

    /// Samples of all series.
    pub fn samples(&self) -> usize {
        self.read().map(|series| series.samples).sum()
    }

    /// Series that are in the sources.
    pub fn read(&self) -> impl Iterator<Item = &FoundSeries> {
        self.series.iter().filter(|series| series.total_of == 0)
    }

    /// Totals of them that were judged as well.
    pub fn totals(&self) -> usize {
        self.series.len() - self.read().count()
    }
}

#[cfg(test)]
mod tests {
    use manazir_model::Grain;
    use manazir_testkit::series;

    use super::*;

    #[test]
    fn quality_is_told_in_words() {
        let check = |values: &str, drop: &[i64], words: &str| {
            let (at, values) = (0i64..)
                .zip(series(values))
                .filter(|(index, _)| !drop.contains(index))
                .map(|(index, value)| (Timestamp(index * Grain::HOUR.micros()), value))
                .unzip();
            let series = Series { at, values, grain: Some(Grain::HOUR), ..Series::default() };
            assert_eq!(FoundSeries::of(&series).quality(), words);
        };
        check("1x10", &[], "complete");
        check("1x4 _x2 1x4", &[], "80 % filled, 1 gap");
        check("1x20", &[5, 6, 10], "85 % filled, 2 gaps");
    }
}
