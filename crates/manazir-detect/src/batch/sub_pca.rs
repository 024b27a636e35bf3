//! Sub-sequence PCA: what of a window its usual shapes cannot make up.
//!
//! score = ‖x − x̄ − V Vᵀ (x − x̄)‖
//!
//! x is a window of all channels, V the leading eigenvectors of the windows' covariance. Principal components
//! of lag windows are those of singular spectrum analysis (Broomhead and King 1986). They hold season, trend and
//! the ways in which channels move together; the residual is what breaks them. Strong on many channels and on
//! steady shapes; weak where shapes shift in phase, which no linear basis holds.
//! O(n_samples · width · (components + n_features)), width = window · n_features, plus O(width³).

use super::Frame;
use super::prepare::Scaling;
use super::windows::Windows;
use crate::linear::{SymmetricEigen, dot};

/// Window and basis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Samples in a window, at least 2.
    pub window: usize,
    /// Share of variance that the basis holds, in (0, 1).
    pub variance_share: f64,
}

impl Config {
    /// With windows of that length.
    pub fn with_window(window: usize) -> Self {
        Self { window, ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { window: super::SHORT, variance_share: 0.9 }
    }
}

/// Longest vector that is decomposed, at a cost that grows with its third power.
const WIDTH_MAX: usize = 400;

/// A basis of more than this share of the dimensions makes up anything.
const COMPONENTS_SHARE_MAX: f64 = 0.5;

/// Scores, shape `(n_samples,)`; a point takes the mean of the windows that cover it. A row without any number
/// gets the median score, a frame of less than eight rows 0 throughout.
pub fn scores(frame: &Frame, config: &Config) -> Vec<f64> {
    let Some(windows) = Windows::new(frame, Scaling::Moments, config.window, WIDTH_MAX) else {
        return vec![0.0; frame.n_samples()];
    };
    let basis = Basis::new(&windows);
    let components = basis.components(config.variance_share);
    let mut vector = vec![0.0; windows.width()];
    let residual = |start| {
        basis.centred(&windows, start, &mut vector);
        let length = dot(&vector, &vector);
        let held: f64 = (0..components).map(|k| dot(&vector, basis.eigen.vector(k)).powi(2)).sum();
        (length - held).max(0.0).sqrt()
    };
    windows.finish(&(0..windows.len()).map(residual).collect::<Vec<_>>())
}

/// Principal components of the windows to learn from.
pub(super) struct Basis {
    mean: Vec<f64>,
    pub(super) eigen: SymmetricEigen,
}

impl Basis {
    pub(super) fn new(windows: &Windows) -> Self {
        let (mean, covariance) = lag_covariance(windows);
        Self { eigen: SymmetricEigen::new(&covariance, mean.len()), mean }
    }

    /// The fewest that hold `variance_share` of the variance, at most half of all.
    pub(super) fn components(&self, variance_share: f64) -> usize {
        let total: f64 = self.eigen.values.iter().map(|value| value.max(0.0)).sum();
        let most = (COMPONENTS_SHARE_MAX * self.mean.len() as f64).ceil() as usize;
        let mut held = 0.0;
        let enough = |value: &f64| {
            let wanted = held < variance_share * total;
            held += value.max(0.0);
            wanted
        };
        self.eigen.values.iter().copied().take(most).take_while(enough).count()
    }

    /// Writes a window less the mean window into `vector`.
    pub(super) fn centred(&self, windows: &Windows, start: usize, vector: &mut [f64]) {
        let parts = windows.parts(start).zip(self.mean.chunks_exact(windows.window()));
        for ((values, mean), slots) in parts.zip(vector.chunks_exact_mut(windows.window())) {
            for ((slot, value), mean) in slots.iter_mut().zip(values).zip(mean) {
                *slot = value - mean;
            }
        }
    }
}

/// Mean and covariance of the windows to learn from, shapes `(width,)` and `(width, width)`.
///
/// Neighbouring lags share all products but two, so each pair of channels and lags costs O(1) but for the
/// first: O(n · width · n_features) in all instead of O(n · width²).
fn lag_covariance(windows: &Windows) -> (Vec<f64>, Vec<f64>) {
    let (window, width, learn) = (windows.window(), windows.width(), windows.learn());
    let n = learn.len() as f64;
    let lags = |channel: &Vec<f64>| -> Vec<f64> {
        (0..window).map(|lag| channel[learn.start + lag..learn.end + lag].iter().sum::<f64>() / n).collect()
    };
    let mean: Vec<f64> = windows.channels().iter().flat_map(lags).collect();
    let mut covariance = vec![0.0; width * width];
    for (early_at, early) in windows.channels().iter().enumerate() {
        for (late_at, late) in windows.channels().iter().enumerate() {
            for lag in 0..window {
                let mut product = dot(&early[learn.clone()], &late[learn.start + lag..learn.end + lag]);
                for first in 0..window - lag {
                    if first > 0 {
                        let (out, new) = (learn.start + first - 1, learn.end + first - 1);
                        product += early[new] * late[new + lag] - early[out] * late[out + lag];
                    }
                    let (row, column) = (early_at * window + first, late_at * window + first + lag);
                    let value = product / n - mean[row] * mean[column];
                    covariance[row * width + column] = value;
                    covariance[column * width + row] = value;
                }
            }
        }
    }
    (mean, covariance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn the_covariance_is_that_of_the_windows() {
        let mut random = Random::new(2);
        let channels: Vec<Vec<f64>> = (0..3).map(|_| (0..60).map(|_| random.normal()).collect()).collect();
        let windows =
            Windows::new(&Frame::new(&channels, 55), Scaling::Moments, 5, 400).expect("long enough");
        let (mean, covariance) = lag_covariance(&windows);
        let vectors: Vec<Vec<f64>> =
            windows.learn().map(|start| windows.parts(start).flatten().copied().collect()).collect();
        let n = vectors.len() as f64;
        for row in 0..15 {
            for column in 0..15 {
                let expected: f64 =
                    vectors.iter().map(|x| (x[row] - mean[row]) * (x[column] - mean[column])).sum::<f64>()
                        / n;
                assert!((covariance[row * 15 + column] - expected).abs() < 1e-12);
            }
        }
    }
}
