//! Rules as plain records of JSON, for those who have no more than that.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::super::event::Kind;
use super::super::vocabulary::{NAMES_MAX, Vocabulary};
use super::spec::{Family, Place, RULES_MAX, RuleError};
use super::{EventType, Rule, RuleSet};

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    effect: String,
    cause: String,
    #[serde(rename = "where")]
    place: Place,
    /// True if the dimension `dc` must agree.
    #[serde(default)]
    same_dc: bool,
}

/// Reads an array of records `{"effect", "cause", "where": "self" | "callee" | "caller", "same_dc"}`.
///
/// Records declare no types. What a type is stands in the [standard rules](RuleSet::standard) if they know its name;
/// otherwise the records decide: what is the cause of something in another entity is a symptom, what only causes
/// events of its own entity is a resource, what nothing causes is external.
pub fn from_records(json: &str) -> Result<RuleSet, RuleError> {
    let records: Vec<Record> = serde_json::from_str(json)?;
    if records.len() > RULES_MAX {
        return Err(RuleError::TooMany { what: "rules", max: RULES_MAX });
    }
    let standard = RuleSet::standard();
    let effects: HashSet<&str> = records.iter().map(|record| record.effect.as_str()).collect();
    let travels = records.iter().filter(|record| record.place != Place::Itself);
    let travels: HashSet<&str> = travels.map(|record| record.cause.as_str()).collect();
    let guess = |name: &str| match standard.type_named(name) {
        Some(id) => standard.event_type(id).clone(),
        None if travels.contains(name) => EventType::of(Kind::Performance),
        None if effects.contains(name) => EventType::of(Kind::Resource),
        None => EventType::of(Kind::External),
    };
    let (mut vocabulary, mut by_name, mut types) = (Vocabulary::default(), HashMap::new(), Vec::new());
    let mut known = HashSet::new();
    let mut rules = Vec::with_capacity(records.len());
    for record in &records {
        let mut id_of = |name: &str| {
            let full = |_| RuleError::TooMany { what: "types", max: NAMES_MAX };
            let id = vocabulary.event_type(name).map_err(full)?;
            if id.index() == types.len() {
                // Records name no targets, and say themselves which way a type travels.
                types.push(EventType {
                    on_target: None,
                    directional: false,
                    family: Family::default(),
                    ..guess(name)
                });
                by_name.insert(name.to_owned(), id);
            }
            Ok::<_, RuleError>(id)
        };
        let (effect, cause) = (id_of(&record.effect)?, id_of(&record.cause)?);
        let full = |_| RuleError::TooMany { what: "dimensions", max: NAMES_MAX };
        let agree = if record.same_dc { vec![vocabulary.key("dc").map_err(full)?] } else { Vec::new() };
        if known.insert((effect, cause, record.place)) {
            rules.push(Rule { agree, ..Rule::new(effect, cause, record.place) });
        }
    }
    Ok(RuleSet::new(vocabulary, by_name, types, rules))
}
