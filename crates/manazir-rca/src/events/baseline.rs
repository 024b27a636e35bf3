//! What a person without a method would do, to compare methods with.

use std::collections::HashMap;

use manazir_model::Random;

use super::answer::{Answer, Cause, Factors};
use super::cascade::before;
use super::event::{Event, Kind};
use super::graph::EventGraph;
use super::live::EventId;
use super::search::seconds;
use crate::topology::EntityId;

/// So many calls around the alert are looked at.
const CALLS_MAX: u16 = 4;
/// So many entities at most.
const ENTITIES_MAX: usize = 20_000;
/// As the published PageRank has it.
const DAMPING: f64 = 0.85;
const ROUNDS: usize = 50;

/// Changes in what the alerting entity depends on, the last before the alert first.
pub(super) fn last_change(graph: &EventGraph, alert: EventId, event: &Event) -> Answer {
    let score = |candidate: &Event, _| {
        let age_s = seconds(candidate.from, event.from);
        (candidate.kind == Kind::Change && age_s >= 0.0).then(|| 1.0 / (1.0 + age_s))
    };
    ranked(graph, alert, event, score)
}

/// All events in what the alerting entity depends on, in an order drawn from a seed.
pub(super) fn random(graph: &EventGraph, alert: EventId, event: &Event, seed: u64) -> Answer {
    let mut random = Random::new(seed);
    ranked(graph, alert, event, |_, _| Some(random.uniform()))
}

/// Events by the PageRank of their entities, started in proportion to how many events each has; within an entity the
/// last first.
pub(super) fn service_page_rank(graph: &EventGraph, alert: EventId, event: &Event) -> Answer {
    let around = around(graph, event);
    let places: HashMap<EntityId, usize> =
        around.iter().enumerate().map(|(at, (entity, _))| (*entity, at)).collect();
    let counts: Vec<f64> = around.iter().map(|(entity, _)| graph.events_of(*entity).count() as f64).collect();
    let total: f64 = counts.iter().sum();
    let start: Vec<f64> = counts.iter().map(|count| count / total.max(1.0)).collect();
    let then = graph.topology.as_of(event.from);
    let callees: Vec<Vec<usize>> = around
        .iter()
        .map(|(entity, _)| then.callees(*entity).filter_map(|callee| places.get(&callee).copied()).collect())
        .collect();
    let mut ranks = start.clone();
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; ranks.len()];
        let mut loose = 0.0;
        for (rank, callees) in ranks.iter().zip(&callees) {
            if callees.is_empty() {
                loose += rank;
            }
            for callee in callees {
                next[*callee] += DAMPING * rank / callees.len() as f64;
            }
        }
        for (next, start) in next.iter_mut().zip(&start) {
            *next += (DAMPING * loose + 1.0 - DAMPING) * start;
        }
        ranks = next;
    }
    // The age decides within an entity only: it moves a rank by less than entities differ.
    let score = |candidate: &Event, entity: EntityId| {
        let age_s = seconds(candidate.from, event.from).max(0.0);
        Some(ranks[places[&entity]] * (1.0 + 1e-9 / (1.0 + age_s)))
    };
    ranked(graph, alert, event, score)
}

/// The entity of the alert and what it depends on, with the calls between.
fn around(graph: &EventGraph, alert: &Event) -> Vec<(EntityId, u16)> {
    let then = graph.topology.as_of(alert.from);
    let mut seen = HashMap::from([(alert.entity, 0)]);
    let mut around = vec![(alert.entity, 0)];
    let mut next = 0;
    while next < around.len() && around.len() < ENTITIES_MAX {
        let (entity, calls) = around[next];
        next += 1;
        if calls == CALLS_MAX {
            break;
        }
        for callee in then.callees(entity) {
            seen.entry(callee).or_insert_with(|| {
                around.push((callee, calls + 1));
                calls + 1
            });
        }
    }
    around
}

/// The events around an alert to which a score is given.
fn ranked(
    graph: &EventGraph,
    alert: EventId,
    event: &Event,
    mut score: impl FnMut(&Event, EntityId) -> Option<f64>,
) -> Answer {
    let mut causes = Vec::new();
    for (entity, calls) in around(graph, event) {
        let mut of_entity: Vec<_> = graph.events_of(entity).filter(|(id, _)| *id != alert).collect();
        of_entity.sort_by(|(_, one), (_, other)| graph.order(one, other));
        for (id, candidate) in of_entity {
            let age_s = Some(seconds(candidate.from, event.from));
            let factors = Factors { distance: Some(calls), age_s, ..Factors::default() };
            let given = score(candidate, entity);
            causes.extend(given.map(|score| Cause {
                event: id,
                score,
                share: 0.0,
                factors,
                path: Vec::new(),
            }));
        }
    }
    Answer::new(alert, causes, |one, other| before(graph, one, other))
}
