//! Totals that were counted anew take the place of those there are.

use std::collections::HashMap;

use manazir_rollup::seen::Block;

use super::RollupTable;
use super::segments::{Register, damaged};
use crate::name::Name;
use crate::statement::{Connection, Statement, Writing};

/// What is kept under the name of a rollup and moves with what was counted. Names of days gone by, and what was set
/// aside, stay where they are.
const MOVED: [[&str; 2]; 3] = [
    ["DELETE FROM manazir_rollup_seen WHERE rollup = ", "UPDATE manazir_rollup_seen SET rollup = "],
    ["DELETE FROM manazir_rollup_segment WHERE rollup = ", "UPDATE manazir_rollup_segment SET rollup = "],
    ["DELETE FROM manazir_rollup_cell WHERE rollup = ", "UPDATE manazir_rollup_cell SET rollup = "],
];

/// What goes with the staged one.
const LEFT: [&str; 3] = [
    "DELETE FROM manazir_rollup_label WHERE rollup = ",
    "DELETE FROM manazir_rollup_aside WHERE rollup = ",
    "DELETE FROM manazir_rollup WHERE name = ",
];

/// Lets `table` have what `staged` has; false if it lacks something.
pub(super) async fn adopt(table: &RollupTable, staged: &RollupTable) -> sqlx::Result<bool> {
    let mut writing = Writing::begin(&table.truth).await?;
    let mut connection = writing.connection();
    Register::lock(table, &mut connection).await?;
    let register = Register::lock(staged, &mut connection).await?;
    if !has_all(table, staged, &mut connection).await? {
        return Ok(false);
    }
    let (live, next) = (table.layout.rollup.as_str(), staged.layout.rollup.as_str());
    for [delete, update] in MOVED {
        Statement::new(delete).text(live).execute(&mut connection).await?;
        let update = Statement::new(update).text(live).then(" WHERE rollup = ").text(next);
        update.execute(&mut connection).await?;
    }
    register.write(table, &mut connection).await?;
    for delete in LEFT {
        Statement::new(delete).text(next).execute(&mut connection).await?;
    }
    move_tables(table, staged, &mut connection).await?;
    writing.commit().await?;
    Ok(true)
}

/// True if every finding that counted is one that counted anew.
async fn has_all(
    table: &RollupTable,
    staged: &RollupTable,
    connection: &mut Connection<'_>,
) -> sqlx::Result<bool> {
    let anew = blocks(staged, connection).await?;
    let live = blocks(table, connection).await?;
    Ok(live.iter().all(|(place, block)| anew.get(place).is_some_and(|anew| anew.has_all_of(block))))
}

async fn blocks(
    table: &RollupTable,
    connection: &mut Connection<'_>,
) -> sqlx::Result<HashMap<(String, i64), Block>> {
    let select = Statement::new("SELECT source, block, seen FROM manazir_rollup_seen WHERE rollup = ")
        .text(table.layout.rollup.as_str());
    let rows = select.fetch_in::<(String, i64, Vec<u8>)>(connection).await?;
    let block = |(source, number, bytes): (String, i64, Vec<u8>)| {
        let block = Block::from_bytes(bytes).ok_or_else(|| damaged("a block of what was counted"))?;
        Ok(((source, number), block))
    };
    rows.into_iter().map(block).collect()
}

/// Rows of the staged tables become those of the live ones, whose readers see the one or the other.
async fn move_tables(
    table: &RollupTable,
    staged: &RollupTable,
    connection: &mut Connection<'_>,
) -> sqlx::Result<()> {
    let layout = &table.layout;
    let columns: Vec<&Name> = [&layout.key].into_iter().chain(&layout.label).chain(&layout.sums).collect();
    move_rows(connection, &layout.table, &staged.layout.table, &columns).await?;
    if let (Some(totals), Some(next)) = (&layout.totals, &staged.layout.totals) {
        let more = totals.more.iter().map(|(name, _)| name);
        let columns: Vec<&Name> = [&layout.key, &totals.count, &totals.sum].into_iter().chain(more).collect();
        move_rows(connection, &totals.table, &next.table, &columns).await?;
    }
    Ok(())
}

async fn move_rows(
    connection: &mut Connection<'_>,
    to: &Name,
    from: &Name,
    columns: &[&Name],
) -> sqlx::Result<()> {
    Statement::new("DELETE FROM ").name(to).execute(connection).await?;
    let listed = |mut statement: Statement| {
        for (index, column) in columns.iter().enumerate() {
            statement = statement.then(if index == 0 { "" } else { ", " }).name(column);
        }
        statement
    };
    let insert = listed(Statement::new("INSERT INTO ").name(to).then(" ("));
    let insert = listed(insert.then(") SELECT ")).then(" FROM ").name(from);
    insert.execute(connection).await?;
    Statement::new("DROP TABLE ").name(from).execute(connection).await.map(drop)
}
