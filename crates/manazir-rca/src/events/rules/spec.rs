//! How rules are written: a TOML file.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::super::event::Kind;
use super::super::vocabulary::{NAMES_MAX, TypeId, Vocabulary};
use super::{EventType, Rule, RuleSet};

/// Rules that one set may have, after lists are multiplied out.
pub(super) const RULES_MAX: usize = 50_000;

/// Which events may cause which.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    /// Types of events.
    #[serde(default, rename = "type")]
    types: Vec<TypeSpec>,
    /// Which type may cause which, and where.
    #[serde(default, rename = "rule")]
    rules: Vec<RuleSpec>,
}

/// A type of event.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TypeSpec {
    /// Its name, as `latency_spike`.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// What else it is called by whoever reports it.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    aliases: Vec<Spanned<String>>,
    /// What sort of evidence it is.
    kind: Kind,
    /// Which way it travels.
    #[serde(default)]
    family: Family,
    /// True if a search may assume one that nobody reported, at a cost. If it is not said: true for performance and
    /// status.
    bridge: Option<bool>,
    /// How likely an event of this type is a root cause, relative to others, in 0..=1. If it is not said, the kind
    /// decides.
    #[schemars(with = "Option<f64>")]
    prior: Option<Spanned<f64>>,
    /// The type of the artificial event that an event of this type makes of the entity that it names as its target.
    #[schemars(with = "Option<String>")]
    on_target: Option<Spanned<String>>,
    /// True if an event that names a target only points there: never a root cause itself, and caused by nothing else.
    #[serde(default)]
    directional: bool,
    /// True if it speaks of a business domain rather than of an entity: GrootRank gives it a fixed rank.
    #[serde(default)]
    domain: bool,
    /// What to look at next, to know whether an event of this type is the cause; `{entity}` and `{target}` stand for
    /// the names of its entity and of the target that it names.
    check: Option<String>,
}

/// Which way a type travels. A rule that says otherwise is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Nothing causes it, and it causes events of its own entity only: what people do.
    SelfOnly,
    /// It causes events of its own entity only: what an entity consumes.
    Internal,
    /// It causes events of its own entity and of what that calls: traffic.
    Upstream,
    /// It causes events of its own entity and of what calls that: errors, latency.
    #[default]
    Downstream,
}

/// Where the cause is looked for, as the entity of the effect sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the entity of the effect.
    #[serde(rename = "self")]
    Itself,
    /// In what it depends on.
    Callee,
    /// In what depends on it.
    Caller,
}

impl Place {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Itself, Self::Callee, Self::Caller];
}

/// Which type may cause which. Lists of types are multiplied out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleSpec {
    /// What is caused.
    #[schemars(with = "Names")]
    effect: Spanned<Names>,
    /// What causes it.
    #[schemars(with = "Names")]
    cause: Spanned<Names>,
    /// Where the cause is looked for.
    #[serde(rename = "where")]
    place: Place,
    /// Dimensions that must agree: where both events name values and have none in common, there is no link.
    #[serde(default)]
    agree: Vec<String>,
    /// The lag in seconds at which a cause is half as likely as at once. If it is not said: 120 in the entity
    /// itself, 60 between entities.
    #[schemars(with = "Option<f64>")]
    typical_seconds: Option<Spanned<f64>>,
    /// How many seconds it takes at most. If it is not said, an hour.
    #[schemars(with = "Option<f64>")]
    lag_seconds_max: Option<Spanned<f64>>,
    /// How strong the link is, in (0, 1].
    #[schemars(with = "Option<f64>")]
    weight: Option<Spanned<f64>>,
}

/// One name or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Names {
    /// One.
    One(String),
    /// Each of them.
    Many(Vec<String>),
}

impl Names {
    fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not written as rules are; the source names line and key.
    #[error("the rules are no such file")]
    Syntax(#[from] Box<toml::de::Error>),
    /// Records of rules that are no such thing; the source names line and column.
    #[error("the records are no rules")]
    Records(#[from] serde_json::Error),
    /// Readable, but without a meaning.
    #[error("line {line}, column {column}: {reason}")]
    Meaning {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// More of something than one set may have.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

/// The JSON Schema of a file of rules.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Spec).to_value()
}

/// Reads a file of rules.
pub(super) fn read(text: &str) -> Result<RuleSet, RuleError> {
    let spec: Spec = toml::from_str(text).map_err(Box::new)?;
    Reader { text, vocabulary: Vocabulary::default(), by_name: HashMap::new(), types: Vec::new() }.read(&spec)
}

/// Turns what is written into what is meant.
struct Reader<'a> {
    text: &'a str,
    vocabulary: Vocabulary,
    by_name: HashMap<String, TypeId>,
    types: Vec<EventType>,
}

type Bytes = std::ops::Range<usize>;

impl Reader<'_> {
    fn read(mut self, spec: &Spec) -> Result<RuleSet, RuleError> {
        for written in &spec.types {
            self.add_type(written)?;
        }
        for (id, written) in spec.types.iter().enumerate() {
            if let Some(target) = &written.on_target {
                self.types[id].on_target = Some(self.type_of(target.get_ref(), target.span())?);
            }
        }
        let mut rules = BTreeMap::new();
        for written in &spec.rules {
            self.add_rules(written, &mut rules)?;
        }
        Ok(RuleSet::new(self.vocabulary, self.by_name, self.types, rules.into_values().collect()))
    }

    fn add_type(&mut self, written: &TypeSpec) -> Result<(), RuleError> {
        let prior = written.prior.as_ref().map(|prior| self.within(prior, 0.0..=1.0, "prior")).transpose()?;
        let full = |_| RuleError::TooMany { what: "types", max: NAMES_MAX };
        let id = self.vocabulary.event_type(written.name.get_ref()).map_err(full)?;
        for name in std::iter::once(&written.name).chain(&written.aliases) {
            if self.by_name.insert(name.get_ref().clone(), id).is_some() {
                return Err(self.wrong(name.span(), format!("{:?} is declared twice", name.get_ref())));
            }
        }
        self.types.push(EventType {
            kind: written.kind,
            family: written.family,
            bridge: written.bridge.unwrap_or(matches!(written.kind, Kind::Performance | Kind::Status)),
            prior,
            on_target: None,
            directional: written.directional,
            domain: written.domain,
            check: written.check.clone(),
        });
        Ok(())
    }

    fn add_rules(
        &mut self,
        written: &RuleSpec,
        rules: &mut BTreeMap<(TypeId, TypeId, Place), Rule>,
    ) -> Result<(), RuleError> {
        let number = |number: &Option<Spanned<f64>>, range, what, otherwise| match number {
            Some(number) => self.within(number, range, what),
            None => Ok(otherwise),
        };
        let usual = if written.place == Place::Itself { Rule::TYPICAL_SELF_S } else { Rule::TYPICAL_CALL_S };
        let typical_s = number(&written.typical_seconds, 0.001..=1e7, "typical_seconds", usual)?;
        let lag_s_max = number(&written.lag_seconds_max, 0.0..=1e7, "lag_seconds_max", Rule::LAG_S_MAX)?;
        let weight = number(&written.weight, f64::MIN_POSITIVE..=1.0, "weight", 1.0)?;
        let full = |_| RuleError::TooMany { what: "dimensions", max: NAMES_MAX };
        let agree = written.agree.iter().map(|key| self.vocabulary.key(key).map_err(full));
        let agree = agree.collect::<Result<Vec<_>, _>>()?;
        for effect_name in written.effect.get_ref().all() {
            let effect = self.type_of(effect_name, written.effect.span())?;
            for cause_name in written.cause.get_ref().all() {
                let cause = self.type_of(cause_name, written.cause.span())?;
                self.check_families(effect, cause, written)?;
                let agree = agree.clone();
                let rule = Rule { effect, cause, place: written.place, agree, typical_s, lag_s_max, weight };
                if rules.insert((effect, cause, written.place), rule).is_some() {
                    let reason =
                        format!("another rule says already that {cause_name:?} causes {effect_name:?}");
                    return Err(self.wrong(written.effect.span(), reason));
                }
                if rules.len() > RULES_MAX {
                    return Err(RuleError::TooMany { what: "rules", max: RULES_MAX });
                }
            }
        }
        Ok(())
    }

    fn check_families(&self, effect: TypeId, cause: TypeId, written: &RuleSpec) -> Result<(), RuleError> {
        let name = |id| self.vocabulary.type_name(id);
        if self.types[effect.index()].family == Family::SelfOnly {
            let reason = format!("{:?} is of the family self_only: nothing causes it", name(effect));
            return Err(self.wrong(written.effect.span(), reason));
        }
        let (family, reach) = match self.types[cause.index()].family {
            Family::SelfOnly => ("self_only", &[Place::Itself][..]),
            Family::Internal => ("internal", &[Place::Itself][..]),
            Family::Upstream => ("upstream", &[Place::Itself, Place::Caller][..]),
            Family::Downstream => ("downstream", &[Place::Itself, Place::Callee][..]),
        };
        if reach.contains(&written.place) {
            return Ok(());
        }
        let reason =
            format!("{:?} is of the family {family}: it does not cause events over there", name(cause));
        Err(self.wrong(written.cause.span(), reason))
    }

    fn type_of(&self, name: &str, bytes: Bytes) -> Result<TypeId, RuleError> {
        if let Some(known) = self.by_name.get(name) {
            return Ok(*known);
        }
        let nearest = self.by_name.keys().map(|known| (distance(name, known), known)).min();
        let hint = match nearest {
            Some((distance, known)) if distance <= 3 => format!("; did you mean {known:?}?"),
            _ => String::new(),
        };
        Err(self.wrong(bytes, format!("{name:?} is declared nowhere as a [[type]]{hint}")))
    }

    fn within(
        &self,
        number: &Spanned<f64>,
        range: std::ops::RangeInclusive<f64>,
        what: &str,
    ) -> Result<f64, RuleError> {
        let value = *number.get_ref();
        if range.contains(&value) {
            return Ok(value);
        }
        let reason = if *range.start() == f64::MIN_POSITIVE {
            format!("{what} is {value}; it must be above 0 and at most {}", range.end())
        } else {
            format!("{what} is {value}; it must be from {} to {}", range.start(), range.end())
        };
        Err(self.wrong(number.span(), reason))
    }

    fn wrong(&self, bytes: Bytes, reason: String) -> RuleError {
        let before = self.text.get(..bytes.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        RuleError::Meaning { line, column, reason }
    }
}

/// Edits from one word to the other (Levenshtein 1966); words over 64 characters are compared by their beginning.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) =
        (one.chars().take(64).collect(), other.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, from) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
