//! Identities at a provider, and states that have come back from there.

use manazir_auth::audit::{AuditKind, Occasion};
use manazir_auth::identity::{IDENTITIES_MAX, Identity, IdentityId, Linked};
use manazir_auth::store::{Linking, Unlinked};
use manazir_auth::{AccountId, TokenHash};
use manazir_model::Timestamp;

use super::log::Log;
use super::rows::{number, text, unreadable};
use super::{locked, one};
use crate::statement::{Connection, Statement, Value};
use crate::text::came;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    issuer: String,
    subject: String,
    label: String,
    linked_at: i64,
}

impl Row {
    pub(super) fn linked(self) -> Result<Linked, sqlx::Error> {
        let identity = Identity::new(&came(self.issuer), &came(self.subject));
        let identity = identity.ok_or_else(|| unreadable("account_identities", "subject"))?;
        Ok(Linked { identity, label: came(self.label), at: Timestamp(self.linked_at) })
    }
}

/// The identities of an account, the oldest first.
pub(super) fn of(account: AccountId) -> Statement {
    Statement::new("SELECT issuer, subject, label, linked_at FROM account_identities WHERE account = ")
        .text(&account.to_string())
        .then(" ORDER BY linked_at, issuer, subject")
}

/// Goes on with the condition on the account to which an identity belongs.
pub(super) fn owner(statement: Statement, identity: &Identity) -> Statement {
    that(statement.then("id = (SELECT account FROM account_identities"), identity).then(")")
}

/// Links an identity unless somebody has it; false if so. The account is locked, or is made by this transaction.
pub(super) async fn insert(
    connection: &mut Connection<'_>,
    account: AccountId,
    linked: &Linked,
    on: &Occasion,
    log: &mut Log,
) -> Result<bool, sqlx::Error> {
    let identity = &linked.identity;
    let values = vec![
        text(identity.issuer()),
        text(identity.subject()),
        text(&account.to_string()),
        text(&linked.label),
        number(linked.at.micros()),
    ];
    let inserted =
        Statement::new("INSERT INTO account_identities (issuer, subject, account, label, linked_at) VALUES ")
            .rows([values])
            .then(" ON CONFLICT DO NOTHING")
            .execute(connection)
            .await?;
    if inserted == 0 {
        return Ok(false);
    }
    log.note(AuditKind::IdentityLinked, Some(account), on, &identity.id().to_string());
    Ok(true)
}

/// See [`manazir_auth::AccountStore::link_identity`].
pub(super) async fn link(
    connection: &mut Connection<'_>,
    account: AccountId,
    linked: &Linked,
    on: &Occasion,
    log: &mut Log,
) -> Result<Linking, sqlx::Error> {
    if locked(connection, account).await?.is_none() {
        return Ok(Linking::Unknown);
    }
    let known = known(connection, account).await?;
    if known.iter().any(|known| known.identity == linked.identity) {
        return Ok(Linking::Done);
    }
    let is_full = known.len() >= IDENTITIES_MAX;
    let exists = that(Statement::new("SELECT account FROM account_identities"), &linked.identity);
    if !exists.fetch_in::<(String,)>(connection).await?.is_empty() {
        return Ok(Linking::Taken);
    }
    if is_full {
        return Ok(Linking::Crowd);
    }
    let is_ours = insert(connection, account, linked, on, log).await?;
    Ok(if is_ours { Linking::Done } else { Linking::Taken })
}

/// See [`manazir_auth::AccountStore::unlink_identity`].
pub(super) async fn unlink(
    connection: &mut Connection<'_>,
    account: AccountId,
    id: IdentityId,
    on: &Occasion,
    log: &mut Log,
) -> Result<Unlinked, sqlx::Error> {
    if locked(connection, account).await?.is_none() {
        return Ok(Unlinked::Unknown);
    }
    let known = known(connection, account).await?;
    let Some(linked) = known.iter().find(|linked| linked.identity.id() == id) else {
        return Ok(Unlinked::Unknown);
    };
    let password = Statement::new("SELECT id FROM accounts WHERE password IS NOT NULL AND id = ");
    let password = password.text(&account.to_string()).fetch_in::<(String,)>(connection).await?;
    if known.len() == 1 && one(password).is_none() {
        return Ok(Unlinked::Last);
    }
    that(Statement::new("DELETE FROM account_identities"), &linked.identity).execute(connection).await?;
    log.note(AuditKind::IdentityUnlinked, Some(account), on, &id.to_string());
    Ok(Unlinked::Done)
}

/// A state has come back; no row is touched if it had before.
pub(super) fn spend(state: TokenHash, until: Timestamp) -> Statement {
    Statement::new("INSERT INTO account_states (hash, expires_at) VALUES ")
        .rows([vec![Value::Bytes(state.as_bytes().to_vec()), number(until.micros())]])
        .then(" ON CONFLICT DO NOTHING")
}

/// States whose time is over.
pub(super) fn over(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM account_states WHERE expires_at <= ").number(now.micros())
}

async fn known(connection: &mut Connection<'_>, account: AccountId) -> Result<Vec<Linked>, sqlx::Error> {
    let rows = of(account).fetch_in::<Row>(connection).await?;
    rows.into_iter().map(Row::linked).collect()
}

fn that(statement: Statement, identity: &Identity) -> Statement {
    statement
        .then(" WHERE issuer = ")
        .text(identity.issuer())
        .then(" AND subject = ")
        .text(identity.subject())
}

#[cfg(test)]
mod tests {
    use super::super::plans::planned;
    use super::super::selected;
    use super::*;

    #[tokio::test]
    async fn identities_and_states_are_found_by_index() {
        let identity = Identity::new("https://login.example", "1").unwrap();
        let by_key = "sqlite_autoindex_account_identities_1 (issuer=? AND subject=?)";
        let plan = planned(owner(selected(), &identity)).await;
        assert!(plan.iter().any(|step| step.ends_with(by_key)), "{plan:?}");
        assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{plan:?}");
        for (statement, index) in [
            (of(AccountId([1; 16])), "account_identities_account (account=?)"),
            (that(Statement::new("DELETE FROM account_identities"), &identity), by_key),
            (over(Timestamp(5)), "account_states_expires_at (expires_at<?)"),
        ] {
            let plan = planned(statement).await;
            assert!(plan[0].starts_with("SEARCH") && plan[0].ends_with(index), "{plan:?}");
        }
    }
}
