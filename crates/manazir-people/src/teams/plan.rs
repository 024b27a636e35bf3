//! What becomes of teams and services when files and labels tell of them.

mod services;
mod teams;

use std::collections::BTreeMap;

use manazir_model::{Random, Timestamp};
use uuid::{Builder, Uuid};

use super::{Held, Import, PersonFacts, Service, ServiceKey};
use crate::{PersonState, UserId};

/// What there is of what is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Those of the told teams that there are.
    pub teams: BTreeMap<String, Held>,
    /// All services that have the name of one that is told.
    pub services: BTreeMap<ServiceKey, Service>,
    /// How many teams there are in all.
    pub teams_total: usize,
    /// How many services there are in all.
    pub services_total: usize,
    /// Whoever is named; of whom nothing is said takes part and is in no team.
    pub people: BTreeMap<UserId, PersonFacts>,
}

/// What is told of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A team, by its slug.
    Team(String),
    /// A service.
    Service(ServiceKey),
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is new.
    Made,
    /// It was there and changes.
    Changed,
    /// It stays as it is.
    Same,
    /// It is not made: there is no room.
    Refused,
}

/// What becomes of one that is told of, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which one.
    pub what: What,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Fields that change.
    pub fields: Vec<&'static str>,
    /// What was told and is not done, and why.
    pub notes: Vec<String>,
}

/// What an import does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One for each team and then for each service.
    pub steps: Vec<Step>,
    /// Teams that are made or change, as they are afterwards.
    pub teams: Vec<Held>,
    /// The same of services.
    pub services: Vec<Service>,
}

impl Plan {
    /// How many of its steps have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.steps.iter().filter(|step| step.outcome == outcome).count()
    }
}

/// What becomes of what is told, given what there is. The same again changes nothing. Fields and members of which people
/// said something stay as they are; where sources differ, the later in the order of [`Source`](super::Source) is
/// believed. Nothing is deleted, but members and labels that their own source does not name any more are.
pub fn plan(import: &Import<'_>, holdings: &Holdings) -> Plan {
    let mut planning = Planning {
        import,
        random: Random::new(import.seed),
        teams_of: holdings.people.iter().map(|(user, facts)| (*user, facts.teams)).collect(),
        holdings,
        teams: holdings.teams.iter().map(|(slug, held)| (slug.clone(), held.team.id)).collect(),
        plan: Plan::default(),
    };
    planning.teams();
    planning.services();
    planning.plan
}

/// A plan that is being made.
struct Planning<'a> {
    import: &'a Import<'a>,
    holdings: &'a Holdings,
    random: Random,
    /// How many teams people are in by now.
    teams_of: BTreeMap<UserId, usize>,
    /// Teams by slug, the new ones among them.
    teams: BTreeMap<String, Uuid>,
    plan: Plan,
}

impl Planning<'_> {
    fn at(&self) -> Timestamp {
        self.import.at
    }

    fn new_id(&mut self) -> Uuid {
        let (high, low) = (self.random.next_u64(), self.random.next_u64());
        Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes()).into_uuid()
    }

    /// Whoever has this name and takes part; a note if nobody does.
    fn person(&self, name: &str, notes: &mut Vec<String>) -> Option<UserId> {
        let Some(user) = self.import.people.get(name) else {
            notes.push(format!("nobody is known as {name}"));
            return None;
        };
        let facts = self.holdings.people.get(user);
        if facts.is_some_and(|facts| facts.state != PersonState::Active) {
            notes.push(format!("{name} does not take part any more"));
            return None;
        }
        Some(*user)
    }

    fn step(&mut self, what: What, outcome: Outcome, fields: Vec<&'static str>, notes: Vec<String>) {
        self.plan.steps.push(Step { what, outcome, fields, notes });
    }
}

#[cfg(test)]
mod tests;
