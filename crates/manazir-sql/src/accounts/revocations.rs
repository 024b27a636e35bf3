//! The log of what is over before its time.

use manazir_auth::AccountId;
use manazir_auth::revocation::{REVOCATIONS_PAGE_MAX, Revocation, Revocations};
use manazir_auth::session::SessionId;
use manazir_model::Timestamp;

use super::rows::unreadable;
use crate::Truth;
use crate::statement::{Reading, Statement, signed, unsigned};

pub(super) const COUNTER: &str = "account_revocations";

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    at: i64,
    session: Option<String>,
    account: Option<String>,
    version: Option<i64>,
}

/// The entries after a number and the last number, as of one moment.
pub(super) async fn after(truth: &Truth, number: u64) -> Result<Revocations, sqlx::Error> {
    let mut reading = Reading::begin(truth).await?;
    let mut connection = reading.connection();
    let last = Statement::new("SELECT value FROM counters WHERE name = ")
        .text(COUNTER)
        .fetch_in::<(i64,)>(&mut connection)
        .await?;
    let rows = page(number).fetch_in::<Row>(&mut connection).await?;
    let last = last.first().map(|row| unsigned(row.0)).ok_or(sqlx::Error::RowNotFound)?;
    Ok(Revocations { entries: rows.into_iter().map(entry).collect::<Result<_, _>>()?, last })
}

fn page(after: u64) -> Statement {
    Statement::new("SELECT number, at, session, account, version FROM account_revocations WHERE number > ")
        .number(signed(after))
        .then(" ORDER BY number LIMIT ")
        .number(signed(REVOCATIONS_PAGE_MAX as u64))
}

fn entry(row: Row) -> Result<(u64, Timestamp, Revocation), sqlx::Error> {
    let session = row.session.as_deref().and_then(SessionId::parse).map(Revocation::Session);
    let account = row.account.as_deref().and_then(AccountId::parse);
    let version = row.version.and_then(|version| version.try_into().ok());
    let account = account.zip(version).map(|(id, version)| Revocation::Account(id, version));
    let what = session.or(account).ok_or_else(|| unreadable("account_revocations", "session"))?;
    Ok((unsigned(row.number), Timestamp(row.at), what))
}

#[cfg(test)]
mod tests {
    use super::super::plans::planned;
    use super::*;

    #[tokio::test]
    async fn a_page_is_read_from_where_it_begins() {
        let plan = planned(page(7)).await;
        assert_eq!(
            plan,
            ["SEARCH account_revocations USING INDEX sqlite_autoindex_account_revocations_1 (number>?)"]
        );
    }
}
