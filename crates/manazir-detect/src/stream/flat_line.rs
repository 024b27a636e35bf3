//! Flat line: the same value again and again in a series that moves.

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

pub use super::waiting::WaitingConfig;
use super::waiting::Waits;
use super::{Learn, Reading, Setting, StreamDetector};
use crate::robust;

/// Length of the run of equal values against the usual length of such runs.
///
/// score = −log₁₀ P(L ≥ l),   L gamma distributed with the mean and regularity of the runs learnt
///
/// The same waiting time as in [`super::silence`], counted in samples, and its event is a change of value. A
/// sensor that hangs and a cache that serves old answers repeat a value exactly, so equality is exact.
///
/// O(1) a sample, about 70 bytes. A series that never moves never leaves the warm-up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlatLine {
    config: WaitingConfig,
    runs: Waits,
    /// The value of the run, NaN before the first number, and its length.
    value: f64,
    length: u32,
    /// True while the run may have begun before the first sample.
    first_run: bool,
}

impl FlatLine {
    /// Starts in warm-up, which takes some changes of value.
    pub fn new(config: WaitingConfig) -> Self {
        Self {
            config: config.in_range(),
            runs: Waits::default(),
            value: f64::NAN,
            length: 0,
            first_run: true,
        }
    }

    /// The defaults; nothing of the setting matters here.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(WaitingConfig::default())
    }
}

impl StreamDetector for FlatLine {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let value = robust::usable(sample.value)?;
        if value == self.value {
            self.length = self.length.saturating_add(1);
        } else {
            if self.length > 0 && !self.first_run && learn == Learn::Fully {
                self.runs.learn(f64::from(self.length), &self.config);
            }
            self.first_run = self.length == 0;
            self.value = value;
            self.length = 1;
        }
        self.runs.score(f64::from(self.length), &self.config).map(Reading::plain)
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>()
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
        check_detector(|| FlatLine::from_setting(&Setting::default()));
    }

    /// The scores of the last run.
    #[track_caller]
    fn check(learnt: &str, then: &str, expect: Expect) {
        let mut detector = FlatLine::from_setting(&Setting::default());
        let mut feed = |value| detector.update(Sample { at: Timestamp::default(), value }, Learn::Fully);
        series(learnt).into_iter().for_each(|value| {
            feed(value);
        });
        let scores: Vec<String> = series(then)
            .into_iter()
            .map(|value| feed(value).map_or("-".into(), |reading| format!("{:.1}", reading.score)))
            .collect();
        expect.assert_eq(&scores.join(" "));
    }

    #[test]
    fn a_sensor_that_hangs() {
        check(&"1 2 3 2 ".repeat(20), "7x6 1", expect!["0.3 3.2 7.6 12.7 18.2 24.0 0.2"]);
        check(
            &"1x2 2x9 3 2x4 ".repeat(20),
            "7x12 1",
            expect!["0.1 0.1 0.3 0.4 0.5 0.7 0.8 1.0 1.1 1.3 1.5 1.6 0.1"],
        );
    }

    #[test]
    fn missing_values_neither_end_nor_lengthen_a_run() {
        check(&"1 2 3 2 ".repeat(20), "7x2 _x3 7 1", expect!["0.3 3.2 - - - 7.6 0.3"]);
    }

    #[test]
    fn a_series_that_never_moved_has_no_usual_run() {
        check("4x500", "4x2 5x2", expect!["- - - -"]);
    }
}
