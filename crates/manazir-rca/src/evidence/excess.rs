//! Where the excess that the alert shows comes from.
//!
//! Mean latency times calls is time spent, and the share of failures times calls is failures: totals, which add up along
//! the calls. What an entity has in excess of its normal time is either what its callees have in excess, or its own. So
//! the excess of the alert is followed from caller to callee, never more of it than a callee has itself, and what
//! remains at an entity is its share in the alert. Noise elsewhere, however strange, gets none of it.
//!
//! A callee that was never seen in normal time explains nothing: that it is called at all is the caller's doing.

use std::collections::BTreeMap;

use super::series::{Alert, Incident, Kind, Series, Statistic};
use super::shift::{Normal, Room, Shift, mean, shift_from};
use crate::topology::{EntityId, Topology};

/// Scale of a total of latencies is at least this share of its level, as for other series.
const SCALE_FLOOR: f64 = 0.05;

/// What of the alert remains at one entity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Origin {
    /// Share of the alert's excess, in [0, 1].
    pub share: f64,
    /// Surprise of the entity's own total, in nats.
    pub surprise: f64,
    /// Position of its series of the alert's metric.
    pub series: usize,
}

/// Of one entity: its total in excess of normal in a step of the incident.
#[derive(Clone, Copy, Debug)]
struct Total {
    excess: f64,
    surprise: f64,
    series: usize,
    is_new: bool,
}

/// For each entity that the alert's entity depends on, and itself. `None` without an alert, or where its metric has no
/// total: no mean, no traffic.
pub fn origins(incident: &Incident<'_>) -> Option<BTreeMap<EntityId, Origin>> {
    let alert = incident.alert?;
    let order = callers_first(incident.topology, alert.entity);
    let totals = totals(incident, &alert);
    let whole = totals.get(&alert.entity)?.excess;
    let mut inflow: BTreeMap<EntityId, f64> = BTreeMap::from([(alert.entity, whole)]);
    let mut origins = BTreeMap::new();
    let position: BTreeMap<EntityId, usize> = order.iter().copied().zip(0..).collect();
    for entity in &order {
        let (Some(total), Some(&received)) = (totals.get(entity), inflow.get(entity)) else { continue };
        let passed = pass_on(*entity, received, incident.topology, &totals, &position, &mut inflow);
        let share = if whole > 0.0 { ((received - passed) / whole).clamp(0.0, 1.0) } else { 0.0 };
        origins.insert(*entity, Origin { share, surprise: total.surprise, series: total.series });
    }
    Some(origins)
}

/// Hands what an entity received on to its callees, in the ratio of their excesses; returns how much went.
fn pass_on(
    entity: EntityId,
    received: f64,
    topology: &Topology,
    totals: &BTreeMap<EntityId, Total>,
    position: &BTreeMap<EntityId, usize>,
    inflow: &mut BTreeMap<EntityId, f64>,
) -> f64 {
    let own = totals[&entity].excess;
    let callees = || {
        let callees = topology.callees(entity).iter();
        // Against the order only calls in a circle go.
        let onwards = callees.filter(|callee| position.get(callee) > position.get(&entity));
        onwards.filter_map(|callee| Some((*callee, totals.get(callee).filter(|total| !total.is_new)?.excess)))
    };
    let claimed: f64 = callees().map(|(_, excess)| excess).sum();
    if claimed <= 0.0 || own <= 0.0 || received <= 0.0 {
        return 0.0;
    }
    let explained = (received / own).min(1.0) * claimed.min(own);
    for (callee, excess) in callees() {
        *inflow.entry(callee).or_insert(0.0) += explained * excess / claimed;
    }
    explained
}

/// The entities that `first` depends on, each after its callers as far as nobody calls in a circle.
fn callers_first(topology: &Topology, first: EntityId) -> Vec<EntityId> {
    let mut seen = vec![false; topology.len()];
    let mut finished = Vec::new();
    let mut path = vec![(first, 0)];
    if first.index() >= topology.len() {
        return finished;
    }
    seen[first.index()] = true;
    while let Some((entity, next)) = path.last_mut() {
        if let Some(&callee) = topology.callees(*entity).get(*next) {
            *next += 1;
            if !std::mem::replace(&mut seen[callee.index()], true) {
                path.push((callee, 0));
            }
        } else {
            finished.push(*entity);
            path.pop();
        }
    }
    finished.reverse();
    finished
}

fn totals(incident: &Incident<'_>, alert: &Alert<'_>) -> BTreeMap<EntityId, Total> {
    let numbered = || incident.series.iter().enumerate();
    let traffic: BTreeMap<EntityId, &[f64]> = numbered()
        .filter(|(_, series)| series.kind == Kind::Traffic && series.caller.is_none())
        .map(|(_, series)| (series.entity, series.values))
        .collect();
    let is_same = |series: &Series<'_>| {
        series.kind == alert.kind
            && series.metric == alert.metric
            && series.statistic == Statistic::Mean
            && series.caller.is_none()
    };
    let with_traffic = |(place, series): (usize, &Series<'_>)| {
        let calls = traffic.get(&series.entity)?;
        Some((series.entity, total(incident, series, calls, place)?))
    };
    numbered().filter(|(_, series)| is_same(series)).filter_map(with_traffic).collect()
}

fn total(incident: &Incident<'_>, series: &Series<'_>, calls: &[f64], place: usize) -> Option<Total> {
    let n_samples = series.values.len().min(calls.len());
    let cost = |value: f64| if series.kind == Kind::Availability { 1.0 - value } else { value };
    let costs: Vec<f64> = series.values[..n_samples].iter().map(|value| cost(*value)).collect();
    let normal = |values: &[f64]| -> Vec<f64> {
        let stretches = incident.history(n_samples).flat_map(|stretch| values[stretch].iter().copied());
        stretches.filter(|value| value.is_finite()).collect()
    };
    let mut before = normal(&costs);
    let is_new = before.is_empty();
    let usual = if is_new { 0.0 } else { Normal::of(&mut before, false).center };
    // Nothing was called where nothing was measured, so there is no excess either.
    let excess = |(cost, calls): (&f64, &f64)| {
        let total = (cost - usual) * calls;
        if total.is_finite() { total } else { 0.0 }
    };
    let excesses: Vec<f64> = costs.iter().zip(calls).map(excess).collect();
    let mut before = normal(&excesses);
    if before.is_empty() {
        return None;
    }
    let mut scale = Normal::of(&mut before, series.kind != Kind::Latency);
    let usual_calls = mean(normal(calls).into_iter()).unwrap_or(0.0);
    if series.kind == Kind::Latency {
        scale.scale = scale.scale.max(SCALE_FLOOR * usual.abs() * usual_calls);
    }
    let shift: Option<Shift> = shift_from(incident, &excesses, scale, &mut Room::default());
    let shift = shift?;
    Some(Total { excess: (shift.now - scale.center).max(0.0), surprise: shift.up, series: place, is_new })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct System {
        topology: Topology,
        latency: Vec<(EntityId, Vec<f64>)>,
        calls: Vec<f64>,
    }

    /// Each entity with its latency before and in the incident.
    fn system(calls: &[(&str, &str)], latency: &[(&str, f64, f64)]) -> System {
        let mut topology = Topology::default();
        for (caller, callee) in calls {
            let (caller, callee) = (topology.entity(caller), topology.entity(callee));
            topology.depends(caller, callee);
        }
        let jitter = |step: usize| (step * 7 % 5) as f64 / 100.0;
        let latency = latency
            .iter()
            .map(|(name, before, now)| {
                let level = |step| if step < 60 { *before } else { *now };
                let values = (0..64).map(|step| level(step) * (1.0 + jitter(step)));
                (topology.entity(name), values.collect())
            })
            .collect();
        System { topology, latency, calls: vec![100.0; 64] }
    }

    fn shares(system: &System, alert: &str) -> Vec<(String, f64)> {
        let of = |entity, kind, metric, statistic, values| Series {
            entity,
            caller: None,
            metric,
            statistic,
            kind,
            values,
        };
        let mut series = Vec::new();
        for (entity, values) in &system.latency {
            series.push(of(*entity, Kind::Latency, "latency", Statistic::Mean, values.as_slice()));
            series.push(of(*entity, Kind::Traffic, "calls", Statistic::Sum, system.calls.as_slice()));
        }
        let entity = system.topology.named(alert).unwrap();
        let incident = Incident {
            series: &series,
            topology: &system.topology,
            window: (60, 64),
            history: &[(0, 60)],
            alert: Some(Alert { entity, kind: Kind::Latency, metric: "latency" }),
        };
        let origins = origins(&incident).unwrap();
        origins
            .iter()
            .map(|(entity, origin)| (system.topology.name(*entity).to_owned(), origin.share))
            .collect()
    }

    fn share(shares: &[(String, f64)], name: &str) -> f64 {
        shares.iter().find(|(entity, _)| entity == name).map_or(0.0, |(_, share)| *share)
    }

    #[test]
    fn the_excess_is_followed_to_the_callee_that_has_it() {
        let system = system(
            &[("front", "shop"), ("shop", "store"), ("front", "ads")],
            &[("front", 100.0, 200.0), ("shop", 60.0, 160.0), ("store", 20.0, 120.0), ("ads", 5.0, 5.0)],
        );
        let shares = shares(&system, "front");
        assert!(share(&shares, "store") > 0.95, "{shares:?}");
        assert!(share(&shares, "shop") < 0.05 && share(&shares, "front") < 0.05, "{shares:?}");
    }

    #[test]
    fn a_caller_that_waits_for_nobody_keeps_its_excess() {
        let system = system(
            &[("front", "shop"), ("shop", "store")],
            &[("front", 100.0, 200.0), ("shop", 60.0, 160.0), ("store", 20.0, 20.0)],
        );
        assert!(share(&shares(&system, "front"), "shop") > 0.95);
    }

    #[test]
    fn noise_off_the_way_gets_no_share_and_a_circle_ends() {
        let system = system(
            &[("front", "shop"), ("shop", "front"), ("shop", "store"), ("other", "store")],
            &[("front", 100.0, 100.0), ("shop", 10.0, 10.0), ("store", 10.0, 90.0), ("other", 1.0, 50.0)],
        );
        let shares = shares(&system, "front");
        assert_eq!(share(&shares, "other"), 0.0);
        assert!(share(&shares, "shop") < 0.5, "{shares:?}");
    }

    #[test]
    fn a_callee_never_seen_before_is_its_callers_doing() {
        let mut system = system(
            &[("front", "shop"), ("shop", "store")],
            &[("front", 100.0, 200.0), ("shop", 60.0, 160.0), ("store", 20.0, 120.0)],
        );
        system.latency[2].1[..60].fill(f64::NAN);
        assert!(share(&shares(&system, "front"), "shop") > 0.95);
    }
}
