//! Teams and services in memory.

mod services;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use manazir_model::Timestamp;
use uuid::Uuid;

use super::{
    Caller, Held, Holdings, Import, Member, NewService, NewTeam, Owner, Part, PersonFacts, Plan, Service,
    ServiceKey, ServicePatch, Standing, TEAMS_MAX, Team, TeamAct, TeamError, TeamKey, TeamRefusal, TeamStore,
    TeamsPage, decide, plan, rules,
};
use crate::{PersonState, UserId};

/// The port of teams; clones share their content. Nothing outlives the process.
#[derive(Clone, Debug, Default)]
pub struct InMemoryTeams(Arc<RwLock<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    /// By slug.
    teams: BTreeMap<String, Held>,
    slugs: HashMap<Uuid, String>,
    services: BTreeMap<ServiceKey, Service>,
    /// Whoever is not active.
    states: HashMap<UserId, PersonState>,
}

impl InMemoryTeams {
    fn read(&self) -> RwLockReadGuard<'_, Inside> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Inside> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn held(&self, team: Uuid) -> Option<&Held> {
        self.slugs.get(&team).and_then(|slug| self.teams.get(slug))
    }

    fn person(&self, user: UserId) -> PersonFacts {
        let is_in = |held: &&Held| held.people.get(&user).is_some_and(|kept| kept.standing != Standing::Out);
        PersonFacts { state: self.state(user), teams: self.teams.values().filter(is_in).count() }
    }

    fn state(&self, user: UserId) -> PersonState {
        self.states.get(&user).copied().unwrap_or(PersonState::Active)
    }

    fn put(&mut self, held: Held) {
        self.slugs.insert(held.team.id, held.team.slug.clone());
        self.teams.insert(held.team.slug.clone(), held);
    }

    fn create(&mut self, caller: Caller, new: &NewTeam) -> Result<Team, TeamRefusal> {
        let held = rules::founded(caller, new, |user| self.person(user))?;
        if self.teams.contains_key(&held.team.slug) {
            return Err(TeamRefusal::Taken { field: "slug" });
        }
        if self.slugs.contains_key(&held.team.id) {
            return Err(TeamRefusal::Taken { field: "id" });
        }
        if self.teams.len() >= TEAMS_MAX {
            return Err(TeamRefusal::TooMany { what: "teams", max: TEAMS_MAX });
        }
        let team = held.team.clone();
        self.put(held);
        Ok(team)
    }

    fn act(
        &mut self,
        caller: Caller,
        team: Uuid,
        acts: &[TeamAct],
        at: Timestamp,
    ) -> Result<Option<Team>, TeamRefusal> {
        let held = self.held(team).ok_or(TeamRefusal::UnknownTeam)?;
        if let Some(after) = decide(caller, acts, held, |user| self.person(user), at)? {
            let team = after.team.clone();
            self.put(after);
            return Ok(Some(team));
        }
        if let Some(slug) = self.slugs.remove(&team) {
            self.teams.remove(&slug);
        }
        self.disown(Owner::Team(team));
        Ok(None)
    }

    fn set_person(&mut self, user: UserId, state: PersonState) {
        if self.state(user) == PersonState::Erased {
            return;
        }
        self.states.insert(user, state);
        for held in self.teams.values_mut() {
            if state == PersonState::Erased {
                held.people.remove(&user);
            } else if let Some(kept) = held.people.get_mut(&user) {
                kept.is_active = state == PersonState::Active;
            }
        }
        if state == PersonState::Erased {
            self.disown(Owner::Person(user));
        }
    }

    fn holdings(&self, import: &Import<'_>) -> Holdings {
        let slugs = import.told.slugs();
        let names = import.told.names();
        let services = self.services.iter().filter(|(key, _)| names.contains(key.name.as_str()));
        Holdings {
            teams: slugs.iter().filter_map(|slug| self.teams.get_key_value(*slug)).map(cloned).collect(),
            services: services.map(cloned).collect(),
            teams_total: self.teams.len(),
            services_total: self.services.len(),
            people: import.people.values().map(|user| (*user, self.person(*user))).collect(),
        }
    }

    fn teams_of(&self, user: UserId) -> impl Iterator<Item = (&Team, Member)> {
        self.teams.values().filter_map(move |held| {
            let kept = held.people.get(&user).filter(|kept| kept.is_active)?;
            let Standing::In(part) = kept.standing else { return None };
            Some((&held.team, Member { user, part, source: kept.source, since: kept.since }))
        })
    }

    fn led(&self, caller: Caller) -> BTreeSet<Uuid> {
        let Caller::Person(user) = caller else { return BTreeSet::new() };
        self.teams_of(user)
            .filter(|(_, as_what)| as_what.part == Part::Owner)
            .map(|(team, _)| team.id)
            .collect()
    }
}

fn cloned<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

/// What comes after this.
fn beyond<K: ?Sized>(after: Option<&K>) -> (Bound<&K>, Bound<&K>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

#[async_trait]
impl TeamStore for InMemoryTeams {
    async fn create_team(&self, caller: Caller, new: &NewTeam) -> Result<Team, TeamError> {
        Ok(self.change().create(caller, new)?)
    }

    async fn team(&self, key: &TeamKey) -> Result<Option<Team>, TeamError> {
        let inside = self.read();
        let held = match key {
            TeamKey::Id(id) => inside.held(*id),
            TeamKey::Slug(slug) => inside.teams.get(slug),
        };
        Ok(held.map(|held| held.team.clone()))
    }

    async fn teams(&self, after: Option<&str>, max: usize) -> Result<TeamsPage<Team, String>, TeamError> {
        let inside = self.read();
        let rest = inside.teams.range::<str, _>(beyond(after)).map(|(_, held)| held.team.clone());
        Ok(TeamsPage::cut(rest.take(max.saturating_add(1)).collect(), max, |team| team.slug.clone()))
    }

    async fn change_team(
        &self,
        caller: Caller,
        team: Uuid,
        acts: &[TeamAct],
        at: Timestamp,
    ) -> Result<Option<Team>, TeamError> {
        Ok(self.change().act(caller, team, acts, at)?)
    }

    async fn members(
        &self,
        team: Uuid,
        after: Option<UserId>,
        max: usize,
    ) -> Result<TeamsPage<Member, UserId>, TeamError> {
        let inside = self.read();
        let members = inside.held(team).into_iter().flat_map(Held::members);
        let rest = members.filter(|member| after.is_none_or(|after| member.user > after));
        Ok(TeamsPage::cut(rest.take(max.saturating_add(1)).collect(), max, |member| member.user))
    }

    async fn teams_of(&self, user: UserId) -> Result<Vec<(Team, Member)>, TeamError> {
        Ok(self.read().teams_of(user).map(|(team, as_what)| (team.clone(), as_what)).collect())
    }

    async fn create_service(&self, caller: Caller, new: &NewService) -> Result<Service, TeamError> {
        Ok(self.change().create_service(caller, new)?)
    }

    async fn service(&self, id: Uuid) -> Result<Option<Service>, TeamError> {
        Ok(self.read().services.values().find(|service| service.id == id).cloned())
    }

    async fn services_named(&self, name: &str) -> Result<Vec<Service>, TeamError> {
        let inside = self.read();
        let from = inside.services.range(ServiceKey::named(name)..);
        Ok(from.take_while(|(key, _)| key.name == name).take(100).map(|(_, one)| one.clone()).collect())
    }

    async fn services(
        &self,
        after: Option<&ServiceKey>,
        max: usize,
    ) -> Result<TeamsPage<Service, ServiceKey>, TeamError> {
        Ok(self.read().page(after, max, |_| true))
    }

    async fn services_of(
        &self,
        owner: Owner,
        after: Option<&ServiceKey>,
        max: usize,
    ) -> Result<TeamsPage<Service, ServiceKey>, TeamError> {
        Ok(self.read().page(after, max, |service| service.owners.value.contains(&owner)))
    }

    async fn change_service(
        &self,
        caller: Caller,
        service: Uuid,
        patch: &ServicePatch,
        at: Timestamp,
    ) -> Result<Service, TeamError> {
        Ok(self.change().change_service(caller, service, patch, at)?)
    }

    async fn delete_service(&self, caller: Caller, service: Uuid) -> Result<(), TeamError> {
        Ok(self.change().delete_service(caller, service)?)
    }

    async fn shared_services(&self, user: UserId) -> Result<Vec<(UserId, u32)>, TeamError> {
        Ok(self.read().shared_services(user))
    }

    async fn set_person(&self, user: UserId, state: PersonState) -> Result<(), TeamError> {
        self.change().set_person(user, state);
        Ok(())
    }

    async fn import(&self, import: Import<'_>) -> Result<Plan, TeamError> {
        let mut inside = self.change();
        let plan = plan(&import, &inside.holdings(&import));
        if import.write {
            plan.teams.iter().for_each(|held| inside.put(held.clone()));
            let services = plan.services.iter().map(|service| (service.key.clone(), service.clone()));
            inside.services.extend(services);
        }
        Ok(plan)
    }
}
