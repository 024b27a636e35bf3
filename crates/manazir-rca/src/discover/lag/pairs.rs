//! Which two series move one after the other.

use rayon::prelude::*;

use super::prepare::{Prepared, dot};
use super::{Config, Lagged, SAMPLES_MIN, distance_of};

/// Standard deviations by which the signs of a pair must agree or differ at some lag to be looked at closely.
const COARSE: f64 = 3.0;

/// The second follows the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) first: usize,
    pub(super) second: usize,
    /// By so many samples, ≥ 1.
    pub(super) lag: usize,
    pub(super) correlation: f32,
    /// Effective number of samples.
    pub(super) samples: f64,
}

enum Looked {
    Apart,
    Together,
    After(Pair),
}

/// All pairs that are significant and have a direction, in the order of their places.
pub(super) fn pairs(series: &[Prepared], config: &Config, lagged: &mut Lagged) -> Vec<Pair> {
    let lags = 2 * config.lag_max + 1;
    let looks = series.len() * series.len().saturating_sub(1) / 2 * lags;
    let threshold = distance_of(config.false_share.clamp(1e-300, 1.0) / looks.max(1) as f64);
    let coarse = |one: usize| {
        let others = one + 1..series.len();
        others.filter_map(move |other| {
            let most = coarse(&series[one], &series[other], config.lag_max);
            (most >= COARSE).then_some((most, one, other))
        })
    };
    let mut candidates: Vec<(f64, usize, usize)> =
        (0..series.len()).into_par_iter().flat_map_iter(coarse).collect();
    candidates.sort_unstable_by(|one, other| {
        other.0.total_cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2)))
    });
    lagged.candidates_left_out = candidates.len().saturating_sub(config.candidates_max);
    candidates.truncate(config.candidates_max);
    candidates.sort_unstable_by_key(|(_, one, other)| (*one, *other));
    let looked: Vec<Looked> = candidates
        .par_iter()
        .with_min_len(16)
        .map(|&(_, one, other)| closely(series, (one, other), threshold, config))
        .collect();
    let mut found = Vec::new();
    for looked in looked {
        match looked {
            Looked::Apart => {}
            Looked::Together => lagged.without_direction += 1,
            Looked::After(pair) => found.push(pair),
        }
    }
    found
}

/// The most standard deviations by which the signs of two series agree or differ, over all lags.
fn coarse(one: &Prepared, other: &Prepared, lag_max: usize) -> f64 {
    let deviation = (one.share * (1.0 - one.share) * other.share * (1.0 - other.share)).sqrt();
    let n_samples = one.scores.len();
    let surprise = |earlier: &Prepared, later: &Prepared, lag: usize| {
        let together: u32 = earlier.above[0]
            .iter()
            .zip(&later.above[lag])
            .map(|(one, other)| (one & other).count_ones())
            .sum();
        let samples = (n_samples - lag) as f64;
        (f64::from(together) - samples * earlier.share * later.share).abs() / samples.sqrt()
    };
    let forwards = (0..=lag_max).map(|lag| surprise(one, other, lag));
    let backwards = (1..=lag_max).map(|lag| surprise(other, one, lag));
    forwards.chain(backwards).fold(0.0, f64::max) / deviation.max(f64::MIN_POSITIVE)
}

/// Correlations of two series: at lag zero, and at each lag with the one or the other earlier, as sums over the first and
/// the second half of the time.
struct Sums {
    /// `after[0]`: the second follows the first; `after[1]`: the other way round. From lag 1 on.
    after: [Vec<[f32; 2]>; 2],
    at_once: f32,
}

impl Sums {
    fn of(one: &Prepared, other: &Prepared, lag_max: usize) -> Self {
        let half = one.scores.len() / 2;
        let sums = |earlier: &[f32], later: &[f32], lag: usize| {
            let (earlier, later) = (&earlier[..earlier.len() - lag], &later[lag..]);
            let half = half.min(earlier.len());
            [dot(&earlier[..half], &later[..half]), dot(&earlier[half..], &later[half..])]
        };
        let all =
            |earlier: &[f32], later: &[f32]| (1..=lag_max).map(|lag| sums(earlier, later, lag)).collect();
        let after = [all(&one.scores, &other.scores), all(&other.scores, &one.scores)];
        Self { after, at_once: sums(&one.scores, &other.scores, 0).iter().sum() }
    }

    /// The side and lag of the largest sum, and that sum.
    fn largest(&self, of: impl Fn(&[f32; 2]) -> f32) -> (usize, usize, f32) {
        let mut largest = (0, 0, 0.0_f32);
        for (side, sums) in self.after.iter().enumerate() {
            for (place, halves) in sums.iter().enumerate() {
                let sum = of(halves);
                if sum.abs() > largest.2.abs() {
                    largest = (side, place + 1, sum);
                }
            }
        }
        largest
    }
}

fn closely(series: &[Prepared], (one, other): (usize, usize), threshold: f64, config: &Config) -> Looked {
    let (first, second) = (&series[one], &series[other]);
    let finite = first.finite.min(second.finite);
    let samples = first.effective_samples(second);
    if finite < SAMPLES_MIN + config.lag_max {
        return Looked::Apart;
    }
    let sums = Sums::of(first, second, config.lag_max);
    let correlation = |sum: f32| sum / finite as f32;
    let (side, lag, sum) = sums.largest(|halves| halves[0] + halves[1]);
    let deviations = |sum: f32| f64::from(correlation(sum).abs()) * samples.sqrt();
    if deviations(sum).max(deviations(sums.at_once)) < threshold {
        return Looked::Apart;
    }
    let opposite = sums.after[1 - side].iter().map(|halves| (halves[0] + halves[1]).abs());
    let rival = opposite.fold(sums.at_once.abs(), f32::max);
    let ahead = deviations(sum) - deviations(rival);
    let same_side = (0..2).all(|half| sums.largest(|halves| halves[half]).0 == side);
    if deviations(sum) < threshold || ahead < config.margin || !same_side {
        return Looked::Together;
    }
    let (first, second) = if side == 0 { (one, other) } else { (other, one) };
    Looked::After(Pair { first, second, lag, correlation: correlation(sum).clamp(-1.0, 1.0), samples })
}
