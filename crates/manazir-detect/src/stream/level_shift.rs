//! Level shift by two windows.

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

use super::{Learn, Reading, Setting, StreamDetector};
use crate::{
    robust::{self, ResidualScale},
    sorted_window::SortedWindow,
};

/// What can be set of [`LevelShift`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The last samples, 3..=256; 8. A shift is seen after half of them.
    pub recent_samples: usize,
    /// The samples before those, 8..=1024; 48.
    pub reference_samples: usize,
    /// Weight of a residual in the scale, 1e-6..=1; 0.01.
    pub scale_weight: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { recent_samples: 8, reference_samples: 48, scale_weight: 0.01 }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            recent_samples: self.recent_samples.clamp(3, 256),
            reference_samples: self.reference_samples.clamp(8, 1024),
            scale_weight: robust::within(self.scale_weight, 1e-6, 1.0, 0.01),
        }
    }
}

/// Median of the last samples against the median of those before them.
///
/// score = |med_recent − med_reference| / (σ · √(π/2 · (1/n + 1/m)))
///
/// The two-sample z-test with medians for means: π/2 · σ²/n is the variance of the median of n normal
/// samples (Kenney and Keeping 1951), σ the robust scale of the samples about the reference median. With
/// medians a spike of fewer than half of the recent window is no shift.
///
/// O(window) a sample with a tiny constant; 16 bytes a sample of the two windows and about 170. While an alarm
/// is open the reference waits. Not for a series with a season longer than the windows: give it the residual
/// of the season instead.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LevelShift {
    config: Config,
    /// √(π/2 · (1/n + 1/m)).
    spread: f64,
    recent: SortedWindow,
    reference: SortedWindow,
    scale: ResidualScale,
    n_learnt: u32,
}

impl LevelShift {
    /// Starts in warm-up, which takes both windows.
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        let per_sample = 1.0 / config.recent_samples as f64 + 1.0 / config.reference_samples as f64;
        Self {
            config,
            spread: (std::f64::consts::FRAC_PI_2 * per_sample).sqrt(),
            recent: SortedWindow::new(config.recent_samples),
            reference: SortedWindow::new(config.reference_samples),
            scale: ResidualScale::default(),
            n_learnt: 0,
        }
    }

    /// The defaults; nothing of the setting matters here.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(Config::default())
    }

    fn warm_up(&mut self, value: f64) {
        if let Some(leaving) = self.recent.push(value) {
            self.reference.push(leaving);
        }
        if self.reference.is_full() {
            let mut values: Vec<f64> = self.reference.iter().collect();
            self.scale = ResidualScale::new(robust::median_and_sigma(&mut values).1);
            self.n_learnt = self.config.reference_samples as u32;
        }
    }
}

impl StreamDetector for LevelShift {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let value = robust::usable(sample.value)?;
        if !self.reference.is_full() {
            self.warm_up(value);
            return None;
        }
        let leaving = self.recent.push(value);
        let expected = self.reference.median();
        let scale = self.spread * self.scale.sigma(expected);
        let shift = self.recent.median() - expected;
        if learn == Learn::Fully {
            self.n_learnt = self.n_learnt.saturating_add(1);
            let weight = self.config.scale_weight.max(1.0 / f64::from(self.n_learnt));
            self.scale.learn(value - expected, expected, weight);
            if let Some(leaving) = leaving {
                self.reference.push(leaving);
            }
        }
        Some(Reading {
            score: robust::residual_score(shift, scale),
            expected,
            scale,
            direction: robust::side(shift),
        })
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>() + self.recent.heap_bytes() + self.reference.heap_bytes()
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
        check_detector(|| LevelShift::from_setting(&Setting::default()));
        let wild = Config { recent_samples: 0, reference_samples: 0, scale_weight: f64::NAN };
        check_detector(|| LevelShift::new(wild));
    }

    /// 1,000 samples of noise, then as many as `steps` tells, added to noise: every other score since then.
    #[track_caller]
    fn check(steps: &str, expect: Expect) {
        let mut random = Random::new(6);
        let mut detector = LevelShift::new(Config::default());
        let mut feed = |value, learn| {
            let value = value + random.normal();
            detector.update(Sample { at: Timestamp::default(), value }, learn)
        };
        let before = (0..1_000).filter_map(|_| feed(10.0, Learn::Fully));
        let before = before.map(|reading| reading.score).fold(0.0, f64::max);
        let scores: Vec<String> = manazir_testkit::series(steps)
            .into_iter()
            .filter_map(|step| feed(10.0 + step, Learn::Fully))
            .map(|reading| format!("{:.0}", reading.score))
            .collect();
        let some: Vec<String> = scores.into_iter().step_by(8).collect();
        expect.assert_eq(&format!("{before:.1} | {}", some.join(" ")));
    }

    #[test]
    fn a_shift_is_seen_until_the_reference_has_learnt_it() {
        check("5x100", expect!["4.0 | 0 10 7 5 4 2 0 0 1 1 0 2 1"]);
    }

    #[test]
    fn a_spike_is_no_shift() {
        check("500x3 0x40", expect!["4.0 | 0 1 1 1 0 1"]);
    }

    #[test]
    fn the_reference_waits_while_an_alarm_is_open() {
        let mut detector = LevelShift::new(Config::default());
        let mut feed = |value, learn| detector.update(Sample { at: Timestamp::default(), value }, learn);
        for at in 0..100 {
            feed(f64::from(at % 5), Learn::Fully);
        }
        for _ in 0..8 {
            feed(30.0, Learn::Frozen);
        }
        let first = feed(30.0, Learn::Frozen);
        (0..500).for_each(|_| assert_eq!(feed(30.0, Learn::Frozen), first));
    }
}
