//! Change points: where the level, or level and variance, of a series changes for good.
//!
//! min over segmentations of Σ cost(segment) + penalty · segments
//!
//! PELT (Killick, Fearnhead and Eckley 2012, *Optimal detection of changepoints with a linear computational
//! cost*): the exact optimum by dynamic programming, dropping starts that can no longer win. The penalty is that of
//! BIC, (parameters + 1) · ln n, times a factor.

use super::Frame;
use super::prepare::{Prepared, Scaling};
use crate::robust::median;

/// What a segment has of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A mean; the noise is the same throughout: Σ (x − mean)² / σ².
    Mean,
    /// A mean and a variance: n ln variance.
    MeanVariance,
}

/// What counts as a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What may change.
    pub cost: Cost,
    /// Factor on the penalty of BIC, > 0. Metrics are autocorrelated, and noise that remembers looks like
    /// many small changes, so the default is above 1.
    pub penalty: f64,
    /// Shortest segment, at least 2.
    pub segment_min: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { cost: Cost::MeanVariance, penalty: 3.0, segment_min: 4 }
    }
}

/// Longer series are merged to about this many blocks first, and their changes are found to within a block.
const BLOCKS_MAX: usize = 20_000;

/// First samples of all segments but the first, ascending.
///
/// `values`: shape `(n_samples,)`, without NaN. O(n_samples) where changes are many, O(n_samples²) at worst,
/// with n_samples at most 20,000: longer series are averaged in blocks first.
pub fn change_points(values: &[f64], config: &Config) -> Vec<usize> {
    let block = values.len().div_ceil(BLOCKS_MAX).max(1);
    let merged: Vec<f64> = values.chunks(block).map(|of| of.iter().sum::<f64>() / of.len() as f64).collect();
    let shortest = config.segment_min.div_ceil(block).max(2);
    if merged.len() < 2 * shortest {
        return Vec::new();
    }
    let costs = Costs::new(&merged, config.cost);
    pelt(&costs, merged.len(), shortest, costs.penalty() * config.penalty)
        .iter()
        .map(|&at| at * block)
        .collect()
}

fn pelt(costs: &Costs, n: usize, shortest: usize, penalty: f64) -> Vec<usize> {
    let mut best = vec![f64::INFINITY; n + 1];
    let mut start_of_last = vec![0; n + 1];
    best[0] = -penalty;
    let mut starts = vec![0];
    for end in shortest..=n {
        let total = |start: usize| best[start] + costs.of(start, end);
        let mut sums: Vec<f64> = starts.iter().map(|&start| total(start)).collect();
        let winner =
            (0..starts.len()).min_by(|&left, &right| sums[left].total_cmp(&sums[right])).unwrap_or(0);
        best[end] = sums[winner] + penalty;
        start_of_last[end] = starts[winner];
        let bound = best[end];
        // A start that costs more now, without a penalty, can never win again.
        let mut kept = sums.drain(..).map(|sum| sum <= bound);
        starts.retain(|_| kept.next().unwrap_or(true));
        let next = end + 1 - shortest;
        if next >= shortest {
            starts.push(next);
        }
    }
    let mut changes = Vec::new();
    let mut at = start_of_last[n];
    while at > 0 {
        changes.push(at);
        at = start_of_last[at];
    }
    changes.reverse();
    changes
}

/// Costs of segments in O(1), from running sums.
struct Costs {
    sums: Vec<f64>,
    squares: Vec<f64>,
    cost: Cost,
    /// Variance of the noise: for `Mean` that of all, for `MeanVariance` the least a segment can have.
    noise: f64,
}

impl Costs {
    fn new(values: &[f64], cost: Cost) -> Self {
        let center = median(&mut values.to_vec());
        let (mut sums, mut squares) = (vec![0.0], vec![0.0]);
        for (at, value) in values.iter().enumerate() {
            let value = value - center;
            sums.push(sums[at] + value);
            squares.push(squares[at] + value * value);
        }
        let spread = squares[values.len()] / values.len() as f64;
        // Differences of neighbours do not see the changes of level: their median is that of the noise.
        let mut steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        let noise = (crate::robust::MAD_TO_SIGMA * median(&mut steps)).powi(2) / 2.0;
        let floor = if cost == Cost::Mean { 1e-3 } else { 1e-4 };
        let noise = if cost == Cost::Mean { noise.max(floor * spread) } else { floor * spread };
        Self { sums, squares, cost, noise: noise.max(1e-290) }
    }

    /// Cost of one more segment by BIC.
    fn penalty(&self) -> f64 {
        let parameters = if self.cost == Cost::Mean { 1.0 } else { 2.0 };
        (parameters + 1.0) * ((self.sums.len() - 1) as f64).ln()
    }

    fn of(&self, start: usize, end: usize) -> f64 {
        let n = (end - start) as f64;
        let sum = self.sums[end] - self.sums[start];
        let scatter = (self.squares[end] - self.squares[start] - sum * sum / n).max(0.0);
        match self.cost {
            Cost::Mean => scatter / self.noise,
            Cost::MeanVariance => n * (scatter / n + self.noise).ln(),
        }
    }
}

/// Scores, shape `(n_samples,)`: how unlike its surroundings the segment of a row is,
///
/// score = |mean(segment) − reference| / spread · √(n / (n + length)),
///
/// the largest over channels; the reference is the median of all rows to learn from, and the root lets a short
/// segment count more than one that makes half of the series. A row without any number gets the median score.
pub fn scores(frame: &Frame, config: &Config) -> Vec<f64> {
    let prepared = Prepared::new(frame, Scaling::Robust);
    let n_samples = prepared.n_samples();
    let mut largest = vec![0.0_f64; n_samples];
    for channel in &prepared.channels {
        let mut bounds = vec![0];
        bounds.extend(change_points(channel, config));
        bounds.push(n_samples);
        for segment in bounds.windows(2) {
            let values = &channel[segment[0]..segment[1]];
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            let rarity = (n_samples as f64 / (n_samples + 9 * values.len()) as f64).sqrt();
            for score in &mut largest[segment[0]..segment[1]] {
                *score = score.max(mean.abs() * rarity);
            }
        }
    }
    prepared.finish(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    /// `levels`: (length, mean, standard deviation) of each segment.
    #[track_caller]
    fn check(cost: Cost, levels: &[(usize, f64, f64)], expected: &[usize]) {
        let mut random = Random::new(12);
        let mut values = Vec::new();
        for &(length, mean, sigma) in levels {
            values.extend((0..length).map(|_| mean + sigma * random.normal()));
        }
        let found = change_points(&values, &Config { cost, ..Config::default() });
        let near = found.iter().zip(expected).all(|(found, expected)| found.abs_diff(*expected) <= 5);
        assert!(near && found.len() == expected.len(), "{found:?}, not {expected:?}");
    }

    #[test]
    fn levels_and_variances_that_change() {
        for cost in [Cost::Mean, Cost::MeanVariance] {
            check(cost, &[(300, 0.0, 1.0)], &[]);
            check(cost, &[(200, 0.0, 1.0), (150, 5.0, 1.0), (200, 1.0, 1.0)], &[200, 350]);
            check(cost, &[(3, 0.0, 1.0)], &[]);
            check(cost, &[(40, 2.0, 0.0)], &[]);
        }
        check(Cost::MeanVariance, &[(300, 0.0, 1.0), (300, 0.0, 6.0)], &[300]);
    }

    #[test]
    fn a_long_series_is_searched_in_blocks() {
        check(Cost::Mean, &[(30_000, 0.0, 1.0), (30_000, 3.0, 1.0)], &[30_000]);
    }
}
