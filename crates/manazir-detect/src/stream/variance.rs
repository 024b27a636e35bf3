//! Variance change.

use manazir_model::{Direction, Sample};
use serde::{Deserialize, Serialize};

use super::{Learn, Reading, Setting, StreamDetector};
use crate::robust::{self, ResidualScale, WarmUp};

/// What can be set of [`Variance`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Weight of a sample in the level whose residuals are measured, 1e-6..=1; 0.1.
    pub level_weight: f64,
    /// Weight of a residual in the short scale, 1e-3..=1; 0.0625 remembers some sixteen samples.
    pub short_weight: f64,
    /// Weight of a residual in the long scale, 1e-6..=1; 0.004.
    pub long_weight: f64,
    /// Numbers to start from, 8..=4096; 64.
    pub warm_up_samples: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { level_weight: 0.1, short_weight: 0.0625, long_weight: 0.004, warm_up_samples: 64 }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            level_weight: robust::within(self.level_weight, 1e-6, 1.0, 0.1),
            short_weight: robust::within(self.short_weight, 1e-3, 1.0, 0.0625),
            long_weight: robust::within(self.long_weight, 1e-6, 1.0, 0.004),
            warm_up_samples: self.warm_up_samples.clamp(8, 4096),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Phase {
    Warming(WarmUp),
    Running { level: f64, long: ResidualScale, short: f64, n_learnt: u32 },
}

/// Scatter of the last samples against the usual scatter, wider or narrower.
///
/// score = |ln(s_short / s_long)| / τ,   τ = 0.756 · √(w / (2 − w))
///
/// s_short and s_long are exponentially weighted means of the residuals of a level, each residual cut at four
/// long scales: a single spike counts little, a lasting change reaches the full ratio. 0.756 = √(π/2 − 1) is
/// the coefficient of variation of |z| for a normal z, so τ is what ln s_short scatters by when nothing has
/// changed and residuals are independent. The ratio of scales as a statistic: Hawkins 1981, *A CUSUM for a
/// scale parameter*.
///
/// O(1) a sample, about 80 bytes. It forecasts nothing; direction `Up` means wider. Not for counts near zero,
/// whose scatter follows their level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Variance {
    config: Config,
    /// 1 / τ.
    per_tau: f64,
    phase: Phase,
}

impl Variance {
    /// A residual counts for no more than so many long scales.
    const CUT: f64 = 4.0;
    /// The least ratio that is told apart: what is a thousand times quieter is silent.
    const RATIO_MIN: f64 = 1e-3;
    /// √(π/2): from the mean |z| to the standard deviation.
    const MEAN_TO_SIGMA: f64 = 1.253_314_137_315_500_3;
    /// √(π/2 − 1).
    const VARIATION: f64 = 0.755_510_9;

    /// Starts in warm-up.
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        let tau = Self::VARIATION * (config.short_weight / (2.0 - config.short_weight)).sqrt();
        let phase = Phase::Warming(WarmUp::new(config.warm_up_samples));
        Self { config, per_tau: 1.0 / tau, phase }
    }

    /// The defaults; nothing of the setting matters here.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(Config::default())
    }

    fn reading(per_tau: f64, short: f64, long: f64) -> Reading {
        let change = (short / long).max(Self::RATIO_MIN).ln();
        let direction = if change > 0.0 { Direction::Up } else { Direction::Down };
        Reading { direction: (change != 0.0).then_some(direction), ..Reading::plain(change.abs() * per_tau) }
    }
}

impl StreamDetector for Variance {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let value = robust::usable(sample.value)?;
        let config = self.config;
        match &mut self.phase {
            Phase::Warming(warm_up) => {
                let (level, sigma) = warm_up.push(value)?;
                let long = ResidualScale::new(sigma);
                let n_learnt = config.warm_up_samples as u32 / 4;
                self.phase = Phase::Running { level, long, short: long.sigma(level), n_learnt };
                None
            }
            Phase::Running { level, long, short, n_learnt } => {
                let residual = value - *level;
                let usual = long.sigma(*level);
                let size = residual.abs().min(Self::CUT * usual);
                *short += config.short_weight * (Self::MEAN_TO_SIGMA * size - *short);
                let reading = Self::reading(self.per_tau, *short, usual);
                if learn == Learn::Fully {
                    *n_learnt = n_learnt.saturating_add(1);
                    let recent = 1.0 / f64::from(*n_learnt);
                    long.learn(residual, *level, config.long_weight.max(recent));
                    let bound = Self::CUT * usual;
                    *level += config.level_weight * residual.clamp(-bound, bound);
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

    use super::*;
    use crate::{Random, stream::check::check_detector};

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Variance::from_setting(&Setting::default()));
        let wild = Config { level_weight: 0.0, short_weight: 9.0, long_weight: f64::NAN, warm_up_samples: 0 };
        check_detector(|| Variance::new(wild));
    }

    /// 2,000 samples of noise, then 40 of noise times `factor` plus `spike` on the first; the highest score
    /// before, and how the 40 end.
    #[track_caller]
    fn check(factor: f64, spike: f64, expect: Expect) {
        let mut random = Random::new(9);
        let mut variance = Variance::new(Config::default());
        let mut readings = Vec::new();
        for at in 0..2_040 {
            let factor = if at < 2_000 { 1.0 } else { factor };
            let value = 50.0 + factor * random.normal() + if at == 2_000 { spike } else { 0.0 };
            readings.push(variance.update(Sample { at: Timestamp::default(), value }, Learn::Fully));
        }
        let highest =
            |part: &[Option<Reading>]| part.iter().flatten().map(|reading| reading.score).fold(0.0, f64::max);
        let last = readings[2_039].unwrap();
        expect.assert_eq(&format!(
            "before {:.1}, after {:.1} {:?}",
            highest(&readings[..2_000]),
            highest(&readings[2_000..]),
            last.direction
        ));
    }

    #[test]
    fn wider_and_narrower_scatter_are_told_from_a_spike() {
        check(1.0, 0.0, expect!["before 3.0, after 1.0 Some(Up)"]);
        check(4.0, 0.0, expect!["before 3.0, after 7.1 Some(Up)"]);
        check(0.1, 0.0, expect!["before 3.0, after 11.9 Some(Down)"]);
        check(1.0, 1e6, expect!["before 3.0, after 1.7 Some(Up)"]);
    }
}
