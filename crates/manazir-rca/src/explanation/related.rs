//! What else happened: changes, and events near by.

use std::collections::{HashMap, HashSet, VecDeque};

use manazir_model::Timestamp;

use super::ask::Known;
use super::told::{dims, dims_words, node};
use super::words::{before, plain};
use super::{Graph, Told};
use crate::events::{Event, EventGraph, Kind};
use crate::topology::EntityId;

/// Nearness in time falls to 1/e in this time.
const TIME_S: f64 = 900.0;
/// Each call further away makes it half as near.
const PER_CALL: f64 = 0.5;
/// Calls in either direction.
const CALLS_MAX: u8 = 3;
/// Entities that are looked at.
const ENTITIES_MAX: usize = 2_000;
/// What is further away is not told.
const NEARNESS_MIN: f64 = 0.02;
/// A change further back is old news, in seconds.
const CHANGES_S: f64 = 7_200.0;

/// What is told beside the causes.
pub(super) struct Beside {
    /// What people changed near the alert in the two hours before it, the last first.
    pub(super) changes: Vec<Told>,
    /// Other events near the alert that are no part of the graph; the nearest in time, calls and dimensions first.
    pub(super) related: Vec<Told>,
}

/// At most so many changes and so many other events.
pub(super) fn beside(known: Known<'_>, graph: &Graph, changes_max: usize, related_max: usize) -> Beside {
    let drawn: HashSet<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
    let (mut changes, mut related) = (Vec::new(), Vec::new());
    let Some(events) = known.question.events else { return Beside { changes, related } };
    let graph = events.graph;
    let Some(alert) = graph.get(events.alert) else { return Beside { changes, related } };
    for (entity, calls) in around(graph, alert) {
        for (_, event) in graph.events_of(entity).filter(|(id, _)| *id != events.alert) {
            let age_s = alert.from.micros_since(event.from) as f64 / 1e6;
            let told = || tell(graph, event, nearness(graph, alert, event, age_s, calls), age_s);
            if event.kind != Kind::Change {
                related.push(told());
            } else if (0.0..=CHANGES_S).contains(&age_s) {
                changes.push(told());
            }
        }
    }
    changes.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.node.cmp(&other.node)));
    changes.truncate(changes_max);
    related.retain(|event| event.nearness >= NEARNESS_MIN && !drawn.contains(event.node.as_str()));
    related.sort_by(|one, other| {
        other.nearness.total_cmp(&one.nearness).then_with(|| one.node.cmp(&other.node))
    });
    related.truncate(related_max);
    Beside { changes, related }
}

/// Entities around the alert with how many calls they are away, in the topology of that time.
fn around(graph: &EventGraph, alert: &Event) -> Vec<(EntityId, u8)> {
    let topology = graph.topology().as_of(alert.from);
    let mut distance: HashMap<EntityId, u8> = HashMap::from([(alert.entity, 0)]);
    let mut next = VecDeque::from([alert.entity]);
    while let Some(entity) = next.pop_front() {
        let calls = distance[&entity];
        if calls == CALLS_MAX {
            continue;
        }
        let mut others: Vec<EntityId> = topology.callees(entity).chain(topology.callers(entity)).collect();
        others.sort_by(|a, b| graph.topology().name(*a).cmp(graph.topology().name(*b)));
        for other in others {
            if distance.len() < ENTITIES_MAX && !distance.contains_key(&other) {
                distance.insert(other, calls + 1);
                next.push_back(other);
            }
        }
    }
    distance.into_iter().collect()
}

fn nearness(graph: &EventGraph, alert: &Event, event: &Event, age_s: f64, calls: u8) -> f64 {
    let kind = match event.kind {
        Kind::Change | Kind::External => 1.0,
        Kind::Resource => 0.8,
        Kind::Status => 0.6,
        Kind::Performance => 0.4,
    };
    let shared = dims(graph, alert);
    let same = dims(graph, event).iter().filter(|(name, value)| shared.get(*name) == Some(value)).count();
    let dims = if same > 0 { 1.0 } else { 0.7 };
    (-age_s.abs() / TIME_S).exp() * PER_CALL.powi(i32::from(calls)) * kind * dims * event.severity().max(0.1)
}

fn tell(graph: &EventGraph, event: &Event, nearness: f64, age_s: f64) -> Told {
    let entity = graph.topology().name(event.entity).to_owned();
    let event_type = graph.vocabulary().type_name(event.event_type).to_owned();
    let dims = dims_words(&dims(graph, event));
    let at: Timestamp = event.from;
    Told {
        node: node(graph, event),
        sentence: format!("{entity}: {}{dims}, {} the alert", plain(&event_type), before(age_s)),
        entity,
        event_type,
        at,
        nearness,
    }
}
