//! What no answer needs goes.

use manazir_auth::access::{ACCESS_LIFETIME, LEEWAY};
use manazir_auth::audit::AuditKind;
use manazir_auth::revocation::REVOCATIONS_KEPT;
use manazir_model::Timestamp;

use super::{audit, change, identities, links, sessions};
use crate::Truth;
use crate::statement::{Statement, Writing, lock};

/// See [`manazir_auth::AccountStore::purge`]. Whoever deletes an account with what is its holds the same lock, so that
/// no two delete rows in different orders.
pub(super) async fn purge(truth: &Truth, now: Timestamp, audit_kept: usize) -> Result<usize, sqlx::Error> {
    let mut writing = Writing::begin(truth).await?;
    let mut connection = writing.connection();
    lock(&mut connection, change::COUNTER).await?;
    let mut gone = 0;
    let over = sessions::over(before(now, ACCESS_LIFETIME + LEEWAY));
    let old = [links::over(now), identities::over(now), older(before(now, REVOCATIONS_KEPT))];
    for statement in over.into_iter().chain(old) {
        gone += statement.execute(&mut connection).await?;
    }
    lock(&mut connection, audit::COUNTER).await?;
    for kind in AuditKind::ALL {
        gone += audit::beyond(*kind, audit_kept).execute(&mut connection).await?;
    }
    writing.commit().await?;
    Ok(usize::try_from(gone).unwrap_or(usize::MAX))
}

fn older(than: Timestamp) -> Statement {
    Statement::new("DELETE FROM account_revocations WHERE at <= ").number(than.micros())
}

fn before(now: Timestamp, by: std::time::Duration) -> Timestamp {
    Timestamp(now.micros().saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::super::plans::planned;
    use super::*;

    #[tokio::test]
    async fn old_entries_are_found_by_index() {
        let plan = planned(older(Timestamp(5))).await;
        assert_eq!(plan, ["SEARCH account_revocations USING INDEX account_revocations_at (at<?)"]);
    }
}
