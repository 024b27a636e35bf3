//! Accounts and sessions, as they are shown.

use std::time::Duration;

use manazir_auth::link::Invitation;
use manazir_auth::session::{Session, SessionId};
use manazir_auth::{Account, AccountId, Role};
use manazir_model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Problem;

/// An account, as its owner and administrators see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountJson {
    /// Its identity, which is also the person's.
    #[schema(format = "uuid")]
    id: String,
    /// What others call its owner.
    username: String,
    /// Where letters go.
    email: String,
    /// `viewer`, `member` or `admin`.
    role: &'static str,
    /// What the picture is made from.
    avatar_seed: String,
    /// RFC 3339.
    created_at: String,
    /// From when on nobody can sign in; absent while the account is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    banned_at: Option<String>,
}

impl AccountJson {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl From<Account> for AccountJson {
    fn from(account: Account) -> Self {
        Self {
            id: written(account.id),
            username: account.username.as_str().to_owned(),
            email: account.email.address().to_owned(),
            role: account.role.word(),
            avatar_seed: account.avatar_seed,
            created_at: account.created_at.to_string(),
            banned_at: account.banned_at.map(|at| at.to_string()),
        }
    }
}

/// A session: one sign-in, on one device.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionJson {
    /// Its identity, by which it is ended.
    id: String,
    /// What the device says of itself; anybody may say anything.
    device: String,
    /// From where it was last used, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// When its owner signed in, RFC 3339.
    opened_at: String,
    /// When it was last used, to a quarter of an hour.
    used_at: String,
    /// When it ends if it is not used.
    expires_at: String,
    /// True for the one by which this was asked.
    current: bool,
}

impl SessionJson {
    /// As whoever asks by `current` sees it.
    pub(super) fn seen(session: Session, current: Option<SessionId>) -> Self {
        Self {
            current: current == Some(session.id),
            id: session.id.to_string(),
            device: session.device.name,
            address: session.device.address.map(|address| address.to_string()),
            opened_at: session.opened_at.to_string(),
            used_at: session.used_at.to_string(),
            expires_at: session.expires_at.to_string(),
        }
    }
}

/// How many sessions ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndedJson {
    /// So many.
    pub(super) ended: usize,
}

/// An open invitation.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationJson {
    /// Its identity, by which it is withdrawn. Nobody comes from it to the link.
    id: String,
    /// What the account will be.
    role: &'static str,
    /// The only address that the account may have, if the invitation was for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Until when it is good, RFC 3339.
    expires_at: String,
}

impl From<Invitation> for InvitationJson {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            role: invitation.role.word(),
            email: invitation.email.map(|email| email.address().to_owned()),
            expires_at: invitation.expires_at.to_string(),
        }
    }
}

/// A link that was made. It is told this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkJson {
    /// The page where it is used; hand it over, or let the letter do it.
    pub(super) link: String,
    /// What stands behind the `#` of that, for programs.
    pub(super) secret: String,
    /// Until when it is good, RFC 3339.
    pub(super) expires_at: String,
    /// True if a letter with it is on its way.
    pub(super) mailed: bool,
}

/// What an account may do, as it is described; a word that is none is told with all else that is wrong.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "a description")]
pub(crate) enum RoleWord {
    Viewer,
    Member,
    Admin,
}

/// An account's identity as everything outside writes it.
pub(super) fn written(id: AccountId) -> String {
    Uuid::from_bytes(id.0).to_string()
}

/// The account that a path names; there is none with a name that cannot be read.
pub(super) fn account(text: &str) -> Result<AccountId, Problem> {
    let id = Uuid::try_parse(text).map(|id| AccountId(id.into_bytes()));
    id.map_err(|_| no_account())
}

pub(super) fn no_account() -> Problem {
    Problem::not_found("there is no such account")
}

/// The session that a path names.
pub(super) fn session(text: &str) -> Result<SessionId, Problem> {
    SessionId::parse(text).ok_or_else(no_session)
}

pub(super) fn no_session() -> Problem {
    Problem::not_found("there is no such session, or it has ended")
}

pub(super) fn role(word: &str) -> Result<Role, Problem> {
    word.parse().map_err(|why| Problem::invalid("the role is none", vec![why]))
}

/// When something ends that is good for a time from `at`.
pub(super) fn ends(at: Timestamp, lifetime: Duration) -> String {
    let lifetime = i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX);
    Timestamp(at.micros().saturating_add(lifetime)).to_string()
}
