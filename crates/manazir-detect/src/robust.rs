//! Median, MAD and clipped averages: estimates that a few wild samples cannot move far.

use manazir_model::Direction;
use serde::{Deserialize, Serialize};

/// Larger values count as this large: squares of them still fit into a double.
const VALUE_MAX: f64 = 1e100;

/// The highest score a residual can get. A series that never moved has no scale of its own, and any change
/// of it would else be infinitely strange.
pub(crate) const SCORE_MAX: f64 = 1e9;

/// 1 / Φ⁻¹(0.75): makes the MAD of a normal sample estimate its standard deviation.
pub(crate) const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

/// The number in a slot: `None` for NaN and the infinities, else the value, held within ±1e100.
#[inline]
pub(crate) fn usable(value: f64) -> Option<f64> {
    value.is_finite().then(|| value.clamp(-VALUE_MAX, VALUE_MAX))
}

/// `value` held within `min..=max`; `default` if it is NaN.
pub(crate) fn within(value: f64, min: f64, max: f64, default: f64) -> f64 {
    if value.is_nan() { default } else { value.clamp(min, max) }
}

/// Median of the values, which are left in another order; 0 of none. O(n).
pub(crate) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    let odd = values.len() % 2 == 1;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lower + (upper - lower) / 2.0
}

/// Median, and standard deviation estimated by the MAD.
///
/// Where more than half of the values are equal the MAD is 0 and says nothing; the mean absolute deviation
/// stands in for it (same advice: Iglewicz and Hoaglin 1993). Overwrites `values`. O(n).
pub(crate) fn median_and_sigma(values: &mut [f64]) -> (f64, f64) {
    // √(π/2): makes the mean absolute deviation of a normal sample estimate its standard deviation.
    const MEAN_TO_SIGMA: f64 = 1.253_314_137_315_500_3;
    let center = median(values);
    for value in values.iter_mut() {
        *value = (*value - center).abs();
    }
    let mad = median(values);
    if mad > 0.0 || values.is_empty() {
        return (center, MAD_TO_SIGMA * mad);
    }
    (center, MEAN_TO_SIGMA * values.iter().sum::<f64>() / values.len() as f64)
}

/// |residual| / scale, at most [`SCORE_MAX`].
#[inline]
pub(crate) fn residual_score(residual: f64, scale: f64) -> f64 {
    (residual.abs() / scale).min(SCORE_MAX)
}

/// The side a residual lies on; none if it is 0.
#[inline]
pub(crate) fn side(residual: f64) -> Option<Direction> {
    if residual > 0.0 {
        Some(Direction::Up)
    } else if residual < 0.0 {
        Some(Direction::Down)
    } else {
        None
    }
}

/// Robust standard deviation of residuals, exponentially weighted.
///
/// σ ← σ + w · (1.2545 · min(|r|, 3σ) − σ)
///
/// The clipped update is that of Gelper, Fried and Croux 2010 (*Robust forecasting with exponential and
/// Holt-Winters smoothing*) with absolute values for squares, which no sample can overflow. 16 bytes, O(1).
///
/// A series that rests and moves in turns would let σ decay until the next movement takes hundreds of
/// samples to be believed; so σ never falls below a hundredth of what it is while the series moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResidualScale {
    sigma: f64,
    /// The same estimate over the samples that moved, with a ten times longer memory.
    moving: f64,
}

impl ResidualScale {
    const CLIP_SIGMAS: f64 = 3.0;
    /// 1 / E[min(|z|, 3)] for a standard normal z: 2 (φ(0) − φ(3)) + 6 (1 − Φ(3)) = 0.797121.
    const CONSISTENCY: f64 = 1.254_515;
    /// Residuals below this share of `moving` are rest: normal ones are so small once in a thousand.
    const REST_SHARE: f64 = 1e-3;
    const FLOOR_SHARE: f64 = 0.01;

    /// Starts from a standard deviation that a warm-up has measured.
    pub(crate) fn new(sigma: f64) -> Self {
        Self { sigma, moving: sigma }
    }

    /// What rounding alone can do at this level: far above the precision of a double, far below that of a
    /// measurement.
    #[inline]
    fn rounding(level: f64) -> f64 {
        (1e-9 * level.abs()).max(1e-290)
    }

    /// The scale to divide a residual by, always positive.
    #[inline]
    pub(crate) fn sigma(&self, level: f64) -> f64 {
        self.sigma.max(Self::rounding(level))
    }

    /// Takes in the residual of a sample that was forecast as `level`; `weight` in (0, 1].
    #[inline]
    pub(crate) fn learn(&mut self, residual: f64, level: f64, weight: f64) {
        let size = residual.abs();
        let rounding = Self::rounding(level);
        if size > Self::REST_SHARE * self.moving.max(rounding) {
            self.moving = Self::moved(self.moving, size, rounding, 0.1 * weight);
        }
        self.sigma = Self::moved(self.sigma, size, rounding, weight).max(Self::FLOOR_SHARE * self.moving);
    }

    #[inline]
    fn moved(sigma: f64, size: f64, rounding: f64, weight: f64) -> f64 {
        // Without a scale there is nothing to clip by: the first movement is taken as it is.
        let bound = if sigma > rounding { Self::CLIP_SIGMAS * sigma } else { f64::INFINITY };
        sigma + weight * (Self::CONSISTENCY * size.min(bound) - sigma)
    }
}

/// The first numbers of a series, kept until there are enough for a median and a MAD.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WarmUp {
    values: Vec<f64>,
    n_wanted: usize,
}

impl WarmUp {
    pub(crate) fn new(n_wanted: usize) -> Self {
        Self { values: Vec::new(), n_wanted: n_wanted.max(1) }
    }

    /// Median and robust standard deviation, with the last of the numbers wanted.
    pub(crate) fn push(&mut self, value: f64) -> Option<(f64, f64)> {
        self.values.push(value);
        (self.values.len() >= self.n_wanted).then(|| median_and_sigma(&mut self.values))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), 0.0);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 30.0]), 3.0);
        assert_eq!(median(&mut [VALUE_MAX, -VALUE_MAX]), 0.0);
        // |x − 2| = 1 0 0 0 1 98: MAD 0.5.
        assert_eq!(median_and_sigma(&mut [1.0, 2.0, 2.0, 2.0, 3.0, 100.0]), (2.0, 0.5 * MAD_TO_SIGMA));
        assert_eq!(median_and_sigma(&mut [7.0; 5]), (7.0, 0.0));
        // The MAD is 0, the mean absolute deviation is not.
        assert!(median_and_sigma(&mut [7.0, 7.0, 7.0, 9.0]).1 > 0.0);
    }

    #[test]
    fn the_scale_of_normal_residuals_is_their_standard_deviation() {
        let mut random = Random::new(3);
        let mut scale = ResidualScale::new(1.0);
        let mut sum = 0.0;
        for step in 0..30_000 {
            scale.learn(5.0 * random.normal(), 0.0, 0.02);
            if step >= 10_000 {
                sum += scale.sigma(0.0) / 20_000.0;
            }
        }
        assert!((sum - 5.0).abs() < 0.1, "{sum}");
    }

    #[test]
    fn one_wild_residual_moves_the_scale_by_a_few_percent() {
        let mut scale = ResidualScale::new(1.0);
        scale.learn(1e100, 0.0, 0.02);
        assert!(scale.sigma(0.0) < 1.1, "{}", scale.sigma(0.0));
    }

    #[test]
    fn a_scale_at_rest_wakes_within_two_memories() {
        let mut scale = ResidualScale::new(1.0);
        (0..100_000).for_each(|_| scale.learn(0.0, 0.0, 0.02));
        assert_eq!(scale.sigma(0.0), 0.01);
        (0..120).for_each(|_| scale.learn(1.0, 0.0, 0.02));
        assert!(scale.sigma(0.0) > 0.9, "{}", scale.sigma(0.0));
    }
}
