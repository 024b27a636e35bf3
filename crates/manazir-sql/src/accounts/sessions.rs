//! Sessions and their refresh tokens. Of several rows only who holds the account's lock ends more than one.

use manazir_auth::audit::{AuditKind, Occasion};
use manazir_auth::revocation::Revocation;
use manazir_auth::session::{
    Device, EndedBy, Family, Presented, RefreshToken, SessionId, SessionRules, Successor,
};
use manazir_auth::store::Refreshed;
use manazir_auth::{Account, AccountId};
use manazir_model::Timestamp;

use super::log::Log;
use super::rows::{
    ACCOUNT_COLUMNS, AccountRow, FAMILY_COLUMNS, FamilyRow, SESSION_COLUMNS, family_values, unreadable,
};
use super::{locked, one};
use crate::statement::{Connection, Statement, signed};

/// See [`manazir_auth::AccountStore::open_session`].
pub(super) async fn open(
    connection: &mut Connection<'_>,
    family: &Family,
    version: u32,
    sessions_max: usize,
    on: &Occasion,
    log: &mut Log,
) -> Result<bool, sqlx::Error> {
    let known = locked(connection, family.account).await?;
    if !known.is_some_and(|account| account.version == version && account.banned_at.is_none()) {
        return Ok(false);
    }
    let crowd = crowd(family.account, sessions_max, on.at).fetch_in::<(String,)>(connection).await?;
    for (id,) in crowd {
        let id = SessionId::parse(&id).ok_or_else(|| unreadable("account_sessions", "id"))?;
        end_one(connection, family.account, id, EndedBy::Crowd, on, log).await?;
    }
    Statement::new("INSERT INTO account_sessions (")
        .then(FAMILY_COLUMNS)
        .then(") VALUES ")
        .rows([family_values(family)])
        .execute(connection)
        .await?;
    log.note(AuditKind::SignedIn, Some(family.account), on, &family.device.name);
    Ok(true)
}

/// See [`manazir_auth::AccountStore::refresh`]. The row is written only if it changed, so that of many that show one
/// token all but one only read.
pub(super) async fn refresh(
    connection: &mut Connection<'_>,
    (shown, next): (&RefreshToken, Successor),
    device: &Device,
    rules: &SessionRules,
    on: &Occasion,
    log: &mut Log,
) -> Result<Refreshed, sqlx::Error> {
    let found = by_id(shown.session()).fetch_locked::<FamilyRow>(connection).await?;
    let Some(row) = found.into_iter().next() else {
        return Ok(Refreshed { presented: Presented::Unknown, account: None });
    };
    let mut family = row.family()?;
    let before = family.clone();
    let presented = family.present(shown, next, device, rules, on.at);
    if family != before {
        write_back(&family).execute(connection).await?;
    }
    if presented == Presented::Reused {
        log.revoke(on.at, Revocation::Session(family.id));
        log.note(AuditKind::TokenReused, Some(family.account), on, &device.name);
    }
    Ok(Refreshed { presented, account: owner(connection, family.account).await? })
}

/// The living sessions of an account, the one used last first.
pub(super) fn living(account: AccountId, now: Timestamp) -> Statement {
    let selected = Statement::new("SELECT ").then(SESSION_COLUMNS);
    that_live(selected.then(" FROM account_sessions"), account, now).then(" ORDER BY used_at DESC, id")
}

/// Ends a session if it is of this account and lives.
pub(super) async fn end_one(
    connection: &mut Connection<'_>,
    account: AccountId,
    id: SessionId,
    by: EndedBy,
    on: &Occasion,
    log: &mut Log,
) -> Result<bool, sqlx::Error> {
    let one = ending(account, by, on.at).then(" AND id = ").text(&id.to_string());
    end(connection, one, account, by, on, log).await.map(|ended| ended > 0)
}

/// Ends all living sessions of an account, whose row the caller has locked, but one.
pub(super) async fn end_all(
    connection: &mut Connection<'_>,
    account: AccountId,
    but: Option<SessionId>,
    by: EndedBy,
    on: &Occasion,
    log: &mut Log,
) -> Result<usize, sqlx::Error> {
    let mut all = ending(account, by, on.at);
    if let Some(but) = but {
        all = all.then(" AND id <> ").text(&but.to_string());
    }
    end(connection, all, account, by, on, log).await
}

/// Sessions that ended before a time, or would have.
pub(super) fn over(ended: Timestamp) -> [Statement; 2] {
    let by = |text| Statement::new(text).number(ended.micros());
    [
        by("DELETE FROM account_sessions WHERE expires_at <= "),
        by("DELETE FROM account_sessions WHERE ended_at IS NOT NULL AND ended_at <= "),
    ]
}

async fn end(
    connection: &mut Connection<'_>,
    ending: Statement,
    account: AccountId,
    by: EndedBy,
    on: &Occasion,
    log: &mut Log,
) -> Result<usize, sqlx::Error> {
    let ended = ending.then(" RETURNING id").fetch_in::<(String,)>(connection).await?;
    for (id,) in &ended {
        let id = SessionId::parse(id).ok_or_else(|| unreadable("account_sessions", "id"))?;
        log.revoke(on.at, Revocation::Session(id));
        log.note(AuditKind::SessionEnded, Some(account), on, by.word());
    }
    Ok(ended.len())
}

/// As [`Family::end`] does it: nothing is kept that leads to a token.
fn ending(account: AccountId, by: EndedBy, now: Timestamp) -> Statement {
    let ending = Statement::new("UPDATE account_sessions SET ended_at = ")
        .number(now.micros())
        .then(", ended_by = ")
        .text(by.word())
        .then(", replaced = ")
        .bytes(Vec::new());
    that_live(ending, account, now)
}

fn that_live(statement: Statement, account: AccountId, now: Timestamp) -> Statement {
    statement
        .then(" WHERE account = ")
        .text(&account.to_string())
        .then(" AND ended_at IS NULL AND expires_at > ")
        .number(now.micros())
}

/// Those that have to give way to one more.
fn crowd(account: AccountId, sessions_max: usize, now: Timestamp) -> Statement {
    that_live(Statement::new("SELECT id FROM account_sessions"), account, now)
        .then(" ORDER BY used_at DESC, id LIMIT ")
        .number(i64::MAX)
        .then(" OFFSET ")
        .number(signed(sessions_max.saturating_sub(1) as u64))
}

fn by_id(id: SessionId) -> Statement {
    Statement::new("SELECT ")
        .then(FAMILY_COLUMNS)
        .then(" FROM account_sessions WHERE id = ")
        .text(&id.to_string())
}

fn write_back(family: &Family) -> Statement {
    Statement::new("UPDATE account_sessions SET (")
        .then(FAMILY_COLUMNS)
        .then(") = ")
        .rows([family_values(family)])
        .then(" WHERE id = ")
        .text(&family.id.to_string())
}

/// The account of a session, without a lock: whoever changes it comes to the session later.
async fn owner(connection: &mut Connection<'_>, id: AccountId) -> Result<Option<Account>, sqlx::Error> {
    let row = Statement::new("SELECT ")
        .then(ACCOUNT_COLUMNS)
        .then(" FROM accounts WHERE id = ")
        .text(&id.to_string())
        .fetch_in::<AccountRow>(connection)
        .await?;
    one(row).map(AccountRow::account).transpose()
}

#[cfg(test)]
mod tests {
    use super::super::plans::planned;
    use super::*;

    #[tokio::test]
    async fn sessions_are_found_by_index() {
        let (account, id, at) = (AccountId([1; 16]), SessionId([2; 16]), Timestamp(5));
        let of_account = "INDEX account_sessions_account (account=? AND ended_at=?)";
        let by_key = "INDEX sqlite_autoindex_account_sessions_1 (id=?)";
        let [expired, ended] = over(at);
        for (statement, index) in [
            (living(account, at), of_account),
            (crowd(account, 9, at), of_account),
            (ending(account, EndedBy::Owner, at), of_account),
            (by_id(id), by_key),
            (expired, "INDEX account_sessions_expires_at (expires_at<?)"),
            (ended, "INDEX account_sessions_ended_at (ended_at>? AND ended_at<?)"),
        ] {
            let plan = planned(statement).await;
            assert!(plan[0].ends_with(index), "{plan:?}");
        }
    }
}
