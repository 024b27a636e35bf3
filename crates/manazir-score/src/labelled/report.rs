//! From scores to figures: a series, a set, all sets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Labelled, Series};
use crate::operator::{median, operator};
use crate::vus::vus_pr;
use crate::{Error, Result, average_precision};

/// The buffer of VUS-PR where neither the set nor a period fixes one is at most this long.
const BUFFER_MAX: usize = 100;

/// The figures of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// VUS-PR of the batch scores.
    pub vus_pr: f64,
    /// VUS-PR of the causal scores.
    pub stream_vus_pr: f64,
    /// Average precision of the batch scores.
    pub auc_pr: f64,
    /// Event recall of the batch scores at one false alarm per 10,000 points.
    pub event_recall: f64,
    /// The same of the causal scores.
    pub stream_event_recall: f64,
    /// Delay of each event caught at that threshold, in points.
    pub delays: Vec<usize>,
    /// The same of the causal scores.
    pub stream_delays: Vec<usize>,
}

impl Series {
    /// Judges the scores of the scored rows, shape `(n_samples − n_train,)` both: `batch` may have looked at
    /// the whole series, `stream` is causal. NaN is the lowest score.
    ///
    /// `period_samples`: the period that was found, for the buffer where the set fixes none; 0 if none was.
    pub fn judge(&self, batch: &[f64], stream: &[f64], period_samples: usize) -> Result<Figures> {
        let labels = self.scored_labels();
        for scores in [batch, stream] {
            if scores.len() != labels.len() {
                let what = format!("{}/{}", self.set, self.name);
                return Err(Error::Shape { what, given: scores.len(), wanted: labels.len() });
            }
        }
        let buffer = self.vus_buffer.unwrap_or(period_samples.min(BUFFER_MAX));
        let (felt, stream_felt) = (operator(labels, batch), operator(labels, stream));
        Ok(Figures {
            vus_pr: vus_pr(labels, batch, buffer),
            stream_vus_pr: vus_pr(labels, stream, buffer),
            auc_pr: average_precision(labels, batch),
            event_recall: felt.event_recall(),
            stream_event_recall: stream_felt.event_recall(),
            delays: felt.delays,
            stream_delays: stream_felt.delays,
        })
    }
}

/// What `score labelled` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// By name.
    pub sets: BTreeMap<String, SetReport>,
    /// Mean of `vus_pr` over the sets.
    pub mean_vus_pr: f64,
    /// Mean of `stream_vus_pr` over the sets.
    pub mean_stream_vus_pr: f64,
    /// Sub-folders that hold no labels.
    pub skipped: Vec<String>,
    /// Samples scored a second; the caller fills it.
    pub points_per_second: Option<f64>,
    /// Peak memory of the process; the caller fills it.
    pub peak_rss_mib: Option<f64>,
}

/// One set: means over its series. Figures without prefix are of the batch scores, which may look ahead;
/// those with `stream_` of the causal ones, which is what live detection gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetReport {
    /// Mean VUS-PR.
    pub vus_pr: f64,
    /// Mean VUS-PR of the causal scores.
    pub stream_vus_pr: f64,
    /// Mean average precision.
    pub auc_pr: f64,
    /// Mean event recall at one false alarm per 10,000 points.
    pub event_recall: f64,
    /// The same of the causal scores.
    pub stream_event_recall: f64,
    /// Median over all caught events of the set, in points; `None` if none was caught.
    pub delay_median_points: Option<f64>,
    /// The same of the causal scores.
    pub stream_delay_median_points: Option<f64>,
    /// Series that were scored.
    pub series: usize,
    /// Series without a labelled point or below 200 rows.
    pub unscored: usize,
}

impl SetReport {
    fn new(figures: &[&Figures], unscored: usize) -> Self {
        let mean = |figure: fn(&Figures) -> f64| {
            figures.iter().map(|figures| figure(figures)).sum::<f64>() / figures.len() as f64
        };
        let delays = |of: fn(&Figures) -> &Vec<usize>| {
            median(&figures.iter().flat_map(|figures| of(figures)).copied().collect::<Vec<_>>())
        };
        Self {
            vus_pr: mean(|figures| figures.vus_pr),
            stream_vus_pr: mean(|figures| figures.stream_vus_pr),
            auc_pr: mean(|figures| figures.auc_pr),
            event_recall: mean(|figures| figures.event_recall),
            stream_event_recall: mean(|figures| figures.stream_event_recall),
            delay_median_points: delays(|figures| &figures.delays),
            stream_delay_median_points: delays(|figures| &figures.stream_delays),
            series: figures.len(),
            unscored,
        }
    }
}

impl Labelled {
    /// All series in order: set after set.
    pub fn series(&self) -> impl Iterator<Item = &Series> {
        self.sets.iter().flat_map(|set| &set.series)
    }

    /// Means of `figures`, which are those of [`Labelled::series`], in that order. A set none of whose series
    /// can be scored is in the report with NaN and not in the means over sets.
    pub fn report(&self, figures: &[Figures]) -> Result<Report> {
        let wanted = self.series().count();
        if figures.len() != wanted {
            return Err(Error::Shape { what: "sets (series)".to_owned(), given: figures.len(), wanted });
        }
        let mut rest = figures.iter();
        let mut sets = BTreeMap::new();
        for set in &self.sets {
            let figures: Vec<&Figures> = rest.by_ref().take(set.series.len()).collect();
            sets.insert(set.name.clone(), SetReport::new(&figures, set.unscored));
        }
        let mean = |figure: fn(&SetReport) -> f64| {
            let scored: Vec<f64> = sets.values().filter(|set| set.series > 0).map(figure).collect();
            scored.iter().sum::<f64>() / scored.len() as f64
        };
        Ok(Report {
            mean_vus_pr: mean(|set| set.vus_pr),
            mean_stream_vus_pr: mean(|set| set.stream_vus_pr),
            sets,
            skipped: self.skipped.clone(),
            points_per_second: None,
            peak_rss_mib: None,
        })
    }
}
