//! Page-Hinkley test.

use manazir_model::{Direction, Sample};
use serde::{Deserialize, Serialize};

use super::{Learn, Reading, Setting, StreamDetector};
use crate::robust::{self, ResidualScale, WarmUp};

/// What can be set of [`PageHinkley`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What a sample may lie off the mean without counting, in scales, 0..=100; 0.1.
    pub tolerance_sigmas: f64,
    /// One sample counts for no more than so many scales, 0.5..=1e6; 4.
    pub clip_sigmas: f64,
    /// The score at which the change is taken for a fact and the mean starts anew, 1..=1e6; 50, the usual λ.
    pub restart_score: f64,
    /// Weight of a residual in the scale, 1e-6..=1; 0.005.
    pub scale_weight: f64,
    /// Numbers to start from, at first and after each change, 4..=1024; 32.
    pub warm_up_samples: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tolerance_sigmas: 0.1,
            clip_sigmas: 4.0,
            restart_score: 50.0,
            scale_weight: 0.005,
            warm_up_samples: 32,
        }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            tolerance_sigmas: robust::within(self.tolerance_sigmas, 0.0, 100.0, 0.1),
            clip_sigmas: robust::within(self.clip_sigmas, 0.5, 1e6, 4.0),
            restart_score: robust::within(self.restart_score, 1.0, 1e6, 50.0),
            scale_weight: robust::within(self.scale_weight, 1e-6, 1.0, 0.005),
            warm_up_samples: self.warm_up_samples.clamp(4, 1024),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Phase {
    Warming(WarmUp),
    Running(Regime),
}

/// The time since the last change.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Regime {
    /// Mean of all samples since the change, each clipped.
    mean: f64,
    scale: ResidualScale,
    above: f64,
    below: f64,
    n_samples: u32,
}

/// Page-Hinkley test: a change against the mean of everything since the last change.
///
/// U ← max(0, U + z − δ) upward and downward,   score = max(U⁺, U⁻),   z = (x − x̄) / σ
///
/// This is the cumulative deviation minus its least value so far, Σ(xᵢ − x̄ᵢ − δ) − min, written without the
/// sum that grows for ever. Source: Page 1954; Hinkley 1971; in the form of Gama and others 2014, *A survey on
/// concept drift adaptation*. It differs from the cumulative sum of [`super::cusum`] in its memory: the mean is
/// of the whole regime, so slow drift adds up, and a change once stated is taken for the new normal at once.
///
/// The sample that reaches `restart_score` is read with that score; then a warm-up follows without readings.
/// While an alarm is open the sums stop there and no new regime begins.
///
/// O(1) a sample, about 100 bytes besides the warm-up. Not for series with a season as they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PageHinkley {
    config: Config,
    phase: Phase,
}

impl PageHinkley {
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

impl Regime {
    fn judge(&mut self, value: f64, config: &Config, learn: Learn) -> Reading {
        let (expected, sigma) = (self.mean, self.scale.sigma(self.mean));
        let residual = value - expected;
        let bound = config.clip_sigmas * sigma;
        let clipped = residual.clamp(-bound, bound);
        let z = clipped / sigma;
        self.above = (self.above + z - config.tolerance_sigmas).clamp(0.0, config.restart_score);
        self.below = (self.below - z - config.tolerance_sigmas).clamp(0.0, config.restart_score);
        if learn == Learn::Fully {
            self.n_samples = self.n_samples.saturating_add(1);
            let recent = 1.0 / f64::from(self.n_samples);
            self.scale.learn(residual, expected, config.scale_weight.max(recent));
            self.mean += recent * clipped;
        }
        let score = self.above.max(self.below);
        let direction = if self.above >= self.below { Direction::Up } else { Direction::Down };
        Reading { score, expected, scale: sigma, direction: (score > 0.0).then_some(direction) }
    }
}

impl StreamDetector for PageHinkley {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let value = robust::usable(sample.value)?;
        let config = self.config;
        match &mut self.phase {
            Phase::Warming(warm_up) => {
                let (mean, sigma) = warm_up.push(value)?;
                let n_samples = config.warm_up_samples as u32;
                let scale = ResidualScale::new(sigma);
                self.phase = Phase::Running(Regime { mean, scale, above: 0.0, below: 0.0, n_samples });
                None
            }
            Phase::Running(regime) => {
                let reading = regime.judge(value, &config, learn);
                if reading.score >= config.restart_score && learn == Learn::Fully {
                    let mut warm_up = WarmUp::new(config.warm_up_samples);
                    // One number is never the whole warm-up, which is 4 at least.
                    warm_up.push(value);
                    self.phase = Phase::Warming(warm_up);
                }
                Some(reading)
            }
        }
    }

    fn state_bytes(&self) -> usize {
        let heap = match &self.phase {
            Phase::Warming(warm_up) => warm_up.heap_bytes(),
            Phase::Running(_) => 0,
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
        // A season is a change at every turn to this test, and each restart borrows its warm-up's memory: the
        // bound on memory is checked where none happens.
        check_detector(|| PageHinkley::new(Config { restart_score: 1e6, ..Config::default() }));
    }

    #[track_caller]
    fn check(shift: f64, n: usize, expect: Expect) {
        let mut random = Random::new(8);
        let mut test = PageHinkley::new(Config::default());
        let mut strange = Vec::new();
        for at in 0..1_000 + n {
            let value = random.normal() + if at >= 1_000 { shift } else { 0.0 };
            let reading = test.update(Sample { at: Timestamp::default(), value }, Learn::Fully);
            if let Some(reading) = reading.filter(|reading| reading.score >= 50.0) {
                strange.push(format!("{at} {:?}", reading.direction));
            }
        }
        let expected = match &test.phase {
            Phase::Warming(_) => f64::NAN,
            Phase::Running(regime) => regime.mean,
        };
        expect.assert_eq(&format!("{strange:?}, mean then {expected:.1}"));
    }

    #[test]
    fn a_change_is_stated_once_and_becomes_normal() {
        check(0.0, 1_000, expect!["[], mean then -0.0"]);
        check(3.0, 1_000, expect![[r#"["1018 Some(Up)"], mean then 3.0"#]]);
        check(-3.0, 1_000, expect![[r#"["1017 Some(Down)"], mean then -3.0"#]]);
        check(0.5, 1_000, expect![[r#"["1139 Some(Up)"], mean then 0.5"#]]);
    }

    #[test]
    fn no_regime_begins_while_an_alarm_is_open() {
        let mut test = PageHinkley::new(Config::default());
        let mut feed = |value, learn| test.update(Sample { at: Timestamp::default(), value }, learn);
        for at in 0..200 {
            feed(f64::from(at % 5), Learn::Fully);
        }
        let last = (0..100).map(|_| feed(30.0, Learn::Frozen)).last().flatten().unwrap();
        assert_eq!((last.score, last.expected.round()), (50.0, 2.0));
    }
}
