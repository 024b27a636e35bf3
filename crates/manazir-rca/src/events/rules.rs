//! Which type of event may cause which, and where.

pub(super) mod records;
pub(super) mod spec;

use std::collections::HashMap;

use super::event::Kind;
use super::vocabulary::{KeyId, TypeId, Vocabulary};
pub(super) use spec::Place;
use spec::{Family, RuleError};

/// What is known of a type.
#[derive(Clone, Debug, PartialEq)]
pub struct EventType {
    /// What sort of evidence it is.
    pub kind: Kind,
    /// Which way it travels.
    pub family: Family,
    /// True if a search may assume one that nobody reported.
    pub bridge: bool,
    /// How likely an event of this type is a root cause, relative to others; `None` leaves it to the kind.
    pub prior: Option<f64>,
    /// The type of the artificial event at what it names as its target.
    pub on_target: Option<TypeId>,
    /// True if an event that names a target only points there.
    pub directional: bool,
    /// True if it speaks of a business domain rather than of an entity.
    pub domain: bool,
    /// What to look at next, to know whether it is the cause; `{entity}` and `{target}` stand for names.
    pub check: Option<String>,
}

impl EventType {
    /// A type of a kind, with all else as usual.
    pub fn of(kind: Kind) -> Self {
        let bridge = matches!(kind, Kind::Performance | Kind::Status);
        Self {
            kind,
            family: Family::default(),
            bridge,
            prior: None,
            on_target: None,
            directional: false,
            domain: false,
            check: None,
        }
    }
}

/// A rule by its place in a [`RuleSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

impl RuleId {
    /// As an index into what is kept for each rule.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One type may cause another.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What is caused.
    pub effect: TypeId,
    /// What causes it.
    pub cause: TypeId,
    /// Where the cause is looked for, as the entity of the effect sees it.
    pub place: Place,
    /// Dimensions that must agree.
    pub agree: Vec<KeyId>,
    /// The lag in seconds at which a cause is half as likely as at once.
    pub typical_s: f64,
    /// How many seconds it takes at most.
    pub lag_s_max: f64,
    /// How strong the link is, in (0, 1].
    pub weight: f64,
}

impl Rule {
    /// Within an entity two minutes are usual: a deployment is rolled out, memory fills up.
    pub const TYPICAL_SELF_S: f64 = 120.0;
    /// Between entities one minute is usual: detectors look at a minute at a time.
    pub const TYPICAL_CALL_S: f64 = 60.0;
    /// An hour: what takes longer is a matter of its own rule.
    pub const LAG_S_MAX: f64 = 3_600.0;

    /// A rule with all else as usual.
    pub fn new(effect: TypeId, cause: TypeId, place: Place) -> Self {
        let typical_s = if place == Place::Itself { Self::TYPICAL_SELF_S } else { Self::TYPICAL_CALL_S };
        Self { effect, cause, place, agree: Vec::new(), typical_s, lag_s_max: Self::LAG_S_MAX, weight: 1.0 }
    }
}

/// Rules, and the types that they speak of.
#[derive(Clone, Debug)]
pub struct RuleSet {
    vocabulary: Vocabulary,
    by_name: HashMap<String, TypeId>,
    types: Vec<EventType>,
    rules: Vec<Rule>,
    /// Types that a search may assume, each with a bit of its own; those beyond 64 are never assumed.
    bridges: Vec<TypeId>,
    /// Of each type: the rules that cause it, by place.
    by_effect: Vec<[Vec<RuleId>; Place::ALL.len()]>,
    /// Of each type: the rules by which it causes something, by place.
    by_cause: Vec<[Vec<RuleId>; Place::ALL.len()]>,
}

impl RuleSet {
    /// The file of the rules that come with the crate.
    pub const STANDARD: &str = include_str!("../../rules/standard.toml");

    /// The rules that come with the crate: about sixty, for the usual types of events.
    pub fn standard() -> Self {
        spec::read(Self::STANDARD).expect("a test reads the standard rules")
    }

    /// Reads a file of rules.
    pub fn from_toml(text: &str) -> Result<Self, RuleError> {
        spec::read(text)
    }

    fn new(
        vocabulary: Vocabulary,
        by_name: HashMap<String, TypeId>,
        types: Vec<EventType>,
        rules: Vec<Rule>,
    ) -> Self {
        let mut by_effect = vec![<[Vec<RuleId>; Place::ALL.len()]>::default(); types.len()];
        let mut by_cause = by_effect.clone();
        for (id, rule) in (0..).map(RuleId).zip(&rules) {
            by_effect[rule.effect.index()][rule.place as usize].push(id);
            by_cause[rule.cause.index()][rule.place as usize].push(id);
        }
        let bridges = (0..).map(TypeId).zip(&types).filter(|(_, known)| known.bridge).map(|(id, _)| id);
        let bridges = bridges.take(u64::BITS as usize).collect();
        Self { vocabulary, by_name, types, rules, bridges, by_effect, by_cause }
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// All rules, in the order of their numbers.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// One of them.
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// The same types with some of the rules only.
    pub fn retain(&self, mut keep: impl FnMut(&Rule) -> bool) -> Self {
        let rules = self.rules.iter().filter(|rule| keep(rule)).cloned().collect();
        Self::new(self.vocabulary.clone(), self.by_name.clone(), self.types.clone(), rules)
    }

    /// The type of a name or alias, if the rules know it.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// What a type is called.
    pub fn type_name(&self, id: TypeId) -> &str {
        self.vocabulary.type_name(id)
    }

    /// How many types the rules speak of; an event may be of others, to which no rule applies.
    pub fn types_len(&self) -> usize {
        self.types.len()
    }

    /// What is known of a type of the rules.
    pub fn event_type(&self, id: TypeId) -> &EventType {
        &self.types[id.index()]
    }

    /// What is known of any type.
    pub fn known_type(&self, id: TypeId) -> Option<&EventType> {
        self.types.get(id.index())
    }

    /// Rules by which something at a place causes a type.
    pub fn causes_of(&self, effect: TypeId, place: Place) -> &[RuleId] {
        self.by_effect.get(effect.index()).map_or(&[], |by_place| &by_place[place as usize])
    }

    /// Rules by which a type causes something that sees it at a place.
    pub fn effects_of(&self, cause: TypeId, place: Place) -> &[RuleId] {
        self.by_cause.get(cause.index()).map_or(&[], |by_place| &by_place[place as usize])
    }

    /// The bit of a type that may be assumed.
    pub(super) fn bridge_bit(&self, id: TypeId) -> Option<u64> {
        self.bridges.binary_search(&id).ok().map(|bit| 1 << bit)
    }

    /// The types of some bits.
    pub(super) fn bridged(&self, bits: u64) -> Vec<TypeId> {
        self.bridges.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, id)| *id).collect()
    }

    /// The names that the rules use, for the events that come.
    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }
}
