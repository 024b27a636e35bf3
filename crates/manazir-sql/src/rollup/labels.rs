//! What keys were called.

use manazir_model::Timestamp;
use manazir_rollup::Key;
use manazir_rollup::history::labels::{Change, Labels};

use super::RollupTable;
use super::segments::{Register, damaged};
use crate::statement::{Connection, Statement, Writing};

/// Writes down what is new of the names of keys.
pub(super) async fn write(table: &RollupTable, keys: &[Key], now: Timestamp) -> sqlx::Result<()> {
    let mut writing = Writing::begin(&table.truth).await?;
    let mut connection = writing.connection();
    Register::lock(table, &mut connection).await?;
    let Some(change) = read(table, &mut connection).await?.change(keys, now) else { return Ok(()) };
    let insert = Statement::new("INSERT INTO manazir_rollup_label (rollup, since, labels) VALUES (")
        .text(table.layout.rollup.as_str())
        .then(", ")
        .number(change.since.micros())
        .then(", ")
        .bytes(change.to_bytes())
        .then(")");
    insert.execute(&mut connection).await?;
    writing.commit().await
}

/// All of them.
pub(super) async fn read(table: &RollupTable, connection: &mut Connection<'_>) -> sqlx::Result<Labels> {
    let select = Statement::new("SELECT since, labels FROM manazir_rollup_label WHERE rollup = ")
        .text(table.layout.rollup.as_str())
        .then(" ORDER BY since");
    let rows = select.fetch_in::<(i64, Vec<u8>)>(connection).await?;
    let change = |(since, bytes): (i64, Vec<u8>)| Change::from_bytes(Timestamp(since), &bytes);
    let changes: Option<Vec<Change>> = rows.into_iter().map(change).collect();
    Ok(Labels::new(changes.ok_or_else(|| damaged("a list of labels"))?))
}
