//! Groot's event causality graph: all that the rules reach from the alerting entity, without bridges.

use std::collections::HashMap;

use super::answer::{Answer, Cause, Factors, Step};
use super::cascade::before;
use super::event::Event;
use super::graph::EventGraph;
use super::groot_rank::{GrootRank, Role, groot_rank};
use super::live::EventId;
use super::rules::{Place, Rule, RuleId};
use super::search::{POINTED_TO, Towards, each_at, seconds};
use crate::topology::EntityId;

/// How the graph is built.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrootGraph {
    /// False leaves out the conditions of rules: static rules only.
    pub conditions: bool,
    /// Seconds by which clocks differ: a cause may seem to come so much after its effect.
    pub skew_s: f64,
    /// Events in the graph at most; the search ends there.
    pub events_max: usize,
}

impl Default for GrootGraph {
    fn default() -> Self {
        Self { conditions: true, skew_s: 5.0, events_max: 20_000 }
    }
}

/// An event in the graph.
struct Node {
    id: EventId,
    /// Calls from the alerting entity.
    distance: u16,
    /// From which node the search came, and by which rule; `None` where it began.
    before: Option<(usize, RuleId)>,
}

#[derive(Default)]
struct Causality {
    nodes: Vec<Node>,
    places: HashMap<EventId, usize>,
    links: Vec<(usize, usize, f64)>,
    cut: bool,
}

pub(super) fn rank(
    graph: &EventGraph,
    alert: EventId,
    event: &Event,
    settings: &GrootGraph,
    ranking: &GrootRank,
) -> Answer {
    let causality = Causality::build(graph, alert, event, settings);
    let role = |node: &Node| match graph.get(node.id) {
        Some(event) if graph.points_to(event).is_some() => Role::Directional,
        Some(event) if graph.known_type(event.event_type).is_some_and(|known| known.domain) => Role::Domain,
        _ => Role::Ordinary,
    };
    let roles: Vec<Role> = causality.nodes.iter().map(role).collect();
    let ranks = groot_rank(&roles, &causality.links, ranking);
    let causes = causality.nodes.iter().zip(ranks).enumerate().filter(|(_, (node, _))| node.id != alert);
    let causes = causes.map(|(place, (node, score))| {
        let candidate = graph.get(node.id);
        let factors = Factors {
            distance: Some(node.distance),
            history: candidate.map(|of| graph.verdicts.history(graph.vocabulary.type_name(of.event_type))),
            assumed: Some(0),
            age_s: candidate.map(|of| seconds(of.from, event.from)),
            ..Factors::default()
        };
        Cause { event: node.id, score, share: 0.0, factors, path: causality.path(graph, place) }
    });
    let answer = Answer::new(alert, causes.collect(), |one, other| before(graph, one, other));
    Answer { reached: causality.nodes.len(), cut: causality.cut, ..answer }
}

impl Causality {
    /// Begins with every event of the alerting entity, the alert first, and follows the rules to causes until nothing
    /// new joins.
    fn build(graph: &EventGraph, alert: EventId, event: &Event, settings: &GrootGraph) -> Self {
        let mut causality = Self::default();
        let mut first: Vec<_> = graph.events_of(event.entity).filter(|(id, _)| *id != alert).collect();
        first.sort_by(|(_, one), (_, other)| graph.order(one, other));
        for id in std::iter::once(alert).chain(first.into_iter().map(|(id, _)| id)) {
            causality.join(id, 0, None);
        }
        let mut next = 0;
        while next < causality.nodes.len() {
            if causality.nodes.len() > settings.events_max {
                causality.cut = true;
                break;
            }
            causality.follow(graph, next, settings);
            next += 1;
        }
        causality
    }

    fn join(&mut self, id: EventId, distance: u16, before: Option<(usize, RuleId)>) -> usize {
        let nodes = &mut self.nodes;
        *self.places.entry(id).or_insert_with(|| {
            nodes.push(Node { id, distance, before });
            nodes.len() - 1
        })
    }

    fn follow(&mut self, graph: &EventGraph, place: usize, settings: &GrootGraph) {
        let Node { id, distance, .. } = self.nodes[place];
        let Some(effect) = graph.get(id).copied() else { return };
        let points_to = graph.points_to(&effect);
        let rules = Place::ALL.into_iter().flat_map(|place| graph.rules.causes_of(effect.event_type, place));
        for &rule_id in rules {
            let rule = graph.rules.rule(rule_id);
            let mut entities = Vec::new();
            each_at(graph, effect.entity, rule.place, Towards::Causes, effect.from, &mut |entity| {
                entities.push(entity);
            });
            for entity in entities {
                if points_to.is_some_and(|target| rule.place != Place::Callee || target != entity) {
                    continue;
                }
                let weight = graph.weight(rule_id) * if points_to.is_some() { POINTED_TO } else { 1.0 };
                for cause in causes(graph, &effect, rule, entity, settings) {
                    let calls = u16::from(rule.place != Place::Itself);
                    let cause = self.join(cause, distance.saturating_add(calls), Some((place, rule_id)));
                    self.links.push((place, cause, weight));
                }
            }
        }
    }

    fn path(&self, graph: &EventGraph, end: usize) -> Vec<Step> {
        let next = |place: &usize| self.nodes[*place].before.map(|(before, _)| before);
        let mut path: Vec<Step> = std::iter::successors(Some(end), next)
            .filter_map(|place| {
                let node = &self.nodes[place];
                let event = graph.get(node.id)?;
                let effect = node.before.and_then(|(before, _)| graph.get(self.nodes[before].id));
                let rule = node.before.map(|(_, rule)| rule);
                Some(Step {
                    event: Some(node.id),
                    entity: event.entity,
                    event_type: event.event_type,
                    at: Some(event.from),
                    rule,
                    lag_s: effect.map(|effect| seconds(event.from, effect.from)),
                    weight: rule.map_or(1.0, |rule| graph.weight(rule)),
                })
            })
            .collect();
        path.reverse();
        path
    }
}

fn causes<'a>(
    graph: &'a EventGraph,
    effect: &'a Event,
    rule: &'a Rule,
    entity: EntityId,
    settings: &GrootGraph,
) -> impl Iterator<Item = EventId> + 'a {
    let moved =
        |seconds: f64| manazir_model::Timestamp(effect.from.micros().saturating_add((seconds * 1e6) as i64));
    let (from, until) = (moved(-rule.lag_s_max), moved(settings.skew_s));
    let conditions = settings.conditions;
    graph.live.between(entity, rule.cause, from, until).filter_map(move |(_, slot)| {
        let (id, cause) = graph.live.at(slot);
        let agree = |key: &_| graph.vocabulary.agree(effect.dims, cause.dims, *key);
        (!conditions || rule.agree.iter().all(agree)).then_some(id)
    })
}
