//! Who makes the tables of a rollup and who drops them wait for each other. No transaction can see to that, for such
//! statements end it; the server has locks by name for it, which end with the connection at the latest.

use sqlx::{AssertSqlSafe, MySqlConnection};

use crate::failure::Failure;
use crate::tables::Tables;

/// Of this server all databases, and of a database all rollups, have the same names for such locks, which are short.
const NAME: &str = "CONCAT('manazir ', SHA1(CONCAT_WS('/', DATABASE(), ?)))";

/// How long it is waited for: making tables takes moments.
const SECONDS_MAX: u8 = 10;

/// Takes the lock of a rollup.
pub(crate) async fn take(connection: &mut MySqlConnection, tables: &Tables) -> Result<(), Failure> {
    let select = format!("SELECT GET_LOCK({NAME}, {SECONDS_MAX})");
    let select = sqlx::query_scalar(AssertSqlSafe(select)).bind(tables.rollup());
    let taken: Option<i64> = select.fetch_one(connection).await?;
    if taken == Some(1) { Ok(()) } else { Err(Failure::Busy) }
}

/// Lets go of it.
pub(crate) async fn release(connection: &mut MySqlConnection, tables: &Tables) -> Result<(), Failure> {
    let select = format!("SELECT RELEASE_LOCK({NAME})");
    let select = sqlx::query_scalar::<_, Option<i64>>(AssertSqlSafe(select)).bind(tables.rollup());
    select.fetch_one(connection).await?;
    Ok(())
}
