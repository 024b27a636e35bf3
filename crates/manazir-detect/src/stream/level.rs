//! Robust level and scale.

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

use super::{Learn, Reading, Setting, StreamDetector};
use crate::robust::{self, ResidualScale, WarmUp};

/// What can be set of [`Level`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of a new sample in the level, 1e-6..=1; 0.05 remembers some twenty samples.
    pub weight: f64,
    /// Weight of a new residual in the scale, 1e-6..=1; 0.02.
    pub scale_weight: f64,
    /// Residuals move the level by no more than so many scales, 0.5..=1e6; 3 as Gelper and others find good
    /// between 2 and 3. A large value gives the plain exponentially weighted mean.
    pub clip_sigmas: f64,
    /// Numbers to start from, 2..=1024; 16.
    pub warm_up_samples: usize,
    /// Weight of a second, slower level, 0..=1; 0, none. With it the score is the larger of the two, so that
    /// a long anomaly stays strange after the fast level has followed it.
    pub slow_weight: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { weight: 0.05, scale_weight: 0.02, clip_sigmas: 3.0, warm_up_samples: 16, slow_weight: 0.0 }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            weight: robust::within(self.weight, 1e-6, 1.0, 0.05),
            scale_weight: robust::within(self.scale_weight, 1e-6, 1.0, 0.02),
            clip_sigmas: robust::within(self.clip_sigmas, 0.5, 1e6, 3.0),
            warm_up_samples: self.warm_up_samples.clamp(2, 1024),
            slow_weight: robust::within(self.slow_weight, 0.0, 1.0, 0.0),
        }
    }
}

/// A level with the scale of its own residuals.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Track {
    level: f64,
    scale: ResidualScale,
}

impl Track {
    fn judge(&self, value: f64) -> Reading {
        let residual = value - self.level;
        let scale = self.scale.sigma(self.level);
        Reading {
            score: robust::residual_score(residual, scale),
            expected: self.level,
            scale,
            direction: robust::side(residual),
        }
    }

    fn learn(&mut self, value: f64, weight: f64, scale_weight: f64, clip_sigmas: f64) {
        let residual = value - self.level;
        self.scale.learn(residual, self.level, scale_weight);
        let bound = clip_sigmas * self.scale.sigma(self.level);
        self.level += weight * residual.clamp(-bound, bound);
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Phase {
    Warming(WarmUp),
    /// The level, and the slower one if there is one.
    Running {
        fast: Track,
        slow: Option<Track>,
        n_learnt: u32,
    },
}

/// Exponentially weighted level and scale with clipped updates: simple robust exponential smoothing.
///
/// score = |x − m| / σ,   m ← m + w · ψ(x − m),   ψ(r) = r held within ±c·σ
///
/// Source: Gelper, Fried and Croux 2010, *Robust forecasting with exponential and Holt-Winters smoothing*.
/// The start is median and MAD of a short warm-up, and the first weights are 1/n, so that a reading comes
/// after 16 samples and is worth something. Without the clip, one anomaly hides those that follow it.
///
/// O(1) a sample, about 100 bytes. Not for a series with a season or a steep trend: the level lags
/// behind and its scale then measures the season.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Level {
    config: Config,
    phase: Phase,
}

impl Level {
    /// Starts in warm-up.
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        Self { config, phase: Phase::Warming(WarmUp::new(config.warm_up_samples)) }
    }

    /// The defaults; nothing of the setting matters to a level.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(Config::default())
    }

    fn start(&self, (level, sigma): (f64, f64)) -> Phase {
        let track = Track { level, scale: ResidualScale::new(sigma) };
        Phase::Running {
            fast: track,
            slow: (self.config.slow_weight > 0.0).then_some(track),
            n_learnt: self.config.warm_up_samples as u32,
        }
    }
}

impl StreamDetector for Level {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let value = robust::usable(sample.value)?;
        let config = self.config;
        match &mut self.phase {
            Phase::Warming(warm_up) => {
                let start = warm_up.push(value)?;
                self.phase = self.start(start);
                None
            }
            Phase::Running { fast, slow, n_learnt } => {
                let mut reading = fast.judge(value);
                if let Some(other) = slow.map(|slow| slow.judge(value))
                    && other.score > reading.score
                {
                    reading = other;
                }
                if learn == Learn::Fully {
                    *n_learnt = n_learnt.saturating_add(1);
                    let recent = 1.0 / f64::from(*n_learnt);
                    let scale_weight = config.scale_weight.max(recent);
                    fast.learn(value, config.weight.max(recent), scale_weight, config.clip_sigmas);
                    if let Some(slow) = slow {
                        let ratio = config.slow_weight / config.weight;
                        let weight = config.slow_weight.max(recent);
                        let scale_weight = (config.scale_weight * ratio).min(1.0).max(recent);
                        slow.learn(value, weight, scale_weight, config.clip_sigmas);
                    }
                }
                Some(reading)
            }
        }
    }

    fn state_bytes(&self) -> usize {
        let heap = match &self.phase {
            Phase::Warming(warm_up) => warm_up.heap_bytes(),
            Phase::Running { .. } => 0,
        };
        size_of::<Self>() + heap
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_model::Timestamp;
    use manazir_testkit::series;

    use super::*;
    use crate::stream::check::check_detector;

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Level::from_setting(&Setting::default()));
        check_detector(|| Level::new(Config { slow_weight: 0.002, ..Config::default() }));
    }

    #[test]
    fn settings_out_of_range_are_harmless() {
        let wild = Config {
            weight: f64::NAN,
            scale_weight: 7.0,
            clip_sigmas: -1.0,
            warm_up_samples: 0,
            slow_weight: f64::INFINITY,
        };
        check_detector(|| Level::new(wild));
    }

    /// The last `n` scores, and the level expected at the end.
    #[track_caller]
    fn check(config: Config, notation: &str, n: usize, expect: Expect) {
        let mut level = Level::new(config);
        let readings: Vec<Option<Reading>> = series(notation)
            .into_iter()
            .map(|value| level.update(Sample { at: Timestamp::default(), value }, Learn::Fully))
            .collect();
        let last: Vec<String> = readings[readings.len() - n..]
            .iter()
            .map(|reading| reading.map_or("-".into(), |reading| format!("{:.1}", reading.score)))
            .collect();
        let expected = readings.last().copied().flatten().map_or(f64::NAN, |reading| reading.expected);
        expect.assert_eq(&format!("{} | {expected:.2}", last.join(" ")));
    }

    /// Warm-up of 0, 1, 2, 3: median 1.5, MAD 1, so σ = 1.48.
    const SPREAD: &str = "0x4 1x4 2x4 3x4";

    #[test]
    fn spikes_barely_move_the_level() {
        check(Config::default(), &format!("{SPREAD} 100"), 2, expect!["- 66.4 | 1.50"]);
        check(Config::default(), &format!("{SPREAD} 100x3 1.5"), 4, expect!["66.4 57.0 49.2 0.4 | 2.50"]);
        check(
            Config { clip_sigmas: 1e6, ..Config::default() },
            &format!("{SPREAD} 100x3 1.5"),
            4,
            expect!["66.4 53.8 44.0 6.8 | 17.05"],
        );
    }

    #[test]
    fn a_lasting_shift_is_followed_by_the_fast_level_and_remembered_by_the_slow() {
        check(Config::default(), &format!("{SPREAD} 30x200"), 1, expect!["0.0 | 30.00"]);
        check(
            Config { slow_weight: 0.002, ..Config::default() },
            &format!("{SPREAD} 30x200"),
            1,
            expect!["0.4 | 27.01"],
        );
    }

    #[test]
    fn a_missing_value_is_skipped() {
        check(Config::default(), &format!("{SPREAD} _x2 1.5"), 3, expect!["- - 0.0 | 1.50"]);
    }

    #[test]
    fn a_constant_series_that_moves_is_as_strange_as_can_be() {
        check(Config::default(), "5x50 6", 2, expect!["0.0 200000000.0 | 5.00"]);
    }

    #[test]
    fn a_frozen_level_stays() {
        let mut level = Level::new(Config::default());
        let mut feed = |value, learn| level.update(Sample { at: Timestamp::default(), value }, learn);
        series(SPREAD).into_iter().for_each(|value| assert_eq!(feed(value, Learn::Fully), None));
        let first = feed(40.0, Learn::Frozen).unwrap();
        (0..100).for_each(|_| assert_eq!(feed(40.0, Learn::Frozen), Some(first)));
    }
}
