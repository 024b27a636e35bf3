//! What administrators do with accounts of others, and links.

use std::time::Duration;

use manazir_model::Timestamp;

use super::{Accounts, Authority, done};
use crate::audit::{Audited, Occasion};
use crate::link::{INVITATION_LIFETIME, Invitation, InvitationId, Link, LinkSecret, Purpose, RESET_LIFETIME};
use crate::session::{EndedBy, Session, SessionId};
use crate::span::later;
use crate::store::AccountError;
use crate::{Account, AccountId, Deed, Email, Role};

/// Why a deed was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeedRefused {
    /// The role does not allow it.
    #[error("this takes another role")]
    Forbidden,
    /// There is no such account.
    #[error("there is no such account")]
    Unknown,
    /// Nobody who may run the place would be left.
    #[error("the last administrator stays one")]
    LastAdmin,
    /// So many invitations are open that no more are made.
    #[error("too many invitations are open")]
    Crowd,
    /// Too many links were asked for; wait.
    #[error("too many links were asked for")]
    Limited(Duration),
    /// See [`AccountError`].
    #[error(transparent)]
    Store(#[from] AccountError),
}

impl Accounts {
    /// Invites somebody: a link that makes an account of a role, for one address or for whoever has it.
    pub async fn invite(
        &self,
        by: impl Into<Authority>,
        role: Role,
        email: Option<Email>,
        entropy: [u8; 32],
        on: &Occasion,
    ) -> Result<LinkSecret, DeedRefused> {
        let on = &by.into().allowed(Deed::Invite, on)?;
        let expires_at = later(on.at, INVITATION_LIFETIME);
        let link = Link { purpose: Purpose::Invitation { role, email }, expires_at };
        self.linked(&link, entropy, on).await?.ok_or(DeedRefused::Crowd)
    }

    /// The open invitations, those that end first in front. None of their secrets is known here.
    pub async fn invitations(
        &self,
        by: impl Into<Authority>,
        now: Timestamp,
    ) -> Result<Vec<Invitation>, DeedRefused> {
        by.into().may(Deed::Invite)?;
        Ok(self.store.invitations(now).await?)
    }

    /// Withdraws an open invitation; false if there is no such one, as when it was used.
    pub async fn withdraw_invitation(
        &self,
        by: impl Into<Authority>,
        id: InvitationId,
        on: &Occasion,
    ) -> Result<bool, DeedRefused> {
        let on = by.into().allowed(Deed::Invite, on)?;
        Ok(self.store.withdraw_invitation(id, &on).await?)
    }

    /// Makes a link for a new password that an administrator hands over.
    pub async fn hand_over_reset(
        &self,
        by: impl Into<Authority>,
        account: AccountId,
        entropy: [u8; 32],
        on: &Occasion,
    ) -> Result<LinkSecret, DeedRefused> {
        let on = &by.into().allowed(Deed::HandOverReset, on)?;
        self.linked(&reset(account, on.at), entropy, on).await?.ok_or(DeedRefused::Unknown)
    }

    /// Lets somebody ask for a way to a new password, or says how long to wait. The answer is given after this, the
    /// same whether or not there is such an account; [`Accounts::ask_reset`] comes after the answer.
    pub fn may_ask_reset(&self, on: &Occasion) -> Result<(), DeedRefused> {
        self.held(on, |limits, place| limits.reset(place, on.at)).map_err(DeedRefused::Limited)
    }

    /// The letter for a person who has forgotten the password, to the address that the store holds, not to the one that
    /// was typed; nothing if there is no such account.
    pub async fn ask_reset(
        &self,
        email: &Email,
        entropy: [u8; 32],
        on: &Occasion,
    ) -> Result<Option<(Email, LinkSecret)>, AccountError> {
        let Some(known) = self.store.credentials(email).await? else { return Ok(None) };
        let link = self.linked(&reset(known.account.id, on.at), entropy, on).await?;
        Ok(link.map(|link| (known.account.email, link)))
    }

    /// Gives an account another role.
    pub async fn give_role(
        &self,
        by: impl Into<Authority>,
        account: AccountId,
        role: Role,
        on: &Occasion,
    ) -> Result<Account, DeedRefused> {
        let on = &by.into().allowed(Deed::GiveRole, on)?;
        let changed = self.store.give_role(account, role, on).await?;
        self.know(on).await;
        done(changed)
    }

    /// Accounts by identity after one, at most `limit`.
    pub async fn list(
        &self,
        by: impl Into<Authority>,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<Account>, DeedRefused> {
        by.into().may(Deed::Ban)?;
        Ok(self.store.accounts(after, limit).await?)
    }

    /// Bans an account, with all its sessions, or lets it in again.
    pub async fn set_banned(
        &self,
        by: impl Into<Authority>,
        account: AccountId,
        banned: bool,
        on: &Occasion,
    ) -> Result<Account, DeedRefused> {
        let on = &by.into().allowed(Deed::Ban, on)?;
        let changed = self.store.set_banned(account, banned, on).await?;
        self.know(on).await;
        done(changed)
    }

    /// Ends all sessions of somebody whose device is lost; the account stays good.
    pub async fn end_sessions_of(
        &self,
        by: impl Into<Authority>,
        account: AccountId,
        on: &Occasion,
    ) -> Result<usize, DeedRefused> {
        let on = &by.into().allowed(Deed::Ban, on)?;
        let ended = self.store.end_sessions(account, None, EndedBy::Admin, on).await?;
        self.know(on).await;
        Ok(ended)
    }

    /// The sessions of somebody, the one used last first.
    pub async fn sessions_of(
        &self,
        by: impl Into<Authority>,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<Session>, DeedRefused> {
        by.into().may(Deed::Ban)?;
        Ok(self.store.sessions(account, now).await?)
    }

    /// Ends a session of somebody, as one that was stolen; false if there is no such one.
    pub async fn end_session_of(
        &self,
        by: impl Into<Authority>,
        account: AccountId,
        id: SessionId,
        on: &Occasion,
    ) -> Result<bool, DeedRefused> {
        let on = &by.into().allowed(Deed::Ban, on)?;
        let ended = self.store.end_session(account, id, EndedBy::Admin, on).await?;
        self.know(on).await;
        Ok(ended)
    }

    /// The audit log before a number, the newest first.
    pub async fn audit(
        &self,
        by: impl Into<Authority>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Audited>, DeedRefused> {
        by.into().may(Deed::ReadAudit)?;
        Ok(self.store.audit(before, limit).await?)
    }

    async fn linked(
        &self,
        link: &Link,
        entropy: [u8; 32],
        on: &Occasion,
    ) -> Result<Option<LinkSecret>, AccountError> {
        let secret = LinkSecret::from_entropy(entropy);
        let kept = self.store.keep_link(secret.hash(), link, on).await?;
        Ok(kept.then_some(secret))
    }
}

fn reset(account: AccountId, now: Timestamp) -> Link {
    Link { purpose: Purpose::Reset(account), expires_at: later(now, RESET_LIFETIME) }
}
