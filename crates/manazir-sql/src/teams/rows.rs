//! Rows of teams and services.

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;
use manazir_people::teams::{
    Kept, Owner, Part, Service, ServiceKey, Source, Sourced, Standing, Team, TeamError,
};
use manazir_people::{PersonState, UserId};
use uuid::Uuid;

use crate::statement::Value;

/// What is kept of whoever was taken out.
const OUT: &str = "out";

#[derive(sqlx::FromRow)]
pub(super) struct TeamRow {
    id: String,
    slug: String,
    name: String,
    name_source: String,
    description: String,
    description_source: String,
    avatar_seed: String,
    source: String,
    created_at: i64,
    changed_at: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct MemberRow {
    pub(super) team_id: String,
    user_id: i64,
    standing: String,
    source: String,
    since: i64,
    state: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct ServiceRow {
    id: String,
    name: String,
    namespace: String,
    environment: String,
    description: String,
    description_source: String,
    owners_source: String,
    labels: String,
    avatar_seed: String,
    source: String,
    created_at: i64,
    changed_at: i64,
}

fn damaged(what: &str, why: impl std::fmt::Display) -> TeamError {
    TeamError::Damaged { what: what.to_owned(), why: why.to_string() }
}

fn source(word: &str) -> Result<Source, TeamError> {
    word.parse().map_err(|why| damaged("a source", why))
}

pub(super) fn uuid(text: &str) -> Result<Uuid, TeamError> {
    text.parse().map_err(|why| damaged("an identifier", why))
}

pub(super) fn user(number: i64) -> Result<UserId, TeamError> {
    u32::try_from(number).map(UserId).map_err(|why| damaged("a user", why))
}

impl TeamRow {
    pub(super) fn team(self) -> Result<Team, TeamError> {
        Ok(Team {
            id: uuid(&self.id)?,
            slug: self.slug,
            name: Sourced::new(self.name, source(&self.name_source)?),
            description: Sourced::new(self.description, source(&self.description_source)?),
            avatar_seed: self.avatar_seed,
            source: source(&self.source)?,
            created_at: Timestamp(self.created_at),
            changed_at: Timestamp(self.changed_at),
        })
    }
}

impl MemberRow {
    pub(super) fn kept(self) -> Result<(UserId, Kept), TeamError> {
        let standing = match self.standing.as_str() {
            OUT => Standing::Out,
            part => Standing::In(part.parse::<Part>().map_err(|why| damaged("a member", why))?),
        };
        let kept = Kept {
            standing,
            source: source(&self.source)?,
            since: Timestamp(self.since),
            is_active: self.state == 0,
        };
        Ok((user(self.user_id)?, kept))
    }
}

impl ServiceRow {
    pub(super) fn service(self) -> Result<Service, TeamError> {
        let labels: BTreeMap<String, (String, String)> =
            serde_json::from_str(&self.labels).map_err(|why| damaged("labels of a service", why))?;
        let labels =
            labels.into_iter().map(|(name, (value, by))| Ok((name, Sourced::new(value, source(&by)?))));
        Ok(Service {
            id: uuid(&self.id)?,
            key: ServiceKey { name: self.name, namespace: self.namespace, environment: self.environment },
            description: Sourced::new(self.description, source(&self.description_source)?),
            owners: Sourced::new(BTreeSet::<Owner>::new(), source(&self.owners_source)?),
            labels: labels.collect::<Result<_, TeamError>>()?,
            avatar_seed: self.avatar_seed,
            source: source(&self.source)?,
            created_at: Timestamp(self.created_at),
            changed_at: Timestamp(self.changed_at),
        })
    }
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(Some(text.into()))
}

fn number(number: i64) -> Value {
    Value::Number(Some(number))
}

pub(super) fn state(number: i64) -> PersonState {
    match number {
        0 => PersonState::Active,
        1 => PersonState::Deactivated,
        _ => PersonState::Erased,
    }
}

pub(super) fn state_number(state: PersonState) -> i64 {
    match state {
        PersonState::Active => 0,
        PersonState::Deactivated => 1,
        PersonState::Erased => 2,
    }
}

/// In the order of the columns of a team. The rules allow no character that is kept as another.
pub(super) fn team_values(team: &Team) -> Vec<Value> {
    vec![
        text(team.id),
        text(&team.slug),
        text(&team.name.value),
        text(team.name.source.word()),
        text(&team.description.value),
        text(team.description.source.word()),
        text(&team.avatar_seed),
        text(team.source.word()),
        number(team.created_at.micros()),
        number(team.changed_at.micros()),
    ]
}

/// In the order of the columns of a member.
pub(super) fn member_values(team: Uuid, user: UserId, kept: &Kept) -> Vec<Value> {
    let standing = match kept.standing {
        Standing::In(part) => part.word(),
        Standing::Out => OUT,
    };
    vec![
        text(team),
        number(i64::from(user.0)),
        text(standing),
        text(kept.source.word()),
        number(kept.since.micros()),
    ]
}

/// In the order of the columns of a service.
pub(super) fn service_values(service: &Service) -> Vec<Value> {
    let labels: serde_json::Map<String, serde_json::Value> = service
        .labels
        .iter()
        .map(|(name, label)| (name.clone(), [label.value.as_str(), label.source.word()].as_slice().into()))
        .collect();
    vec![
        text(service.id),
        text(&service.key.name),
        text(&service.key.namespace),
        text(&service.key.environment),
        text(&service.description.value),
        text(service.description.source.word()),
        text(service.owners.source.word()),
        text(serde_json::Value::Object(labels).to_string()),
        text(&service.avatar_seed),
        text(service.source.word()),
        number(service.created_at.micros()),
        number(service.changed_at.micros()),
    ]
}
