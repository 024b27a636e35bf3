//! Rules: detectors whose bounds a person has set.
//!
//! ThirdEye's four kinds (threshold, percentage change, absolute change, mean-variance). A rule reads like any
//! detector; its score is 1 at the bound, whatever the kind, so that the same machinery alarms at 1 and above.
//!
//! ```toml
//! kind = "percentage_change"
//! percent = 30.0
//! offset = "1w"
//! pattern = "down"
//! ```

mod change;
mod lookback;
mod mean_variance;
mod threshold;

use manazir_model::{Direction, Sample};
use serde::{Deserialize, Serialize};

pub use change::{AbsoluteChange, PercentageChange};
pub use lookback::Offset;
pub use mean_variance::MeanVariance;
pub use threshold::Threshold;

use crate::stream::{Learn, Reading, Setting, StreamDetector};

/// Which side counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// More than expected.
    Up,
    /// Less than expected.
    Down,
    /// Either.
    #[default]
    UpOrDown,
}

impl Pattern {
    fn admits(self, direction: Direction) -> bool {
        match self {
            Self::UpOrDown => true,
            Self::Up => direction == Direction::Up,
            Self::Down => direction == Direction::Down,
        }
    }

    /// The score of a deviation, in units of the bound: 0 on the side that does not count.
    fn score(self, residual: f64, bound: f64) -> f64 {
        match crate::robust::side(residual) {
            Some(direction) if self.admits(direction) => crate::robust::residual_score(residual, bound),
            _ => 0.0,
        }
    }
}

/// A rule as it is written in a configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rule {
    /// Fixed bounds.
    Threshold(Threshold),
    /// Change relative to a baseline.
    PercentageChange(PercentageChange),
    /// Change in the unit of the series.
    AbsoluteChange(AbsoluteChange),
    /// Standard deviations from the mean of the past.
    MeanVariance(MeanVariance),
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A threshold without any bound would never alarm.
    #[error("threshold rule has neither `min` nor `max`")]
    NoBound,
    /// No value lies between the bounds.
    #[error("threshold rule has `min` {min}, which is not below `max` {max}")]
    BoundsCrossed {
        /// As written.
        min: f64,
        /// As written.
        max: f64,
    },
    /// A number that must be finite and above zero, or within a range.
    #[error("`{field}` is {value}, expected {expected}")]
    OutOfRange {
        /// Its name in the file.
        field: &'static str,
        /// As written.
        value: f64,
        /// What would do.
        expected: &'static str,
    },
    /// An offset that is no number of samples and no span.
    #[error(
        "`{field}` is {text:?}, expected a number of samples or a span such as \"30min\", \"24h\", \"7d\", \"1w\""
    )]
    Offset {
        /// Its name in the file.
        field: &'static str,
        /// As written.
        text: String,
    },
    /// A span needs to know how far samples lie apart.
    #[error("`{field}` is the span {text:?}, but the series has no regular grain: write a number of samples")]
    NoGrain {
        /// Its name in the file.
        field: &'static str,
        /// As written.
        text: String,
    },
    /// The rule would have to remember more than it may.
    #[error("rule looks back {samples} samples, more than the {max} that are kept")]
    TooFarBack {
        /// What the rule asks for.
        samples: usize,
        /// What is kept of a series.
        max: usize,
    },
}

impl Rule {
    /// The detector of this rule for a series, or what is wrong with the rule.
    pub fn detector(&self, setting: &Setting) -> Result<RuleDetector, Error> {
        let state = match self {
            Self::Threshold(rule) => State::Threshold(rule.checked()?),
            Self::PercentageChange(rule) => State::Change(rule.state(setting)?),
            Self::AbsoluteChange(rule) => State::Change(rule.state(setting)?),
            Self::MeanVariance(rule) => State::MeanVariance(rule.state(setting)?),
        };
        Ok(RuleDetector { state })
    }
}

/// A rule at work on one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleDetector {
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum State {
    Threshold(Threshold),
    Change(change::State),
    MeanVariance(mean_variance::State),
}

impl StreamDetector for RuleDetector {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        match &mut self.state {
            State::Threshold(rule) => rule.judge(sample.value),
            State::Change(state) => state.update(sample),
            State::MeanVariance(state) => state.update(sample, learn),
        }
    }

    fn state_bytes(&self) -> usize {
        let heap = match &self.state {
            State::Threshold(_) => 0,
            State::Change(state) => state.heap_bytes(),
            State::MeanVariance(state) => state.heap_bytes(),
        };
        size_of::<Self>() + heap
    }
}

#[cfg(test)]
mod tests;
