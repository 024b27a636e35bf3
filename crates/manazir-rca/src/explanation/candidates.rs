//! Candidates of events and of measurements, as one list.

use super::ask::Known;
use super::odds::Scale;
use crate::events::{self, Event, Method};
use crate::evidence;

/// Where events were reported, an entity without one of its own is so much less likely the cause, as log odds.
const UNREPORTED: f64 = -1.0;

/// What may be the cause.
pub(super) struct Candidate<'a> {
    pub(super) entity: &'a str,
    /// What was reported, and how it is ranked.
    pub(super) event: Option<(&'a events::Cause, &'a Event)>,
    /// What was measured.
    pub(super) measured: Option<&'a evidence::Candidate>,
    /// Against none of them.
    pub(super) log_odds: f64,
}

/// All of them, the likeliest first. Equals are in the order of the engines: events before entities.
pub(super) fn candidates<'a>(known: Known<'a>, scale: &Scale) -> Vec<Candidate<'a>> {
    let mut all = of_events(known, scale);
    let n_events = all.len();
    if let Some(seen) = known.seen {
        let reported = if n_events > 0 { UNREPORTED } else { 0.0 };
        for measured in &seen.ranking.candidates {
            let entity = seen.name(measured.entity);
            if all[..n_events].iter().all(|candidate| candidate.entity != entity) {
                let log_odds = scale.of_entity(measured.score, seen.ranking.score_min) + reported;
                all.push(Candidate { entity, event: None, measured: Some(measured), log_odds });
            }
        }
    }
    all.sort_by(|one, other| other.log_odds.total_cmp(&one.log_odds));
    all
}

fn of_events<'a>(known: Known<'a>, scale: &Scale) -> Vec<Candidate<'a>> {
    let (Some(events), Some(answer)) = (known.question.events, known.answer) else { return Vec::new() };
    let candidate = |cause: &'a events::Cause| {
        let event = events.graph.get(cause.event)?;
        let entity = events.graph.topology().name(event.entity);
        let measured = known.seen.and_then(|seen| seen.candidate(entity));
        let log_odds = of_event(cause, events.method, scale) + of_measured(known, entity, scale);
        Some(Candidate { entity, event: Some((cause, event)), measured, log_odds })
    };
    answer.causes.iter().filter(|cause| cause.score > 0.0).filter_map(candidate).collect()
}

/// The scores of other methods than ours mean something within an answer only: there a share stands for them.
fn of_event(cause: &events::Cause, method: &Method, scale: &Scale) -> f64 {
    match method {
        Method::Cascade(_) => scale.of_event(cause.score),
        _ => (cause.share.clamp(1e-6, 1.0 - 1e-6) / (1.0 - cause.share.clamp(1e-6, 1.0 - 1e-6))).ln(),
    }
}

/// An entity of which nothing was measured is as likely as before; one that was measured and did nothing, less.
fn of_measured(known: Known<'_>, entity: &str, scale: &Scale) -> f64 {
    let Some(seen) = known.seen else { return 0.0 };
    match seen.candidate(entity) {
        Some(measured) => scale.of_entity(measured.score, seen.ranking.score_min),
        None if seen.is_measured(entity) => scale.of_entity(0.0, seen.ranking.score_min),
        None => 0.0,
    }
}
