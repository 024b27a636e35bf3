//! Time on the way between caller and callee, and at which end of the way it is lost.
//!
//! A slow network at an entity shows on every call that goes in or out there. A caller without processor time shows on
//! all its calls too, and would accuse all its callees; so a way in counts only as far as it is slower than the other
//! ways of the same caller.

use std::collections::BTreeMap;

use super::series::{Incident, Kind};
use super::shift::Shift;
use crate::topology::EntityId;

/// Evidence from the ways of one entity, in nats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ways {
    /// Mean over the ways in of the surprise that the caller's other ways do not share.
    pub incoming: f64,
    /// Median over the ways out, if there are at least two: one alone is as much the callee's.
    pub outgoing: f64,
    /// Position of a series of the most surprising way in, else out.
    pub series: usize,
}

/// Caller and callee.
type Way = (EntityId, EntityId);

/// For each entity with ways. O(ways · log ways), and for each way the ways of its caller.
pub fn slow_ways(incident: &Incident<'_>, shifts: &[Option<Shift>]) -> BTreeMap<EntityId, Ways> {
    let ways = surprises(incident, shifts);
    let mut of_entity: BTreeMap<EntityId, Vec<Way>> = BTreeMap::new();
    for way in ways.keys() {
        of_entity.entry(way.0).or_default().push(*way);
        of_entity.entry(way.1).or_default().push(*way);
    }
    of_entity.iter().map(|(entity, mine)| (*entity, of_one(*entity, mine, &of_entity, &ways))).collect()
}

fn of_one(
    entity: EntityId,
    mine: &[Way],
    of_entity: &BTreeMap<EntityId, Vec<Way>>,
    ways: &BTreeMap<Way, (f64, usize)>,
) -> Ways {
    let own_share = |way: &Way| (ways[way].0 - elsewhere(*way, &of_entity[&way.0], ways)).max(0.0);
    let incoming: Vec<&Way> = mine.iter().filter(|way| way.1 == entity).collect();
    let outgoing: Vec<&Way> = mine.iter().filter(|way| way.0 == entity).collect();
    let mut out: Vec<f64> = outgoing.iter().map(|way| ways[way].0).collect();
    let shown = if incoming.is_empty() { &outgoing } else { &incoming };
    let most = shown.iter().max_by(|a, b| ways[a].0.total_cmp(&ways[b].0));
    Ways {
        incoming: super::shift::mean(incoming.iter().map(|way| own_share(way))).unwrap_or(0.0),
        outgoing: if out.len() < 2 { 0.0 } else { median(&mut out) },
        series: most.map_or(0, |way| ways[way].1),
    }
}

/// Median surprise of the other ways of a way's caller; 0 if there is none.
fn elsewhere(way: Way, of_caller: &[Way], ways: &BTreeMap<Way, (f64, usize)>) -> f64 {
    let mut others: Vec<f64> =
        of_caller.iter().filter(|other| **other != way).map(|other| ways[other].0).collect();
    median(&mut others)
}

/// Of each way: mean surprise of its statistics, and the position of one of its series.
fn surprises(incident: &Incident<'_>, shifts: &[Option<Shift>]) -> BTreeMap<Way, (f64, usize)> {
    let mut statistics: BTreeMap<Way, (Vec<f64>, usize)> = BTreeMap::new();
    for (place, (series, shift)) in incident.series.iter().zip(shifts).enumerate() {
        if let (Kind::NetworkGap, Some(caller), Some(shift)) = (series.kind, series.caller, shift) {
            statistics.entry((caller, series.entity)).or_insert((Vec::new(), place)).0.push(shift.up);
        }
    }
    let mean = |mut surprises: Vec<f64>| {
        // In one order, so that the order of the series does not decide the last bit.
        surprises.sort_unstable_by(f64::total_cmp);
        surprises.iter().sum::<f64>() / surprises.len() as f64
    };
    statistics.into_iter().map(|(way, (all, place))| (way, (mean(all), place))).collect()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}
