//! What all batch detectors do to a frame before and to their scores afterwards.

use std::ops::Range;

use super::Frame;
use crate::period::filled;
use crate::robust::{median, median_and_sigma, usable};

/// Center and spread that a channel is scaled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// Mean and standard deviation.
    Moments,
    /// Median and MAD, standardised.
    Robust,
}

/// A frame whose gaps are filled and whose channels are scaled by the rows that may be learnt from.
pub(crate) struct Prepared {
    /// Each of shape `(n_samples,)`.
    pub(crate) channels: Vec<Vec<f64>>,
    /// Rows to learn from: the train rows if there are enough, else all.
    pub(crate) learn: Range<usize>,
    /// False where no channel holds a number.
    judged: Vec<bool>,
}

/// Fewer train rows than this teach less than the rows that are judged.
const TRAIN_ROWS_MIN: usize = 50;

/// A scaled value beyond this says no more, and its squares keep their digits.
const SIGMAS_MAX: f64 = 1e4;

/// A channel that rests while it is learnt from is scaled by this share of its spread over all rows.
const REST_SHARE: f64 = 0.05;

impl Prepared {
    pub(crate) fn new(frame: &Frame, scaling: Scaling) -> Self {
        let learn = frame.learn_rows();
        let judged =
            (0..frame.n_samples()).map(|row| frame.channels().any(|channel| channel[row].is_finite()));
        Self {
            judged: judged.collect(),
            channels: frame.channels().map(|channel| scaled(channel, learn.clone(), scaling)).collect(),
            learn,
        }
    }

    pub(crate) fn n_samples(&self) -> usize {
        self.judged.len()
    }

    /// Makes raw scores fit for use: finite, ≥ 0, and the median where a row holds no number at all.
    pub(crate) fn finish(&self, mut scores: Vec<f64>) -> Vec<f64> {
        for score in &mut scores {
            *score = if score.is_finite() { score.max(0.0) } else { 0.0 };
        }
        if self.judged.contains(&false) {
            let judged = scores.iter().zip(&self.judged).filter(|(_, judged)| **judged);
            let neutral = median(&mut judged.map(|(score, _)| *score).collect::<Vec<_>>());
            let unjudged = scores.iter_mut().zip(&self.judged).filter(|(_, judged)| !**judged);
            unjudged.for_each(|(score, _)| *score = neutral);
        }
        scores
    }
}

impl Frame {
    /// Rows that a detector learns from: the train rows if there are at least fifty, else all.
    pub fn learn_rows(&self) -> Range<usize> {
        let n_train = self.train_samples.min(self.n_samples());
        if n_train >= TRAIN_ROWS_MIN { 0..n_train } else { 0..self.n_samples() }
    }
}

/// One channel, gaps filled, scaled by its rows `learn`.
fn scaled(channel: &[f64], learn: Range<usize>, scaling: Scaling) -> Vec<f64> {
    let filled = filled(channel);
    let mut known: Vec<f64> = channel[learn].iter().filter_map(|&value| usable(value)).collect();
    let (center, spread) = match scaling {
        Scaling::Robust => median_and_sigma(&mut known),
        Scaling::Moments => moments(&known),
    };
    // Rounding noise is no spread.
    let floor = 1e-9 * center.abs().max(1e-280);
    let (_, overall) = moments(&filled);
    let spread = spread.max(REST_SHARE * overall).max(floor);
    filled.iter().map(|value| ((value - center) / spread).clamp(-SIGMAS_MAX, SIGMAS_MAX)).collect()
}

/// Mean and standard deviation.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|value| value / n).sum::<f64>();
    let variance = values.iter().map(|value| (value - mean) * ((value - mean) / n)).sum::<f64>();
    (mean, variance.sqrt())
}
