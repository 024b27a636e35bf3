//! Remainder of a seasonal decomposition, and the seasonal hybrid ESD test on it.
//!
//! score = |remainder − median| / (1.4826 · MAD)
//!
//! Hochenbaum, Vallis and Kejariwal 2017 (*Automatic anomaly detection in the cloud via statistical learning*):
//! decompose, then test the remainder with median and MAD for mean and deviation. For metrics of people's
//! days and weeks; blind to the shape within a season that stays inside its band. O(n_samples) for each
//! period and channel.

use super::Frame;
use super::prepare::{Prepared, Scaling};
use super::seasonal_trend::decompose;
use crate::period::{Config as PeriodConfig, periods};
use crate::robust::{median_and_sigma, residual_score};

/// Seasons that are taken out of a channel at most: day and week.
const SEASONS_MAX: usize = 2;

/// A remainder far below the spread of the channel, which is 1, is rounding.
const SIGMA_MIN: f64 = 1e-3;

/// Scores, shape `(n_samples,)`, in robust standard deviations: the largest of all channels. A row without any
/// number gets the median score.
pub fn scores(frame: &Frame) -> Vec<f64> {
    let prepared = Prepared::new(frame, Scaling::Moments);
    let mut largest = vec![0.0_f64; prepared.n_samples()];
    for channel in &prepared.channels {
        let remainder = remainder(channel, frame.period_samples);
        let (center, sigma) = median_and_sigma(&mut remainder[prepared.learn.clone()].to_vec());
        for (score, value) in largest.iter_mut().zip(&remainder) {
            *score = score.max(residual_score(value - center, sigma.max(SIGMA_MIN)));
        }
    }
    prepared.finish(largest)
}

/// What is left of one channel without its seasons and trend.
fn remainder(channel: &[f64], known: Option<usize>) -> Vec<f64> {
    let found = periods(channel, &PeriodConfig::default());
    let mut lengths: Vec<usize> = found.iter().map(|period| period.samples).take(SEASONS_MAX).collect();
    if lengths.is_empty() {
        lengths.extend(known);
    }
    decompose(channel, &lengths).remainder
}

/// The generalised extreme Studentised deviate test with median and MAD: positions of outliers among
/// `remainders`, the strangest first.
///
/// `alpha`: chance of one false outlier in all, in (0, 1). `share_max`: most that may be outliers, at most 0.49.
/// Rosner 1983 with the robust estimates of Hochenbaum et al. NaN is never an outlier. O(n log n), since
/// median and MAD are taken once: without the few samples they would hardly move.
pub fn extreme_deviates(remainders: &[f64], alpha: f64, share_max: f64) -> Vec<usize> {
    let mut known: Vec<usize> = (0..remainders.len()).filter(|&at| remainders[at].is_finite()).collect();
    let n = known.len();
    let (center, sigma) = median_and_sigma(&mut known.iter().map(|&at| remainders[at]).collect::<Vec<_>>());
    let size = |at: usize| (remainders[at] - center).abs();
    if sigma <= 0.0 {
        return Vec::new();
    }
    known.sort_by(|&left, &right| size(right).total_cmp(&size(left)));
    let most = ((n as f64 * share_max.clamp(0.0, 0.49)) as usize).min(n.saturating_sub(2));
    let beyond = |tested: &usize| {
        let left = (n - tested) as f64;
        size(known[*tested]) / sigma > critical_deviate(left, alpha)
    };
    // The test takes the largest number of outliers whose last one is still beyond its bound.
    let outliers = (0..most).rev().find(beyond).map_or(0, |last| last + 1);
    known.truncate(outliers);
    known
}

/// λ of the ESD test for `n` remaining values: t (n − 1) / √((n − 2 + t²) n), t Student's quantile.
fn critical_deviate(n: f64, alpha: f64) -> f64 {
    let t = student_quantile(1.0 - alpha / (2.0 * n), n - 2.0);
    t * (n - 1.0) / ((n - 2.0 + t * t) * n).sqrt()
}

/// Quantile of Student's distribution from that of the normal one (Cornish and Fisher; Abramowitz and Stegun
/// 1964, 26.7.5): within 1 % from 10 degrees of freedom on.
fn student_quantile(probability: f64, freedom: f64) -> f64 {
    let z = normal_quantile(probability);
    let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
    z + (z3 + z) / (4.0 * freedom)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom.powi(2))
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * freedom.powi(3))
}

/// Quantile of the standard normal distribution for probabilities of a half and more (Abramowitz and Stegun
/// 1964, 26.2.23): absolute error below 4.5e-4.
fn normal_quantile(probability: f64) -> f64 {
    let t = (-2.0 * (1.0 - probability).max(1e-300).ln()).sqrt();
    t - (2.515_517 + 0.802_853 * t + 0.010_328 * t * t)
        / (1.0 + 1.432_788 * t + 0.189_269 * t * t + 0.001_308 * t.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn the_test_names_what_stands_out_and_little_else() {
        let mut random = Random::new(20);
        let mut remainders: Vec<f64> = (0..1_000).map(|_| random.normal()).collect();
        assert_eq!(extreme_deviates(&remainders, 0.05, 0.1), [0; 0]);
        (remainders[100], remainders[500], remainders[501]) = (9.0, -30.0, f64::NAN);
        assert_eq!(extreme_deviates(&remainders, 0.05, 0.1), [500, 100]);
        // No more than it may name.
        assert_eq!(extreme_deviates(&remainders, 0.05, 0.0011), [500]);
        for odd in [vec![], vec![1.0], vec![2.0; 50], vec![f64::NAN; 9]] {
            assert_eq!(extreme_deviates(&odd, 0.05, 0.4), [0; 0]);
        }
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        assert!((student_quantile(0.975, 10.0) - 2.228).abs() < 0.01);
        assert!((student_quantile(0.995, 30.0) - 2.750).abs() < 0.01);
    }
}
