//! One live series: from its first samples to verdicts.

use std::borrow::Cow;

use manazir_detect::live::{LiveConfig, LiveDetector, late_score, p_value};
use manazir_detect::stream::Setting;
use manazir_model::{
    EpisodeState, Grain, JudgedSample, Sample, SeriesFinding, SeriesKey, SeriesKind, Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};

use super::SampleCounts;
use super::counter::{is_counter, rate};
use super::episode::{Episode, Seen};
use super::recent::{Expectation, Kept, Recent, Slot};

/// Samples from which grain and kind of a series are learnt; as many as the detector's own warm-up takes.
const FIRST: usize = 20;

/// The detector's name in the verdict of a late sample.
const LATE: &str = "late";

#[derive(Debug, Serialize, Deserialize)]
enum Phase {
    /// Its first samples.
    Learning(Vec<Sample>),
    /// Known well enough to be judged.
    Judging(Box<LiveDetector>),
}

/// State of one series.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct One {
    phase: Phase,
    counter: bool,
    grain: Option<Grain>,
    /// The newest sample.
    last: Option<Sample>,
    /// The newest with a number: what a counter grows from.
    last_number: Option<Sample>,
    heard_at: Timestamp,
    recent: Recent,
    episode: Option<Box<Episode>>,
}

impl Default for One {
    fn default() -> Self {
        Self {
            phase: Phase::Learning(Vec::new()),
            counter: false,
            grain: None,
            last: None,
            last_number: None,
            heard_at: Timestamp(i64::MIN),
            recent: Recent::default(),
            episode: None,
        }
    }
}

/// What a sample came to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) row: Option<JudgedSample>,
    pub(super) finding: Option<SeriesFinding>,
}

impl One {
    /// When a sample of it last arrived.
    pub(super) fn heard_at(&self) -> Timestamp {
        self.heard_at
    }

    /// Judges one sample; `said` is what its source says of the series.
    pub(super) fn take(
        &mut self,
        (key, said): (&SeriesKey, Option<SeriesKind>),
        sample: Sample,
        received_at: Timestamp,
        counts: &mut SampleCounts,
    ) -> Taken {
        self.heard_at = self.heard_at.max(received_at);
        if self.last.is_some_and(|last| sample.at <= last.at) {
            return self.take_late(key, sample, received_at, counts);
        }
        let taken = self.take_newest((key, said), sample, received_at);
        match &taken.row {
            Some(row) if !row.score.is_nan() => counts.judged += 1,
            _ => counts.unjudged += 1,
        }
        taken
    }

    fn take_newest(
        &mut self,
        (key, said): (&SeriesKey, Option<SeriesKind>),
        sample: Sample,
        received_at: Timestamp,
    ) -> Taken {
        let rate = self.rate_to(sample);
        self.last = Some(sample);
        if !sample.value.is_nan() {
            self.last_number = Some(sample);
        }
        let mut row = JudgedSample::unjudged(sample.at, sample.value, received_at);
        row.rate = rate.map_or(f32::NAN, |rate| rate as f32);
        let detector = match &mut self.phase {
            Phase::Learning(first) => {
                first.push(sample);
                if first.len() >= FIRST {
                    let first = std::mem::take(first);
                    self.learnt((key, said), &first);
                }
                self.keep(&row);
                return Taken { row: Some(row), finding: None };
            }
            Phase::Judging(detector) => detector,
        };
        let judged = Sample { at: sample.at, value: rate.unwrap_or(sample.value) };
        let Some(live) = detector.update(judged, 0) else {
            self.keep(&row);
            return Taken { row: Some(row), finding: None };
        };
        let basis = detector.basis();
        fill(&mut row, &live.verdict);
        self.keep(&row);
        let seen = Seen { judged, verdict: live.verdict, basis };
        let state = Episode::follow(&mut self.episode, &seen, live.transition);
        let finding = state.and_then(|state| self.finding(key, state, received_at));
        Taken { row: Some(row), finding }
    }

    /// What the counter has grown by a second, `None` of a gauge.
    fn rate_to(&self, sample: Sample) -> Option<f64> {
        self.counter.then(|| self.last_number.map_or(f64::NAN, |before| rate(before, sample)))
    }

    fn finding(
        &mut self,
        key: &SeriesKey,
        state: EpisodeState,
        received_at: Timestamp,
    ) -> Option<SeriesFinding> {
        let episode = self.episode.as_deref()?;
        let finding = episode.finding(key, state, received_at, self.grain, self.counter, &self.recent);
        if state == EpisodeState::Closed {
            self.episode = None;
        }
        Some(finding)
    }

    /// Grain and kind are known: the detector learns from the first samples.
    fn learnt(&mut self, (key, said): (&SeriesKey, Option<SeriesKind>), first: &[Sample]) {
        self.counter = said.map_or_else(|| is_counter(key, first), |said| said == SeriesKind::Counter);
        self.grain = usual_step(first);
        let setting = Setting { grain: self.grain, ..Setting::default() };
        let mut detector = Box::new(LiveDetector::new(&setting, LiveConfig::default()));
        if self.counter {
            let numbers: Vec<Sample> =
                first.iter().copied().filter(|sample| !sample.value.is_nan()).collect();
            for pair in numbers.windows(2) {
                detector.update(Sample { at: pair[1].at, value: rate(pair[0], pair[1]) }, 0);
            }
        } else {
            for &sample in first {
                detector.update(sample, 0);
            }
        }
        self.phase = Phase::Judging(detector);
    }

    fn keep(&mut self, row: &JudgedSample) {
        let expectation = Expectation { expected: row.expected, lower: row.lower, upper: row.upper };
        let sample = Sample { at: row.at, value: row.value };
        self.recent.push(Kept { sample, rate: row.rate, expectation });
    }

    fn take_late(
        &mut self,
        key: &SeriesKey,
        sample: Sample,
        received_at: Timestamp,
        counts: &mut SampleCounts,
    ) -> Taken {
        let (revision, expectation, before) = match self.recent.find(sample) {
            Slot::Repeated => {
                counts.repeated += 1;
                return Taken::default();
            }
            Slot::Revised { revision, expectation } => (revision, expectation, None),
            Slot::New { expectation, before } => (0, expectation, before),
            Slot::Forgotten => {
                counts.late += 1;
                let row = JudgedSample::unjudged(sample.at, sample.value, received_at);
                return Taken { row: Some(JudgedSample { late: true, ..row }), finding: None };
            }
        };
        counts.late += 1;
        let before = before.or_else(|| self.before(sample.at));
        let rate = self.counter.then(|| before.map_or(f64::NAN, |before| rate(before, sample)));
        let row = late_row(sample, rate, revision, expectation, received_at);
        self.recent.insert(Kept { sample, rate: row.rate, expectation }, revision);
        let strange = f64::from(row.score) >= LiveConfig::default().alarm.open_score;
        let finding = strange.then(|| {
            let episode = Episode::of_late(&row);
            episode.finding(key, EpisodeState::Late, received_at, self.grain, self.counter, &self.recent)
        });
        Taken { row: Some(row), finding }
    }

    /// The newest sample before a time that is kept.
    fn before(&self, at: Timestamp) -> Option<Sample> {
        self.recent.iter().map(|kept| kept.sample).take_while(|sample| sample.at < at).last()
    }
}

fn fill(row: &mut JudgedSample, verdict: &Verdict) {
    row.expected = verdict.expected as f32;
    row.lower = verdict.lower as f32;
    row.upper = verdict.upper as f32;
    row.score = verdict.score as f32;
    row.p_value = verdict.p_value as f32;
    row.detector = Cow::Borrowed(verdict.detector);
    row.alarm = verdict.alarm;
    row.held_back = verdict.held_back;
}

fn late_row(
    sample: Sample,
    rate: Option<f64>,
    revision: u16,
    expectation: Expectation,
    received_at: Timestamp,
) -> JudgedSample {
    let Expectation { expected, lower, upper } = expectation;
    let mut row = JudgedSample::unjudged(sample.at, sample.value, received_at);
    row.late = true;
    row.revision = revision;
    row.rate = rate.map_or(f32::NAN, |rate| rate as f32);
    (row.expected, row.lower, row.upper) = (expected, lower, upper);
    let judged = rate.unwrap_or(sample.value);
    if expected.is_finite() && judged.is_finite() {
        let score = late_score(judged, expected.into(), lower.into(), upper.into());
        row.score = score as f32;
        row.p_value = p_value(score) as f32;
        row.detector = Cow::Borrowed(LATE);
    }
    row
}

/// The median distance of samples.
fn usual_step(samples: &[Sample]) -> Option<Grain> {
    let mut steps: Vec<i64> =
        samples.windows(2).map(|pair| pair[1].at.micros_since(pair[0].at)).filter(|&step| step > 0).collect();
    let middle = steps.len() / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1).and_then(Grain::from_micros)
}
