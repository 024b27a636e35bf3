//! The port of teams and services.

use std::collections::BTreeMap;

use async_trait::async_trait;
use manazir_model::Timestamp;
use uuid::Uuid;

use super::{
    Caller, Member, NewService, NewTeam, Owner, Plan, Service, ServiceKey, ServicePatch, Team, TeamAct,
    TeamError, Told,
};
use crate::{Evidence, PersonState, UserId};

/// Services of one person that are looked at for [`TeamStore::shared_services`]: those with the smallest identifiers.
pub const SHARED_LOOKED_AT_MAX: usize = 200;
/// People that [`TeamStore::shared_services`] gives at most.
pub const SHARED_SHOWN_MAX: usize = 1_000;

/// What a team is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TeamKey {
    /// Its identifier.
    Id(Uuid),
    /// Its slug.
    Slug(String),
}

/// A page of teams or services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamsPage<T, K> {
    /// In their order.
    pub items: Vec<T>,
    /// What the next page comes after; `None` if this is the last one.
    pub next: Option<K>,
}

impl<T, K> TeamsPage<T, K> {
    /// The first `max` of these, of which the store read one more than that if there is one.
    pub fn cut(mut items: Vec<T>, max: usize, key: impl FnOnce(&T) -> K) -> Self {
        let has_more = items.len() > max;
        items.truncate(max);
        let next = items.last().filter(|_| has_more).map(key);
        Self { items, next }
    }
}

/// What is imported.
#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    /// What files and labels tell.
    pub told: &'a Told,
    /// Who the people are that they name ([`Told::people`]); whoever is not here is left out.
    pub people: &'a BTreeMap<String, UserId>,
    /// What identifiers of what is new are made from: another one, from a source of randomness, each time.
    pub seed: u64,
    /// False to learn what would change, and change nothing.
    pub write: bool,
    /// When.
    pub at: Timestamp,
}

/// Keeps teams, their members, and services. What is allowed is decided by the rules of this module in the transaction
/// that writes; what they refuse is [`TeamError::Refused`] and changes nothing.
///
/// People are numbers here, and the store learns of their states by [`set_person`](Self::set_person): whoever it never
/// heard of takes part. Callers see to it that those they name exist.
#[async_trait]
pub trait TeamStore: Send + Sync {
    /// Makes a team. A person who makes it is its owner. Refused if the slug or the identifier is taken.
    async fn create_team(&self, caller: Caller, new: &NewTeam) -> Result<Team, TeamError>;

    /// One team; `None` if there is none.
    async fn team(&self, key: &TeamKey) -> Result<Option<Team>, TeamError>;

    /// Teams in the order of their slugs, those after `after`, at most `max`.
    async fn teams(&self, after: Option<&str>, max: usize) -> Result<TeamsPage<Team, String>, TeamError>;

    /// Does these acts, all or none ([`decide`](super::decide)); the team afterwards, `None` if it is deleted. A deleted
    /// team owns nothing any more, and its slug is free.
    async fn change_team(
        &self,
        caller: Caller,
        team: Uuid,
        acts: &[TeamAct],
        at: Timestamp,
    ) -> Result<Option<Team>, TeamError>;

    /// Who is in a team and takes part, in the order of joining the service, those after `after`, at most `max`.
    async fn members(
        &self,
        team: Uuid,
        after: Option<UserId>,
        max: usize,
    ) -> Result<TeamsPage<Member, UserId>, TeamError>;

    /// The teams that a person is in, by slug, and as what; at most
    /// [`TEAMS_OF_PERSON_MAX`](super::TEAMS_OF_PERSON_MAX). None of somebody who does not take part.
    async fn teams_of(&self, user: UserId) -> Result<Vec<(Team, Member)>, TeamError>;

    /// Makes a service. Refused if the key or the identifier is taken.
    async fn create_service(&self, caller: Caller, new: &NewService) -> Result<Service, TeamError>;

    /// One service; `None` if there is none.
    async fn service(&self, id: Uuid) -> Result<Option<Service>, TeamError>;

    /// Services of this name, wherever they are, in the order of their keys, at most 100: what an alert of an entity is
    /// about.
    async fn services_named(&self, name: &str) -> Result<Vec<Service>, TeamError>;

    /// Services in the order of their keys, those after `after`, at most `max`.
    async fn services(
        &self,
        after: Option<&ServiceKey>,
        max: usize,
    ) -> Result<TeamsPage<Service, ServiceKey>, TeamError>;

    /// The same of those that a team owns, or a person by themselves.
    async fn services_of(
        &self,
        owner: Owner,
        after: Option<&ServiceKey>,
        max: usize,
    ) -> Result<TeamsPage<Service, ServiceKey>, TeamError>;

    /// Changes a service ([`decide_service`](super::decide_service)); what it is afterwards.
    async fn change_service(
        &self,
        caller: Caller,
        service: Uuid,
        patch: &ServicePatch,
        at: Timestamp,
    ) -> Result<Service, TeamError>;

    /// Deletes a service ([`may_delete`](super::may_delete)).
    async fn delete_service(&self, caller: Caller, service: Uuid) -> Result<(), TeamError>;

    /// Who works on the same services as a person, on how many: who owns one of theirs, or is in a team that does. Most
    /// first, then whoever joined first; at most [`SHARED_SHOWN_MAX`], from at most [`SHARED_LOOKED_AT_MAX`] services.
    async fn shared_services(&self, user: UserId) -> Result<Vec<(UserId, u32)>, TeamError>;

    /// Learns how a person takes part. The deactivated stay where they are and are not shown until they come back; the
    /// erased are in no team and own nothing, even if a team is without an owner then. The same again changes nothing. A
    /// store that keeps people, too, learns of it by itself, in the transaction that gives the state.
    async fn set_person(&self, user: UserId, state: PersonState) -> Result<(), TeamError>;

    /// Does what [`plan`](super::plan) says of what is told and what there is, in one transaction; what it did, or would.
    async fn import(&self, import: Import<'_>) -> Result<Plan, TeamError>;
}

/// Services in common as evidence for suggestions.
pub fn shared_evidence(shared: Vec<(UserId, u32)>) -> Vec<(UserId, Evidence)> {
    shared.into_iter().map(|(user, services)| (user, Evidence { services, ..Evidence::default() })).collect()
}
