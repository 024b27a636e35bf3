//! Local polynomial forecast.

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

use super::{Learn, Reading, Setting, StreamDetector};
use crate::{
    ring::Ring,
    robust::{self, ResidualScale},
};

/// What can be set of [`Polynomial`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Samples that the polynomial is fitted to, 4..=1024; 24.
    pub window_samples: usize,
    /// 1, a line, or 2, a parabola; 1. A parabola follows curves and doubles the noise of the forecast.
    pub degree: usize,
    /// Weight of a residual in the scale, 1e-6..=1; 0.02.
    pub scale_weight: f64,
    /// A sample enters the window no further from its forecast than so many scales, 0.5..=1e6; 3.
    pub clip_sigmas: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { window_samples: 24, degree: 1, scale_weight: 0.02, clip_sigmas: 3.0 }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            window_samples: self.window_samples.clamp(4, 1024),
            degree: self.degree.clamp(1, 2),
            scale_weight: robust::within(self.scale_weight, 1e-6, 1.0, 0.02),
            clip_sigmas: robust::within(self.clip_sigmas, 0.5, 1e6, 3.0),
        }
    }
}

/// Σ x, Σ age·x and Σ age²·x over a window; the newest sample has age 0.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Moments([f64; 3]);

impl Moments {
    fn of(ring: &Ring) -> Self {
        let last = ring.len().saturating_sub(1);
        let mut moments = Self::default();
        for (position, value) in ring.iter().enumerate() {
            let age = (last - position) as f64;
            moments.0[0] += value;
            moments.0[1] += age * value;
            moments.0[2] += age * age * value;
        }
        moments
    }

    /// Everything grows older by one, `oldest` of `age` leaves, `newest` enters.
    #[inline]
    fn slide(&mut self, oldest: f64, age: f64, newest: f64) {
        let [sum, first, second] = self.0;
        let (sum, first, second) = (sum - oldest, first - age * oldest, second - age * age * oldest);
        self.0 = [sum + newest, first + sum, second + 2.0 * first + sum];
    }
}

/// One-step forecast of the polynomial that fits the last samples best.
///
/// expected = Σᵢ h(i)·xᵢ with i the age of a sample and h a polynomial of the same degree: the least-squares
/// fit, evaluated one step ahead, is linear in the window. So three sums that slide along are enough:
/// expected = c₀ Σ x + c₁ Σ i·x + c₂ Σ i²·x,   score = |x − expected| / σ.
///
/// Source: Savitzky and Golay 1964 for the linear filter; as a detector of outliers: Li, Ma and Mei
/// 2007, *A unifying method for outlier and change detection from data streams based on local polynomial
/// fitting*. A sample enters the window clipped to
/// its forecast, so that a spike does not bend the next twenty forecasts. The sums are taken anew once a
/// window, which keeps rounding errors from piling up and costs one addition a sample.
///
/// O(1) a sample; 8 bytes a sample of the window and about 150. For levels, trends and slow waves. Not for
/// seasons with sharp corners, nor for pure noise, where a level is the better forecast.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Polynomial {
    config: Config,
    /// c₀, c₁, c₂.
    coefficients: [f64; 3],
    ring: Ring,
    moments: Moments,
    /// Slides since the sums were last taken anew.
    n_slides: u32,
    scale: ResidualScale,
    n_learnt: u32,
    /// Slots without a number since the last one.
    n_missing: u32,
}

impl Polynomial {
    /// Over so many missing slots the polynomial is drawn on; after them the window waits.
    const BRIDGED_MAX: u32 = 3;

    /// Starts in warm-up, which takes one window.
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        Self {
            coefficients: forecast_coefficients(config.window_samples, config.degree),
            ring: Ring::new(config.window_samples),
            moments: Moments::default(),
            n_slides: 0,
            scale: ResidualScale::default(),
            n_learnt: 0,
            n_missing: 0,
            config,
        }
    }

    /// The defaults; nothing of the setting matters to a polynomial.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(Config::default())
    }

    #[inline]
    fn forecast(&self) -> f64 {
        let [c0, c1, c2] = self.coefficients;
        let [sum, first, second] = self.moments.0;
        // The forecast is at most a window's extrapolation away from the values, but rounding is not bounded
        // when giants of both signs have been in the sums.
        robust::usable(c0 * sum + c1 * first + c2 * second).unwrap_or(0.0)
    }

    #[inline]
    fn push(&mut self, value: f64) {
        let age = (self.ring.capacity() - 1) as f64;
        let Some(oldest) = self.ring.push(value) else { return };
        self.n_slides += 1;
        if self.n_slides as usize >= self.ring.capacity() {
            self.n_slides = 0;
            self.moments = Moments::of(&self.ring);
        } else {
            self.moments.slide(oldest, age, value);
        }
    }

    fn warm_up(&mut self, value: f64) {
        self.push(value);
        if self.ring.is_full() {
            self.moments = Moments::of(&self.ring);
            let values: Vec<f64> = self.ring.iter().collect();
            let mut bends: Vec<f64> = values.windows(3).map(|run| run[2] - 2.0 * run[1] + run[0]).collect();
            // A second difference of white noise has six times its variance; a straight line leaves no other.
            let (_, sigma) = robust::median_and_sigma(&mut bends);
            self.scale = ResidualScale::new(sigma / 6f64.sqrt());
            self.n_learnt = self.config.window_samples as u32 / 2;
        }
    }

    fn skip(&mut self) {
        self.n_missing = self.n_missing.saturating_add(1);
        if self.ring.is_full() && self.n_missing <= Self::BRIDGED_MAX {
            self.push(self.forecast());
        }
    }
}

/// c with h(age) = c₀ + c₁ age + c₂ age², such that Σ h(age)·x forecasts one step ahead.
///
/// h(age) = φ(1)ᵀ (ΦᵀΦ)⁻¹ φ(−age), φ(u) = (1, u, u²); ages are divided by the window for the sake of precision.
fn forecast_coefficients(window: usize, degree: usize) -> [f64; 3] {
    let n = window as f64;
    let size = degree + 1;
    let mut rows = [[0.0; 4]; 3];
    for age in 0..window {
        let place = -(age as f64) / n;
        for (row, entries) in rows.iter_mut().enumerate().take(size) {
            for (column, entry) in entries.iter_mut().enumerate().take(size) {
                *entry += place.powi((row + column) as i32);
            }
        }
    }
    for (power, row) in rows.iter_mut().enumerate().take(size) {
        row[3] = (1.0 / n).powi(power as i32);
    }
    let solved = solve(rows, size);
    [solved[0], -solved[1] / n, solved[2] / (n * n)]
}

/// Gauss-Jordan on a symmetric positive definite system; the last column is the right-hand side.
fn solve(mut rows: [[f64; 4]; 3], size: usize) -> [f64; 3] {
    for pivot in 0..size {
        let divisor = rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|entry| *entry /= divisor);
        let pivot_row = rows[pivot];
        for (_, row) in rows.iter_mut().enumerate().take(size).filter(|(at, _)| *at != pivot) {
            let factor = row[pivot];
            row.iter_mut().zip(pivot_row).for_each(|(entry, above)| *entry -= factor * above);
        }
    }
    rows.map(|row| row[3])
}

impl StreamDetector for Polynomial {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let Some(value) = robust::usable(sample.value) else {
            self.skip();
            return None;
        };
        self.n_missing = 0;
        if !self.ring.is_full() {
            self.warm_up(value);
            return None;
        }
        let expected = self.forecast();
        let residual = value - expected;
        let scale = self.scale.sigma(expected);
        if learn == Learn::Fully {
            self.n_learnt = self.n_learnt.saturating_add(1);
            let weight = self.config.scale_weight.max(1.0 / f64::from(self.n_learnt));
            self.scale.learn(residual, expected, weight);
            let bound = self.config.clip_sigmas * self.scale.sigma(expected);
            self.push(expected + residual.clamp(-bound, bound));
        }
        Some(Reading {
            score: robust::residual_score(residual, scale),
            expected,
            scale,
            direction: robust::side(residual),
        })
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>() + self.ring.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_model::Timestamp;

    use super::*;
    use crate::{Random, stream::check::check_detector};

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Polynomial::from_setting(&Setting::default()));
        check_detector(|| Polynomial::new(Config { degree: 2, window_samples: 7, ..Config::default() }));
        let wild = Config { window_samples: 0, degree: 9, scale_weight: f64::NAN, clip_sigmas: 1e300 };
        check_detector(|| Polynomial::new(wild));
    }

    fn run(config: Config, values: impl Iterator<Item = f64>) -> Vec<Option<Reading>> {
        let mut polynomial = Polynomial::new(config);
        values
            .map(|value| polynomial.update(Sample { at: Timestamp::default(), value }, Learn::Fully))
            .collect()
    }

    /// What a series is expected to be next, after `n` samples without noise.
    #[track_caller]
    fn check(degree: usize, window_samples: usize, n: usize, value: impl Fn(f64) -> f64, expect: Expect) {
        let config = Config { degree, window_samples, ..Config::default() };
        let readings = run(config, (0..=n).map(|at| value(at as f64)));
        let expected = readings[n].unwrap().expected;
        expect.assert_eq(&format!("{expected:.6} of {:.6}", value(n as f64)));
    }

    #[test]
    fn lines_and_parabolas_are_forecast_exactly() {
        check(1, 4, 4, |x| 3.0 + 2.0 * x, expect!["11.000000 of 11.000000"]);
        check(1, 24, 3_000, |x| 3.0 + 2.0 * x, expect!["6003.000000 of 6003.000000"]);
        check(2, 24, 3_000, |x| 1.0 - 0.5 * x + 0.25 * x * x, expect!["2248501.000000 of 2248501.000000"]);
        check(2, 1_024, 5_000, |x| x * x, expect!["25000000.000000 of 25000000.000000"]);
    }

    #[test]
    fn a_spike_is_strange_and_its_wake_is_not() {
        let mut random = Random::new(4);
        let values =
            (0..400).map(|at| 0.5 * f64::from(at) + random.normal() + if at == 300 { 100.0 } else { 0.0 });
        let readings = run(Config::default(), values);
        assert!(readings[300].unwrap().score > 50.0);
        let wake = readings[301..330].iter().map(|reading| reading.unwrap().score).fold(0.0, f64::max);
        assert!(wake < 4.5, "{wake}");
    }

    #[test]
    fn a_level_shift_is_learnt() {
        let mut random = Random::new(4);
        let values = (0..900).map(|at| random.normal() + if at >= 300 { 40.0 } else { 0.0 });
        let readings = run(Config::default(), values);
        assert!(readings[300].unwrap().score > 20.0);
        let after = readings[600..].iter().map(|reading| reading.unwrap().score).fold(0.0, f64::max);
        assert!(after < 5.0, "{after}");
    }

    #[test]
    fn a_short_gap_is_bridged_and_a_long_one_waits() {
        let line = |gap: usize| {
            let values = (0..200).map(|at| if (100..100 + gap).contains(&at) { f64::NAN } else { at as f64 });
            run(Config::default(), values)[100 + gap].unwrap().expected
        };
        assert_eq!(format!("{:.3} {:.3}", line(3), line(40)), "103.000 103.000");
    }
}
