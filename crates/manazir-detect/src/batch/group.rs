//! Odd series among a group that should move together: replicas, shards, hosts behind one balancer.
//!
//! At each sample the series are compared with one another, not with their own past, so that a load that rises
//! everywhere is no anomaly and a host that stays behind is one. As `outlier` of augurs, whose two methods these are.

use std::ops::Range;

use crate::robust::{median, median_and_sigma, usable};

/// When a series is apart from its group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Further from the median of the group than so many robust standard deviations, > 0. For one crowd.
    Mad {
        /// 3.5 is the advice of Iglewicz and Hoaglin 1993.
        deviations: f64,
    },
    /// Not in the largest cluster of DBSCAN (Ester et al. 1996) on the values of a sample, where neighbours are
    /// at most so many usual gaps apart, > 0, and a cluster holds at least half of the series. For groups
    /// whose normal state is wide or skewed.
    Dbscan {
        /// In units of the median spread of the group over its size.
        gaps: f64,
    },
}

/// How a group is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// When a series is apart.
    pub method: Method,
    /// Shortest stretch that counts, in samples, at least 1.
    pub run_min: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { method: Method::Mad { deviations: 3.5 }, run_min: 3 }
    }
}

/// A series that leaves its group.
#[derive(Clone, Debug, PartialEq)]
pub struct OddSeries {
    /// Its place in the group.
    pub position: usize,
    /// When, in samples; ascending, never empty, each at least `run_min` long.
    pub intervals: Vec<Range<usize>>,
    /// How far out, shape `(n_samples,)`: in units of the method's bound, so that above 1 is apart; 0 where the
    /// series has no number.
    pub scores: Vec<f64>,
}

/// Fewer series are no group: two that differ say nothing of which is odd.
const SERIES_MIN: usize = 3;

/// Series that leave the group, the one that is out longest first.
///
/// `series`: each of shape `(n_samples,)`, NaN where there is no number; the shortest one counts.
/// O(n_samples · n_series · log n_series).
///
/// ```
/// use manazir_detect::batch::group::{Config, odd_series};
/// let mut hosts: Vec<Vec<f64>> = (0..5).map(|host| vec![10.0 + host as f64; 60]).collect();
/// hosts[2][20..40].fill(90.0);
/// let odd = odd_series(&hosts, &Config::default());
/// assert_eq!((odd[0].position, odd[0].intervals.clone()), (2, vec![20..40]));
/// ```
pub fn odd_series(series: &[Vec<f64>], config: &Config) -> Vec<OddSeries> {
    let n_samples = series.iter().map(Vec::len).min().unwrap_or(0);
    if series.len() < SERIES_MIN {
        return Vec::new();
    }
    let spread = usual_spread(series, n_samples);
    let mut scores = vec![vec![0.0; n_samples]; series.len()];
    let mut row = Vec::with_capacity(series.len());
    for at in 0..n_samples {
        row.clear();
        row.extend(
            series.iter().enumerate().filter_map(|(which, values)| Some((usable(values[at])?, which))),
        );
        if row.len() < SERIES_MIN {
            continue;
        }
        match config.method {
            Method::Mad { deviations } => {
                from_median(&mut row, spread, deviations, |which, score| scores[which][at] = score);
            }
            Method::Dbscan { gaps } => {
                from_crowd(&mut row, spread, gaps, |which, score| scores[which][at] = score);
            }
        }
    }
    let odd = scores.into_iter().enumerate().map(|(position, scores)| {
        let intervals = stretches(&scores, config.run_min.max(1));
        OddSeries { position, intervals, scores }
    });
    let mut odd: Vec<OddSeries> = odd.filter(|series| !series.intervals.is_empty()).collect();
    let out = |series: &OddSeries| series.intervals.iter().map(ExactSizeIterator::len).sum::<usize>();
    odd.sort_by_key(|series| std::cmp::Reverse(out(series)));
    odd
}

/// Median over all samples of the robust standard deviation across the group: a moment at which all series
/// happen to agree must not make the next difference infinitely odd.
fn usual_spread(series: &[Vec<f64>], n_samples: usize) -> f64 {
    let mut spreads = Vec::with_capacity(n_samples);
    let mut largest = 0.0_f64;
    for at in 0..n_samples {
        let mut row: Vec<f64> = series.iter().filter_map(|values| usable(values[at])).collect();
        if row.len() >= SERIES_MIN {
            largest = row.iter().fold(largest, |largest, value| largest.max(value.abs()));
            spreads.push(median_and_sigma(&mut row).1);
        }
    }
    // Below the rounding of the values themselves series are equal.
    median(&mut spreads).max(1e-9 * largest).max(1e-290)
}

fn from_median(row: &mut [(f64, usize)], spread: f64, deviations: f64, mut say: impl FnMut(usize, f64)) {
    let (center, sigma) = median_and_sigma(&mut row.iter().map(|(value, _)| *value).collect::<Vec<_>>());
    let bound = sigma.max(spread) * deviations.max(f64::MIN_POSITIVE);
    row.iter().for_each(|&(value, which)| say(which, (value - center).abs() / bound));
}

/// DBSCAN on a line: sorted values, cut where neighbours are further apart than the reach. The score is the
/// distance to the nearest member of the crowd in units of the reach.
fn from_crowd(row: &mut [(f64, usize)], spread: f64, gaps: f64, mut say: impl FnMut(usize, f64)) {
    let reach = gaps.max(f64::MIN_POSITIVE) * spread;
    row.sort_by(|left, right| left.0.total_cmp(&right.0));
    let crowd = row.chunk_by(|left, right| right.0 - left.0 <= reach).max_by_key(|cluster| cluster.len());
    let Some(crowd) = crowd.filter(|crowd| 2 * crowd.len() >= row.len()) else { return };
    let (low, high) = (crowd[0].0, crowd[crowd.len() - 1].0);
    row.iter().for_each(|&(value, which)| say(which, (low - value).max(value - high).max(0.0) / reach));
}

/// Stretches of scores above 1 that are long enough.
fn stretches(scores: &[f64], run_min: usize) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut stretches = Vec::new();
    for run in scores.chunk_by(|left, right| (*left > 1.0) == (*right > 1.0)) {
        if run[0] > 1.0 && run.len() >= run_min {
            stretches.push(start..start + run.len());
        }
        start += run.len();
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;
    use manazir_testkit::series;

    #[track_caller]
    fn check(group: &[&str], method: Method, expected: &[(usize, Range<usize>)]) {
        let group: Vec<Vec<f64>> = group.iter().map(|notation| series(notation)).collect();
        let odd = odd_series(&group, &Config { method, run_min: 2 });
        let found: Vec<(usize, Range<usize>)> =
            odd.iter().flat_map(|of| of.intervals.iter().map(|at| (of.position, at.clone()))).collect();
        assert_eq!(found, expected);
        assert!(odd.iter().flat_map(|of| &of.scores).all(|score| score.is_finite() && *score >= 0.0));
    }

    const MAD: Method = Method::Mad { deviations: 3.5 };
    const DBSCAN: Method = Method::Dbscan { gaps: 4.0 };

    #[test]
    fn the_one_that_leaves_is_found_by_both() {
        for method in [MAD, DBSCAN] {
            check(&["1x9", "2x9", "3x9", "2x3 50x4 2x2", "1x9"], method, &[(3, 3..7)]);
            // All rise together: nobody is odd.
            check(&["1x4 90x5", "2x4 91x5", "3x4 92x5", "2x4 90x5"], method, &[]);
            // Out for one sample only.
            check(&["1x9", "2x9", "3x9", "2x3 50x1 2x5", "1x9"], method, &[]);
            // Missing values are nobody's fault.
            check(&["1x9", "_x9", "3x9", "2x9", "2x4 _x5"], method, &[]);
            check(&["1x9", "50x9"], method, &[]);
            check(&["7x9", "7x9", "7x9", "7x9"], method, &[]);
            check(&[], method, &[]);
        }
    }

    #[test]
    fn two_equal_camps_are_no_crowd_with_a_stray() {
        check(&["1x9", "1x9", "1.1x9", "80x9", "80x9", "80.1x9"], DBSCAN, &[]);
    }

    #[test]
    fn noise_alone_is_seldom_odd() {
        let mut random = Random::new(4);
        let group: Vec<Vec<f64>> = (0..12).map(|_| (0..500).map(|_| random.normal()).collect()).collect();
        let out: usize = odd_series(&group, &Config::default()).iter().map(|odd| odd.intervals.len()).sum();
        assert!(out <= 1, "{out} stretches");
    }
}
