//! Many count at once, or one lets other totals take the place of a rollup's: each rollup has a row that the former
//! share and the latter has for itself, until the end of their transactions.

use sqlx::{AssertSqlSafe, MySqlConnection};

use crate::failure::{Failure, Refusal};
use crate::tables::{GATES, Tables};

/// Makes the row that is missing.
pub(crate) async fn make(connection: &mut MySqlConnection, tables: &Tables) -> Result<(), Failure> {
    // Not ON DUPLICATE KEY UPDATE: that would wait for all who count.
    let insert = format!("INSERT IGNORE INTO `{GATES}` (`rollup`) VALUES (?)");
    sqlx::query(AssertSqlSafe(insert)).bind(tables.rollup()).execute(connection).await?;
    Ok(())
}

/// Goes through with all others who do.
pub(crate) async fn share(connection: &mut MySqlConnection, tables: &Tables) -> Result<(), Failure> {
    if locked(connection, tables, "LOCK IN SHARE MODE").await? { Ok(()) } else { Err(unprepared(tables)) }
}

/// Goes through with nobody else; false where the second rollup has no row.
pub(crate) async fn close(
    connection: &mut MySqlConnection,
    live: &Tables,
    staged: &Tables,
) -> Result<bool, Failure> {
    // Each by its key, and in one order, whoever is whose.
    let mut both = [live, staged];
    both.sort_by_key(|tables| tables.rollup());
    let mut staged_is_there = false;
    for tables in both {
        let is_there = locked(connection, tables, "FOR UPDATE").await?;
        if tables.rollup() == staged.rollup() {
            staged_is_there = is_there;
        } else if !is_there {
            return Err(unprepared(tables));
        }
    }
    Ok(staged_is_there)
}

/// Takes the row away, which its transaction has for itself.
pub(crate) async fn remove(connection: &mut MySqlConnection, tables: &Tables) -> Result<(), Failure> {
    let delete = format!("DELETE FROM `{GATES}` WHERE `rollup` = ?");
    sqlx::query(AssertSqlSafe(delete)).bind(tables.rollup()).execute(connection).await?;
    Ok(())
}

/// True if the row is there.
pub(crate) async fn is_there(connection: &mut MySqlConnection, tables: &Tables) -> Result<bool, Failure> {
    locked(connection, tables, "").await
}

async fn locked(connection: &mut MySqlConnection, tables: &Tables, how: &str) -> Result<bool, Failure> {
    let select = format!("SELECT `rollup` FROM `{GATES}` WHERE `rollup` = ? {how}");
    let select = sqlx::query(AssertSqlSafe(select)).bind(tables.rollup());
    Ok(select.fetch_optional(connection).await?.is_some())
}

fn unprepared(tables: &Tables) -> Failure {
    Refusal::Unprepared(tables.rollup().to_owned()).into()
}
