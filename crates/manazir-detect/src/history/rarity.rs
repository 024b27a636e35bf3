//! How rare a run or an excursion is, told by the others of the same history.
//!
//! The largest few are left out of the measure: they may be what is looked for, and two incidents must not
//! hide each other.

use manazir_model::Grain;

use crate::live::alarms_per_week;

/// The largest are left out: so many incidents may hide in one history.
const LEFT_OUT: usize = 3;

/// With fewer of a kind nothing can be said of their tail.
const KNOWN_MIN: usize = 20;

/// Tail of a quantity of which a history holds many.
///
/// Generalised Pareto excesses over the m-th largest, by their mean and shape:
///
/// E(x) = m · (1 + ξ (x − u)/σ)^(−1/ξ)
///
/// the number of them at least as large that such a history is expected to hold. The scores of excursions have
/// exponential tails (Karlin and Altschul 1990), which is ξ = 0; a floor of ξ allows for what is not ideal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rarity {
    over: f64,
    count: f64,
    scale: f64,
    shape: f64,
}

impl Rarity {
    /// Of all values of a history, in any order; `least` is the smallest scale that is believed, same unit.
    /// `None` of too few.
    pub(super) fn of(values: &mut [f64], least: f64, shape_min: f64) -> Option<Self> {
        const SHAPE_MAX: f64 = 0.5;
        if values.len() < KNOWN_MIN {
            return None;
        }
        values.sort_unstable_by(|one, other| other.total_cmp(one));
        let count = (values.len() / 10).clamp(KNOWN_MIN / 2, 200);
        let over = values[count - 1];
        let excesses = values[LEFT_OUT..count].iter().map(|value| value - over);
        let known = (count - LEFT_OUT) as f64;
        let mean = excesses.clone().sum::<f64>() / known / exponential_share(count);
        let variance = excesses.map(|excess| (excess - mean).powi(2)).sum::<f64>() / known;
        let shape = if variance > 0.0 { 0.5 * (1.0 - mean * mean / variance) } else { 0.0 };
        let shape = shape.clamp(shape_min, SHAPE_MAX);
        Some(Self { over, count: count as f64, scale: (mean * (1.0 - shape)).max(least), shape })
    }

    /// How many at least as large such a history is expected to hold.
    pub(super) fn expected(&self, value: f64) -> f64 {
        let excess = ((value - self.over) / self.scale).max(0.0);
        self.count * (-(self.shape * excess).ln_1p() / self.shape).exp()
    }
}

/// Mean of exponential excesses without the largest [`LEFT_OUT`] of `count`, as a share of the mean of all.
fn exponential_share(count: usize) -> f64 {
    // The i-th largest of n is 1/i + … + 1/n on average.
    let mut sum = 0.0;
    let mut tail = 0.0;
    for rank in (1..=count).rev() {
        tail += 1.0 / rank as f64;
        if rank > LEFT_OUT {
            sum += tail;
        }
    }
    // Excesses are over the last of them, whose own mean is 1/n.
    (sum / (count - LEFT_OUT) as f64 - 1.0 / count as f64).max(f64::MIN_POSITIVE)
}

/// The score at which live detection opens as many false alarms in such a history as `expected`: one scale for
/// what either finds. At most 60, for live scores end there.
pub(super) fn score_of(expected: f64, n_samples: usize) -> f64 {
    const SCORE_MAX: f64 = 60.0;
    let samples_per_week = 7.0 * Grain::DAY.micros() as f64 / Grain::HOUR.micros() as f64;
    // log₁₀ of alarms a sample falls along a line: two points of it say all.
    let rate = |score: f64| (alarms_per_week(score, Grain::HOUR) / samples_per_week).log10();
    let (intercept, slope) = (rate(0.0), rate(1.0) - rate(0.0));
    let wanted = (expected.max(f64::MIN_POSITIVE) / n_samples.max(1) as f64).log10();
    ((wanted - intercept) / slope).clamp(0.0, SCORE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn the_number_that_is_expected_is_honest() {
        let mut random = Random::new(6);
        let mut above = 0;
        for _ in 0..400 {
            let mut draw = || -(1.0 - random.uniform()).ln();
            let mut values: Vec<f64> = (0..1_000).map(|_| draw()).collect();
            let rarity = Rarity::of(&mut values, 0.0, 0.01).unwrap();
            above += (0..1_000).filter(|_| rarity.expected(draw()) < 0.1).count();
        }
        assert!((20..=80).contains(&above), "{above} in 400 histories, 40 are expected");
    }

    #[test]
    fn two_incidents_do_not_hide_each_other() {
        let mut random = Random::new(6);
        let mut values: Vec<f64> = (0..500).map(|_| random.uniform()).collect();
        values.extend([50.0, 55.0]);
        let rarity = Rarity::of(&mut values, 0.01, 0.1).unwrap();
        assert!(rarity.expected(50.0) < 1e-4, "{}", rarity.expected(50.0));
        assert_eq!(Rarity::of(&mut [1.0; 19], 1.0, 0.1), None);
        assert!(
            Rarity::of(&mut [1.0; 40], 1.0, 0.1).unwrap().expected(1.0) >= 4.0,
            "all alike: none is rare"
        );
    }

    #[test]
    fn a_score_is_the_rate_of_alarms_that_live_detection_has_there() {
        for score in [5.0, 8.0, 20.0] {
            let weeks = 12.0;
            let expected = alarms_per_week(score, Grain::HOUR) * weeks;
            assert!((score_of(expected, 12 * 168) - score).abs() < 1e-9);
        }
        assert_eq!(score_of(0.0, 100), 60.0);
        assert_eq!(score_of(1e9, 100), 0.0);
    }
}
