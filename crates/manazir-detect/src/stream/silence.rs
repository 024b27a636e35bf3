//! Silence: nothing has happened for longer than usual.

use manazir_model::{Direction, Sample, Timestamp};
use serde::{Deserialize, Serialize};

pub use super::waiting::WaitingConfig;
use super::waiting::Waits;
use super::{Learn, Reading, Setting, StreamDetector};

/// Time since the last event against the usual time between events. An event is a sample other than 0.
///
/// score = −log₁₀ P(T ≥ t),   T gamma distributed with the mean and regularity of the times learnt
///
/// Source: waiting times of a renewal process (Cox 1962, *Renewal theory*); gamma, because it has the regular,
/// the random and the bursty as special cases. The sample that ends a silence is read with its full length.
///
/// O(1) a sample, about 70 bytes. For sparse counts and heartbeats. Not for a series with quiet nights: the
/// nights are then the long waits that make it blind by day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Silence {
    config: WaitingConfig,
    waits: Waits,
    last_event_at: Option<Timestamp>,
}

impl Silence {
    /// Starts in warm-up, which takes some events.
    pub fn new(config: WaitingConfig) -> Self {
        Self { config: config.in_range(), waits: Waits::default(), last_event_at: None }
    }

    /// The defaults; nothing of the setting matters here.
    pub fn from_setting(_setting: &Setting) -> Self {
        Self::new(WaitingConfig::default())
    }

    /// The reading that holds at `now` if nothing has come since the last sample: for a clock that asks
    /// between samples, since silence sends none.
    pub fn reading_at(&self, now: Timestamp) -> Option<Reading> {
        let elapsed = now.micros_since(self.last_event_at?);
        let score = self.waits.score(elapsed as f64, &self.config)?;
        Some(Reading { direction: Some(Direction::Down), ..Reading::plain(score) })
    }
}

impl StreamDetector for Silence {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        if !sample.value.is_finite() {
            return None;
        }
        let reading = self.reading_at(sample.at);
        if sample.value != 0.0 {
            if let Some(last) = self.last_event_at
                && learn == Learn::Fully
            {
                self.waits.learn(sample.at.micros_since(last) as f64, &self.config);
            }
            self.last_event_at = Some(sample.at);
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
    use manazir_testkit::series;

    use super::*;
    use crate::{Random, stream::check::check_detector};

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Silence::from_setting(&Setting::default()));
        let wild = WaitingConfig { weight: f64::NAN, warm_up_waits: 0, shape_max: f64::INFINITY };
        check_detector(|| Silence::new(wild));
    }

    /// A sample a minute; all readings of the last run.
    #[track_caller]
    fn check(learnt: &str, then: &str, expect: Expect) {
        let mut silence = Silence::from_setting(&Setting::default());
        let mut minute = 0;
        let mut feed = |value| {
            minute += 1;
            silence.update(Sample { at: Timestamp::from_seconds(60 * minute), value }, Learn::Fully)
        };
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
    fn a_heartbeat_that_stops() {
        let every_third = "5 0x2 ".repeat(40);
        check(&every_third, "5 0 0 0 0 0 0 0 0 5", expect!["0.3 0.0 0.0 0.3 1.0 2.0 3.2 4.5 6.0 7.6"]);
    }

    #[test]
    fn too_few_events_give_no_reading() {
        check("5 0x2 5 0x2 5", "0x3", expect!["- - -"]);
    }

    #[test]
    fn random_events_make_no_noise() {
        let mut random = Random::new(12);
        let mut silence = Silence::from_setting(&Setting::default());
        let scores: Vec<f64> = (0..100_000)
            .filter_map(|minute| {
                let value = if random.uniform() < 0.05 { 1.0 } else { 0.0 };
                silence.update(Sample { at: Timestamp::from_seconds(60 * minute), value }, Learn::Fully)
            })
            .map(|reading| reading.score)
            .collect();
        // 5,000 waits: about five of them should be longer than all but one in a thousand.
        let long = scores.windows(2).filter(|pair| pair[0] < 3.0 && pair[1] >= 3.0).count();
        assert!((1..=25).contains(&long), "{long}");
    }

    #[test]
    fn a_clock_may_ask_between_samples() {
        let mut silence = Silence::from_setting(&Setting::default());
        for minute in 0..50 {
            let sample = Sample { at: Timestamp::from_seconds(60 * minute), value: 1.0 };
            silence.update(sample, Learn::Fully);
        }
        let score = |minutes: i64| silence.reading_at(Timestamp::from_seconds(60 * minutes)).unwrap().score;
        assert!(score(50) < 0.5 && score(55) > 10.0 && score(49) == 0.0);
    }
}
