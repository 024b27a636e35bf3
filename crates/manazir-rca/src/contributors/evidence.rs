//! What each leaf says: how far it is off, how much that weighs, and how likely noise would have done it.

use rayon::prelude::*;

use super::noise::{Noise, Reading};

/// No leaf speaks for more than this many nats: the noise has a tail that nobody has seen yet.
const LEAF_NATS_MAX: f64 = 20.0;

/// A leaf whose own noise is this much wider than that of large leaves has half their weight. Deviations of one
/// cause differ by about as much.
const WEIGHT_HALF: f64 = 0.1;

/// All move alike if at most this share of leaves goes the other way.
const AGAINST_MAX: f64 = 0.05;

/// Fewer leaves do not tell that all of them move.
const BROAD_LEAVES_MIN: usize = 8;

/// Columns of shape `(n_leaves,)`.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// (actual − expected) / max(|actual|, |expected|)
    pub(super) deviation: Vec<f64>,
    /// 0..=1; 0 where there is nothing to see.
    pub(super) weight: Vec<f64>,
    /// ln of the density of the deviation if it is noise.
    pub(super) null: Vec<f64>,
    /// By how much the deviation varies more than that of large leaves does.
    pub(super) own_variance: Vec<f64>,
    /// max(|actual|, |expected|)
    size: Vec<f64>,
    /// Standard deviation of the noise of large leaves.
    pub(super) noise_scale: f64,
}

impl Evidence {
    /// `skip`: leaves that are explained, and tell nothing of noise. `noise`: what is known of its scale already.
    pub(super) fn new(actual: &[f64], expected: &[f64], skip: &[bool], noise: f64) -> Self {
        /// More leaves would tell no more of noise.
        const LEARNT_FROM: usize = 200_000;
        let step = step(actual, expected);
        let readings: Vec<Reading> = actual
            .par_iter()
            .zip(expected)
            .map(|(actual, expected)| Reading::new(*actual, *expected))
            .collect();
        let every = readings.len().div_ceil(LEARNT_FROM).max(1);
        let unexplained = readings.iter().zip(skip).filter(|(_, skip)| !**skip);
        let noise = Noise::learn(unexplained.step_by(every).map(|(reading, _)| *reading), step, noise);
        let least = noise.scale_min().powi(2);
        let leaf = |reading: &Reading| {
            if reading.size <= 0.0 {
                return ((0.0, 0.0), 0.0);
            }
            let scale = noise.scale(reading.size);
            let own = (scale * scale - least).max(0.0);
            let weight = 1.0 / (1.0 + own / (WEIGHT_HALF * WEIGHT_HALF));
            ((weight, own), noise.log_density(reading.deviation, scale).max(-LEAF_NATS_MAX))
        };
        let ((weight, own_variance), null) = readings.par_iter().map(leaf).unzip();
        let (deviation, size) = readings.par_iter().map(|reading| (reading.deviation, reading.size)).unzip();
        Self { deviation, weight, null, own_variance, size, noise_scale: noise.scale_min() }
    }

    /// Standard deviation of the sum of all leaves if they are nothing but noise.
    pub(super) fn noise_of_sum(&self) -> f64 {
        let leaves = self.size.iter().zip(&self.own_variance).filter(|(size, _)| **size > 0.0);
        let square = |(size, own): (&f64, &f64)| size * size * (self.noise_scale.powi(2) + own);
        leaves.map(square).sum::<f64>().sqrt()
    }

    /// Leaves that tell something, and how many each stands for, itself included. Of very many, some stand for all,
    /// more of those that are off than of the rest.
    pub(super) fn sample(&self) -> (Vec<u32>, Vec<f64>) {
        /// In standard deviations of noise: one leaf in eighty is off for no reason.
        const OFF: f64 = 2.5;
        const OFF_MAX: usize = 300_000;
        const USUAL_MAX: usize = 200_000;
        let kind = |leaf: usize| {
            let variance = self.noise_scale.powi(2) + self.own_variance[leaf];
            usize::from(self.deviation[leaf].powi(2) > OFF * OFF * variance)
        };
        let tell = || (0..self.weight.len()).filter(|leaf| self.weight[*leaf] > 0.0);
        let n_off: usize = tell().map(kind).sum();
        let n_usual = tell().count() - n_off;
        let every = [n_usual.div_ceil(USUAL_MAX).max(1), n_off.div_ceil(OFF_MAX).max(1)];
        if every == [1, 1] {
            return tell().map(|leaf| (leaf as u32, 1.0)).unzip();
        }
        let mut counts = [0; 2];
        let stands_for = |leaf: usize| {
            let kind = kind(leaf);
            counts[kind] += 1;
            (counts[kind] % every[kind] == 0).then_some((leaf as u32, every[kind] as f64))
        };
        tell().filter_map(stands_for).unzip()
    }

    /// Of some leaves, each as often as it stands for others.
    pub(super) fn of_leaves(&self, leaves: &[u32], stand_for: Vec<f64>) -> Self {
        let take = |column: &[f64]| leaves.iter().map(|leaf| column[*leaf as usize]).collect::<Vec<f64>>();
        let mut weight = take(&self.weight);
        weight.iter_mut().zip(stand_for).for_each(|(weight, times)| *weight *= times);
        Self {
            deviation: take(&self.deviation),
            weight,
            null: take(&self.null),
            own_variance: take(&self.own_variance),
            size: take(&self.size),
            noise_scale: self.noise_scale,
        }
    }
}

/// What actual is to expected if nearly all leaves move the same way: the median of their quotients. `None` if
/// they do not: then what happened has a place.
pub(super) fn broad_shift(actual: &[f64], expected: &[f64]) -> Option<f64> {
    let pairs =
        || actual.iter().zip(expected).filter(|(actual, expected)| **actual > 0.0 || **expected > 0.0);
    let (mut up, mut down) = (0, 0);
    for (actual, expected) in pairs() {
        up += usize::from(actual > expected);
        down += usize::from(actual < expected);
    }
    let leaves = pairs().count();
    if leaves < BROAD_LEAVES_MIN
        || up.min(down) as f64 > AGAINST_MAX * leaves as f64
        || up.max(down) * 10 < leaves * 9
    {
        return None;
    }
    let mut quotients: Vec<f64> = pairs()
        .filter(|(_, expected)| **expected > 0.0)
        .map(|(actual, expected)| actual / expected)
        .collect();
    let middle = quotients.len() / 2;
    (!quotients.is_empty()).then(|| *quotients.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// The step to which numbers were rounded: the least of them, or a whole part of it, if all are its multiples; else 0.
fn step(actual: &[f64], expected: &[f64]) -> f64 {
    const PARTS_MAX: u32 = 10;
    const STEPS_MAX: f64 = 1e4;
    // What is left of six significant digits.
    const TOLERANCE: f64 = 1e-6;
    let numbers = || actual.iter().chain(expected).map(|number| number.abs()).filter(|number| *number > 0.0);
    let least = numbers().fold(f64::INFINITY, f64::min);
    let is_step = |step: &f64| {
        numbers()
            .map(|number| number / step)
            .filter(|steps| *steps < STEPS_MAX)
            .all(|steps| (steps - steps.round()).abs() <= TOLERANCE * (1.0 + steps))
    };
    if !least.is_finite() {
        return 0.0;
    }
    (1..=PARTS_MAX).map(|parts| least / f64::from(parts)).find(is_step).unwrap_or(0.0)
}
