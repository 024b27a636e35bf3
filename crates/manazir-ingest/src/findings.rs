//! The port of what was found: a row for each anomaly, for people to look at and to judge.
//!
//! An event that is an anomaly is written once and never changes. An episode of a series is written when it opens
//! and follows it until it closes, under one number. What a person says of either is kept beside it.

use std::collections::HashMap;
use std::str::FromStr;

use async_trait::async_trait;
use manazir_model::{EpisodeState, Reason, SeriesFinding, Timestamp};

use crate::lake::series_id;
use crate::{Error, Judged};

/// Reasons that a sentence tells; all of them are kept.
const REASONS_TOLD: usize = 3;

/// Source of findings in series.
const SERIES: &str = "series";

/// The label of a series that names who caused it.
const ACTOR_LABEL: &str = "actor";

/// What was found strange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// One event.
    Event,
    /// A run of samples of a series.
    Series,
}

impl FindingKind {
    /// Its word, on the wire and in stores.
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Series => "series",
        }
    }
}

impl FromStr for FindingKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = [Self::Event, Self::Series].into_iter().find(|kind| kind.word() == word);
        known.ok_or_else(|| format!("`{word}` is no kind of finding; there are event and series"))
    }
}

/// What a person says of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It was worth looking at.
    Confirmed,
    /// It was not.
    Rejected,
}

impl Opinion {
    /// Its word, on the wire and in stores.
    pub fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
}

impl FromStr for Opinion {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = [Self::Confirmed, Self::Rejected].into_iter().find(|opinion| opinion.word() == word);
        known.ok_or_else(|| format!("`{word}` is no verdict of a person; there are confirmed and rejected"))
    }
}

/// A person's verdict on a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// What it was.
    pub verdict: Opinion,
    /// In the person's words; may be empty.
    pub comment: String,
    /// Who says so.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// What detection says of a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFinding {
    /// An event or a run of samples.
    pub kind: FindingKind,
    /// Who sent it.
    pub source: String,
    /// Identity of the event within its source; of an episode its series and start.
    pub event_id: String,
    /// The request that it belongs to.
    pub request_id: String,
    /// The role that did it.
    pub actor: String,
    /// The type of the event: what was done.
    pub action: String,
    /// The affected assets, each as it came.
    pub resources: Vec<String>,
    /// When it happened, or began.
    pub at: Timestamp,
    /// When it ended, if it has a length and an end.
    pub ended_at: Option<Timestamp>,
    /// When it was first seen here.
    pub first_seen_at: Timestamp,
    /// When its data arrived.
    pub received_at: Timestamp,
    /// Strangeness, 0 or more.
    pub score: f64,
    /// The expectations it broke, the most surprising first.
    pub reasons: Vec<Reason>,
    /// All of it as one sentence.
    pub sentence: String,
    /// The series it lies in, if it lies in one.
    pub series: Option<String>,
}

impl NewFinding {
    /// The detector of the first reason; empty if there is none.
    pub fn detector(&self) -> &str {
        self.reasons.first().map_or("", |reason| &reason.detector)
    }

    /// What a search for words looks through.
    pub fn searched(&self) -> String {
        self.sentence.to_lowercase()
    }

    /// The episode that it tells of: a later finding of the same takes its place.
    pub fn episode(&self) -> Option<&str> {
        (self.kind == FindingKind::Series).then_some(self.event_id.as_str())
    }

    /// The number of its series in the lake, if it is an episode of one.
    pub fn series_id(&self) -> Option<u64> {
        let id = self.episode()?.split('/').next()?;
        u64::from_str_radix(id, 16).ok()
    }

    /// Takes over what a later finding of the same episode says; when it was first seen stays.
    pub fn follow(&mut self, later: Self) {
        let first_seen_at = self.first_seen_at;
        *self = Self { first_seen_at, ..later };
    }
}

/// Findings of which each episode occurs once, as it was told last; in the order in which they were first told.
pub fn last_told(findings: &[NewFinding]) -> Vec<NewFinding> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut told: Vec<NewFinding> = Vec::with_capacity(findings.len());
    for finding in findings {
        let place = finding.episode().map(|episode| *places.entry(episode).or_insert(told.len()));
        match place.and_then(|place| told.get_mut(place)) {
            Some(known) => known.follow(finding.clone()),
            None => told.push(finding.clone()),
        }
    }
    told
}

impl From<&Judged> for NewFinding {
    fn from(judged: &Judged) -> Self {
        let Judged { id, received_at, event, verdict, .. } = judged;
        Self {
            kind: FindingKind::Event,
            source: id.source.clone(),
            event_id: id.id.clone(),
            request_id: event.request_id.clone(),
            actor: event.actor.clone(),
            action: event.action.clone(),
            resources: event.resources.clone(),
            at: event.at,
            ended_at: None,
            first_seen_at: *received_at,
            received_at: *received_at,
            score: verdict.score,
            sentence: sentence(&event.action, &verdict.reasons),
            reasons: verdict.reasons.clone(),
            series: None,
        }
    }
}

impl From<&SeriesFinding> for NewFinding {
    fn from(finding: &SeriesFinding) -> Self {
        let SeriesFinding { series, state, start_at, end_at, received_at, score, detector, sentence, .. } =
            finding;
        let label = |name: &str| series.labels.iter().find(|(label, _)| label == name);
        // A late sample opens nothing: it may lie in the middle of an episode, and is told beside it.
        let late = if *state == EpisodeState::Late { "/late" } else { "" };
        let over = matches!(state, EpisodeState::Closed | EpisodeState::Late);
        Self {
            kind: FindingKind::Series,
            source: SERIES.to_owned(),
            event_id: format!("{:016x}/{start_at}{late}", series_id(series)),
            request_id: String::new(),
            actor: label(ACTOR_LABEL).map(|(_, actor)| actor.clone()).unwrap_or_default(),
            action: series.metric.clone(),
            resources: Vec::new(),
            at: *start_at,
            ended_at: over.then_some(*end_at),
            first_seen_at: *received_at,
            received_at: *received_at,
            score: *score,
            reasons: vec![Reason { detector: detector.clone(), surprise: *score, text: sentence.clone() }],
            sentence: sentence.clone(),
            series: Some(series.to_string()),
        }
    }
}

/// `iam:CreateUser: role/app never called iam:CreateUser in 10 days. …`: what was done, and the expectations
/// that it broke. `what` is the action, with whatever else is known of it.
pub fn sentence(what: &str, reasons: &[Reason]) -> String {
    let reasons: Vec<&str> = reasons.iter().take(REASONS_TOLD).map(|reason| reason.text.as_str()).collect();
    if reasons.is_empty() { format!("{what}.") } else { format!("{what}: {}.", reasons.join(". ")) }
}

/// A finding as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Grows in the order in which findings were committed; from 1.
    pub number: u64,
    /// What detection says.
    pub what: NewFinding,
    /// What a person says.
    pub feedback: Option<Feedback>,
}

/// Which findings; what is `None` lets all pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindingFilter {
    /// Event or series.
    pub kind: Option<FindingKind>,
    /// Exactly this source.
    pub source: Option<String>,
    /// Exactly this event.
    pub event_id: Option<String>,
    /// Exactly this request.
    pub request_id: Option<String>,
    /// Exactly this role.
    pub actor: Option<String>,
    /// Exactly this type of event.
    pub action: Option<String>,
    /// Exactly this one is among the affected assets.
    pub resource: Option<String>,
    /// The detector of the first reason.
    pub detector: Option<String>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// At least so strange.
    pub score_min: Option<f64>,
    /// `Some(None)`: those that nobody has judged.
    pub feedback: Option<Option<Opinion>>,
    /// These words are in the sentence, in capitals or not.
    pub words: Option<String>,
}

/// Keeps findings.
#[async_trait]
pub trait Findings: Send + Sync {
    /// Findings that pass the filter, the newest first, those before `before` if it is given, at most `max`.
    async fn page(
        &self,
        filter: &FindingFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<Finding>, Error>;

    /// One finding, if there is such a one.
    async fn get(&self, number: u64) -> Result<Option<Finding>, Error>;

    /// Keeps what a person says in place of what was said before; `None` takes it back. True if there is
    /// such a finding.
    async fn set_feedback(&self, number: u64, feedback: Option<&Feedback>) -> Result<bool, Error>;
}
