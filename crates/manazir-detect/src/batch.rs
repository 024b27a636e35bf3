//! Batch detectors: they may look at the whole series, so they are never used live.

pub mod change_points;
pub mod group;
pub mod isolation_forest;
pub mod k_means;
pub mod knn_lag;
pub mod matrix_profile;
pub mod polynomial;
mod prepare;
pub mod seasonal_residual;
pub mod seasonal_trend;
pub mod spectral_residual;
pub mod sub_pca;
mod table;
pub mod tails;
#[cfg(test)]
mod tests;
mod windows;
pub mod zmax;

pub use prepare::Scaling;
pub use table::{BATCH_DETECTORS, BatchInfo};

/// Samples in a short window: what metrics of services do within hours or minutes.
pub const SHORT: usize = 10;

/// Samples in a long window: a heart beat, a day of quarters of an hour.
pub const LONG: usize = 100;

/// A table of samples: one or more channels of one entity, at equal steps.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Channel after channel, shape `(n_features, n_samples)`; NaN where a slot holds no number.
    values: Vec<f64>,
    n_samples: usize,
    /// The first rows, which may be learnt from and are known not to be judged; 0 if there are none.
    pub train_samples: usize,
    /// The strongest season in samples, if the caller knows it.
    pub period_samples: Option<usize>,
}

impl Frame {
    /// One channel, nothing known of it.
    pub fn univariate(values: Vec<f64>) -> Self {
        let n_samples = values.len();
        Self { values, n_samples, train_samples: 0, period_samples: None }
    }

    /// `channels`: each of shape `(n_samples,)`.
    ///
    /// # Panics
    /// If the channels differ in length.
    pub fn new(channels: &[Vec<f64>], train_samples: usize) -> Self {
        let n_samples = channels.first().map_or(0, Vec::len);
        assert!(channels.iter().all(|channel| channel.len() == n_samples), "channels differ in length");
        Self { values: channels.concat(), n_samples, train_samples, period_samples: None }
    }

    /// Rows.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Channels.
    pub fn n_features(&self) -> usize {
        self.values.len().checked_div(self.n_samples).unwrap_or(0)
    }

    /// One channel, shape `(n_samples,)`.
    pub fn channel(&self, feature: usize) -> &[f64] {
        &self.values[feature * self.n_samples..][..self.n_samples]
    }

    /// All channels in order.
    pub fn channels(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.n_features()).map(|feature| self.channel(feature))
    }
}
