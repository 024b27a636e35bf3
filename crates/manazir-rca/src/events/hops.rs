//! Where the rules lead from an event, or from one that nobody reported and whose type is therefore not known.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::graph::EventGraph;
use super::rules::{Place, Rule, RuleId};
use super::search::Towards;
use super::vocabulary::TypeId;

/// The type of an event, or the types that an assumed one may be of, a bit each (see
/// [`RuleSet::bridge_bit`](super::RuleSet)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Types {
    One(TypeId),
    Any(u64),
}

/// What rules lead to at one place.
#[derive(Clone, Debug, Default)]
pub(super) struct Hop {
    /// To each type at the far end the heaviest rule.
    pub(super) rules: Vec<RuleId>,
    /// What may be assumed there: types that weigh the same are one.
    pub(super) assumed: Vec<Assumed>,
}

/// Types that may be assumed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assumed {
    pub(super) types: u64,
    /// Of the rules that lead there.
    pub(super) weight: f64,
    pub(super) typical_s: f64,
    pub(super) lag_s_max: f64,
}

/// Hops that were asked for before.
pub(super) struct Hops<'a> {
    graph: &'a EventGraph,
    known: HashMap<(Types, Towards, Place), Rc<Hop>>,
}

impl Towards {
    /// The type at the end of a rule that a search goes to.
    pub(super) fn far(self, rule: &Rule) -> TypeId {
        match self {
            Self::Causes => rule.cause,
            Self::Effects => rule.effect,
        }
    }
}

impl<'a> Hops<'a> {
    pub(super) fn new(graph: &'a EventGraph) -> Self {
        Self { graph, known: HashMap::new() }
    }

    pub(super) fn at(&mut self, types: Types, towards: Towards, place: Place) -> Rc<Hop> {
        let make = || Rc::new(hop(self.graph, types, towards, place));
        Rc::clone(self.known.entry((types, towards, place)).or_insert_with(make))
    }
}

pub(super) fn hop(graph: &EventGraph, types: Types, towards: Towards, place: Place) -> Hop {
    let near = match types {
        Types::One(one) => vec![one],
        Types::Any(bits) => graph.rules.bridged(bits),
    };
    let mut heaviest: BTreeMap<TypeId, RuleId> = BTreeMap::new();
    for near in near {
        let rules = match towards {
            Towards::Causes => graph.rules.causes_of(near, place),
            Towards::Effects => graph.rules.effects_of(near, place),
        };
        for &rule in rules {
            let best = heaviest.entry(towards.far(graph.rules.rule(rule))).or_insert(rule);
            if graph.weight(rule) > graph.weight(*best) {
                *best = rule;
            }
        }
    }
    let mut assumed: Vec<Assumed> = Vec::new();
    for (far, rule_id) in &heaviest {
        let Some(bit) = graph.rules.bridge_bit(*far) else { continue };
        let (rule, weight) = (graph.rules.rule(*rule_id), graph.weight(*rule_id));
        let alike = |known: &&mut Assumed| {
            (known.weight, known.typical_s, known.lag_s_max) == (weight, rule.typical_s, rule.lag_s_max)
        };
        match assumed.iter_mut().find(alike) {
            Some(known) => known.types |= bit,
            None => assumed.push(Assumed {
                types: bit,
                weight,
                typical_s: rule.typical_s,
                lag_s_max: rule.lag_s_max,
            }),
        }
    }
    Hop { rules: heaviest.into_values().collect(), assumed }
}
