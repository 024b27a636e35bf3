//! The services of the teams in memory.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use manazir_model::Timestamp;
use uuid::Uuid;

use super::{Inside, beyond};
use crate::teams::{
    Caller, Held, NewService, Owner, SERVICES_MAX, SHARED_LOOKED_AT_MAX, SHARED_SHOWN_MAX, Service,
    ServiceFacts, ServiceKey, ServicePatch, TeamRefusal, TeamsPage, decide_new_service, decide_service,
    may_delete,
};
use crate::{PersonState, UserId};

impl Inside {
    pub(super) fn create_service(
        &mut self,
        caller: Caller,
        new: &NewService,
    ) -> Result<Service, TeamRefusal> {
        let service = decide_new_service(caller, new, &self.facts(caller, &new.owners))?;
        if self.services.contains_key(&service.key) {
            return Err(TeamRefusal::Taken { field: "name" });
        }
        if self.by_id(service.id).is_ok() {
            return Err(TeamRefusal::Taken { field: "id" });
        }
        if self.services.len() >= SERVICES_MAX {
            return Err(TeamRefusal::TooMany { what: "services", max: SERVICES_MAX });
        }
        self.services.insert(service.key.clone(), service.clone());
        Ok(service)
    }

    pub(super) fn change_service(
        &mut self,
        caller: Caller,
        id: Uuid,
        patch: &ServicePatch,
        at: Timestamp,
    ) -> Result<Service, TeamRefusal> {
        let before = self.by_id(id)?;
        let named = patch.owners.clone().unwrap_or_default();
        let after = decide_service(caller, patch, before, &self.facts(caller, &named), at)?;
        self.services.insert(after.key.clone(), after.clone());
        Ok(after)
    }

    pub(super) fn delete_service(&mut self, caller: Caller, id: Uuid) -> Result<(), TeamRefusal> {
        let before = self.by_id(id)?;
        may_delete(caller, before, &self.facts(caller, &BTreeSet::new()))?;
        let key = before.key.clone();
        self.services.remove(&key);
        Ok(())
    }

    pub(super) fn page(
        &self,
        after: Option<&ServiceKey>,
        max: usize,
        is_meant: impl Fn(&Service) -> bool,
    ) -> TeamsPage<Service, ServiceKey> {
        let rest = self.services.range::<ServiceKey, _>(beyond(after)).map(|(_, service)| service);
        let rest = rest.filter(|service| is_meant(service)).take(max.saturating_add(1));
        TeamsPage::cut(rest.cloned().collect(), max, |service| service.key.clone())
    }

    pub(super) fn shared_services(&self, user: UserId) -> Vec<(UserId, u32)> {
        let mut own: Vec<&Service> =
            self.services.values().filter(|service| self.works_on(service).contains(&user)).collect();
        own.sort_by_key(|service| service.id);
        let mut counts: BTreeMap<UserId, u32> = BTreeMap::new();
        for service in own.into_iter().take(SHARED_LOOKED_AT_MAX) {
            for other in self.works_on(service).into_iter().filter(|other| *other != user) {
                *counts.entry(other).or_default() += 1;
            }
        }
        let mut shared: Vec<(UserId, u32)> = counts.into_iter().collect();
        shared.sort_by_key(|(other, services)| (std::cmp::Reverse(*services), *other));
        shared.truncate(SHARED_SHOWN_MAX);
        shared
    }

    /// Whoever owns it, or is in a team that does, and takes part.
    fn works_on(&self, service: &Service) -> HashSet<UserId> {
        let mut people = HashSet::new();
        for owner in &service.owners.value {
            match owner {
                Owner::Person(user) => drop(people.insert(*user)),
                Owner::Team(team) => {
                    let members = self.held(*team).into_iter().flat_map(Held::members);
                    people.extend(members.map(|member| member.user));
                }
            }
        }
        people.retain(|user| self.state(*user) == PersonState::Active);
        people
    }

    /// An owner is no more.
    pub(super) fn disown(&mut self, owner: Owner) {
        for service in self.services.values_mut() {
            service.owners.value.remove(&owner);
        }
    }

    fn by_id(&self, id: Uuid) -> Result<&Service, TeamRefusal> {
        self.services.values().find(|service| service.id == id).ok_or(TeamRefusal::UnknownService)
    }

    fn facts(&self, caller: Caller, named: &BTreeSet<Owner>) -> ServiceFacts {
        let mut facts = ServiceFacts { led: self.led(caller), ..ServiceFacts::default() };
        for owner in named {
            match owner {
                Owner::Team(team) if self.held(*team).is_some() => drop(facts.teams.insert(*team)),
                Owner::Team(_) => {}
                Owner::Person(user) => drop(facts.people.insert(*user, self.state(*user))),
            }
        }
        facts
    }
}
