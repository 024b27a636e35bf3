//! Streaming detectors: one sample in, one reading out, fixed memory per series.
//!
//! Causal by construction: `update` judges the sample by what was learnt before it and learns afterwards.

mod calendar;
#[cfg(test)]
pub(crate) mod check;
pub mod count;
pub mod cusum;
pub mod cycle;
pub mod discord;
pub mod flat_line;
pub mod forest;
pub mod half_space;
pub mod level;
pub mod level_shift;
pub mod missing;
pub mod neighbours;
pub mod page_hinkley;
pub mod pca;
pub mod polynomial;
pub mod seasonal;
pub mod silence;
pub mod spectral;
pub mod table;
mod tail_probability;
pub mod variance;
mod waiting;

use manazir_model::{Direction, Grain, Sample};
use serde::{Deserialize, Serialize};
pub(crate) use tail_probability::ln_normal_tail;

/// What one detector says of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Strangeness, finite, ≥ 0, higher is stranger. The unit is the detector's own; calibration makes
    /// readings of different detectors and series comparable.
    pub score: f64,
    /// What was expected, in the unit of the series; NaN if the detector does not forecast.
    pub expected: f64,
    /// Robust standard deviation of the forecast error, same unit; NaN as above.
    pub scale: f64,
    /// Which side the sample lies on, where that has a meaning.
    pub direction: Option<Direction>,
}

impl Reading {
    /// A reading of a detector that knows no expectation.
    pub fn plain(score: f64) -> Self {
        Self { score, expected: f64::NAN, scale: f64::NAN, direction: None }
    }
}

/// Whether a detector may adapt to the sample it judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learn {
    /// The usual case.
    Fully,
    /// An alarm is open: keep counters and windows, but do not let the baseline move towards the sample.
    Frozen,
}

/// What is known of a series before its first sample; every field has a default that works.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The usual distance between samples.
    pub grain: Option<Grain>,
    /// The strongest season, in samples.
    pub period_samples: Option<usize>,
    /// For detectors that draw random numbers.
    pub seed: u64,
}

impl Default for Setting {
    fn default() -> Self {
        Self { grain: None, period_samples: None, seed: 0x6d61_6e61_7a69_7231 }
    }
}

/// A univariate detector. Its state is a plain value: serialised and restored in the middle of a stream it
/// goes on with the same bits.
pub trait StreamDetector {
    /// Judges `sample` by what was learnt before it, then learns from it.
    ///
    /// `None` during warm-up and for a sample that cannot be judged. A value of NaN is a slot without a
    /// number: it keeps its place in windows and is otherwise skipped; an infinite one is treated as NaN.
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading>;

    /// Bytes that this series costs: the value itself and what it has on the heap.
    fn state_bytes(&self) -> usize;
}

/// A detector over several channels of one entity.
pub trait ChannelDetector {
    /// Judges a row of `n_features` values by the rows before it, then learns from it.
    ///
    /// Fills `attribution`, shape `(n_features,)`, with each channel's share of the score; the shares are ≥ 0
    /// and sum to 1 where the score is positive, and are all 0 otherwise. NaN values are skipped.
    /// `None` during warm-up; `attribution` is then all 0.
    fn update(&mut self, values: &[f64], learn: Learn, attribution: &mut [f64]) -> Option<f64>;

    /// As for [`StreamDetector::state_bytes`].
    fn state_bytes(&self) -> usize;
}
