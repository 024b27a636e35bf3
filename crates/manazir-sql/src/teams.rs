//! Teams, who is in them, and the services that they own.
//!
//! What a statement waits for is always taken in the same order, so that no two transactions wait for each other: the
//! counters, teams by identifier, people by number, services.

mod import;
mod people;
mod rows;
mod services;
mod shared;
mod team;

use async_trait::async_trait;
use manazir_model::Timestamp;
use manazir_people::teams::{
    Caller, Import, Member, NewService, NewTeam, Owner, Plan, Service, ServiceKey, ServicePatch, Team,
    TeamAct, TeamError, TeamKey, TeamRefusal, TeamStore, TeamsPage,
};
use manazir_people::{PersonState, UserId};
use uuid::Uuid;

use crate::Truth;
use crate::failure::passes;
use crate::statement::{Connection, Writing};

/// Values of one statement: PostgreSQL takes 65,535, SQLite half as many.
const VALUES_MAX: usize = 10_000;

/// Wraps an error of the database.
fn failed(error: sqlx::Error) -> TeamError {
    match error {
        error if passes(&error) => TeamError::Away(error.into()),
        sqlx::Error::Decode(why) | sqlx::Error::ColumnDecode { source: why, .. } => {
            TeamError::Damaged { what: "a row of teams and services".to_owned(), why: why.to_string() }
        }
        error => TeamError::Failed(error.into()),
    }
}

/// What a person's new state does to the teams and services that name them; within the transaction that gives it.
pub(crate) async fn follow(
    connection: &mut Connection<'_>,
    user: UserId,
    state: PersonState,
) -> Result<(), sqlx::Error> {
    people::set(connection, user, state).await
}

fn refused<T>(refusal: TeamRefusal) -> Result<T, TeamError> {
    Err(TeamError::Refused(refusal))
}

async fn begin(truth: &Truth) -> Result<Writing, TeamError> {
    Writing::begin(truth).await.map_err(failed)
}

async fn commit(writing: Writing) -> Result<(), TeamError> {
    writing.commit().await.map_err(failed)
}

#[async_trait]
impl TeamStore for Truth {
    async fn create_team(&self, caller: Caller, new: &NewTeam) -> Result<Team, TeamError> {
        let mut writing = begin(self).await?;
        let made = team::create(&mut writing.connection(), caller, new).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn team(&self, key: &TeamKey) -> Result<Option<Team>, TeamError> {
        team::get(self, key).await
    }

    async fn teams(&self, after: Option<&str>, max: usize) -> Result<TeamsPage<Team, String>, TeamError> {
        team::page(self, after, max).await
    }

    async fn change_team(
        &self,
        caller: Caller,
        team: Uuid,
        acts: &[TeamAct],
        at: Timestamp,
    ) -> Result<Option<Team>, TeamError> {
        let mut writing = begin(self).await?;
        let after = team::change(&mut writing.connection(), caller, team, acts, at).await?;
        commit(writing).await?;
        Ok(after)
    }

    async fn members(
        &self,
        team: Uuid,
        after: Option<UserId>,
        max: usize,
    ) -> Result<TeamsPage<Member, UserId>, TeamError> {
        team::members(self, team, after, max).await
    }

    async fn teams_of(&self, user: UserId) -> Result<Vec<(Team, Member)>, TeamError> {
        team::of(self, user).await
    }

    async fn create_service(&self, caller: Caller, new: &NewService) -> Result<Service, TeamError> {
        let mut writing = begin(self).await?;
        let made = services::create(&mut writing.connection(), caller, new).await?;
        commit(writing).await?;
        Ok(made)
    }

    async fn service(&self, id: Uuid) -> Result<Option<Service>, TeamError> {
        services::get(self, id).await
    }

    async fn services_named(&self, name: &str) -> Result<Vec<Service>, TeamError> {
        services::named(self, name).await
    }

    async fn services(
        &self,
        after: Option<&ServiceKey>,
        max: usize,
    ) -> Result<TeamsPage<Service, ServiceKey>, TeamError> {
        services::page(self, None, after, max).await
    }

    async fn services_of(
        &self,
        owner: Owner,
        after: Option<&ServiceKey>,
        max: usize,
    ) -> Result<TeamsPage<Service, ServiceKey>, TeamError> {
        services::page(self, Some(owner), after, max).await
    }

    async fn change_service(
        &self,
        caller: Caller,
        service: Uuid,
        patch: &ServicePatch,
        at: Timestamp,
    ) -> Result<Service, TeamError> {
        let mut writing = begin(self).await?;
        let after = services::change(&mut writing.connection(), caller, service, patch, at).await?;
        commit(writing).await?;
        Ok(after)
    }

    async fn delete_service(&self, caller: Caller, service: Uuid) -> Result<(), TeamError> {
        let mut writing = begin(self).await?;
        services::delete(&mut writing.connection(), caller, service).await?;
        commit(writing).await
    }

    async fn shared_services(&self, user: UserId) -> Result<Vec<(UserId, u32)>, TeamError> {
        shared::shared(self, user).await
    }

    async fn set_person(&self, user: UserId, state: PersonState) -> Result<(), TeamError> {
        let mut writing = begin(self).await?;
        people::set(&mut writing.connection(), user, state).await.map_err(failed)?;
        commit(writing).await
    }

    async fn import(&self, import: Import<'_>) -> Result<Plan, TeamError> {
        let mut writing = begin(self).await?;
        let plan = import::import(&mut writing.connection(), &import).await?;
        if import.write {
            commit(writing).await?;
        }
        Ok(plan)
    }
}
