//! An episode of a live series, from its opening to its close.

use manazir_detect::alarm::Transition;
use manazir_detect::live::{Basis, LiveConfig, p_value};
use manazir_model::{
    Direction, EpisodeState, Grain, JudgedSample, Sample, SeriesFinding, SeriesKey, Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};

use super::recent::Recent;
use super::words::{Told, sentence};

/// A judged sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// What was judged, for a counter the rate.
    pub(super) judged: Sample,
    pub(super) verdict: Verdict,
    pub(super) basis: Basis,
}

/// What is known of an episode so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Episode {
    pub(super) start_at: Timestamp,
    pub(super) end_at: Timestamp,
    pub(super) peak: Peak,
    /// Sums over its samples, for their means.
    observed: f64,
    expected: f64,
    samples: u32,
}

/// Its strangest sample; of those outside of their band, if there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Peak {
    pub(super) at: Timestamp,
    pub(super) observed: f64,
    pub(super) expected: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) score: f64,
    pub(super) detector: String,
    pub(super) basis: Basis,
}

impl Peak {
    fn of(seen: &Seen) -> Self {
        let Verdict { expected, lower, upper, score, detector, .. } = seen.verdict;
        Self {
            at: seen.judged.at,
            observed: seen.judged.value,
            expected,
            lower,
            upper,
            score,
            detector: detector.to_owned(),
            basis: seen.basis,
        }
    }
}

impl Peak {
    /// True if the value itself leaves the band.
    pub(super) fn is_outside(&self) -> bool {
        self.observed < self.lower || self.observed > self.upper
    }
}

impl Episode {
    fn new(seen: &Seen) -> Self {
        let mut episode = Self {
            start_at: seen.judged.at,
            end_at: seen.judged.at,
            peak: Peak::of(seen),
            observed: 0.0,
            expected: 0.0,
            samples: 0,
        };
        episode.add(seen);
        episode
    }

    /// A late sample as an episode of its own.
    pub(super) fn of_late(row: &JudgedSample) -> Self {
        let (observed, expected) = (row.judged_value(), f64::from(row.expected));
        let peak = Peak {
            at: row.at,
            observed,
            expected,
            lower: f64::from(row.lower),
            upper: f64::from(row.upper),
            score: f64::from(row.score),
            detector: row.detector.clone().into_owned(),
            basis: Basis::Level,
        };
        Self { start_at: row.at, end_at: row.at, peak, observed, expected, samples: 1 }
    }

    /// Follows the alarm of a series by one sample; what people are to be told, if anything. An episode that is
    /// closed stays in its place for whoever tells it.
    pub(super) fn follow(
        episode: &mut Option<Box<Self>>,
        seen: &Seen,
        transition: Transition,
    ) -> Option<EpisodeState> {
        match transition {
            Transition::Quiet | Transition::Held => None,
            Transition::Opened => {
                *episode = Some(Box::new(Self::new(seen)));
                Some(EpisodeState::Opened)
            }
            Transition::Escalated => {
                episode.as_mut()?.add(seen);
                Some(EpisodeState::Peaked)
            }
            Transition::Continued => {
                episode.as_mut()?.add(seen);
                None
            }
            Transition::Closed => episode.is_some().then_some(EpisodeState::Closed),
        }
    }

    /// Samples below the level at which the run goes on are quiet: the episode ends before them if none follows.
    fn add(&mut self, seen: &Seen) {
        let alarm = LiveConfig::default().alarm;
        if seen.verdict.score < alarm.open_score * alarm.close_share {
            return;
        }
        self.end_at = seen.judged.at;
        self.observed += seen.judged.value;
        self.expected += seen.verdict.expected;
        self.samples = self.samples.saturating_add(1);
        // The echo of a spike in its form is no better description than the spike.
        let peak = Peak::of(seen);
        if peak.score > self.peak.score && (peak.is_outside() || !self.peak.is_outside()) {
            self.peak = peak;
        }
    }

    /// Means of what was observed and expected over its strange samples.
    pub(super) fn means(&self) -> (f64, f64) {
        let samples = f64::from(self.samples.max(1));
        (self.observed / samples, self.expected / samples)
    }

    /// Above or below, where a peak outside of its band says so.
    pub(super) fn direction(&self) -> Option<Direction> {
        if self.peak.observed > self.peak.expected {
            Some(Direction::Up)
        } else {
            (self.peak.observed < self.peak.expected).then_some(Direction::Down)
        }
    }

    /// The episode as it is told.
    pub(super) fn finding(
        &self,
        key: &SeriesKey,
        state: EpisodeState,
        received_at: Timestamp,
        grain: Option<Grain>,
        counter: bool,
        recent: &Recent,
    ) -> SeriesFinding {
        let told = Told { key, grain, counter, episode: self, state, recent };
        SeriesFinding {
            series: key.clone(),
            state,
            start_at: self.start_at,
            end_at: self.end_at,
            peak_at: self.peak.at,
            received_at,
            direction: self.direction(),
            observed: self.peak.observed,
            expected: self.peak.expected,
            lower: self.peak.lower,
            upper: self.peak.upper,
            score: self.peak.score,
            p_value: p_value(self.peak.score),
            detector: self.peak.detector.clone(),
            sentence: sentence(&told),
        }
    }
}
