//! The port of accounts: every method is one step, which a relational store does in one transaction.

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::audit::{AuditEntry, Audited, Occasion};
use crate::identity::{Identity, IdentityId, Linked};
use crate::link::{Invitation, InvitationId, Link};
use crate::revocation::Revocations;
use crate::session::{
    Device, EndedBy, Family, Presented, RefreshToken, Session, SessionId, SessionRules, Successor,
};
use crate::{Account, AccountId, Credentials, Email, PasswordHash, Role, TokenHash, Username};

/// Why a store of accounts could not answer.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The database does not answer; it may later.
    #[error("the store of accounts cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database failed, or holds what nobody wrote.
    #[error("the store of accounts failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// 16 random bytes.
    pub id: AccountId,
    /// Its name.
    pub username: Username,
    /// Its address.
    pub email: Email,
    /// What it may do; an invitation says it better.
    pub role: Role,
    /// What its picture is made from.
    pub avatar_seed: String,
    /// The hash of its password; none where somebody signs in at a provider.
    pub password: Option<PasswordHash>,
    /// Who its owner is at a provider.
    pub identity: Option<Linked>,
}

/// What making an account came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// There it is.
    Done(Account),
    /// Somebody has its name or its address, or a name that looks like it. The link stays good.
    Taken {
        /// The name.
        username: bool,
        /// The address.
        email: bool,
    },
    /// The link is not good, or for another address.
    LinkRefused,
}

/// What a change of an account came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is so now, or was already.
    Done(Account),
    /// There is no such account.
    Unknown,
    /// Nobody who may run the place would be left.
    LastAdmin,
}

/// What linking an identity came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// It belongs to the account, or did already.
    Done,
    /// It belongs to another account.
    Taken,
    /// The account has [`crate::identity::IDENTITIES_MAX`] already.
    Crowd,
    /// There is no such account.
    Unknown,
}

/// What unlinking an identity came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked {
    /// It is nobody's now.
    Done,
    /// The account has no such identity.
    Unknown,
    /// Its owner could not sign in any more: there is no password and no other identity.
    Last,
}

/// A refresh token that was shown, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// What it came to.
    pub presented: Presented,
    /// The account of the session; `None` if there is no such session.
    pub account: Option<Account>,
}

/// Keeps accounts, their sessions and links, what was revoked, and who did what.
///
/// Each method is one transaction, and `on.at` or `now` its time: the clocks of several nodes must agree to a few
/// seconds, since the time in which a replaced token still leads on shrinks or grows by what they differ. Every ended
/// session and every raised version gets an entry in the log of revocations within the same transaction; its numbers
/// and those of the audit log come from a locked row, so that they become visible in their order. What a method says to
/// note in the audit log it notes there in the same transaction, by `on.by`.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Makes an account of version 0, and uses the link of this hash if there is one: it must be an invitation that
    /// is good at `on.at`, and its role and address hold. `folded`, `look` and the address's key are each unique; if
    /// somebody has the identity, here or at a provider, the address counts as taken. Audit: `Registered`, and
    /// `IdentityLinked` with the identity's name.
    async fn create(
        &self,
        new: &NewAccount,
        link: Option<TokenHash>,
        on: &Occasion,
    ) -> Result<Created, AccountError>;

    /// The account with this address, banned or not.
    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, AccountError>;

    /// An account with its password's hash.
    async fn account(&self, id: AccountId) -> Result<Option<Credentials>, AccountError>;

    /// Accounts by identity after one, at most `limit`.
    async fn accounts(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<Account>, AccountError>;

    /// The account to which an identity at a provider belongs, banned or not.
    async fn owner(&self, identity: &Identity) -> Result<Option<Account>, AccountError>;

    /// The identities of an account, the oldest first.
    async fn identities(&self, account: AccountId) -> Result<Vec<Linked>, AccountError>;

    /// Links an identity to an account; nothing if it is so. Audit: `IdentityLinked` with its name.
    async fn link_identity(
        &self,
        account: AccountId,
        linked: &Linked,
        on: &Occasion,
    ) -> Result<Linking, AccountError>;

    /// Unlinks an identity of an account, unless its owner could not sign in any more. Audit: `IdentityUnlinked` with
    /// its name.
    async fn unlink_identity(
        &self,
        account: AccountId,
        id: IdentityId,
        on: &Occasion,
    ) -> Result<Unlinked, AccountError>;

    /// Notes that the state of a sign-in at a provider has come back; false if it had before. It is remembered until
    /// its time is over, and then purged.
    async fn spend(&self, state: TokenHash, until: Timestamp) -> Result<bool, AccountError>;

    /// Stores another hash of the same password; false if `from` is not the one that is stored.
    async fn rehash(
        &self,
        id: AccountId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<bool, AccountError>;

    /// Sets a password, raises the version, and ends all sessions but one; false if the version is not `version` any
    /// more. Audit: `PasswordChanged`, and `SessionEnded` for each.
    async fn set_password(
        &self,
        id: AccountId,
        version: u32,
        password: &PasswordHash,
        but: Option<SessionId>,
        on: &Occasion,
    ) -> Result<bool, AccountError>;

    /// Gives a role and raises the version, if it is another. Audit: `RoleGiven` with its word.
    async fn give_role(&self, id: AccountId, role: Role, on: &Occasion) -> Result<Changed, AccountError>;

    /// Bans an account, which ends all its sessions and raises the version, or lets it in again; nothing if it is so.
    /// Audit: `Banned` or `LetIn`, and `SessionEnded` for each.
    async fn set_banned(&self, id: AccountId, banned: bool, on: &Occasion) -> Result<Changed, AccountError>;

    /// Keeps a new session if the account is of this version and not banned, so that whoever is banned while the
    /// password is compared stays out; false otherwise. With `sessions_max` living ones, the one unused for longest
    /// ends. Audit: `SignedIn`.
    async fn open_session(
        &self,
        family: &Family,
        version: u32,
        sessions_max: usize,
        on: &Occasion,
    ) -> Result<bool, AccountError>;

    /// Shows a refresh token: locks the session's row, calls [`Family::present`], and writes the row back. Audit:
    /// `TokenReused` if it was.
    async fn refresh(
        &self,
        shown: &RefreshToken,
        next: Successor,
        device: &Device,
        rules: &SessionRules,
        on: &Occasion,
    ) -> Result<Refreshed, AccountError>;

    /// The living sessions of an account, the one used last first.
    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<Session>, AccountError>;

    /// Ends a session of an account; false if it has no such living one. Audit: `SessionEnded` with why.
    async fn end_session(
        &self,
        account: AccountId,
        id: SessionId,
        by: EndedBy,
        on: &Occasion,
    ) -> Result<bool, AccountError>;

    /// Ends all living sessions of an account but one, and says how many. Audit: `SessionEnded` for each.
    async fn end_sessions(
        &self,
        account: AccountId,
        but: Option<SessionId>,
        by: EndedBy,
        on: &Occasion,
    ) -> Result<usize, AccountError>;

    /// Keeps a link; a former one for a new password of the same account is good no more. False if there is no such
    /// account, or if [`crate::link::INVITATIONS_MAX`] invitations are open. Audit: `Invited` or `ResetLinked`.
    async fn keep_link(&self, hash: TokenHash, link: &Link, on: &Occasion) -> Result<bool, AccountError>;

    /// The invitations that are good at `now`, those that end first in front; there are never more than
    /// [`crate::link::INVITATIONS_MAX`].
    async fn invitations(&self, now: Timestamp) -> Result<Vec<Invitation>, AccountError>;

    /// Withdraws an invitation that is good at `on.at`; false if there is no such one, as when it was used. Audit:
    /// `InvitationWithdrawn` with its role.
    async fn withdraw_invitation(&self, id: InvitationId, on: &Occasion) -> Result<bool, AccountError>;

    /// The link of this hash, if it was not used and is good at `now`.
    async fn link(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Link>, AccountError>;

    /// Uses a link to set a password: raises the version and ends all sessions. The account; `None` if the link is
    /// not good for that. It does not lift a ban. Audit: `PasswordReset`, and `SessionEnded` for each.
    async fn reset_password(
        &self,
        link: TokenHash,
        password: &PasswordHash,
        on: &Occasion,
    ) -> Result<Option<Account>, AccountError>;

    /// What was revoked after a number, at most [`crate::revocation::REVOCATIONS_PAGE_MAX`] entries.
    async fn revocations(&self, after: u64) -> Result<Revocations, AccountError>;

    /// Notes in the audit log what changes nothing else.
    async fn note(&self, entry: &AuditEntry) -> Result<(), AccountError>;

    /// The audit log before a number, the newest first, at most `limit` and [`crate::audit::AUDIT_PAGE_MAX`].
    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<Audited>, AccountError>;

    /// Forgets what no answer needs: sessions that are outlived, links and sign-ins that are over, revocations older than
    /// [`crate::revocation::REVOCATIONS_KEPT`], and of each kind of the audit log all but the newest `audit_kept`, as
    /// [`crate::audit::AUDIT_KEPT_PER_KIND`]. Says how many rows went. To be called every few minutes.
    async fn purge(&self, now: Timestamp, audit_kept: usize) -> Result<usize, AccountError>;
}
