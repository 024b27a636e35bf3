//! Accounts, their sessions and links, what was revoked, and who did what.
//!
//! Every transaction locks rows in one order, so that none waits for one that waits for it: the counter of accounts
//! (where roles or bans change), the account, its links, identities and sessions, then the counters of revocations and of the
//! audit log. An invitation is locked before the account that it makes, which nobody else can have locked.

mod audit;
mod change;
mod identities;
mod links;
mod log;
pub(crate) mod person;
#[cfg(test)]
mod plans;
mod purge;
mod revocations;
mod rows;
mod sessions;

use async_trait::async_trait;
use manazir_auth::audit::{AuditEntry, Audited, Occasion};
use manazir_auth::identity::{Identity, IdentityId, Linked};
use manazir_auth::link::{Invitation, InvitationId, Link};
use manazir_auth::revocation::Revocations;
use manazir_auth::session::{
    Device, EndedBy, Family, RefreshToken, Session, SessionId, SessionRules, Successor,
};
use manazir_auth::store::{Changed, Created, Linking, NewAccount, Refreshed, Unlinked};
use manazir_auth::{
    Account, AccountError, AccountId, AccountStore, Credentials, Email, PasswordHash, Role, TokenHash,
};
use manazir_model::Timestamp;

use log::Log;
pub(crate) use rows::unreadable;

use crate::Truth;
use crate::failure::failed_account as failed;
use crate::people::SqlPeople;
use crate::statement::{Connection, Statement, Writing, signed};
use rows::{ACCOUNT_COLUMNS, AccountRow, SessionRow};

/// Runs a step in a transaction of its own and writes what it has to tell at its end.
macro_rules! transact {
    ($truth:expr, $step:path, $($argument:expr),+) => {{
        let mut writing = Writing::begin($truth).await.map_err(failed)?;
        let mut connection = writing.connection();
        let mut log = Log::default();
        let done = $step(&mut connection, $($argument,)+ &mut log).await.map_err(failed)?;
        log.write(&mut connection).await.map_err(failed)?;
        writing.commit().await.map_err(failed)?;
        Ok(done)
    }};
}

/// The first of rows of which there is at most one.
fn one<R>(rows: Vec<R>) -> Option<R> {
    rows.into_iter().next()
}

fn selected() -> Statement {
    Statement::new("SELECT ").then(ACCOUNT_COLUMNS).then(" FROM accounts WHERE ")
}

/// An account, which nobody else changes until the transaction ends.
async fn locked(connection: &mut Connection<'_>, id: AccountId) -> Result<Option<Account>, sqlx::Error> {
    let rows = selected().then("id = ").text(&id.to_string()).fetch_locked::<AccountRow>(connection).await?;
    one(rows).map(AccountRow::account).transpose()
}

/// Ends all living sessions of an account but one.
async fn end_sessions(
    connection: &mut Connection<'_>,
    account: AccountId,
    but: Option<SessionId>,
    by: EndedBy,
    on: &Occasion,
    log: &mut Log,
) -> Result<usize, sqlx::Error> {
    if locked(connection, account).await?.is_none() {
        return Ok(0);
    }
    sessions::end_all(connection, account, but, by, on, log).await
}

async fn found(truth: &Truth, statement: Statement) -> Result<Option<Credentials>, AccountError> {
    let rows = statement.fetch::<AccountRow>(truth).await.map_err(failed)?;
    one(rows).map(AccountRow::credentials).transpose().map_err(failed)
}

#[async_trait]
impl AccountStore for Truth {
    async fn create(
        &self,
        new: &NewAccount,
        link: Option<TokenHash>,
        on: &Occasion,
    ) -> Result<Created, AccountError> {
        let mut writing = Writing::begin(self).await.map_err(failed)?;
        let mut connection = writing.connection();
        let mut log = Log::default();
        let people = SqlPeople::new(self.clone());
        let created = change::create(&mut connection, &people, new, link, on, &mut log).await;
        let created = created.map_err(failed)?;
        if let Created::Done(_) = created {
            log.write(&mut connection).await.map_err(failed)?;
            writing.commit().await.map_err(failed)?;
        }
        Ok(created)
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, AccountError> {
        found(self, selected().then("email_key = ").text(email.key())).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Credentials>, AccountError> {
        found(self, selected().then("id = ").text(&id.to_string())).await
    }

    async fn accounts(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<Account>, AccountError> {
        let page = selected()
            .then("id > ")
            .text(&after.map(|id| id.to_string()).unwrap_or_default())
            .then(" ORDER BY id LIMIT ")
            .number(signed(limit as u64));
        let rows = page.fetch::<AccountRow>(self).await.map_err(failed)?;
        rows.into_iter().map(AccountRow::account).collect::<Result<_, _>>().map_err(failed)
    }

    async fn owner(&self, identity: &Identity) -> Result<Option<Account>, AccountError> {
        let found = found(self, identities::owner(selected(), identity)).await?;
        Ok(found.map(|known| known.account))
    }

    async fn identities(&self, account: AccountId) -> Result<Vec<Linked>, AccountError> {
        let rows = identities::of(account).fetch::<identities::Row>(self).await.map_err(failed)?;
        rows.into_iter().map(identities::Row::linked).collect::<Result<_, _>>().map_err(failed)
    }

    async fn link_identity(
        &self,
        account: AccountId,
        linked: &Linked,
        on: &Occasion,
    ) -> Result<Linking, AccountError> {
        transact!(self, identities::link, account, linked, on)
    }

    async fn unlink_identity(
        &self,
        account: AccountId,
        id: IdentityId,
        on: &Occasion,
    ) -> Result<Unlinked, AccountError> {
        transact!(self, identities::unlink, account, id, on)
    }

    async fn spend(&self, state: TokenHash, until: Timestamp) -> Result<bool, AccountError> {
        let spent = identities::spend(state, until).write(self).await;
        spent.map(|touched| touched > 0).map_err(failed)
    }

    async fn rehash(
        &self,
        id: AccountId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<bool, AccountError> {
        let rehashed = Statement::new("UPDATE accounts SET password = ")
            .text(to.as_str())
            .then(" WHERE id = ")
            .text(&id.to_string())
            .then(" AND password = ")
            .text(from.as_str());
        rehashed.write(self).await.map(|touched| touched > 0).map_err(failed)
    }

    async fn set_password(
        &self,
        id: AccountId,
        version: u32,
        password: &PasswordHash,
        but: Option<SessionId>,
        on: &Occasion,
    ) -> Result<bool, AccountError> {
        transact!(self, change::set_password, (id, version), password, but, on)
    }

    async fn give_role(&self, id: AccountId, role: Role, on: &Occasion) -> Result<Changed, AccountError> {
        transact!(self, change::give_role, id, role, on)
    }

    async fn set_banned(&self, id: AccountId, banned: bool, on: &Occasion) -> Result<Changed, AccountError> {
        transact!(self, change::set_banned, id, banned, on)
    }

    async fn open_session(
        &self,
        family: &Family,
        version: u32,
        sessions_max: usize,
        on: &Occasion,
    ) -> Result<bool, AccountError> {
        transact!(self, sessions::open, family, version, sessions_max, on)
    }

    async fn refresh(
        &self,
        shown: &RefreshToken,
        next: Successor,
        device: &Device,
        rules: &SessionRules,
        on: &Occasion,
    ) -> Result<Refreshed, AccountError> {
        transact!(self, sessions::refresh, (shown, next), device, rules, on)
    }

    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<Session>, AccountError> {
        let rows = sessions::living(account, now).fetch::<SessionRow>(self).await.map_err(failed)?;
        rows.into_iter().map(SessionRow::session).collect::<Result<_, _>>().map_err(failed)
    }

    async fn end_session(
        &self,
        account: AccountId,
        id: SessionId,
        by: EndedBy,
        on: &Occasion,
    ) -> Result<bool, AccountError> {
        transact!(self, sessions::end_one, account, id, by, on)
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        but: Option<SessionId>,
        by: EndedBy,
        on: &Occasion,
    ) -> Result<usize, AccountError> {
        transact!(self, end_sessions, account, but, by, on)
    }

    async fn keep_link(&self, hash: TokenHash, link: &Link, on: &Occasion) -> Result<bool, AccountError> {
        transact!(self, links::keep, hash, link, on)
    }

    async fn invitations(&self, now: Timestamp) -> Result<Vec<Invitation>, AccountError> {
        let rows = links::open(now).fetch::<links::Row>(self).await.map_err(failed)?;
        rows.into_iter().map(links::Row::invitation).collect::<Result<_, _>>().map_err(failed)
    }

    async fn withdraw_invitation(&self, id: InvitationId, on: &Occasion) -> Result<bool, AccountError> {
        transact!(self, links::withdraw, id, on)
    }

    async fn link(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Link>, AccountError> {
        let rows = links::good(hash, now).fetch::<links::Row>(self).await.map_err(failed)?;
        one(rows).map(links::Row::link).transpose().map_err(failed)
    }

    async fn reset_password(
        &self,
        link: TokenHash,
        password: &PasswordHash,
        on: &Occasion,
    ) -> Result<Option<Account>, AccountError> {
        transact!(self, change::reset_password, link, password, on)
    }

    async fn revocations(&self, after: u64) -> Result<Revocations, AccountError> {
        revocations::after(self, after).await.map_err(failed)
    }

    async fn note(&self, entry: &AuditEntry) -> Result<(), AccountError> {
        let mut writing = Writing::begin(self).await.map_err(failed)?;
        let mut log = Log::default();
        log.add(entry.clone());
        log.write(&mut writing.connection()).await.map_err(failed)?;
        writing.commit().await.map_err(failed)
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<Audited>, AccountError> {
        let rows = audit::page(before, limit).fetch::<audit::Row>(self).await.map_err(failed)?;
        rows.into_iter().map(audit::audited).collect::<Result<_, _>>().map_err(failed)
    }

    async fn purge(&self, now: Timestamp, audit_kept: usize) -> Result<usize, AccountError> {
        purge::purge(self, now, audit_kept).await.map_err(failed)
    }
}
