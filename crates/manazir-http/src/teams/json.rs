//! Teams and services, as everybody sees them.

use std::collections::{BTreeMap, HashMap};

use manazir_people::teams::{Member, Owner, Part, Service, Team};
use manazir_people::{Profile, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::UserJson;

/// What someone is to a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PartWord {
    /// Changes the team.
    Owner,
    /// Is in it.
    Member,
}

impl From<Part> for PartWord {
    fn from(part: Part) -> Self {
        match part {
            Part::Owner => Self::Owner,
            Part::Member => Self::Member,
        }
    }
}

impl From<PartWord> for Part {
    fn from(word: PartWord) -> Self {
        match word {
            PartWord::Owner => Self::Owner,
            PartWord::Member => Self::Member,
        }
    }
}

/// A team.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TeamJson {
    /// Identifies it for good.
    id: String,
    /// Readable, unique, and never changes: imports find it by that.
    slug: String,
    /// What people call it.
    name: String,
    /// Who said so: `hand`, `backstage`, `kubernetes` or `catalogue`. What people entered no import changes.
    name_source: &'static str,
    /// What it is for; may be empty.
    description: String,
    /// Who said so.
    description_source: &'static str,
    /// Its picture.
    avatar: String,
    /// What that is made from.
    avatar_seed: String,
    /// Who told of it first.
    source: &'static str,
    /// RFC 3339.
    created_at: String,
    /// When it or its members last changed.
    changed_at: String,
}

impl From<Team> for TeamJson {
    fn from(team: Team) -> Self {
        Self {
            avatar: format!("{}/avatar", path(&team)),
            id: team.id.to_string(),
            slug: team.slug,
            name: team.name.value,
            name_source: team.name.source.word(),
            description: team.description.value,
            description_source: team.description.source.word(),
            avatar_seed: team.avatar_seed,
            source: team.source.word(),
            created_at: team.created_at.to_string(),
            changed_at: team.changed_at.to_string(),
        }
    }
}

/// Where a team is found.
pub(super) fn path(team: &Team) -> String {
    format!("/api/v1/teams/{}", team.id)
}

/// Somebody in a team.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberJson {
    /// Who.
    #[serde(flatten)]
    user: UserJson,
    /// What they are to the team.
    part: PartWord,
    /// Who said so.
    source: &'static str,
    /// Since when they are in it, RFC 3339.
    since: String,
}

impl MemberJson {
    pub(super) fn new(user: &Profile, member: &Member) -> Self {
        Self {
            user: UserJson::public(user),
            part: member.part.into(),
            source: member.source.word(),
            since: member.since.to_string(),
        }
    }
}

/// A team that somebody is in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnTeamJson {
    /// Which.
    #[serde(flatten)]
    team: TeamJson,
    /// What they are to it.
    part: PartWord,
    /// Since when they are in it, RFC 3339.
    since: String,
}

impl OwnTeamJson {
    pub(super) fn new(team: Team, member: &Member) -> Self {
        Self { team: team.into(), part: member.part.into(), since: member.since.to_string() }
    }
}

/// Who answers for a service: a team or a person, by identifier.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OwnerJson {
    /// A team.
    Team(String),
    /// A person.
    User(String),
}

/// A service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceJson {
    /// Identifies it for good.
    id: String,
    /// What it is called.
    name: String,
    /// In which namespace; empty if nobody said so.
    namespace: String,
    /// In which environment; empty if nobody said so.
    environment: String,
    /// What it does; may be empty.
    description: String,
    /// Who said so.
    description_source: &'static str,
    /// Who answers for it.
    owners: Vec<OwnerJson>,
    /// Who said so.
    owners_source: &'static str,
    /// What else is said of it.
    labels: BTreeMap<String, String>,
    /// Its picture.
    avatar: String,
    /// What that is made from.
    avatar_seed: String,
    /// Who told of it first.
    source: &'static str,
    /// RFC 3339.
    created_at: String,
    /// When it last changed.
    changed_at: String,
}

impl ServiceJson {
    /// With those owners who are among `people`; whoever is not was erased meanwhile.
    pub(super) fn new(service: Service, people: &HashMap<UserId, Profile>) -> Self {
        let owner = |owner: &Owner| match owner {
            Owner::Team(team) => Some(OwnerJson::Team(team.to_string())),
            Owner::Person(user) => Some(OwnerJson::User(people.get(user)?.public_id.to_string())),
        };
        let labels = service.labels().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            labels: labels.collect(),
            avatar: format!("{}/avatar", path_of_service(&service)),
            id: service.id.to_string(),
            name: service.key.name,
            namespace: service.key.namespace,
            environment: service.key.environment,
            description: service.description.value,
            description_source: service.description.source.word(),
            owners: service.owners.value.iter().filter_map(owner).collect(),
            owners_source: service.owners.source.word(),
            avatar_seed: service.avatar_seed,
            source: service.source.word(),
            created_at: service.created_at.to_string(),
            changed_at: service.changed_at.to_string(),
        }
    }
}

/// Where a service is found.
pub(super) fn path_of_service(service: &Service) -> String {
    format!("/api/v1/services/{}", service.id)
}
