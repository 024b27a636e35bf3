//! What the engine says of a series, and the order in which anomalies are shown.

use manazir_model::{Anomaly, Series};
use serde::{Deserialize, Serialize};

use crate::contributors::{Drilled, Total};

/// A series with what was expected of it and where it strayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesReport {
    /// The series itself.
    pub series: Series,
    /// What each sample was expected to be, shape `(n_samples,)`; NaN where nothing was.
    pub expected: Vec<f64>,
    /// Lower end of the expected band, shape as above.
    pub lower: Vec<f64>,
    /// Upper end of the expected band, shape as above.
    pub upper: Vec<f64>,
    /// Strangeness of each sample, shape as above; NaN where it was not judged.
    pub score: Vec<f64>,
    /// Its episodes in order of time.
    pub anomalies: Vec<Anomaly>,
    /// How the series is judged, in words: "weekly season, heavy tail: seasonal residual on log scale".
    pub choice: String,
    /// What the expectation rests on, as the end of a sentence: "its recent level". `{weekday}` stands for
    /// the day on which the episode begins: "what {weekday}s at that hour give".
    pub baseline_words: String,
    /// Why the verdicts should be read with care: "only 9 days: no weekly pattern yet".
    pub confidence_note: Option<String>,
    /// Of a series that is the total of others: what it is made of.
    pub total: Option<Total>,
}

impl SeriesReport {
    /// The highest score of any sample; 0 if none was judged.
    pub fn score_max(&self) -> f64 {
        self.score.iter().copied().filter(|score| score.is_finite()).fold(0.0, f64::max)
    }
}

/// One anomaly together with the series it lies in.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// Its series.
    pub report: &'a SeriesReport,
    /// The episode.
    pub anomaly: &'a Anomaly,
}

impl Finding<'_> {
    /// What it is made of, if it lies in a total and was taken apart.
    pub fn drilled(&self) -> Option<&Drilled> {
        self.report.total.as_ref()?.drilled_at(self.anomaly.start_at)
    }
}

/// All anomalies, the strangest first; equals in the order of time, then of series.
pub fn ranked(reports: &[SeriesReport]) -> Vec<Finding<'_>> {
    let mut findings: Vec<Finding<'_>> = reports
        .iter()
        .flat_map(|report| report.anomalies.iter().map(move |anomaly| Finding { report, anomaly }))
        .collect();
    findings.sort_by(|one, other| {
        let (a, b) = (one.anomaly, other.anomaly);
        b.score
            .total_cmp(&a.score)
            .then(a.start_at.cmp(&b.start_at))
            .then_with(|| one.report.series.key.cmp(&other.report.series.key))
    });
    findings
}

/// How much an anomaly should worry, in three steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Fewer than one sample in a thousand of an undisturbed series goes so far.
    Low,
    /// Fewer than one in ten thousand.
    Medium,
    /// Fewer than one in a million.
    High,
}

impl Severity {
    /// Of a score, by the probability that an undisturbed series reaches it.
    pub fn of_score(score: f64) -> Self {
        match manazir_detect::live::p_value(score) {
            p if p < 1e-6 => Self::High,
            p if p < 1e-4 => Self::Medium,
            _ => Self::Low,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The shape that goes with the word, so that colour is never the only signal.
    pub fn mark(self) -> char {
        match self {
            Self::Low => '-',
            Self::Medium => '^',
            Self::High => '!',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn severity_grows_with_the_score() {
        let of = |score| Severity::of_score(score).word();
        assert_eq!([of(8.0), of(13.0), of(21.0)], ["low", "medium", "high"]);
    }
}
