//! Which combinations of dimension values made what is strange in a total.
//!
//! The series of a table with dimensions are leaves; where their values add up, so does their total, which is judged
//! like any series. What is strange in it is taken apart: each leaf's part of the change, the combinations that
//! explain it, and what is left. The engine is `manazir_rca::contributors`; here is the way from a table to it, and
//! what people are told of the answer.

mod drill;
mod total;

use std::collections::BTreeMap;

use clap::ValueEnum;
use manazir_model::Timestamp;
use manazir_rca::contributors::Verdict;
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
    pub by: Vec<Contributors>,
}

impl Drilled {
    /// Against the baseline that was asked for, or the first that there is.
    pub fn by(&self, baseline: Baseline) -> Option<&Contributors> {
        self.by.iter().find(|contributors| contributors.baseline == baseline).or(self.by.first())
    }
}

/// What made a change, against one baseline.
///
/// Numbers of an amount are means of the samples of the episode, those of a ratio its rate over the episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contributors {
    /// Against what.
    pub baseline: Baseline,
    /// The same in words, as it stands behind *against*: "the same span a week before".
    pub baseline_words: String,
    /// Names of the dimensions.
    pub dimensions: Vec<String>,
    /// Combinations of their values.
    pub leaves: usize,
    /// Samples of the episode.
    pub samples: usize,
    /// Of the whole, as measured.
    pub observed: f64,
    /// Of the whole, by the baseline.
    pub expected: f64,
    /// In one word.
    pub verdict: Outcome,
    /// What observed is to expected nearly everywhere, if all moved alike.
    pub everywhere: Option<f64>,
    /// Those that moved with the whole first, and of them the largest contribution first.
    pub elements: Vec<Element>,
    /// What no element explains.
    pub remainder: f64,
    /// The same as a share of the change; 0 if there is none. Shares of elements and this sum to 1.
    pub remainder_share: f64,
    /// How much of the change would be gone, had all elements been as expected.
    pub closes: f64,
    /// Each dimension by itself.
    pub heatmap: Vec<HeatDimension>,
}

impl Contributors {
    /// observed − expected
    pub fn change(&self) -> f64 {
        self.observed - self.expected
    }
}

/// What elements are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They explain the change, or part of it.
    Elements,
    /// Nearly all moved alike: the cause lies outside of the dimensions.
    Everywhere,
    /// None explains the change: a dimension may be missing.
    Nowhere,
    /// The change is no larger than what the combinations scatter by.
    Noise,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Elements => Self::Elements,
            Verdict::Everywhere => Self::Everywhere,
            Verdict::Nowhere => Self::Nowhere,
            Verdict::Noise => Self::Noise,
        }
    }
}

/// A combination that explains part of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Element {
    /// Value by dimension.
    pub values: BTreeMap<String, String>,
    /// As measured.
    pub observed: f64,
    /// By the baseline.
    pub expected: f64,
    /// What it adds to the change of the whole, in the unit of the whole.
    pub contribution: f64,
    /// The same as a share of the change; negative if it moved the other way.
    pub share: f64,
    /// How much of the change would be gone, had it been as expected.
    pub closes: f64,
    /// In [0, 1].
    pub confidence: f64,
    /// Combinations of all dimensions in it.
    pub leaves: usize,
}

/// A dimension by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatDimension {
    /// Its name.
    pub name: String,
    /// Its values, the largest contribution first, whatever its sign.
    pub values: Vec<HeatValue>,
    /// Values that are not among them.
    pub more: usize,
    /// What those add to the change.
    pub more_contribution: f64,
}

/// A value of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatValue {
    /// The value.
    pub value: String,
    /// As measured.
    pub observed: f64,
    /// By the baseline.
    pub expected: f64,
    /// What it adds to the change of the whole.
    pub contribution: f64,
    /// The same as a share of the change; 0 if there is none.
    pub share: f64,
}
