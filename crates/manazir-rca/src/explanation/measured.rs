//! What the series say of each entity.

use std::collections::{BTreeMap, HashMap, VecDeque};

use manazir_model::Timestamp;

use super::ask::Measured;
use crate::evidence::{self, Candidate, Ranking, Series, Shift, began, moved, rank_shifted, shifts};
use crate::topology::EntityId;

/// An entity shows a symptom from this surprise on, in nats: one window in twenty.
const SYMPTOM_NATS: f64 = 3.0;

/// Entities that a search for a path looks at.
const LOOKED_AT_MAX: usize = 10_000;

/// Steps up from a cause, where nobody said what called for help.
const STEPS_UP_MAX: usize = 6;

/// A ranking of measurements, and what it was made from.
pub(super) struct Seen<'a> {
    pub(super) measured: Measured<'a>,
    pub(super) ranking: Ranking,
    pub(super) shifts: Vec<Option<Shift>>,
    /// Of each entity the series that moved most, and its surprise.
    symptoms: HashMap<EntityId, (usize, f64)>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(measured: Measured<'a>) -> Self {
        let shifts = shifts(measured.incident);
        let ranking = rank_shifted(measured.incident, &shifts);
        let mut symptoms: HashMap<EntityId, (usize, f64)> = HashMap::new();
        for (place, (series, shift)) in measured.incident.series.iter().zip(&shifts).enumerate() {
            let Some(surprise) = shift.as_ref().map(|shift| badly(series, shift)) else { continue };
            let known = symptoms.entry(series.entity).or_insert((place, surprise));
            if surprise > known.1 {
                *known = (place, surprise);
            }
        }
        Self { measured, ranking, shifts, symptoms }
    }

    pub(super) fn name(&self, entity: EntityId) -> &'a str {
        self.measured.incident.topology.name(entity)
    }

    /// The candidate that is an entity of this name.
    pub(super) fn candidate(&self, name: &str) -> Option<&Candidate> {
        let entity = self.measured.incident.topology.named(name)?;
        self.ranking.candidates.iter().find(|candidate| candidate.entity == entity)
    }

    /// True if anything of an entity of this name was measured.
    pub(super) fn is_measured(&self, name: &str) -> bool {
        let entity = self.measured.incident.topology.named(name);
        entity.is_some_and(|entity| self.symptoms.contains_key(&entity))
    }

    /// The series of an entity that moved most, if one moved enough.
    pub(super) fn symptom(&self, entity: EntityId) -> Option<usize> {
        self.symptoms.get(&entity).filter(|(_, surprise)| *surprise >= SYMPTOM_NATS).map(|(place, _)| *place)
    }

    /// When a series began to move.
    pub(super) fn began(&self, series: usize) -> Option<Timestamp> {
        began(self.measured.incident, &self.shifts, series).map(|sample| self.measured.at(sample))
    }

    /// What a series did, in words.
    pub(super) fn moved(&self, series: usize) -> String {
        moved(self.measured.incident, &self.shifts, series)
    }

    /// From what called for help to an entity, both included; the entity alone if nothing leads there.
    pub(super) fn path(&self, to: EntityId) -> Vec<EntityId> {
        match self.measured.incident.alert {
            Some(alert) => self.path_down(alert.entity, to).unwrap_or_else(|| vec![to]),
            None => self.path_up(to),
        }
    }

    /// The shortest way along calls.
    fn path_down(&self, from: EntityId, to: EntityId) -> Option<Vec<EntityId>> {
        let topology = self.measured.incident.topology;
        let mut came_from: BTreeMap<EntityId, EntityId> = BTreeMap::from([(from, from)]);
        let mut next = VecDeque::from([from]);
        while let Some(entity) = next.pop_front() {
            if entity == to {
                let mut path = vec![to];
                while path.last() != Some(&from) {
                    path.push(came_from[&path[path.len() - 1]]);
                }
                path.reverse();
                return Some(path);
            }
            for callee in topology.callees(entity) {
                if came_from.len() < LOOKED_AT_MAX && !came_from.contains_key(callee) {
                    came_from.insert(*callee, entity);
                    next.push_back(*callee);
                }
            }
        }
        None
    }

    /// From the entity up to the callers that show it most.
    fn path_up(&self, to: EntityId) -> Vec<EntityId> {
        let topology = self.measured.incident.topology;
        let surprise = |entity: &EntityId| self.symptoms.get(entity).map_or(0.0, |symptom| symptom.1);
        let mut path = vec![to];
        while path.len() <= STEPS_UP_MAX {
            let callers = topology.callers(path[path.len() - 1]).iter();
            let shown = callers.filter(|caller| surprise(caller) >= SYMPTOM_NATS && !path.contains(caller));
            let most = shown.max_by(|a, b| surprise(a).total_cmp(&surprise(b)).then_with(|| b.cmp(a)));
            let Some(caller) = most.copied() else { break };
            path.push(caller);
        }
        path.reverse();
        path
    }
}

/// How far a series moved to the side that is bad for it.
fn badly(series: &Series<'_>, shift: &Shift) -> f64 {
    use evidence::Kind;
    match series.kind {
        Kind::Availability => shift.down,
        Kind::Traffic | Kind::Operation | Kind::Log => shift.up.max(shift.down),
        Kind::Latency | Kind::Errors | Kind::Resource | Kind::NetworkGap => shift.up,
    }
}
