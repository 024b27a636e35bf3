//! Topology, rules and live events together.

use manazir_model::Timestamp;

use super::answer::Answer;
use super::event::{Event, Kind};
use super::live::{EventId, LiveEvents};
use super::rules::{EventType, RuleId, RuleSet};
use super::verdicts::Verdicts;
use super::vocabulary::{TypeId, Vocabulary};
use super::{Error, Method, baseline, cascade, causality};
use crate::topology::{EntityId, Span, Topology};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live events; beyond that the oldest go. About 100 bytes each.
    pub events_max: usize,
    /// Live events of one entity; beyond that its oldest go.
    pub events_per_entity_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events_max: 1 << 20, events_per_entity_max: 4_096 }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its number.
    pub id: EventId,
    /// False if the same event was there already.
    pub new: bool,
    /// The artificial event at its target, if its type makes one.
    pub at_target: Option<EventId>,
}

/// Live events of entities that depend on one another, and the rules by which one may cause another.
#[derive(Clone, Debug)]
pub struct EventGraph {
    pub(super) topology: Topology,
    pub(super) vocabulary: Vocabulary,
    pub(super) rules: RuleSet,
    /// Of each rule: its own weight, times what was learned.
    pub(super) weights: Vec<f64>,
    pub(super) verdicts: Verdicts,
    pub(super) live: LiveEvents,
}

impl EventGraph {
    /// Without entities and events.
    pub fn new(rules: RuleSet) -> Self {
        Self::with_limits(rules, Limits::default())
    }

    /// Without entities and events.
    pub fn with_limits(rules: RuleSet, limits: Limits) -> Self {
        Self {
            topology: Topology::default(),
            vocabulary: rules.vocabulary().clone(),
            weights: rules.rules().iter().map(|rule| rule.weight).collect(),
            verdicts: Verdicts::default(),
            live: LiveEvents::new(limits.events_max, limits.events_per_entity_max),
            rules,
        }
    }

    /// Entities and dependencies.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Entities and dependencies, to be changed.
    pub fn topology_mut(&mut self) -> &mut Topology {
        &mut self.topology
    }

    /// Names of types, dimensions and sources.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Names of types, dimensions and sources, to be added to.
    pub fn vocabulary_mut(&mut self) -> &mut Vocabulary {
        &mut self.vocabulary
    }

    /// The rules.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// From now on rules weigh as these verdicts say; an empty set of verdicts takes back all that was learned.
    pub fn learn(&mut self, verdicts: Verdicts) {
        let weight = |rule: &super::Rule| rule.weight * verdicts.factor(&self.rules, rule);
        self.weights = self.rules.rules().iter().map(weight).collect();
        self.verdicts = verdicts;
    }

    /// The type of a name or alias; makes one without rules if nobody knows it.
    pub fn type_of(&mut self, name: &str) -> Result<TypeId, Error> {
        match self.rules.type_named(name) {
            Some(known) => Ok(known),
            None => self.vocabulary.event_type(name),
        }
    }

    /// An event that is not yet added, of the kind that its type is of.
    pub fn event(&mut self, entity: EntityId, event_type: &str, at: Timestamp) -> Result<Event, Error> {
        let event_type = self.type_of(event_type)?;
        let kind = self.rules.known_type(event_type).map_or(Kind::Performance, |known| known.kind);
        Ok(Event::new(entity, event_type, kind, at))
    }

    /// Adds an event, in O(log n) of the live ones and of those of its entity. The same again is no new event.
    ///
    /// If its type makes an artificial event at the target that it names, that is added too, with a dependency of the
    /// entity on the target for as long as the event lasts.
    ///
    /// Entity and type must be of this graph.
    pub fn add(&mut self, event: Event) -> Added {
        let (id, new) = self.live.add(event);
        let at_target = self.artificial(&event).map(|(artificial, span)| {
            self.topology.depends_during(event.entity, artificial.entity, span);
            self.live.add(artificial).0
        });
        Added { id, new, at_target }
    }

    /// An event was seen again, at a later time. False if it is not live.
    pub fn seen_until(&mut self, id: EventId, until: Timestamp) -> bool {
        if !self.live.seen_until(id, until) {
            return false;
        }
        // What was made of it at its target lasts as long.
        if let Some(event) = self.live.get(id).copied() {
            self.add(event);
        }
        true
    }

    /// Forgets the events that were last seen before; returns how many that were.
    pub fn expire(&mut self, before: Timestamp) -> usize {
        self.live.expire(before)
    }

    /// How many events are live.
    pub fn events_len(&self) -> usize {
        self.live.len()
    }

    /// An event, if it is live.
    pub fn get(&self, id: EventId) -> Option<&Event> {
        self.live.get(id)
    }

    /// All live events, in no particular order.
    pub fn events(&self) -> impl Iterator<Item = (EventId, &Event)> {
        self.live.iter()
    }

    /// The live events of an entity, by type, then in order of time.
    pub fn events_of(&self, entity: EntityId) -> impl Iterator<Item = (EventId, &Event)> {
        self.live.of_entity(entity)
    }

    /// What may have caused an event, the likeliest first.
    pub fn rank(&self, alert: EventId, method: &Method) -> Result<Answer, Error> {
        let event = *self.live.get(alert).ok_or(Error::NotLive)?;
        Ok(match method {
            Method::Cascade(settings) => cascade::rank(self, alert, &event, settings),
            Method::Groot(graph, rank) => causality::rank(self, alert, &event, graph, rank),
            Method::LastChange => baseline::last_change(self, alert, &event),
            Method::ServicePageRank => baseline::service_page_rank(self, alert, &event),
            Method::Random { seed } => baseline::random(self, alert, &event, *seed),
        })
    }

    /// What is known of the type of an event.
    pub(super) fn known_type(&self, id: TypeId) -> Option<&EventType> {
        self.rules.known_type(id)
    }

    /// The only place where an event looks for causes, if it is limited to one.
    pub(super) fn points_to(&self, event: &Event) -> Option<EntityId> {
        event.target.filter(|_| self.known_type(event.event_type).is_some_and(|known| known.directional))
    }

    pub(super) fn weight(&self, rule: RuleId) -> f64 {
        self.weights[rule.index()]
    }

    /// Before which of two events something else than chance can put the one: by onset, then by names. Numbers of
    /// events, entities and types depend on the order in which they came, and must decide nothing.
    pub(super) fn order(&self, one: &Event, other: &Event) -> std::cmp::Ordering {
        let names = |event: &Event| {
            let target = event.target.map(|target| self.topology.name(target));
            (self.topology.name(event.entity), self.vocabulary.type_name(event.event_type), target)
        };
        let dims = |event: &Event| {
            let mut dims: Vec<_> = self.vocabulary.dimensions(event.dims).collect();
            dims.sort_unstable();
            dims
        };
        one.from
            .cmp(&other.from)
            .then_with(|| names(one).cmp(&names(other)))
            .then_with(|| dims(one).cmp(&dims(other)))
    }

    fn artificial(&self, event: &Event) -> Option<(Event, Span)> {
        let target = event.target.filter(|target| *target != event.entity)?;
        let event_type = self.known_type(event.event_type)?.on_target?;
        let kind = self.known_type(event_type)?.kind;
        let artificial = Event { entity: target, event_type, kind, target: None, ..*event };
        // An instant too has a length for the topology.
        let until = Timestamp(event.until.micros().saturating_add(1));
        Some((artificial, Span { from: event.from, until }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_000_000_000);

    #[test]
    fn an_event_that_names_a_target_makes_an_event_there() {
        let mut graph = EventGraph::new(RuleSet::standard());
        let (shop, bank) = (graph.topology_mut().entity("shop"), graph.topology_mut().entity("bank"));
        let mut event = graph.event(shop, "third_party_call_failed", AT).unwrap();
        event.target = Some(bank);
        let added = graph.add(event);
        let there = graph.get(added.at_target.unwrap()).unwrap();
        assert_eq!((there.entity, there.kind), (bank, Kind::External));
        assert_eq!(graph.vocabulary().type_name(there.event_type), "third_party_error");
        assert_eq!(graph.topology().as_of(AT).callees(shop).collect::<Vec<_>>(), [bank]);
        assert_eq!(graph.add(event), Added { new: false, ..added });
        assert_eq!(graph.events_len(), 2);
    }

    #[test]
    fn what_is_full_forgets_the_oldest() {
        let limits = Limits { events_max: 3, events_per_entity_max: 2 };
        let mut graph = EventGraph::with_limits(RuleSet::standard(), limits);
        let (web, db) = (graph.topology_mut().entity("web"), graph.topology_mut().entity("db"));
        let mut add = |entity, second| {
            let event = graph.event(entity, "deploy", Timestamp::from_seconds(second)).unwrap();
            graph.add(event);
            let mut onsets: Vec<i64> =
                graph.events().map(|(_, event)| event.from.micros() / 1_000_000).collect();
            onsets.sort_unstable();
            onsets
        };
        add(web, 5);
        add(web, 1);
        assert_eq!(add(web, 3), [3, 5], "web had two");
        add(db, 9);
        assert_eq!(add(db, 2), [2, 5, 9], "there were three, and 3 was the oldest");
    }

    #[test]
    fn what_is_seen_again_lives_longer() {
        let mut graph = EventGraph::new(RuleSet::standard());
        let web = graph.topology_mut().entity("web");
        let event = graph.event(web, "high_cpu", AT).unwrap();
        let id = graph.add(event).id;
        let later = Timestamp(AT.micros() + 60_000_000);
        assert!(graph.seen_until(id, later));
        assert_eq!(graph.expire(later), 0);
        assert_eq!(graph.expire(Timestamp(later.micros() + 1)), 1);
        assert!(graph.get(id).is_none() && !graph.seen_until(id, later));
        let again = graph.add(event).id;
        assert_ne!(again, id);
        assert!(graph.get(id).is_none());
        assert_eq!(graph.rank(id, &Method::default()).unwrap_err(), Error::NotLive);
    }
}
