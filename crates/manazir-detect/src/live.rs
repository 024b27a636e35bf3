//! Live detection of one series: twelve views of it, each calibrated by its own tails, joined into one
//! score with the life cycle of an alarm behind it.
//!
//! A *view* is a causal look at the series whose value moves when something is strange: the value itself, its
//! step, the distance from the season, the mean of a window, the distance from any form seen before. Each
//! view keeps two [`Tail`]s that turn a deviation into a surprise, −log₁₀ of how rarely the series goes so far.
//! The score is the weighted sum of the surprises, as Fisher's method sums the logarithms of p-values: several
//! views that are each a little surprised say more than one alone.

mod group;
mod late;
mod pattern;
mod profile;
mod rate;
mod view;
mod window;

use manazir_model::{HeldBack, Sample, Verdict};
use serde::{Deserialize, Serialize};

pub use group::LiveGroup;
pub use late::late_score;
pub use rate::{alarms_per_week, open_score_for, p_value};
pub use view::{Basis, VIEWS, ViewInfo};

use crate::alarm::{Alarm, AlarmConfig, Transition};
use crate::stream::{Learn, Setting};
use crate::tail::Tail;
use view::{Deviation, N_LOWER, N_VIEWS, Views, lower_place};

/// One view is believed up to here: a surprise beyond one in a million blocks is no longer a matter of degree.
const SURPRISE_MAX: f64 = 6.0;

/// What is left of a surprise one sample later: views that answer a sample apart still add up.
const SURPRISE_LEFT: f64 = 0.5;

/// How one series is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveConfig {
    /// Life cycle of the alarm.
    pub alarm: AlarmConfig,
    /// Deviations from the expectation that are smaller than this share of it are held back; 0 for none.
    pub effect_min: f64,
    /// Samples whose expectation is below this are held back: too little traffic to tell; 0 for none.
    pub traffic_min: f64,
}

/// A verdict, and what it did to the alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveVerdict {
    /// The judgement of the sample.
    pub verdict: Verdict,
    /// What it did to the alarm of the series.
    pub transition: Transition,
}

/// The live detector of one series. A plain value: serialised and restored in the middle of a stream, it goes
/// on with the same bits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LiveDetector {
    config: LiveConfig,
    views: Views,
    /// Upper tail of each view.
    upper: [Tail; N_VIEWS],
    /// Lower tail of each view that has one; see `lower_place`.
    lower: [Tail; N_LOWER],
    /// Surprise of each view, with what is left of the last one.
    surprises: [f32; N_VIEWS],
    alarm: Alarm,
}

impl LiveDetector {
    /// A detector that has seen nothing.
    pub fn new(setting: &Setting, config: LiveConfig) -> Self {
        Self {
            config,
            views: Views::new(setting),
            upper: Default::default(),
            lower: Default::default(),
            surprises: [0.0; N_VIEWS],
            alarm: Alarm::default(),
        }
    }

    /// Judges `sample` by the samples before it, then learns from it.
    ///
    /// `None` during warm-up (20 samples) and for a slot without a number.
    pub fn update(&mut self, sample: Sample, utc_offset_micros: i64) -> Option<LiveVerdict> {
        let value = crate::robust::usable(sample.value)?;
        let local_micros = sample.at.micros().saturating_add(utc_offset_micros);
        let learn = if self.alarm.is_open() { Learn::Frozen } else { Learn::Fully };
        let deviations = self.views.update(local_micros, value, learn)?;
        let score = self.score(&deviations);
        let (expected, lower, upper) = self.band();
        let held_back = self.held_back(value, expected, score);
        let transition = self.alarm.update(if held_back.is_some() { 0.0 } else { score }, &self.config.alarm);
        self.learn(&deviations);
        let held_back = held_back.or((transition == Transition::Held).then_some(HeldBack::AlarmOpen));
        let verdict = Verdict {
            expected,
            lower,
            upper,
            score,
            p_value: p_value(score),
            detector: self.strangest(),
            alarm: self.alarm.is_open(),
            held_back,
        };
        Some(LiveVerdict { verdict, transition })
    }

    /// What the expectation of the last sample rests on.
    pub fn basis(&self) -> Basis {
        self.views.basis()
    }

    /// Surprise of each view at the last sample, weighted, in the order of [`VIEWS`]: the score is their sum.
    pub fn evidence(&self) -> [f64; N_VIEWS] {
        std::array::from_fn(|view| VIEWS[view].weight * f64::from(self.surprises[view]))
    }

    /// Bytes of this series beside its season buffer, and of the season buffer.
    pub fn state_bytes(&self) -> (usize, usize) {
        let season = self.views.season_bytes();
        (size_of::<Self>() + self.views.heap_bytes(), season)
    }

    fn score(&mut self, deviations: &[Option<Deviation>; N_VIEWS]) -> f64 {
        let mut score = 0.0;
        for view in 0..N_VIEWS {
            let now = deviations[view].map_or(0.0, |deviation| self.surprise(view, deviation));
            let left = SURPRISE_LEFT * f64::from(self.surprises[view]);
            self.surprises[view] = now.min(SURPRISE_MAX).max(left) as f32;
            score += VIEWS[view].weight * f64::from(self.surprises[view]);
        }
        score
    }

    fn surprise(&self, view: usize, deviation: Deviation) -> f64 {
        let up = self.upper[view].surprise(deviation.value, deviation.unit);
        match lower_place(view) {
            Some(place) => up.max(self.lower[place].surprise(-deviation.value, deviation.unit)),
            None => up,
        }
    }

    /// Tails learn while an alarm is open, too: what an anomaly has reached is what the next one must exceed.
    /// Without that NAB's score falls from 75 to 55.
    fn learn(&mut self, deviations: &[Option<Deviation>; N_VIEWS]) {
        for (view, upper) in self.upper.iter_mut().enumerate() {
            if let Some(deviation) = deviations[view] {
                upper.learn(deviation.value);
                if let Some(place) = lower_place(view) {
                    self.lower[place].learn(-deviation.value);
                }
            }
        }
    }

    /// The expectation, and how far the series usually strays from it.
    fn band(&self) -> (f64, f64, f64) {
        let (expected, sigma, view) = self.views.expectation();
        let bound = |tail: &Tail| tail.threshold().unwrap_or(4.0 * sigma).max(3.0 * sigma);
        match view {
            Some(view) => {
                let upper = &self.upper[view];
                let lower = lower_place(view).map_or(upper, |place| &self.lower[place]);
                (expected, expected - bound(lower), expected + bound(upper))
            }
            None => (expected, expected - 4.0 * sigma, expected + 4.0 * sigma),
        }
    }

    fn held_back(&self, value: f64, expected: f64, score: f64) -> Option<HeldBack> {
        if score < self.config.alarm.open_score {
            return None;
        }
        if expected.abs() < self.config.traffic_min {
            return Some(HeldBack::LowTraffic);
        }
        let effect = (value - expected).abs();
        (effect < self.config.effect_min * expected.abs()).then_some(HeldBack::SmallEffect)
    }

    fn strangest(&self) -> &'static str {
        let evidence = self.evidence();
        let strangest = (0..N_VIEWS).max_by(|&a, &b| evidence[a].total_cmp(&evidence[b])).unwrap_or(0);
        VIEWS[strangest].name
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_model::{Grain, Timestamp};
    use manazir_testkit::series;
    use proptest::prelude::*;

    use super::*;
    use crate::Random;

    const GRAIN: Grain = Grain::HOUR;

    fn setting() -> Setting {
        Setting { grain: Some(GRAIN), ..Setting::default() }
    }

    fn feed(detector: &mut LiveDetector, start: usize, values: &[f64]) -> Vec<Option<LiveVerdict>> {
        values
            .iter()
            .enumerate()
            .map(|(index, &value)| {
                let at = Timestamp((start + index) as i64 * GRAIN.micros());
                detector.update(Sample { at, value }, 0)
            })
            .collect()
    }

    /// Bits of what a verdict says; NaN equals NaN.
    fn bits(verdicts: &[Option<LiveVerdict>]) -> Vec<Option<(u64, u64, Transition)>> {
        let of = |live: &LiveVerdict| {
            (live.verdict.score.to_bits(), live.verdict.expected.to_bits(), live.transition)
        };
        verdicts.iter().map(|live| live.as_ref().map(of)).collect()
    }

    /// Four weeks of hours with a daily season and noise, then `tail`.
    fn hours_then(tail: &str) -> (Vec<f64>, usize) {
        let mut random = Random::new(2);
        let season = |hour: usize| 100.0 + 30.0 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        let mut values: Vec<f64> = (0..672).map(|hour| season(hour) + 2.0 * random.normal()).collect();
        let start = values.len();
        for (index, change) in series(tail).into_iter().enumerate() {
            values.push(season(start + index) + 2.0 * random.normal() + change);
        }
        (values, start)
    }

    /// Samples after the start of `tail` at which people are told, and by which view.
    #[track_caller]
    fn check(tail: &str, expected: Expect) {
        let (values, start) = hours_then(tail);
        let mut detector = LiveDetector::new(&setting(), LiveConfig::default());
        let told: Vec<String> = feed(&mut detector, 0, &values)
            .iter()
            .enumerate()
            .skip(start)
            .filter_map(|(index, live)| live.filter(|live| live.transition.tells()).map(|live| (index, live)))
            .map(|(index, live)| format!("{}:{}", index - start, live.verdict.detector))
            .collect();
        expected.assert_eq(&told.join(" "));
    }

    #[test]
    fn an_undisturbed_series_stays_silent() {
        check("0x100", expect![""]);
    }

    #[test]
    fn a_spike_is_told_once() {
        check("0x20 90 0x60", expect!["20:value"]);
    }

    #[test]
    fn a_fall_within_the_usual_values_is_told_by_the_season() {
        check("0x5 -35x6 0x40", expect!["6:day"]);
    }

    #[test]
    fn a_lasting_shift_is_told_and_then_learnt() {
        check("0x10 40x150", expect!["10:value"]);
    }

    #[test]
    fn the_band_holds_most_samples_of_an_undisturbed_series() {
        let (values, _) = hours_then("0x400");
        let mut detector = LiveDetector::new(&setting(), LiveConfig::default());
        let verdicts = feed(&mut detector, 0, &values);
        let judged: Vec<(f64, Verdict)> = values
            .iter()
            .zip(&verdicts)
            .skip(400)
            .filter_map(|(&value, live)| live.map(|live| (value, live.verdict)))
            .collect();
        let inside =
            judged.iter().filter(|(value, verdict)| (verdict.lower..=verdict.upper).contains(value)).count();
        assert!(inside as f64 > 0.95 * judged.len() as f64, "{inside} of {}", judged.len());
        let width = judged.iter().map(|(_, verdict)| verdict.upper - verdict.lower).sum::<f64>();
        assert!(width / (judged.len() as f64) < 40.0, "the band is wider than the season is high");
    }

    #[test]
    fn small_effects_and_little_traffic_are_held_back() {
        let (values, start) = hours_then("90x3");
        for (config, reason) in [
            (LiveConfig { effect_min: 5.0, ..LiveConfig::default() }, HeldBack::SmallEffect),
            (LiveConfig { traffic_min: 1e6, ..LiveConfig::default() }, HeldBack::LowTraffic),
        ] {
            let verdicts = feed(&mut LiveDetector::new(&setting(), config), 0, &values);
            assert!(verdicts.iter().flatten().all(|live| !live.transition.tells()));
            assert_eq!(verdicts[start].map(|live| live.verdict.held_back), Some(Some(reason)));
        }
    }

    #[test]
    fn a_series_costs_under_four_kibibytes_beside_its_season_buffer() {
        let (values, _) = hours_then("0x10");
        let mut detector = LiveDetector::new(&setting(), LiveConfig::default());
        feed(&mut detector, 0, &values);
        let (state, season) = detector.state_bytes();
        assert!(state <= 4_096, "{state}");
        assert_eq!(season, (24 + 168) * 6);
    }

    fn unkind() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => -10.0..10.0f64,
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => Just(0.0),
            1 => prop::num::f64::ANY,
        ]
    }

    proptest! {
        /// Whatever comes: finite scores, and a snapshot in the middle of the stream changes no bit.
        #[test]
        fn a_restored_detector_goes_on_with_the_same_bits(
            values in prop::collection::vec(unkind(), 0..300),
            cut in 0usize..300,
        ) {
            let cut = cut.min(values.len());
            let mut whole = LiveDetector::new(&setting(), LiveConfig::default());
            let expected = feed(&mut whole, 0, &values);
            prop_assert!(expected.iter().flatten().all(|live| live.verdict.score.is_finite() && live.verdict.score >= 0.0));
            let mut first = LiveDetector::new(&setting(), LiveConfig::default());
            let mut verdicts = feed(&mut first, 0, &values[..cut]);
            let snapshot = postcard::to_allocvec(&first).expect("a detector is a plain value");
            let mut second: LiveDetector = postcard::from_bytes(&snapshot).expect("what was written can be read");
            verdicts.extend(feed(&mut second, cut, &values[cut..]));
            prop_assert_eq!(bits(&verdicts), bits(&expected));
        }

        /// Causal: what comes later changes nothing.
        #[test]
        fn a_prefix_gets_the_verdicts_of_the_whole(values in prop::collection::vec(unkind(), 1..200)) {
            let whole = feed(&mut LiveDetector::new(&setting(), LiveConfig::default()), 0, &values);
            let half = feed(&mut LiveDetector::new(&setting(), LiveConfig::default()), 0, &values[..values.len() / 2]);
            prop_assert_eq!(bits(&half), bits(&whole[..half.len()]));
        }
    }
}
