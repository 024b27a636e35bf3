//! Which combinations of dimension values made what is strange in a total.
//!
//! The series of a table with dimensions are leaves; where their values add up, so does their total, which is judged
//! like any series. What is strange in it is taken apart: each leaf's part of the change, the combinations that
//! explain it, and what is left. The engine is `manazir_rca::contributors`; here is the way from a table to it, and
//! what people are told of the answer.

mod drill;
mod total;

use clap::ValueEnum;
use manazir_model::Timestamp;
use manazir_rca::contributors::Contributors;
use serde::{Deserialize, Serialize};

pub use drill::drill;
pub use total::{Plan, plans};

use crate::finding::SeriesReport;

/// What a change is measured against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// What the detector expected of each series: knows season and growth, and no earlier incident is in it
    #[default]
    Expected,
    /// The same span a week before; a day before, or just before, where the data has no week
    LastWeek,
    /// The median of the same span of the last four weeks, or days
    MedianWeeks,
}

impl Baseline {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Expected, Self::LastWeek, Self::MedianWeeks];
}

/// What a series that is made of others knows of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Total {
    /// Series that it is made of.
    pub leaves: usize,
    /// Its episodes that were taken apart, in the order of time.
    pub drilled: Vec<Drilled>,
    /// Episodes that were not, for there are stranger ones.
    pub left_out: usize,
}

impl Total {
    /// The episode that begins at an instant, if it was taken apart.
    pub fn drilled_at(&self, start_at: Timestamp) -> Option<&Drilled> {
        self.drilled.iter().find(|drilled| drilled.start_at == start_at)
    }
}

/// Episodes of totals that were not taken apart.
pub fn left_out(reports: &[SeriesReport]) -> usize {
    reports.iter().filter_map(|report| report.total.as_ref()).map(|total| total.left_out).sum()
}

/// An episode that was taken apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drilled {
    /// Its first sample.
    pub start_at: Timestamp,
    /// Against each baseline that there is, at most once, in the order of [`Baseline::ALL`]; never empty.
    pub by: Vec<Compared>,
}

impl Drilled {
    /// Against the baseline that was asked for, or the first that there is.
    pub fn by(&self, baseline: Baseline) -> Option<&Compared> {
        self.by.iter().find(|compared| compared.baseline == baseline).or(self.by.first())
    }
}

/// What made a change, against one baseline. Numbers of an amount are means of the samples of the episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Against what.
    pub baseline: Baseline,
    /// The same in words, as it stands behind *against*: "the same span a week before".
    pub baseline_words: String,
    /// Samples of the episode.
    pub samples: usize,
    /// What made it.
    pub told: Contributors,
}
