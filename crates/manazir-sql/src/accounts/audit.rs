//! The audit log of accounts.

use manazir_auth::AccountId;
use manazir_auth::audit::{AUDIT_PAGE_MAX, Actor, AuditEntry, AuditKind, Audited, Occasion};
use manazir_model::Timestamp;

use super::rows::{address, unreadable};
use crate::statement::{Connection, Statement, signed, unsigned};
use crate::text::came;

pub(super) const COUNTER: &str = "account_audit";
/// Who is not signed in, as an actor.
pub(super) const NOBODY: &str = "nobody";
/// The service itself, as an actor.
pub(super) const SYSTEM: &str = "system";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    number: i64,
    kind: String,
    account: Option<String>,
    actor: String,
    address: Option<String>,
    at: i64,
    detail: String,
}

pub(super) fn page(before: Option<u64>, limit: usize) -> Statement {
    Statement::new(
        "SELECT number, kind, account, actor, address, at, detail FROM account_audit WHERE number < ",
    )
    .number(before.map_or(i64::MAX, signed))
    .then(" ORDER BY number DESC LIMIT ")
    .number(signed(limit.min(AUDIT_PAGE_MAX) as u64))
}

pub(super) fn audited(row: Row) -> Result<Audited, sqlx::Error> {
    let damaged = |column| move || unreadable("account_audit", column);
    let kind = AuditKind::ALL.iter().find(|kind| kind.word() == row.kind).ok_or_else(damaged("kind"))?;
    let account = row.account.map(|id| AccountId::parse(&id).ok_or_else(damaged("account"))).transpose()?;
    let by = match row.actor.as_str() {
        NOBODY => Actor::Nobody,
        SYSTEM => Actor::System,
        id => Actor::Account(AccountId::parse(id).ok_or_else(damaged("actor"))?),
    };
    let address = address(row.address).ok_or_else(damaged("address"))?;
    let on = Occasion { by, address, at: Timestamp(row.at) };
    let entry = AuditEntry { kind: *kind, account, on, detail: came(row.detail) };
    Ok(Audited { number: unsigned(row.number), entry })
}

/// Of an account that was erased, only that stays, and what it did to others, without from where. The counter is locked.
pub(super) async fn erase(connection: &mut Connection<'_>, account: AccountId) -> Result<(), sqlx::Error> {
    of(account).execute(connection).await?;
    addresses_of(account).execute(connection).await.map(drop)
}

fn of(account: AccountId) -> Statement {
    Statement::new("DELETE FROM account_audit WHERE account = ")
        .text(&account.to_string())
        .then(" AND kind <> ")
        .text(AuditKind::Erased.word())
}

fn addresses_of(account: AccountId) -> Statement {
    Statement::new("UPDATE account_audit SET address = NULL WHERE actor = ").text(&account.to_string())
}

/// All but the newest of a kind.
pub(super) fn beyond(kind: AuditKind, kept: usize) -> Statement {
    Statement::new("DELETE FROM account_audit WHERE kind = ")
        .text(kind.word())
        .then(" AND number <= (SELECT number FROM account_audit WHERE kind = ")
        .text(kind.word())
        .then(" ORDER BY number DESC LIMIT 1 OFFSET ")
        .number(signed(kept as u64))
        .then(")")
}

#[cfg(test)]
mod tests {
    use super::super::plans::planned;
    use super::*;

    #[tokio::test]
    async fn entries_are_found_by_index() {
        let id = AccountId([1; 16]);
        for (statement, steps) in [
            (
                page(None, 9),
                vec!["SEARCH account_audit USING INDEX sqlite_autoindex_account_audit_1 (number<?)"],
            ),
            (of(id), vec!["SEARCH account_audit USING INDEX account_audit_account (account=?)"]),
            (addresses_of(id), vec!["SEARCH account_audit USING INDEX account_audit_actor (actor=?)"]),
        ] {
            assert_eq!(planned(statement).await, steps);
        }
        let plan = planned(beyond(AuditKind::Banned, 9)).await;
        let by_kind = plan.iter().filter(|step| step.contains("INDEX account_audit_kind (kind=?"));
        assert_eq!(by_kind.count(), 2, "{plan:?}");
    }
}
