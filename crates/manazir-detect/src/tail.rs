//! Calibration: how unlikely is a deviation, given the largest ones that this series has shown so far.

use serde::{Deserialize, Serialize};

/// Peaks that are kept. Twelve and fourteen changed the NAB score by less than one point, six cost two.
const PEAKS: usize = 10;

/// Samples whose largest deviation counts as one peak: a burst of eight strange samples is one strange thing,
/// not eight independent ones.
const BLOCK: u8 = 8;

/// A heavier tail than this has no use: ten peaks cannot tell it from chance.
const SHAPE_MAX: f64 = 0.4;

/// Peaks may lie closer together than noise should allow (a flat or discrete series); the mean excess is
/// never taken for less than this share of the unit.
const EXCESS_MIN: f64 = 0.1;

/// One side of the distribution of a deviation: the ten largest block maxima and a generalised Pareto tail
/// through them.
///
/// Peaks over threshold in the manner of SPOT (Siffer et al., KDD 2017), on block maxima so that dependent
/// samples do not count twice, and with the moment estimator of the tail (Hosking and Wallis 1987, eq. 5)
/// because it needs no iteration:
///
/// ξ = ½ (1 − m²/s²), σ = m (1 − ξ), P(block maximum > x) = k/n · (1 + ξ (x − u)/σ)^(−1/ξ)
///
/// with `u` the k-th largest maximum of n, m and s² mean and variance of the excesses over it. 52 bytes;
/// a sample below `u` costs two comparisons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// The largest block maxima, descending; only the first `kept` are set.
    peaks: [f32; PEAKS],
    kept: u8,
    in_block: u8,
    block_max: f32,
    blocks: u32,
}

impl Default for Tail {
    fn default() -> Self {
        Self { peaks: [0.0; PEAKS], kept: 0, in_block: 0, block_max: f32::MIN, blocks: 0 }
    }
}

impl Tail {
    /// −log₁₀ of the probability that a block reaches `deviation`; 0 below the smallest kept peak and during
    /// warm-up (the first eighty samples).
    ///
    /// `unit`: a robust scale of the deviation, same unit, against tails that are too thin to be true.
    pub fn surprise(&self, deviation: f64, unit: f64) -> f64 {
        let Some(threshold) = self.threshold().filter(|&threshold| deviation > threshold) else {
            return 0.0;
        };
        let excesses = self.peaks[..PEAKS - 1].iter().map(|&peak| f64::from(peak) - threshold);
        let count = (PEAKS - 1) as f64;
        let mean = excesses.clone().sum::<f64>() / count;
        let variance = excesses.map(|excess| (excess - mean).powi(2)).sum::<f64>() / count;
        let mean = mean.max(EXCESS_MIN * unit).max(f64::MIN_POSITIVE);
        let shape = if variance > 0.0 { 0.5 * (1.0 - mean * mean / variance) } else { 0.0 };
        let shape = shape.clamp(0.0, SHAPE_MAX);
        let standardised = (deviation - threshold) / (mean * (1.0 - shape));
        let exceedance = if shape < 1e-3 { standardised } else { (shape * standardised).ln_1p() / shape };
        let rarity = (f64::from(self.blocks) + 1.0) / PEAKS as f64;
        rarity.log10() + exceedance * std::f64::consts::LOG10_E
    }

    /// The deviation that one block in n/10 has reached: the end of what is usual. `None` during warm-up.
    pub fn threshold(&self) -> Option<f64> {
        (usize::from(self.kept) == PEAKS).then(|| f64::from(self.peaks[PEAKS - 1]))
    }

    /// Adds one deviation.
    pub fn learn(&mut self, deviation: f64) {
        self.block_max = self.block_max.max(deviation as f32);
        self.in_block += 1;
        if self.in_block == BLOCK {
            self.close_block();
        }
    }

    fn close_block(&mut self) {
        let maximum = std::mem::replace(&mut self.block_max, f32::MIN);
        self.in_block = 0;
        self.blocks = self.blocks.saturating_add(1);
        let kept = usize::from(self.kept);
        let rank = self.peaks[..kept].partition_point(|&peak| peak > maximum);
        if rank < PEAKS {
            let last = kept.min(PEAKS - 1);
            self.peaks.copy_within(rank..last, rank + 1);
            self.peaks[rank] = maximum;
            self.kept = (last + 1) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    fn learnt(draws: usize, mut draw: impl FnMut() -> f64) -> Tail {
        let mut tail = Tail::default();
        (0..draws).for_each(|_| tail.learn(draw()));
        tail
    }

    #[test]
    fn no_surprise_before_ten_blocks() {
        let tail = learnt(79, || 1.0);
        assert_eq!(tail.surprise(1e9, 1.0), 0.0);
        assert_eq!(tail.threshold(), None);
    }

    #[test]
    fn surprise_grows_with_the_deviation_and_starts_at_the_smallest_peak() {
        let mut random = Random::new(3);
        let tail = learnt(8_000, || random.normal());
        let threshold = tail.threshold().unwrap();
        assert_eq!(tail.surprise(threshold, 1.0), 0.0);
        let at: Vec<f64> = [3.5, 4.0, 5.0, 8.0, 50.0].map(|deviation| tail.surprise(deviation, 1.0)).to_vec();
        assert!(at.windows(2).all(|pair| pair[0] < pair[1]), "{at:?}");
    }

    /// On fresh draws of the same distribution, one block in a hundred may be surprising at level 2.
    #[test]
    fn the_probability_is_honest_for_light_and_heavy_tails() {
        for (name, heavy) in [("normal", false), ("log-normal", true)] {
            let mut random = Random::new(11);
            let mut draw = || if heavy { random.normal().exp() } else { random.normal() };
            let (mut alarms, mut blocks) = (0u32, 0u32);
            for _ in 0..40 {
                let tail = learnt(8_000, &mut draw);
                for _ in 0..500 {
                    let maximum = (0..BLOCK).map(|_| draw()).fold(f64::MIN, f64::max);
                    alarms += u32::from(tail.surprise(maximum, 1.0) >= 2.5);
                    blocks += 1;
                }
            }
            let rate = f64::from(alarms) / f64::from(blocks);
            assert!((0.001..0.010).contains(&rate), "{name}: {rate} for a nominal 0.0032");
        }
    }

    #[test]
    fn a_constant_series_does_not_divide_by_zero() {
        let tail = learnt(800, || 5.0);
        assert!(tail.surprise(5.0, 0.0) == 0.0);
        assert!(tail.surprise(6.0, 0.0).is_finite());
        assert!(tail.surprise(6.0, 1.0) > 3.0);
    }
}
