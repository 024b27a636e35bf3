//! From a question to an answer.

use manazir_model::Timestamp;

use super::candidates::{Candidate, candidates};
use super::charts::Charts;
use super::measured::Seen;
use super::odds::{Scale, confidences};
use super::related::{Beside, beside};
use super::{Asked, Explanation, drawing, told, words};
use crate::events::{self, Answer, EventGraph, EventId, Method};
use crate::evidence::Incident;

/// What an answer is put together from. At least one of `events` and `measured` says something.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The entity that is asked about, if it is known.
    pub entity: Option<&'a str>,
    /// The metric or type of event that called for help.
    pub what: &'a str,
    /// When it began.
    pub at: Timestamp,
    /// What was reported.
    pub events: Option<Events<'a>>,
    /// What was measured.
    pub measured: Option<Measured<'a>>,
}

/// What was reported: a graph, and the event in it that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Events<'a> {
    /// Live events and who depends on whom.
    pub graph: &'a EventGraph,
    /// What is asked about.
    pub alert: EventId,
    /// How causes are ranked.
    pub method: &'a Method,
}

/// What was measured, and when.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// Series around the incident.
    pub incident: &'a Incident<'a>,
    /// The time of each position on its grid, in order.
    pub times: &'a [Timestamp],
}

impl Measured<'_> {
    /// The time of a position; of one beyond the grid, its last.
    pub(super) fn at(&self, position: usize) -> Timestamp {
        self.times.get(position).or(self.times.last()).copied().unwrap_or_default()
    }

    /// Seconds from the position before the incident to its first.
    pub(super) fn step_s(&self) -> f64 {
        let start = self.incident.window.0.max(1);
        self.at(start).micros_since(self.at(start - 1)) as f64 / 1e6
    }
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Candidates at most.
    pub causes_max: usize,
    /// Other events near by at most.
    pub related_max: usize,
    /// Changes at most.
    pub changes_max: usize,
    /// Series at most.
    pub charts_max: usize,
    /// How scores become probabilities.
    pub scale: Scale,
}

impl Default for Config {
    fn default() -> Self {
        Self { causes_max: 5, related_max: 10, changes_max: 10, charts_max: 12, scale: Scale::default() }
    }
}

/// Answers a question: ranks the candidates of events and of measurements together, and says why.
///
/// Takes what [`EventGraph::rank`] and [`crate::evidence::rank`] take, and little more.
///
/// # Errors
///
/// If the event that is asked about is not live.
pub fn explain(question: &Question<'_>, config: &Config) -> Result<Explanation, events::Error> {
    let answer = question.events.map(|events| events.graph.rank(events.alert, events.method)).transpose()?;
    let seen = question.measured.map(Seen::new);
    let known = Known { question, answer: answer.as_ref(), seen: seen.as_ref() };
    let all = candidates(known, &config.scale);
    let log_odds: Vec<f64> = all.iter().map(|candidate| candidate.log_odds).collect();
    let (confidences, none_of_these) = confidences(&log_odds);
    let mut charts = Charts::new(config.charts_max);
    let shown: Vec<(&Candidate<'_>, f64)> =
        all.iter().zip(confidences).take(config.causes_max.max(1)).collect();
    let causes: Vec<_> = shown
        .iter()
        .map(|(candidate, confidence)| told::cause(known, candidate, *confidence, &mut charts))
        .collect();
    let likelier = causes.first().is_some_and(|first| first.confidence >= none_of_these);
    let found = likelier && all.first().is_some_and(|first| !is_thin(known, first));
    let graph = drawing::graph(known, &causes);
    let Beside { changes, related } = beside(known, &graph, config.changes_max, config.related_max);
    Ok(Explanation {
        asked: Asked {
            entity: question.entity.map(str::to_owned),
            what: question.what.to_owned(),
            at: question.at,
        },
        summary: summary(causes.first(), found),
        found,
        none_of_these,
        contributors: None,
        changes,
        related,
        missing: told::missing(known, &causes),
        graph,
        charts: charts.into_charts(),
        causes,
        cut: answer.as_ref().is_some_and(|answer| answer.cut),
    })
}

/// What is known when an answer is told.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) answer: Option<&'a Answer>,
    pub(super) seen: Option<&'a Seen<'a>>,
}

/// What is only measured has to stand out from what chance shows at any time, whoever asks.
fn is_thin(known: Known<'_>, first: &Candidate<'_>) -> bool {
    let score_min = known.seen.map_or(0.0, |seen| seen.ranking.score_min);
    first.event.is_none() && first.measured.is_some_and(|measured| measured.score < score_min)
}

fn summary(first: Option<&super::Cause>, found: bool) -> String {
    match first {
        Some(first) if found => {
            format!("Most likely {} ({}).", first.sentence, words::percent(first.confidence))
        }
        Some(first) => format!(
            "No cause found: the evidence is thin. The best candidate is {} ({}).",
            first.sentence,
            words::percent(first.confidence)
        ),
        None => "No cause found: nothing that was seen can have caused it.".to_owned(),
    }
}
