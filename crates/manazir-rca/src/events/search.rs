//! From an event along the rules to its causes, or to its effects: the likeliest first.
//!
//! The weight of a path is the product of its links. A link weighs what its rule weighs, times how likely its lag is,
//! times how grave the event at its far end is. Where nobody reported an event that the rules would need, one may be
//! assumed at a cost (a bridge): missing telemetry is the main reason for causes that are not reached.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use manazir_model::{Timestamp, hash};

use super::answer::Step;
use super::event::Event;
use super::graph::EventGraph;
use super::hops::{Assumed, Hops, Types, hop};
use super::live::EventId;
use super::rules::{Place, Rule, RuleId};
use crate::topology::EntityId;

/// How a search weighs links, and when it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    /// What an assumed event costs, as a factor of the weight.
    pub(super) bridge: f64,
    /// How many may be assumed in a row.
    pub(super) bridges_max: u8,
    /// Power of the severity in the weight of a link; 0 leaves it out.
    pub(super) severity_power: f64,
    /// Clocks differ by so much: a cause may seem to come so many seconds after its effect.
    pub(super) skew_s: f64,
    /// Onsets are known to so many seconds.
    pub(super) resolution_s: f64,
    /// Paths that weigh less are not followed.
    pub(super) weight_min: f64,
    /// Events that are followed, assumed ones included.
    pub(super) steps_max: usize,
    /// Lists of events that are looked up.
    pub(super) looks_max: usize,
}

/// Which way a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Towards {
    Causes,
    Effects,
}

/// An event that a directional event points to weighs so much more.
pub(super) const POINTED_TO: f64 = 1.5;

/// The node that a path begins with has no other before it.
const NONE: u32 = u32::MAX;

/// An event on a path, seen or assumed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    entity: EntityId,
    types: Types,
    /// The event itself, or, if it is assumed, the last one that was seen.
    slot: u32,
    /// How many are assumed in a row, this one included; 0 if it was seen.
    assumed: u8,
    before: u32,
    /// Where it is, as the one before sees it.
    place: Place,
    /// The rule of the link that leads to it, if it was seen.
    rule: RuleId,
    /// Of the path up to here.
    pub(super) weight: f64,
    /// Of the last link, without what was assumed.
    lag_s: f64,
    /// Usual seconds of the links since the last one that was seen.
    typical_s: f64,
    lag_s_max: f64,
    /// Calls between the entities of the first event and of this one, along the path.
    pub(super) distance: u16,
}

/// What a search reached.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    nodes: Vec<Node>,
    /// Those of the nodes that were seen, the heaviest path first.
    reached: Vec<u32>,
    /// True if the search ended before it was at an end.
    pub(super) cut: bool,
}

impl Found {
    /// Each event that was reached, with the path's end; the first is where the search began.
    pub(super) fn reached<'a>(
        &'a self,
        graph: &'a EventGraph,
    ) -> impl Iterator<Item = (EventId, &'a Event, u32)> {
        self.reached.iter().map(|&place| {
            let (id, event) = graph.live.at(self.nodes[place as usize].slot);
            (id, event, place)
        })
    }

    pub(super) fn len(&self) -> usize {
        self.reached.len()
    }

    pub(super) fn node(&self, place: u32) -> &Node {
        &self.nodes[place as usize]
    }

    /// From the alert where a search for causes began to one of them.
    ///
    /// An assumed event is told as of the type by which the heaviest rules lead on.
    pub(super) fn path(&self, graph: &EventGraph, end: u32) -> Vec<Step> {
        let mut path = Vec::new();
        // What the rule of the node behind says of the type of this one.
        let mut must_be = None;
        let mut next = self.nodes.get(end as usize);
        while let Some(node) = next {
            let before = self.nodes.get(node.before as usize);
            let seen = (node.assumed == 0).then(|| graph.live.at(node.slot));
            let event_type = match (seen, must_be) {
                (Some((_, event)), _) => event.event_type,
                (None, Some(must_be)) => must_be,
                (None, None) => break,
            };
            let rule = before.and_then(|before| match seen {
                Some(_) => Some(node.rule),
                None => {
                    let rules = hop(graph, before.types, Towards::Causes, node.place).rules;
                    rules.into_iter().find(|rule| graph.rules.rule(*rule).cause == event_type)
                }
            });
            path.push(Step {
                event: seen.map(|(id, _)| id),
                entity: node.entity,
                event_type,
                at: seen.map(|(_, event)| event.from),
                rule,
                lag_s: rule.and(seen).map(|_| node.lag_s),
                weight: before.map_or(1.0, |before| node.weight / before.weight),
            });
            must_be = rule.map(|rule| graph.rules.rule(rule).effect);
            next = before;
        }
        path.reverse();
        path
    }
}

/// Searches a graph, again and again with the same memory.
pub(super) struct Search<'a> {
    graph: &'a EventGraph,
    reach: Reach,
    /// Of each slot: the heaviest path to it, and in which search that was.
    heaviest: Vec<(u32, f64)>,
    run: u32,
    heaviest_assumed: HashMap<u64, f64, BuildHasherDefault<IdHasher>>,
    hops: Hops<'a>,
}

impl<'a> Search<'a> {
    pub(super) fn new(graph: &'a EventGraph, reach: Reach) -> Self {
        let heaviest = vec![(0, 0.0); graph.live.slots()];
        let hops = Hops::new(graph);
        Self { graph, reach, heaviest, run: 0, heaviest_assumed: HashMap::default(), hops }
    }

    /// Other bounds from now on.
    pub(super) fn bounded(&mut self, weight_min: f64, steps_max: usize, looks_max: usize) {
        self.reach = Reach { weight_min, steps_max, looks_max, ..self.reach };
    }

    /// All that the rules reach from an event, best first.
    pub(super) fn run(&mut self, from: EventId, towards: Towards) -> Found {
        let mut found = Found::default();
        let (_, event) = self.graph.live.at(from.slot() as u32);
        self.run += 1;
        self.heaviest_assumed.clear();
        self.heaviest[from.slot()] = (self.run, 1.0);
        found.nodes.push(Node {
            entity: event.entity,
            types: Types::One(event.event_type),
            slot: from.slot() as u32,
            assumed: 0,
            before: NONE,
            place: Place::Itself,
            rule: RuleId(0),
            weight: 1.0,
            lag_s: 0.0,
            typical_s: 0.0,
            lag_s_max: 0.0,
            distance: 0,
        });
        let mut queue = BinaryHeap::from([Queued { weight: 1.0, distance: 0, node: 0 }]);
        let (mut steps, mut looks) = (0, 0);
        while let Some(next) = queue.pop() {
            let node = found.nodes[next.node as usize];
            if self.known(&node) > node.weight {
                continue;
            }
            if steps >= self.reach.steps_max || looks >= self.reach.looks_max {
                found.cut = true;
                break;
            }
            steps += 1;
            if node.assumed == 0 {
                found.reached.push(next.node);
            }
            let first = found.nodes.len();
            looks += self.follow(next.node, &node, towards, &mut found.nodes);
            for (node, of) in found.nodes[first..].iter().zip(first as u32..) {
                queue.push(Queued { weight: node.weight, distance: node.distance, node: of });
            }
        }
        found
    }

    /// How well the likeliest direct cause explains an event, in 0..=1; 0 if there is none.
    pub(super) fn explained(&self, id: EventId) -> f64 {
        let (_, event) = self.graph.live.at(id.slot() as u32);
        let mut best: f64 = 0.0;
        for place in Place::ALL {
            let rules = self.graph.rules.causes_of(event.event_type, place);
            each_at(self.graph, event.entity, place, Towards::Causes, event.from, &mut |entity| {
                if self.graph.live.has_none(entity) || !self.may_look(event, place, entity) {
                    return;
                }
                for &rule in rules {
                    best = best.max(self.direct(id, event, rule, entity));
                }
            });
        }
        best.min(1.0)
    }

    /// Weight of the likeliest link from an event to a cause in an entity by a rule; 0 if there is none.
    fn direct(&self, id: EventId, event: &Event, rule_id: RuleId, entity: EntityId) -> f64 {
        let rule = self.graph.rules.rule(rule_id);
        let window = self.window(event.from, rule.lag_s_max, Towards::Causes);
        let causes = self.graph.live.between(entity, rule.cause, window.0, window.1);
        let causes = causes.map(|(onset, slot)| (onset, self.graph.live.at(slot)));
        causes
            .filter(|(_, (other_id, other))| *other_id != id && self.agree(rule, event, other))
            .map(|(onset, (_, other))| {
                let likelihood = self.likelihood(seconds(onset, event.from), rule.typical_s);
                self.graph.weight(rule_id) * likelihood * self.gravity(other)
            })
            .fold(0.0, f64::max)
    }

    /// Adds the nodes that one leads to; returns how many lists it looked up.
    fn follow(&mut self, before: u32, node: &Node, towards: Towards, nodes: &mut Vec<Node>) -> usize {
        let graph = self.graph;
        let (_, seen) = graph.live.at(node.slot);
        let points = match towards {
            Towards::Causes if node.assumed == 0 => graph.points_to(seen),
            _ => None,
        };
        let more = if points.is_some() { POINTED_TO } else { 1.0 };
        let mut looks = 0;
        let mut entities = Vec::new();
        for place in Place::ALL {
            let hop = self.hops.at(node.types, towards, place);
            if hop.rules.is_empty() || (points.is_some() && place != Place::Callee) {
                continue;
            }
            entities.clear();
            each_at(graph, node.entity, place, towards, seen.from, &mut |entity| entities.push(entity));
            for &entity in &entities {
                // To go back where one comes from explains nothing.
                let back = node.assumed > 0 && place != Place::Itself && entity == seen.entity;
                if back || points.is_some_and(|target| target != entity) {
                    continue;
                }
                let step = Hopped { before, node, seen, towards, place, entity, more };
                let mut better = 0;
                if !graph.live.has_none(entity) {
                    looks += hop.rules.len();
                    for &rule in &hop.rules {
                        better |= self.see(&step, rule, nodes);
                    }
                }
                for assumed in &hop.assumed {
                    self.assume(&step, assumed, better, nodes);
                }
                looks += 1;
            }
        }
        looks
    }

    /// Adds the events of an entity that a rule links to a node. Returns the bit of their type if one of them leads on
    /// at least as well as one that would be assumed.
    fn see(&mut self, step: &Hopped<'_>, rule_id: RuleId, nodes: &mut Vec<Node>) -> u64 {
        let graph = self.graph;
        let Hopped { node, seen, towards, .. } = *step;
        let rule = graph.rules.rule(rule_id);
        let far = towards.far(rule);
        let typical_s = node.typical_s + rule.typical_s;
        let strength = node.weight * graph.weight(rule_id) * step.more;
        let lag_s_max = self.lag_s_max(strength, typical_s).min(node.lag_s_max + rule.lag_s_max);
        let window = self.window(seen.from, lag_s_max, towards);
        let mut heaviest: f64 = 0.0;
        for (onset, slot) in graph.live.between(step.entity, far, window.0, window.1) {
            let (_, other) = graph.live.at(slot);
            let may_look = towards == Towards::Causes || self.may_look(other, rule.place, node.entity);
            if !may_look || !self.agree(rule, seen, other) {
                continue;
            }
            let lag_s = match towards {
                Towards::Causes => seconds(onset, seen.from),
                Towards::Effects => seconds(seen.from, onset),
            };
            let weight =
                (strength * self.likelihood(lag_s, typical_s) * self.gravity(other)).min(node.weight);
            heaviest = heaviest.max(weight);
            let best = &mut self.heaviest[slot as usize];
            if weight < self.reach.weight_min || (best.0 == self.run && best.1 >= weight) {
                continue;
            }
            *best = (self.run, weight);
            nodes.push(Node {
                types: Types::One(far),
                slot,
                assumed: 0,
                rule: rule_id,
                weight,
                lag_s,
                typical_s: 0.0,
                lag_s_max: 0.0,
                ..step.far_node()
            });
        }
        let as_well = heaviest >= strength * self.reach.bridge;
        graph.rules.bridge_bit(far).filter(|_| as_well).unwrap_or(0)
    }

    /// Adds an event that nobody reported, of the types that are not `better` reported.
    fn assume(&mut self, step: &Hopped<'_>, assumed: &Assumed, better: u64, nodes: &mut Vec<Node>) {
        let node = step.node;
        let weight = (node.weight * assumed.weight * step.more * self.reach.bridge).min(node.weight);
        let types = assumed.types & !better;
        if node.assumed >= self.reach.bridges_max || weight < self.reach.weight_min || types == 0 {
            return;
        }
        let assumed = Node {
            types: Types::Any(types),
            assumed: node.assumed + 1,
            weight,
            lag_s: 0.0,
            typical_s: node.typical_s + assumed.typical_s,
            lag_s_max: node.lag_s_max + assumed.lag_s_max,
            ..step.far_node()
        };
        let best = self.heaviest_assumed.entry(key(&assumed)).or_insert(0.0);
        if *best < weight {
            *best = weight;
            nodes.push(assumed);
        }
    }

    /// The heaviest path to a node so far.
    fn known(&self, node: &Node) -> f64 {
        if node.assumed == 0 {
            self.heaviest[node.slot as usize].1
        } else {
            self.heaviest_assumed.get(&key(node)).copied().unwrap_or(0.0)
        }
    }

    /// False if an effect points to another entity than that of the cause.
    fn may_look(&self, effect: &Event, place: Place, cause: EntityId) -> bool {
        let target = self.graph.points_to(effect);
        target.is_none_or(|target| place == Place::Callee && target == cause)
    }

    fn agree(&self, rule: &Rule, one: &Event, other: &Event) -> bool {
        rule.agree.iter().all(|key| self.graph.vocabulary.agree(one.dims, other.dims, *key))
    }

    /// How likely a lag is, compared with the likeliest one, in 0..=1: 1 / (1 + (lag / usual)²).
    ///
    /// Flat up to what is usual and with a heavy tail, because nobody knows the lags of a system beforehand; its shape
    /// is that of the log-logistic survival function. A cause that seems to come after its effect counts less the later
    /// it comes, and not at all beyond what clocks differ by.
    fn likelihood(&self, lag_s: f64, typical_s: f64) -> f64 {
        if lag_s < 0.0 {
            return if self.reach.skew_s > 0.0 { (1.0 + lag_s / self.reach.skew_s).max(0.0) } else { 0.0 };
        }
        1.0 / (1.0 + (lag_s / (typical_s + self.reach.resolution_s)).powi(2))
    }

    /// The lag beyond which even the gravest event would weigh too little: the inverse of the likelihood.
    fn lag_s_max(&self, strength: f64, typical_s: f64) -> f64 {
        (typical_s + self.reach.resolution_s) * (strength / self.reach.weight_min - 1.0).max(0.0).sqrt()
    }

    /// Onsets within a lag, and within what clocks differ by on the other side.
    fn window(&self, from: Timestamp, lag_s_max: f64, towards: Towards) -> (Timestamp, Timestamp) {
        let moved = |seconds: f64| Timestamp(from.micros().saturating_add((seconds * 1e6) as i64));
        match towards {
            Towards::Causes => (moved(-lag_s_max), moved(self.reach.skew_s)),
            Towards::Effects => (moved(-self.reach.skew_s), moved(lag_s_max)),
        }
    }

    /// What the severity of an event contributes, in 0..=1. An event of no severity is an event still.
    fn gravity(&self, event: &Event) -> f64 {
        event.severity().max(0.01).powf(self.reach.severity_power)
    }
}

/// Where the events at the far end of a rule may be.
pub(super) fn each_at(
    graph: &EventGraph,
    entity: EntityId,
    place: Place,
    towards: Towards,
    at: Timestamp,
    each: &mut impl FnMut(EntityId),
) {
    let then = graph.topology.as_of(at);
    match (place, towards) {
        (Place::Itself, _) => each(entity),
        (Place::Callee, Towards::Causes) | (Place::Caller, Towards::Effects) => {
            then.callees(entity).for_each(each);
        }
        (Place::Caller, Towards::Causes) | (Place::Callee, Towards::Effects) => {
            then.callers(entity).for_each(each);
        }
    }
}

/// From a node to an entity.
#[derive(Clone, Copy)]
struct Hopped<'a> {
    before: u32,
    node: &'a Node,
    /// The last event that was seen.
    seen: &'a Event,
    towards: Towards,
    place: Place,
    entity: EntityId,
    /// What the link weighs more because the event points there.
    more: f64,
}

impl Hopped<'_> {
    /// What all nodes of the entity have in common.
    fn far_node(&self) -> Node {
        let calls = u16::from(self.place != Place::Itself);
        Node {
            entity: self.entity,
            before: self.before,
            place: self.place,
            distance: self.node.distance.saturating_add(calls),
            ..*self.node
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    weight: f64,
    distance: u16,
    node: u32,
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        let nearer = || other.distance.cmp(&self.distance);
        self.weight.total_cmp(&other.weight).then_with(nearer).then_with(|| other.node.cmp(&self.node))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

/// Seconds from a cause to its effect.
pub(super) fn seconds(cause: Timestamp, effect: Timestamp) -> f64 {
    effect.micros_since(cause) as f64 / 1e6
}

/// Of an assumed event: its entity and types, and the last one that was seen before it.
fn key(node: &Node) -> u64 {
    // Two keys may collide, once in 2³² times or so; one of the paths is then lost.
    let types = match node.types {
        Types::One(one) => u64::from(one.0),
        Types::Any(bits) => bits,
    };
    hash::mixed(types) ^ (u64::from(node.slot) << 32 | u64::from(node.entity.0))
}

/// Mixes one number; the hash of the standard library is made for texts that an enemy chooses.
#[derive(Clone, Copy, Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash::fnv1a(bytes.iter().copied());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = hash::mixed(number);
    }
}
