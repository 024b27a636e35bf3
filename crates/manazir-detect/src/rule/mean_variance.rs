//! Standard deviations from the mean of the past.

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

use super::{Error, Offset, Pattern, lookback::Past};
use crate::{
    robust,
    stream::{Learn, Reading, Setting},
};

/// Values further from the mean of the past than usual.
///
/// score = |x − mean| / (k · standard deviation),   k = 0.5 + 0.1 · (10 − sensitivity)
///
/// Source: the mean-variance rule of Apache Pinot ThirdEye, with its mapping of the sensitivity: 5 is one
/// standard deviation, 10 half of one, 0 one and a half. With a seasonality, the past is the values at the same
/// phase: the last 52 Mondays, say, and not the last 52 days.
///
/// O(lookback) a sample; 8 bytes a sample of lookback · seasonality. While an alarm is open the samples are not
/// taken in. It is here because people know it; the level or the season does the same and resists outliers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeanVariance {
    /// Values that mean and deviation are taken from, 3..=10,000; 52.
    pub lookback: usize,
    /// 0 for rare alarms to 10 for many; 5.
    pub sensitivity: f64,
    /// The season whose phases are kept apart; none.
    pub seasonality: Option<Offset>,
    /// Which side counts; both.
    pub pattern: Pattern,
}

impl Default for MeanVariance {
    fn default() -> Self {
        Self { lookback: 52, sensitivity: 5.0, seasonality: None, pattern: Pattern::UpOrDown }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    lookback: usize,
    n_sigmas: f64,
    pattern: Pattern,
    season_samples: usize,
    past: Past,
}

impl MeanVariance {
    pub(super) fn state(&self, setting: &Setting) -> Result<State, Error> {
        if !(3..=10_000).contains(&self.lookback) {
            let value = self.lookback as f64;
            return Err(Error::OutOfRange { field: "lookback", value, expected: "3 to 10000" });
        }
        if !(0.0..=10.0).contains(&self.sensitivity) {
            let (field, value) = ("sensitivity", self.sensitivity);
            return Err(Error::OutOfRange { field, value, expected: "0 to 10" });
        }
        let season_samples = match &self.seasonality {
            Some(season) => season.samples("seasonality", setting)?,
            None => 1,
        };
        Ok(State {
            lookback: self.lookback,
            n_sigmas: 0.5 + 0.1 * (10.0 - self.sensitivity),
            pattern: self.pattern,
            season_samples,
            past: Past::new(self.lookback.saturating_mul(season_samples), setting)?,
        })
    }
}

impl State {
    pub(super) fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        self.past.skip_to(sample);
        let estimate = self.mean_and_sigma();
        self.take_in(sample.value, learn);
        let (value, (mean, sigma)) = (robust::usable(sample.value)?, estimate?);
        let residual = value - mean;
        let score = self.pattern.score(residual, self.n_sigmas * sigma);
        Some(Reading { score, expected: mean, scale: sigma, direction: robust::side(residual) })
    }

    /// A frozen past turns in a circle: the value that leaves comes in again, so mean and deviation stay.
    fn take_in(&mut self, value: f64, learn: Learn) {
        let again = || self.past.before(self.lookback * self.season_samples).unwrap_or(f64::NAN);
        let value = if learn == Learn::Fully { value } else { again() };
        self.past.push(value);
    }

    /// `None` until half of the lookback is there.
    fn mean_and_sigma(&self) -> Option<(f64, f64)> {
        let values = || (1..=self.lookback).filter_map(|times| self.past.before(times * self.season_samples));
        let (n, sum) = values().fold((0usize, 0.0), |(n, sum), value| (n + 1, sum + value));
        if n < 2 || 2 * n < self.lookback {
            return None;
        }
        let mean = sum / n as f64;
        let squares = values().map(|value| (value - mean).powi(2)).sum::<f64>();
        // A constant past has no deviation; what rounding can do stands in for it.
        let rounding = (1e-9 * mean.abs()).max(1e-290);
        Some((mean, (squares / (n - 1) as f64).sqrt().max(rounding)))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.past.heap_bytes()
    }
}
