//! Cumulative sum.

use manazir_model::{Direction, Sample};
use serde::{Deserialize, Serialize};

use super::{Learn, Reading, Setting, StreamDetector};
use crate::robust::{self, ResidualScale, WarmUp};

/// What can be set of [`Cusum`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Half the shift to look for, in scales, 0..=100; 0.5, as Montgomery advises for a shift of one.
    pub slack_sigmas: f64,
    /// One sample counts for no more than so many scales, 0.5..=1e6; 4.
    pub clip_sigmas: f64,
    /// The sums stop here, 1..=1e6; 40. What is higher takes longer to come down after the shift has ended.
    pub ceiling: f64,
    /// Weight of a sample in the level, 0..=1; 0.005.
    pub level_weight: f64,
    /// Weight of a residual in the scale, 1e-6..=1; 0.005.
    pub scale_weight: f64,
    /// Numbers to start from, 4..=1024; 32.
    pub warm_up_samples: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            slack_sigmas: 0.5,
            clip_sigmas: 4.0,
            ceiling: 40.0,
            level_weight: 0.005,
            scale_weight: 0.005,
            warm_up_samples: 32,
        }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            slack_sigmas: robust::within(self.slack_sigmas, 0.0, 100.0, 0.5),
            clip_sigmas: robust::within(self.clip_sigmas, 0.5, 1e6, 4.0),
            ceiling: robust::within(self.ceiling, 1.0, 1e6, 40.0),
            level_weight: robust::within(self.level_weight, 0.0, 1.0, 0.005),
            scale_weight: robust::within(self.scale_weight, 1e-6, 1.0, 0.005),
            warm_up_samples: self.warm_up_samples.clamp(4, 1024),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Phase {
    Warming(WarmUp),
    Running { level: f64, scale: ResidualScale, above: f64, below: f64, n_learnt: u32 },
}

/// Two-sided cumulative sum: small shifts that last.
///
/// S⁺ ← max(0, S⁺ + z − k),   S⁻ ← max(0, S⁻ − z − k),   score = max(S⁺, S⁻),   z = (x − m) / σ
///
/// Source: Page 1954, *Continuous inspection schemes*; z is clipped, so that one giant is not a shift, and m
/// and σ are a slow robust level and its scale. With k = 0.5 a score of 5 comes once in 465 independent normal
/// samples (Montgomery, *Introduction to Statistical Quality Control*, table of run lengths), two-sided.
///
/// O(1) a sample, about 100 bytes. Not for series with a season or strong autocorrelation as they are: the
/// sums then follow the season. Give it a residual.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cusum {
    config: Config,
    phase: Phase,
}

impl Cusum {
    /// Starts in warm-up.
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        Self { config, phase: Phase::Warming(WarmUp::new(config.warm_up_samples)) }
    }

    /// The defaults; nothing of the setting matters here.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(Config::default())
    }
}

impl StreamDetector for Cusum {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let value = robust::usable(sample.value)?;
        let config = self.config;
        match &mut self.phase {
            Phase::Warming(warm_up) => {
                let (level, sigma) = warm_up.push(value)?;
                let scale = ResidualScale::new(sigma);
                let n_learnt = config.warm_up_samples as u32;
                self.phase = Phase::Running { level, scale, above: 0.0, below: 0.0, n_learnt };
                None
            }
            Phase::Running { level, scale, above, below, n_learnt } => {
                let (expected, sigma) = (*level, scale.sigma(*level));
                let residual = value - expected;
                let bound = config.clip_sigmas * sigma;
                let z = residual.clamp(-bound, bound) / sigma;
                *above = (*above + z - config.slack_sigmas).clamp(0.0, config.ceiling);
                *below = (*below - z - config.slack_sigmas).clamp(0.0, config.ceiling);
                if learn == Learn::Fully {
                    *n_learnt = n_learnt.saturating_add(1);
                    let recent = 1.0 / f64::from(*n_learnt);
                    scale.learn(residual, expected, config.scale_weight.max(recent));
                    // A level that is wished to stay is not moved by the fast start either.
                    let weight =
                        if config.level_weight > 0.0 { config.level_weight.max(recent) } else { 0.0 };
                    *level += weight * residual.clamp(-bound, bound);
                }
                let score = above.max(*below);
                let direction = if *above >= *below { Direction::Up } else { Direction::Down };
                let direction = (score > 0.0).then_some(direction);
                Some(Reading { score, expected, scale: sigma, direction })
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

    use super::*;
    use crate::{Random, stream::check::check_detector};

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Cusum::from_setting(&Setting::default()));
        let wild = Config { ceiling: f64::NAN, clip_sigmas: 0.0, warm_up_samples: 0, ..Config::default() };
        check_detector(|| Cusum::new(wild));
    }

    /// 2,000 samples of noise, then 30 shifted by `shift`: the scores at the 1st, 11th and 21st of them.
    #[track_caller]
    fn check(shift: f64, expect: Expect) {
        let mut random = Random::new(8);
        let mut cusum = Cusum::new(Config::default());
        let readings: Vec<Reading> = (0..2_030)
            .filter_map(|at| {
                let value = random.normal() + if at >= 2_000 { shift } else { 0.0 };
                cusum.update(Sample { at: Timestamp::default(), value }, Learn::Fully)
            })
            .collect();
        let (before, after) = readings.split_at(readings.len() - 30);
        let before = before.iter().map(|reading| reading.score).fold(0.0, f64::max);
        let after: Vec<String> = after
            .iter()
            .step_by(10)
            .map(|reading| format!("{:.0} {:?}", reading.score, reading.direction))
            .collect();
        expect.assert_eq(&format!("before {before:.0}, then {}", after.join(", ")));
    }

    #[test]
    fn small_shifts_add_up() {
        check(0.0, expect!["before 6, then 0 None, 0 Some(Up), 0 Some(Down)"]);
        check(1.5, expect!["before 6, then 1 Some(Up), 14 Some(Up), 22 Some(Up)"]);
        check(-1.5, expect!["before 6, then 1 Some(Down), 5 Some(Down), 13 Some(Down)"]);
        check(1e9, expect!["before 6, then 4 Some(Up), 38 Some(Up), 40 Some(Up)"]);
    }

    #[test]
    fn in_control_a_score_of_5_comes_once_in_some_465_samples() {
        let mut random = Random::new(1);
        let mut runs = Vec::new();
        let config = Config { level_weight: 0.0, scale_weight: 1e-6, ..Config::default() };
        for _ in 0..600 {
            // A known level and scale, as the table of run lengths takes for granted.
            let scale = ResidualScale::new(1.0);
            let phase = Phase::Running { level: 0.0, scale, above: 0.0, below: 0.0, n_learnt: u32::MAX };
            let mut cusum = Cusum { config: config.in_range(), phase };
            let run = (1..100_000).find(|_| {
                let sample = Sample { at: Timestamp::default(), value: random.normal() };
                cusum.update(sample, Learn::Fully).unwrap().score >= 5.0
            });
            runs.push(run.unwrap() as f64);
        }
        let mean = runs.iter().sum::<f64>() / runs.len() as f64;
        assert!((400.0..540.0).contains(&mean), "{mean}");
    }
}
