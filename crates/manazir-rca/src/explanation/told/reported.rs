//! A candidate that is an event.

use super::super::ask::Known;
use super::super::words::{before, duration, percent, plain};
use super::super::{Cause, Reason, Step};
use super::{dims, dims_words, identity, lesson, node, reason};
use crate::events::{self, Event, EventGraph, Kind};

/// An event explained less than this by others is where a chain ends.
const ORIGIN_MIN: f64 = 0.7;
/// A link that weighs less is no likely one.
const LINK_MIN: f64 = 0.3;
/// Effects that are worth a sentence.
const SUPPORT_MIN: f64 = 0.5;
/// An event less grave hardly causes anything.
const SEVERITY_MIN: f64 = 0.3;

pub(super) fn cause(known: Known<'_>, graph: &EventGraph, cause: &events::Cause, event: &Event) -> Cause {
    let entity = graph.topology().name(event.entity).to_owned();
    let event_type = graph.vocabulary().type_name(event.event_type).to_owned();
    let dims = dims(graph, event);
    let age_s = cause.factors.age_s.unwrap_or_default();
    let asked = known.question.what;
    let is_type = graph.rules().type_named(asked).is_some();
    let asked = if is_type { plain(asked) } else { format!("`{asked}`") };
    let sentence = format!(
        "{entity}: {}{}, {} {}",
        plain(&event_type),
        dims_words(&dims),
        before(age_s),
        known.question.entity.map_or_else(|| asked.clone(), |at| format!("{asked} of {at}"))
    );
    let path = path(graph, cause);
    Cause {
        id: identity(&node(graph, event)),
        next_check: check(graph, event, &entity),
        kind: Some(event.kind),
        at: Some(event.from),
        confidence: 0.0,
        supporting: supporting(event, cause),
        opposing: opposing(event, cause),
        not_seen: not_seen(&path),
        lesson: lesson(graph, cause),
        event_type: Some(event_type),
        entity,
        dims,
        sentence,
        path,
    }
}

fn path(graph: &EventGraph, cause: &events::Cause) -> Vec<Step> {
    let step = |step: &events::Step| {
        let entity = graph.topology().name(step.entity).to_owned();
        let event_type = graph.vocabulary().type_name(step.event_type).to_owned();
        let event = step.event.and_then(|id| graph.get(id));
        let node = event
            .map_or_else(|| format!("{entity}/{event_type}/not seen"), |event| super::node(graph, event));
        let words = plain(&event_type);
        let sentence = match (event, step.lag_s) {
            (None, _) => format!("{entity}: {words}, which nobody reported"),
            (Some(_), Some(lag)) => format!("{entity}: {words}, {} that", before(lag)),
            (Some(_), None) => format!("{entity}: {words}"),
        };
        Step {
            node,
            entity,
            event_type: Some(event_type),
            at: step.at,
            lag_seconds: step.lag_s,
            assumed: event.is_none(),
            weight: step.weight,
            sentence,
        }
    };
    cause.path.iter().map(step).collect()
}

fn supporting(event: &Event, cause: &events::Cause) -> Vec<Reason> {
    let factors = &cause.factors;
    let mut reasons = Vec::new();
    if let Some(reach) = factors.reach.filter(|reach| *reach > 0.0) {
        let distance = match factors.distance {
            Some(0) => "in the entity itself".to_owned(),
            Some(1) => "one call away".to_owned(),
            Some(calls) => format!("{calls} calls away"),
            None => "within reach".to_owned(),
        };
        reasons.push(reason("rules", format!("the rules lead to it, {distance}"), reach));
    }
    if let Some(age) = factors.age_s.filter(|age| *age >= 0.0) {
        reasons.push(reason("onset", format!("it began {} the alert", before(age)), 1.0));
    }
    if let Some(support) = factors.support.filter(|support| *support >= SUPPORT_MIN) {
        let sentence = match support.round() {
            n if n < 2.0 => "it would explain one more event near by".to_owned(),
            n => format!("it would explain about {n} more events near by"),
        };
        reasons.push(reason("support", sentence, support));
    }
    if let Some(origin) = factors.origin.filter(|origin| *origin >= ORIGIN_MIN) {
        reasons.push(reason("origin", "nothing that was reported explains it in turn".to_owned(), origin));
    }
    if let Some(words) = of_kind(event.kind) {
        reasons.push(reason("kind", words.to_owned(), factors.prior.unwrap_or_default()));
    }
    if let Some(history) = factors.history.filter(|history| *history > 0.5) {
        let sentence = "people confirmed causes of this type before".to_owned();
        reasons.push(reason("verdicts", sentence, history));
    }
    reasons
}

fn of_kind(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Change => Some("somebody changed something: where most incidents begin"),
        Kind::Resource => Some("it speaks of what the entity runs on, not of a symptom"),
        Kind::External => Some("it lies outside of what is watched"),
        Kind::Performance | Kind::Status => None,
    }
}

fn opposing(event: &Event, cause: &events::Cause) -> Vec<Reason> {
    let factors = &cause.factors;
    let mut reasons = Vec::new();
    if let Some(origin) = factors.origin.filter(|origin| *origin < ORIGIN_MIN) {
        let sentence = format!("another event explains it to {}", percent(1.0 - origin));
        reasons.push(reason("origin", sentence, 1.0 - origin));
    }
    if let Some(age) = factors.age_s.filter(|age| *age < 0.0) {
        reasons.push(reason("onset", format!("it began {} after the alert", duration(age)), 1.0));
    }
    if matches!(event.kind, Kind::Performance | Kind::Status) {
        reasons.push(reason("kind", "it is a symptom: something causes it as a rule".to_owned(), 0.5));
    }
    let weak = cause.path.iter().filter(|step| step.event.is_some() && step.weight < LINK_MIN);
    if let Some(step) = weak.min_by(|a, b| a.weight.total_cmp(&b.weight)) {
        let lag = step.lag_s.map_or(String::new(), |lag| format!(", {} apart", duration(lag)));
        let sentence = format!("one of the links to it is weak{lag}");
        reasons.push(reason("rules", sentence, 1.0 - step.weight));
    }
    if event.severity() < SEVERITY_MIN {
        reasons.push(reason("severity", "it is not grave".to_owned(), 1.0 - event.severity()));
    }
    if let Some(history) = factors.history.filter(|history| *history < 0.5) {
        let sentence = "people rejected causes of this type before".to_owned();
        reasons.push(reason("verdicts", sentence, 1.0 - history));
    }
    reasons
}

fn not_seen(path: &[Step]) -> Vec<String> {
    let assumed = path.iter().filter(|step| step.assumed);
    let words = |step: &Step| {
        format!("{} of {}", plain(step.event_type.as_deref().unwrap_or("symptom")), step.entity)
    };
    assumed.map(words).collect()
}

/// What the rules say of a type, else what is usual for its kind.
fn check(graph: &EventGraph, event: &Event, entity: &str) -> String {
    let target = event.target.map(|target| graph.topology().name(target));
    if let Some(check) = graph.rules().known_type(event.event_type).and_then(|known| known.check.as_deref()) {
        return check.replace("{entity}", entity).replace("{target}", target.unwrap_or("its target"));
    }
    match event.kind {
        Kind::Change => format!("What changed at {entity}, who did it, and can it be taken back?"),
        Kind::Resource => format!("Look at what {entity} uses and what runs beside it on the same host."),
        Kind::External => format!("Ask whoever runs {entity}, and call it from elsewhere."),
        Kind::Status => format!("Ask {entity} for its health yourself, from two places."),
        Kind::Performance => {
            format!("Look at the slowest and the failed requests of {entity}, and at what they wait for.")
        }
    }
}
