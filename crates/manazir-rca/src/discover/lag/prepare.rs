//! Series as normal scores and as bits.

use manazir_model::hash::mixed;
use rayon::prelude::*;

use super::{Config, Lagged, Residuals, SAMPLES_MIN};
use crate::discover::{identity, named};

/// One series, ready to be compared.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) entity: String,
    /// Normal scores of mean 0 and mean square 1 over the finite samples; 0 where nothing was measured.
    pub(super) scores: Vec<f32>,
    /// Samples that were measured.
    pub(super) finite: usize,
    /// Correlation with itself at lags 1, 2, … up to twice the largest lag.
    pub(super) own: Vec<f64>,
    /// For each lag 0, 1, … the bits of the samples so much later that lie above the median; those past the end are 0.
    pub(super) above: Vec<Vec<u64>>,
    /// Share of bits that are set.
    pub(super) share: f64,
    /// Distance of its wildest sample from the median in quartiles, for the choice among too many.
    marked: f64,
}

/// The series that are looked at, sorted by entity; the others are named in `lagged`.
pub(super) fn prepared(
    residuals: &Residuals<'_>,
    n_samples: usize,
    config: &Config,
    lagged: &mut Lagged,
) -> Vec<Prepared> {
    let mut rows: Vec<(&str, &[f64])> =
        residuals.entities.iter().copied().zip(residuals.values.chunks_exact(n_samples)).collect();
    // Of one entity twice, the content decides which is first.
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    rows.sort_by(|one, other| one.0.cmp(other.0).then_with(|| bits(one.1).cmp(&bits(other.1))));
    let of_row = |(entity, values): &(&str, &[f64])| scored(named(entity)?, values);
    let all: Vec<Option<Prepared>> = rows.par_iter().map(of_row).collect();
    let mut kept: Vec<Prepared> = Vec::with_capacity(rows.len());
    for (series, (entity, _)) in all.into_iter().zip(&rows) {
        match series.filter(|series| kept.last().is_none_or(|last| last.entity != series.entity)) {
            Some(series) => kept.push(series),
            None => lagged.silent.push((*entity).to_owned()),
        }
    }
    if kept.len() > config.series_max {
        kept.sort_by(|one, other| {
            let order = other.finite.cmp(&one.finite).then(other.marked.total_cmp(&one.marked));
            order.then_with(|| one.entity.cmp(&other.entity))
        });
        lagged.left_out = kept.drain(config.series_max..).map(|series| series.entity).collect();
        lagged.left_out.sort_unstable();
        kept.sort_by(|one, other| one.entity.cmp(&other.entity));
    }
    kept.par_iter_mut().for_each(|series| series.complete(config.lag_max));
    kept
}

/// `None` for a series with too few samples or without any move. O(n log n).
fn scored(entity: &str, values: &[f64]) -> Option<Prepared> {
    let mut order: Vec<u32> =
        (0..values.len() as u32).filter(|&at| values[at as usize].is_finite()).collect();
    let finite = order.len();
    if finite < SAMPLES_MIN {
        return None;
    }
    order.sort_by(|one, other| values[*one as usize].total_cmp(&values[*other as usize]));
    let value = |rank: usize| values[order[rank] as usize];
    let mut scores = vec![0.0_f32; values.len()];
    let (mut first, mut sum, mut squares) = (0, 0.0, 0.0);
    while first < finite {
        let mut after = first + 1;
        while after < finite && value(after) == value(first) {
            after += 1;
        }
        // Equal values share the middle of their ranks.
        let score = quantile((first + after) as f64 / 2.0 / finite as f64);
        for &at in &order[first..after] {
            scores[at as usize] = score as f32;
        }
        sum += score * (after - first) as f64;
        squares += score * score * (after - first) as f64;
        first = after;
    }
    let mean = sum / finite as f64;
    let deviation = (squares / finite as f64 - mean * mean).max(0.0).sqrt();
    if deviation < 1e-6 {
        return None;
    }
    for &at in &order {
        let score = &mut scores[at as usize];
        *score = ((f64::from(*score) - mean) / deviation) as f32;
    }
    let (low, middle, high) = (value(finite / 4), value(finite / 2), value(finite - 1 - finite / 4));
    let farthest = (value(finite - 1) - middle).max(middle - value(0));
    let marked = farthest / (high - low).max(f64::MIN_POSITIVE);
    let entity = entity.to_owned();
    Some(Prepared { entity, scores, finite, own: Vec::new(), above: Vec::new(), share: 0.0, marked })
}

impl Prepared {
    /// Adds what is needed of those that stay.
    fn complete(&mut self, lag_max: usize) {
        let n_samples = self.scores.len();
        let lags = 1..=(2 * lag_max).min(n_samples / 2);
        self.own =
            lags.map(|lag| f64::from(dot(&self.scores[lag..], &self.scores[..n_samples - lag]))).collect();
        let finite = self.finite as f64;
        self.own.iter_mut().for_each(|sum| *sum /= finite);
        let seed = identity([self.entity.as_str()]);
        // A sample that is not there is above or below by lot, so that gaps of two series at once are no agreement.
        let bit = |at: usize| match self.scores[at] {
            0.0 => mixed(seed ^ at as u64) & 1 == 1,
            score => score > 0.0,
        };
        let bits: Vec<bool> = (0..n_samples).map(bit).collect();
        self.share = bits.iter().filter(|bit| **bit).count() as f64 / n_samples as f64;
        self.above = (0..=lag_max).map(|lag| packed(&bits[lag..], n_samples)).collect();
    }

    /// Σ over lags of this correlation with itself times another's, for the effective number of samples of both.
    pub(super) fn effective_samples(&self, other: &Self) -> f64 {
        let samples = self.finite.min(other.finite) as f64;
        let both: f64 = self.own.iter().zip(&other.own).map(|(one, other)| one * other).sum();
        samples / (1.0 + 2.0 * both).max(1.0)
    }
}

fn packed(bits: &[bool], n_samples: usize) -> Vec<u64> {
    let mut words = vec![0_u64; n_samples.div_ceil(64)];
    for (at, _) in bits.iter().enumerate().filter(|(_, bit)| **bit) {
        words[at / 64] |= 1 << (at % 64);
    }
    words
}

/// Σ one · other, in sixteen sums side by side: they fit the registers, and their order is always the same.
pub(super) fn dot(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (one, one_rest) = one.as_chunks::<LANES>();
    let (other, other_rest) = other.as_chunks::<LANES>();
    for (one, other) in one.iter().zip(other) {
        for lane in 0..LANES {
            sums[lane] += one[lane] * other[lane];
        }
    }
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    sums.iter().sum::<f32>() + rest
}

/// Φ⁻¹ by Odeh and Evans (1974), at most 1.5·10⁻⁸ off for p in (10⁻²⁰, 1 − 10⁻²⁰).
fn quantile(p: f64) -> f64 {
    const ABOVE: [f64; 5] =
        [-0.322_232_431_088, -1.0, -0.342_242_088_547, -0.020_423_121_024_5, -4.536_422_101_48e-5];
    const BELOW: [f64; 5] =
        [0.099_348_462_606, 0.588_581_570_495, 0.531_103_462_366, 0.103_537_752_85, 0.003_856_070_063_4];
    let tail = p.min(1.0 - p);
    if tail >= 0.5 {
        return 0.0;
    }
    let y = (-2.0 * tail.max(1e-20).ln()).sqrt();
    let at = |terms: &[f64; 5]| terms.iter().rev().fold(0.0, |sum, term| sum * y + term);
    let distance = y + at(&ABOVE) / at(&BELOW);
    if p < 0.5 { -distance } else { distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_scores_are_quantiles() {
        for (p, wanted) in [(0.5, 0.0), (0.975, 1.959_964), (0.025, -1.959_964), (0.999, 3.090_232)] {
            assert!((quantile(p) - wanted).abs() < 1e-5, "{p}: {}", quantile(p));
        }
    }

    #[test]
    fn one_wild_sample_is_a_rank() {
        let mut values: Vec<f64> = (0..100).map(|at| f64::from(at * 37 % 100)).collect();
        values[7] = f64::NAN;
        values[8] = 1e300;
        let series = scored("a", &values).unwrap();
        assert!(series.scores.iter().all(|score| score.abs() < 3.0));
        assert_eq!((series.finite, series.scores[7]), (99, 0.0));
        let squares: f32 = series.scores.iter().map(|score| score * score).sum();
        assert!((squares / 99.0 - 1.0).abs() < 1e-4);
        assert!(scored("a", &[1.0; 100]).is_none() && scored("a", &values[..20]).is_none());
    }
}
