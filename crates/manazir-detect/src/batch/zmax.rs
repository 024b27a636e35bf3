//! The largest deviation of any channel.
//!
//! score = maxᵢ |xᵢ − centerᵢ| / spreadᵢ
//!
//! For spikes and level shifts against a level that does not move; blind to shape and season. It is the bar
//! that every other detector has to clear. O(n_samples · n_features).

use super::Frame;
use super::prepare::{Prepared, Scaling};

/// How deviations are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What a deviation is measured from and in.
    pub scaling: Scaling,
}

impl Default for Config {
    fn default() -> Self {
        Self { scaling: Scaling::Robust }
    }
}

/// Scores, shape `(n_samples,)`, in standard deviations. A row without any number gets the median score.
pub fn scores(frame: &Frame, config: &Config) -> Vec<f64> {
    let prepared = Prepared::new(frame, config.scaling);
    let largest = |row: usize| prepared.channels.iter().map(|channel| channel[row].abs()).fold(0.0, f64::max);
    prepared.finish((0..prepared.n_samples()).map(largest).collect())
}
