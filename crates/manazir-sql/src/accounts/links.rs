//! Links that are good once.

use manazir_auth::audit::{AuditKind, Occasion};
use manazir_auth::link::{INVITATIONS_MAX, Invitation, InvitationId, Link, Purpose};
use manazir_auth::{AccountId, Email, Role, TokenHash};
use manazir_model::Timestamp;

use super::log::Log;
use super::rows::{hash, maybe_text, number, text, unreadable};
use super::{locked, one};
use crate::statement::{Connection, Statement, Value, lock, signed};
use crate::text::came;

const COUNTER: &str = "account_invitations";
const INVITATION: &str = "invitation";
const RESET: &str = "reset";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    hash: Vec<u8>,
    purpose: String,
    role: Option<String>,
    email: Option<String>,
    account: Option<String>,
    expires_at: i64,
}

impl Row {
    pub(super) fn link(self) -> Result<Link, sqlx::Error> {
        let damaged = |column| move || unreadable("account_links", column);
        let purpose = match self.purpose.as_str() {
            INVITATION => {
                let role = self.role.and_then(|word| word.parse().ok()).ok_or_else(damaged("role"))?;
                let parsed = |text: String| Email::parse(&came(text)).ok().ok_or_else(damaged("email"));
                Purpose::Invitation { role, email: self.email.map(parsed).transpose()? }
            }
            RESET => {
                let account = self.account.as_deref().and_then(AccountId::parse);
                Purpose::Reset(account.ok_or_else(damaged("account"))?)
            }
            _ => return Err(unreadable("account_links", "purpose")),
        };
        Ok(Link { purpose, expires_at: Timestamp(self.expires_at) })
    }

    pub(super) fn invitation(self) -> Result<Invitation, sqlx::Error> {
        let hash = hash(&self.hash).ok_or_else(|| unreadable("account_links", "hash"))?;
        let link = self.link()?;
        Invitation::of(hash, &link).ok_or_else(|| unreadable("account_links", "purpose"))
    }
}

/// See [`manazir_auth::AccountStore::keep_link`].
pub(super) async fn keep(
    connection: &mut Connection<'_>,
    hash: TokenHash,
    link: &Link,
    on: &Occasion,
    log: &mut Log,
) -> Result<bool, sqlx::Error> {
    match &link.purpose {
        Purpose::Invitation { role, .. } => {
            lock(connection, COUNTER).await?;
            let count = counted(on.at).fetch_in::<(i64,)>(connection).await?;
            if one(count).is_none_or(|(count,)| count >= signed(INVITATIONS_MAX as u64)) {
                return Ok(false);
            }
            log.note(AuditKind::Invited, None, on, role.word());
        }
        Purpose::Reset(account) => {
            if locked(connection, *account).await?.is_none() {
                return Ok(false);
            }
            of(*account).execute(connection).await?;
            log.note(AuditKind::ResetLinked, Some(*account), on, "");
        }
    }
    Statement::new("INSERT INTO account_links (hash, purpose, role, email, account, expires_at) VALUES ")
        .rows([values(hash, link)])
        .execute(connection)
        .await?;
    Ok(true)
}

/// A link that is good.
pub(super) fn good(hash: TokenHash, now: Timestamp) -> Statement {
    that_is_good(Statement::new(SELECT), hash, now)
}

/// The open invitations, those that end first in front.
pub(super) fn open(now: Timestamp) -> Statement {
    that_are_open(Statement::new(SELECT), now)
        .then(" ORDER BY expires_at, hash LIMIT ")
        .number(signed(INVITATIONS_MAX as u64))
}

/// See [`manazir_auth::AccountStore::withdraw_invitation`].
pub(super) async fn withdraw(
    connection: &mut Connection<'_>,
    id: InvitationId,
    on: &Occasion,
    log: &mut Log,
) -> Result<bool, sqlx::Error> {
    let gone =
        withdrawing(id, on.at).then(" RETURNING role").fetch_in::<(Option<String>,)>(connection).await?;
    let Some((role,)) = one(gone) else { return Ok(false) };
    log.note(AuditKind::InvitationWithdrawn, None, on, &role.unwrap_or_default());
    Ok(true)
}

/// The role that an invitation gives to whoever has this address, if it is good for that; its row is locked.
pub(super) async fn invited(
    connection: &mut Connection<'_>,
    hash: TokenHash,
    email: &Email,
    now: Timestamp,
) -> Result<Option<Role>, sqlx::Error> {
    let link = good(hash, now).fetch_locked::<Row>(connection).await?;
    Ok(match one(link).map(Row::link).transpose()?.map(|link| link.purpose) {
        Some(Purpose::Invitation { role, email: only }) => {
            only.is_none_or(|only| only.key() == email.key()).then_some(role)
        }
        _ => None,
    })
}

/// The account that a link for a new password is for, as it stood: the account is to be locked before the link is used.
pub(super) async fn reset_of(
    connection: &mut Connection<'_>,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<AccountId>, sqlx::Error> {
    let link = good(hash, now).fetch_in::<Row>(connection).await?;
    Ok(match one(link).map(Row::link).transpose()?.map(|link| link.purpose) {
        Some(Purpose::Reset(account)) => Some(account),
        _ => None,
    })
}

/// Uses a link; false if somebody else was faster.
pub(super) async fn used(
    connection: &mut Connection<'_>,
    hash: TokenHash,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let gone = that_is_good(Statement::new("DELETE FROM account_links"), hash, now);
    gone.execute(connection).await.map(|gone| gone > 0)
}

/// Links whose time is over.
pub(super) fn over(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM account_links WHERE purpose IN ('invitation', 'reset') AND expires_at <= ")
        .number(now.micros())
}

const SELECT: &str = "SELECT hash, purpose, role, email, account, expires_at FROM account_links";

fn values(hash: TokenHash, link: &Link) -> Vec<Value> {
    let (purpose, role, email, account) = match &link.purpose {
        Purpose::Invitation { role, email } => {
            (INVITATION, Some(role.word()), email.as_ref().map(|email| email.address().to_owned()), None)
        }
        Purpose::Reset(account) => (RESET, None, None, Some(account.to_string())),
    };
    vec![
        Value::Bytes(hash.as_bytes().to_vec()),
        text(purpose),
        maybe_text(role.map(str::to_owned)),
        maybe_text(email),
        maybe_text(account),
        number(link.expires_at.micros()),
    ]
}

fn that_is_good(statement: Statement, hash: TokenHash, now: Timestamp) -> Statement {
    statement
        .then(" WHERE hash = ")
        .bytes(hash.as_bytes().to_vec())
        .then(" AND expires_at > ")
        .number(now.micros())
}

fn that_are_open(statement: Statement, now: Timestamp) -> Statement {
    statement.then(" WHERE purpose = 'invitation' AND expires_at > ").number(now.micros())
}

fn counted(now: Timestamp) -> Statement {
    that_are_open(Statement::new("SELECT COUNT(*) FROM account_links"), now)
}

/// Links for a new password of an account.
fn of(account: AccountId) -> Statement {
    Statement::new("DELETE FROM account_links WHERE account = ").text(&account.to_string())
}

/// The hashes that begin with these bytes are one interval of the key.
fn withdrawing(id: InvitationId, now: Timestamp) -> Statement {
    let hash = |rest: u8| [id.0.as_slice(), &[rest; 24]].concat();
    that_are_open(Statement::new("DELETE FROM account_links"), now)
        .then(" AND hash >= ")
        .bytes(hash(0))
        .then(" AND hash <= ")
        .bytes(hash(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::plans::planned;
    use super::*;

    #[tokio::test]
    async fn links_are_found_by_index() {
        let (hash, at) = (TokenHash::from_bytes([1; 32]), Timestamp(5));
        let by_key = "sqlite_autoindex_account_links_1 (hash=?)";
        let by_time = "account_links_expires_at (purpose=? AND expires_at>?)";
        for (statement, index) in [
            (good(hash, at), by_key),
            (open(at), by_time),
            (counted(at), by_time),
            (of(AccountId([1; 16])), "account_links_account (account=?)"),
            (over(at), "account_links_expires_at (purpose=? AND expires_at<?)"),
            (withdrawing(InvitationId([1; 8]), at), by_time),
        ] {
            let plan = planned(statement).await;
            assert!(plan[0].starts_with("SEARCH") && plan[0].ends_with(index), "{plan:?}");
        }
    }
}
