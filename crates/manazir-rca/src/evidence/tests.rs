//! Small systems with a known fault, and what must not change a ranking.

use proptest::prelude::*;

use super::*;
use crate::topology::{EntityId, Topology};

const NORMAL: usize = 60;
const SAMPLES: usize = 64;

/// Owned series, to be borrowed by an incident.
#[derive(Clone, Debug)]
struct Owned {
    entity: u32,
    caller: Option<u32>,
    metric: &'static str,
    statistic: Statistic,
    kind: Kind,
    values: Vec<f64>,
}

/// A chain of calls front → 1 → 2 → … with a spare entity off the chain.
fn chain(n_entities: u32) -> Topology {
    let mut topology = Topology::default();
    let entities: Vec<EntityId> =
        (0..n_entities).map(|entity| topology.entity(&format!("s{entity}"))).collect();
    for pair in entities.windows(2) {
        topology.depends(pair[0], pair[1]);
    }
    topology
}

/// Entities and their scores.
fn ranked(topology: &Topology, owned: &[Owned]) -> Vec<(u32, f64)> {
    let ranking = ranking(topology, owned);
    ranking.candidates.iter().map(|candidate| (candidate.entity.0, candidate.score)).collect()
}

fn ranking(topology: &Topology, owned: &[Owned]) -> Ranking {
    let borrowed = |owned: &Owned| {
        let Owned { entity, caller, metric, statistic, kind, values } = owned.clone();
        (EntityId(entity), caller.map(EntityId), metric, statistic, kind, values)
    };
    let parts: Vec<_> = owned.iter().map(borrowed).collect();
    let series: Vec<Series<'_>> = parts
        .iter()
        .map(|(entity, caller, metric, statistic, kind, values)| Series {
            entity: *entity,
            caller: *caller,
            metric,
            statistic: *statistic,
            kind: *kind,
            values,
        })
        .collect();
    let incident = Incident {
        series: &series,
        topology,
        window: (NORMAL, SAMPLES),
        history: &[(0, NORMAL)],
        alert: None,
    };
    rank(&incident)
}

/// A level with a jitter that differs by `seed`, times `factor` in the incident.
fn level(level: f64, factor: f64, seed: usize) -> Vec<f64> {
    let jitter = |step: usize| 1.0 + ((step * 31 + seed * 17) % 13) as f64 / 100.0;
    (0..SAMPLES).map(|step| level * jitter(step) * if step < NORMAL { 1.0 } else { factor }).collect()
}

fn metric(entity: u32, kind: Kind, values: Vec<f64>) -> Owned {
    let (metric, statistic) =
        if kind == Kind::Resource { ("cpu", Statistic::Mean) } else { ("p95", Statistic::Quantile) };
    Owned { entity, caller: None, metric, statistic, kind, values }
}

fn gap(caller: u32, callee: u32, factor: f64) -> Owned {
    let values = level(2_000.0, factor, callee as usize);
    let statistic = Statistic::Quantile;
    Owned { entity: callee, caller: Some(caller), metric: "gap", statistic, kind: Kind::NetworkGap, values }
}

#[test]
fn the_one_that_burns_processor_time_outranks_those_that_wait_for_it() {
    let topology = chain(4);
    let mut series = Vec::new();
    for entity in 0..4 {
        series.push(metric(
            entity,
            Kind::Resource,
            level(10.0, if entity == 2 { 4.0 } else { 1.0 }, entity as usize),
        ));
        series.push(metric(
            entity,
            Kind::Latency,
            level(0.1, if entity <= 2 { 9.0 } else { 1.0 }, entity as usize),
        ));
    }
    assert_eq!(ranked(&topology, &series)[0].0, 2);
}

#[test]
fn a_slow_network_is_at_the_callee_whose_ways_alone_are_slow() {
    let mut topology = Topology::default();
    let entities: Vec<EntityId> = ["front", "a", "b", "c"].iter().map(|name| topology.entity(name)).collect();
    entities[1..].iter().for_each(|callee| topology.depends(entities[0], *callee));
    let one = [gap(0, 1, 1.0), gap(0, 2, 50.0), gap(0, 3, 1.0)];
    assert_eq!(ranked(&topology, &one)[0].0, 2);
    let all = [gap(0, 1, 50.0), gap(0, 2, 50.0), gap(0, 3, 50.0)];
    assert_eq!(ranked(&topology, &all)[0].0, 0, "all its ways are slow, so it is the caller");
}

#[test]
fn nothing_happened_and_no_cause_is_found() {
    let topology = chain(4);
    let series: Vec<Owned> =
        (0..4).map(|entity| metric(entity, Kind::Resource, level(10.0, 1.0, entity as usize))).collect();
    assert_eq!(ranking(&topology, &series).cause(), None);
}

#[test]
fn reasons_say_what_moved_and_when() {
    let topology = chain(2);
    let values = level(10.0, 4.0, 1);
    let series = [Series {
        entity: EntityId(1),
        caller: None,
        metric: "cpu",
        statistic: Statistic::Mean,
        kind: Kind::Resource,
        values: &values,
    }];
    let incident = Incident {
        series: &series,
        topology: &topology,
        window: (NORMAL, SAMPLES),
        history: &[(0, NORMAL)],
        alert: None,
    };
    let ranking = rank(&incident);
    let cause = ranking.cause().unwrap();
    assert_eq!(cause.onset, Some(NORMAL));
    expect_test::expect!["`cpu`, mean 42.40 instead of 10.60"].assert_eq(&cause.factors[0].reason);
}

/// Entities of a chain with a resource and a latency each, some of which shift.
fn system() -> impl Strategy<Value = Vec<Owned>> {
    let factor = prop_oneof![Just(1.0), 0.2..20.0];
    prop::collection::vec((0_u32..6, any::<bool>(), 0.001..1e4_f64, factor, 0_usize..100), 1..24).prop_map(
        |parts| {
            let owned = |(place, (entity, is_resource, height, factor, seed)): (
                usize,
                (u32, bool, f64, f64, usize),
            )| {
                let kind = if is_resource { Kind::Resource } else { Kind::Latency };
                // Each a metric of its own.
                let metric: &'static str = ["a", "b", "c", "d", "e", "f"][place % 6];
                Owned { metric, ..self::metric(entity, kind, level(height, factor, seed)) }
            };
            parts.into_iter().enumerate().map(owned).collect()
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_the_series_changes_nothing(series in system(), turn in 0_usize..24) {
        let topology = chain(6);
        let mut turned = series.clone();
        let turn = turn % turned.len();
        turned.rotate_left(turn);
        turned.reverse();
        prop_assert_eq!(ranked(&topology, &series), ranked(&topology, &turned));
    }

    #[test]
    fn another_unit_changes_no_rank(series in system(), exponent in -20_i32..20, place in 0_usize..24) {
        let topology = chain(6);
        let mut other = series.clone();
        let place = place % other.len();
        // A power of two, so that rounding plays no part.
        other[place].values.iter_mut().for_each(|value| *value *= 2_f64.powi(exponent));
        prop_assert_eq!(ranked(&topology, &series), ranked(&topology, &other));
    }

    #[test]
    fn an_entity_whose_series_rest_is_never_first(series in system(), height in 0.0..1e4_f64) {
        let topology = chain(7);
        let mut series = series;
        series.push(metric(6, Kind::Resource, vec![height; SAMPLES]));
        series.push(metric(6, Kind::Latency, vec![height; SAMPLES]));
        prop_assert!(ranked(&topology, &series).first().is_none_or(|(entity, _)| *entity != 6));
    }
}
