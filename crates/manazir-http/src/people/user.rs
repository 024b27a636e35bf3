//! A person, as others see them.

use manazir_people::{PersonState, Profile, Relation};
use serde::Serialize;
use utoipa::ToSchema;

use super::who::sees_all;
use crate::access::Caller;

/// A person. Address, state and times are for the person, for tokens and for administrators.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UserJson {
    /// Identifies the person for good.
    pub(super) id: String,
    /// Readable, and unique whatever its case.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// What people call them.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Team, company or college.
    #[serde(skip_serializing_if = "Option::is_none")]
    affiliation: Option<String>,
    /// Their picture.
    avatar: String,
    /// In lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// `active` or `deactivated`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_at: Option<String>,
    /// When the profile last changed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<String>,
}

impl UserJson {
    /// What everybody may see.
    pub(crate) fn public(user: &Profile) -> Self {
        Self {
            id: user.public_id.to_string(),
            username: user.username.clone(),
            name: user.name.clone(),
            affiliation: user.affiliation.clone(),
            avatar: format!("{}/avatar", path(user)),
            email: None,
            state: None,
            joined_at: None,
            changed_at: None,
        }
    }

    /// What this caller may see.
    pub(super) fn seen_by(caller: &Caller, user: &Profile) -> Self {
        if !sees_all(caller, user) {
            return Self::public(user);
        }
        Self {
            email: user.email.clone(),
            state: Some(state_word(user.state)),
            joined_at: Some(user.joined_at.to_string()),
            changed_at: Some(user.changed_at.to_string()),
            ..Self::public(user)
        }
    }
}

/// Where somebody is found.
pub(super) fn path(user: &Profile) -> String {
    format!("/api/v1/users/{}", user.public_id)
}

/// What somebody is called in a sentence.
pub(crate) fn called(user: &Profile) -> String {
    let name = user.name.as_ref().or(user.username.as_ref());
    name.cloned().unwrap_or_else(|| user.public_id.to_string())
}

fn state_word(state: PersonState) -> &'static str {
    match state {
        PersonState::Active => "active",
        PersonState::Deactivated => "deactivated",
        PersonState::Erased => "erased",
    }
}

/// What a person sees of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RelationWord {
    /// They are the same.
    #[serde(rename = "self")]
    Oneself,
    /// Nothing.
    None,
    /// The person has asked.
    OutgoingRequest,
    /// The other has asked.
    IncomingRequest,
    /// They are connected.
    Contact,
    /// The person blocks the other.
    Blocked,
}

impl From<Relation> for RelationWord {
    fn from(relation: Relation) -> Self {
        match relation {
            Relation::Oneself => Self::Oneself,
            Relation::None => Self::None,
            Relation::AskedTo => Self::OutgoingRequest,
            Relation::AskedBy => Self::IncomingRequest,
            Relation::Connected => Self::Contact,
            Relation::Blocked => Self::Blocked,
        }
    }
}

/// Two people, and what the first sees of the second.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RelationJson {
    /// The first.
    user: String,
    /// The second.
    other: String,
    /// What the first sees of the second.
    relation: RelationWord,
}

impl RelationJson {
    pub(super) fn new(user: &Profile, other: &Profile, relation: Relation) -> Self {
        Self {
            user: user.public_id.to_string(),
            other: other.public_id.to_string(),
            relation: relation.into(),
        }
    }
}
