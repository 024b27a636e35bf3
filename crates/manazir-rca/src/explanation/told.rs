//! A candidate in names and sentences.

mod measured;
mod reported;

use std::collections::BTreeMap;

use manazir_model::hash::{fnv1a, mixed};

use super::ask::Known;
use super::candidates::Candidate;
use super::charts::Charts;
use super::{Cause, Reason};
use crate::events::{self, Event, EventGraph};

/// Everything that is said of a candidate.
pub(super) fn cause(
    known: Known<'_>,
    candidate: &Candidate<'_>,
    confidence: f64,
    charts: &mut Charts,
) -> Cause {
    let mut told = match (candidate.event, known.question.events) {
        (Some((cause, event)), Some(events)) => reported::cause(known, events.graph, cause, event),
        _ => measured::cause(known, candidate),
    };
    told.confidence = confidence;
    if let (Some(seen), Some(measured)) = (known.seen, candidate.measured) {
        told.supporting.extend(measured::supporting(seen, measured, charts));
        told.opposing.extend(measured::opposing(known, seen, measured));
    } else if known.seen.is_some_and(|seen| seen.is_measured(candidate.entity)) {
        told.opposing.push(reason("measurements", "what was measured of it did not move".to_owned(), 1.0));
    }
    told
}

/// What would make the answer surer.
pub(super) fn missing(known: Known<'_>, causes: &[Cause]) -> Vec<String> {
    let mut missing = Vec::new();
    let on_path = causes.iter().take(3).flat_map(|cause| &cause.path);
    let is_measured = |entity: &str| known.seen.is_some_and(|seen| seen.is_measured(entity));
    let is_seen = |entity: &str| {
        let steps = causes.iter().flat_map(|cause| &cause.path);
        is_measured(entity) || steps.into_iter().any(|step| step.entity == entity && !step.assumed)
    };
    for step in on_path.filter(|step| step.assumed && !is_seen(&step.entity)) {
        missing.push(format!("nothing was seen of {}, which lies on the way", step.entity));
    }
    if known.question.events.is_none() {
        missing.push("no events were given: changes and alerts would be weighed too".to_owned());
    } else if known.seen.is_none() {
        missing.push("no series were given: what services use and how late they answer".to_owned());
    }
    missing.sort();
    missing.dedup();
    missing
}

/// The name of an event within an answer.
pub(super) fn node(graph: &EventGraph, event: &Event) -> String {
    let entity = graph.topology().name(event.entity);
    format!("{entity}/{}/{}", graph.vocabulary().type_name(event.event_type), event.from)
}

/// What an event is limited to.
pub(super) fn dims(graph: &EventGraph, event: &Event) -> BTreeMap<String, String> {
    let pairs = graph.vocabulary().dimensions(event.dims);
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The same in words; empty without any.
pub(super) fn dims_words(dims: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = dims.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { String::new() } else { format!(" ({})", pairs.join(", ")) }
}

/// A short identity of a candidate, the same on every machine.
fn identity(of: &str) -> String {
    format!("{:016x}", mixed(fnv1a(of.bytes())))
}

fn reason(source: &str, sentence: String, strength: f64) -> Reason {
    Reason { source: source.to_owned(), sentence, strength, chart: None }
}

/// What a verdict on a reported candidate teaches.
fn lesson(graph: &EventGraph, cause: &events::Cause) -> Option<events::Verdict> {
    Some(events::Verdict::of(graph, cause, true)).filter(|verdict| !verdict.cause.is_empty())
}
