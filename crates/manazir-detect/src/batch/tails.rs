//! How far out in its own distribution each value lies.
//!
//! score = Σᵢ max(−ln F̂ᵢ(x), −ln (1 − F̂ᵢ(x)))  over channels i
//!
//! Empirical tail probabilities as in ECOD (Li et al. 2022), without its choice of a side by skewness: the side
//! that says more counts, so that a drop of a right-skewed metric is seen too. No parameter, no distance; blind to
//! shape, season and to values that are odd only together. O(n_samples · log n_samples · n_features).

use super::Frame;
use super::prepare::{Prepared, Scaling};

/// Scores, shape `(n_samples,)`, in nats. Rows to learn from make the distribution. A row without any number
/// gets the median score.
pub fn scores(frame: &Frame) -> Vec<f64> {
    let prepared = Prepared::new(frame, Scaling::Moments);
    let mut total = vec![0.0; prepared.n_samples()];
    for channel in &prepared.channels {
        let mut sorted = channel[prepared.learn.clone()].to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        for (sum, value) in total.iter_mut().zip(channel) {
            *sum += tail(&sorted, *value);
        }
    }
    prepared.finish(total)
}

/// −ln of the smaller tail probability; twice the sample size for what lies outside of it.
fn tail(sorted: &[f64], value: f64) -> f64 {
    let n = sorted.len() as f64;
    let below = sorted.partition_point(|known| known < &value) as f64;
    let above = n - sorted.partition_point(|known| known <= &value) as f64;
    // The half keeps what lies outside finite: it is rarer than one in n, and not known to be much rarer.
    let rarer = (n - above).min(n - below).max(0.5) / n.max(1.0);
    -rarer.ln()
}
