//! The sentence of a live episode: in the words of `up`, with what live detection knows.

use manazir_detect::live::Basis;
use manazir_model::{Anomaly, AnomalyKind, EpisodeState, Grain, Series, SeriesKey, SeriesKind};

use super::episode::{Episode, Peak};
use super::recent::Recent;
use crate::finding::SeriesReport;
use crate::report::sentence::{sentence as sentence_of, sentence_so_far};

/// No date is of this year: a sentence that is kept says its own.
const NO_YEAR: i16 = 0;

/// What a sentence is about.
pub(super) struct Told<'a> {
    pub(super) key: &'a SeriesKey,
    pub(super) grain: Option<Grain>,
    pub(super) counter: bool,
    pub(super) episode: &'a Episode,
    pub(super) state: EpisodeState,
    pub(super) recent: &'a Recent,
}

/// What, how much against what, since when.
pub(super) fn sentence(told: &Told<'_>) -> String {
    let (report, anomaly) = (report(told), anomaly(told));
    match told.state {
        EpisodeState::Closed => sentence_of(&report, &anomaly, NO_YEAR),
        EpisodeState::Late => {
            format!("{}; the sample came late", sentence_of(&report, &anomaly, NO_YEAR))
        }
        EpisodeState::Opened | EpisodeState::Peaked => sentence_so_far(&report, &anomaly, NO_YEAR),
    }
}

/// The last samples and their bands, as a report knows them. What the peak was expected to be stands in the
/// anomaly, for the peak may have left the last samples.
fn report(told: &Told<'_>) -> SeriesReport {
    let kept = || told.recent.iter();
    let series = Series {
        key: told.key.clone(),
        kind: SeriesKind::Gauge,
        unit: told.counter.then(|| "1/s".to_owned()),
        grain: told.grain,
        zone: "UTC".to_owned(),
        at: kept().map(|kept| kept.sample.at).collect(),
        values: kept().map(super::recent::Kept::judged_value).collect(),
    };
    SeriesReport {
        expected: kept().map(|kept| kept.expectation.expected.into()).collect(),
        lower: kept().map(|kept| kept.expectation.lower.into()).collect(),
        upper: kept().map(|kept| kept.expectation.upper.into()).collect(),
        score: Vec::new(),
        anomalies: Vec::new(),
        choice: String::new(),
        baseline_words: basis(told.episode.peak.basis).to_owned(),
        confidence_note: None,
        total: None,
        series,
    }
}

fn anomaly(told: &Told<'_>) -> Anomaly {
    let episode = told.episode;
    let (observed, expected) = episode.means();
    Anomaly {
        series: told.key.clone(),
        start_at: episode.start_at,
        end_at: episode.end_at,
        peak_at: episode.peak.at,
        kind: kind(&episode.peak),
        direction: episode.direction(),
        observed,
        expected,
        peak_observed: episode.peak.observed,
        peak_expected: episode.peak.expected,
        score: episode.peak.score,
        detector: episode.peak.detector.clone(),
        open: matches!(told.state, EpisodeState::Opened | EpisodeState::Peaked),
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Level => "its recent level",
        Basis::Day => "what that time of day gives",
        Basis::Week => "what {weekday}s at that hour give",
    }
}

/// The form that a view sees, by its name; a value outside of its band is told as that, whichever view was the
/// most surprised.
fn kind(peak: &Peak) -> AnomalyKind {
    match peak.detector.as_str() {
        "form 8" | "form 32" | "form 96" | "bursts" if peak.is_outside() => AnomalyKind::Spike,
        "form 8" | "form 32" | "form 96" => AnomalyKind::Shape,
        "bursts" => AnomalyKind::VarianceChange,
        "mean 32" | "mean 128" | "day mean" | "week mean" => AnomalyKind::LevelShift,
        "day" | "week" => AnomalyKind::Season,
        _ => AnomalyKind::Spike,
    }
}
