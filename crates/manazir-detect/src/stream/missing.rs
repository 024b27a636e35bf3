//! Missing data: samples that should have come and did not.

use manazir_model::{Direction, Sample, Timestamp};
use serde::{Deserialize, Serialize};

pub use super::waiting::WaitingConfig;
use super::waiting::Waits;
use super::{Learn, Reading, Setting, StreamDetector};

/// Time since the last number against the usual time between numbers.
///
/// score = −log₁₀ P(T ≥ t),   T gamma distributed with the mean and regularity of the distances learnt
///
/// As in [`super::silence`], but its event is any number at all, 0 too. A slot without a number is judged as
/// well: it is what this detector waits for. Without any slot the verdict comes with the next sample, or from
/// [`Missing::reading_at`] when a clock asks.
///
/// O(1) a sample, about 70 bytes. Not for events that come when they like: use the silence of their counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Missing {
    config: WaitingConfig,
    distances: Waits,
    last_number_at: Option<Timestamp>,
}

impl Missing {
    /// Starts in warm-up, which takes some samples.
    pub fn new(config: WaitingConfig) -> Self {
        Self { config: config.in_range(), distances: Waits::default(), last_number_at: None }
    }

    /// The defaults; the grain is learnt rather than believed.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(WaitingConfig::default())
    }

    /// The reading that holds at `now` if nothing has come since the last sample.
    pub fn reading_at(&self, now: Timestamp) -> Option<Reading> {
        let elapsed = now.micros_since(self.last_number_at?);
        let score = self.distances.score(elapsed as f64, &self.config)?;
        Some(Reading { direction: Some(Direction::Down), ..Reading::plain(score) })
    }
}

impl StreamDetector for Missing {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let reading = self.reading_at(sample.at);
        if sample.value.is_finite() {
            if let Some(last) = self.last_number_at
                && learn == Learn::Fully
            {
                self.distances.learn(sample.at.micros_since(last) as f64, &self.config);
            }
            self.last_number_at = Some(sample.at);
        }
        reading
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::{Random, stream::check::check_detector};

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Missing::from_setting(&Setting::default()));
    }

    /// Scores of samples at these minutes, after a hundred that came every minute.
    #[track_caller]
    fn check(jitter: f64, minutes: &[i64], expect: Expect) {
        let mut random = Random::new(3);
        let mut missing = Missing::from_setting(&Setting::default());
        let mut feed = |seconds: f64, value| {
            missing.update(Sample { at: Timestamp((1e6 * seconds) as i64), value }, Learn::Fully)
        };
        for minute in 0..100 {
            feed(60.0 * f64::from(minute) + jitter * random.normal(), 1.0);
        }
        let scores: Vec<String> = minutes
            .iter()
            .map(|&minute| {
                // A negative minute is a slot without a number.
                let value = if minute < 0 { f64::NAN } else { 1.0 };
                let reading = feed(60.0 * minute.abs() as f64, value);
                format!("{:.1}", reading.unwrap().score)
            })
            .collect();
        expect.assert_eq(&scores.join(" "));
    }

    #[test]
    fn late_samples_and_empty_slots() {
        check(0.0, &[100, 101, 103, 104, 109, 110, 170, 171], expect!["0.3 0.3 3.2 0.3 17.7 0.2 230.0 0.2"]);
        check(0.0, &[100, -101, -102, -103, 104, 105], expect!["0.3 0.3 3.2 7.6 12.7 0.3"]);
        check(20.0, &[100, 101, 103, 104, 109, 110], expect!["0.4 0.4 1.3 0.4 4.7 0.3"]);
    }
}
