//! The further columns of the totals: what cannot be added up is worked out from a cell of each key.

use std::sync::Arc;

use manazir_rollup::Row;
use manazir_rollup::aggregate::{Aggregate, Cell};
use manazir_rollup::history::cells::{Cells, value};
use serde_json::{Value, json};

use super::segments::damaged;
use super::{ROWS_MAX, RollupTable};
use crate::statement::{Connection, Statement};
use crate::text::kept;

/// Takes in findings that were counted now.
pub(super) async fn add(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    rows: &[&Row],
) -> sqlx::Result<()> {
    let more = table.shape.more();
    if more.is_empty() {
        return Ok(());
    }
    let mut new = Cells::new(more);
    rows.iter().for_each(|row| new.add_row(row));
    let mut cells: Vec<(&Arc<str>, Cell)> =
        new.by_key().into_iter().map(|(key, cell)| (key, cell.clone())).collect();
    for some in cells.chunks_mut(ROWS_MAX) {
        merge(table, connection, some).await?;
        write_cells(table, some).execute(connection).await?;
        write_columns(table, some, more).execute(connection).await?;
    }
    Ok(())
}

/// Adds what there was.
async fn merge(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    cells: &mut [(&Arc<str>, Cell)],
) -> sqlx::Result<()> {
    let keys: Vec<Value> = cells.iter().map(|(key, _)| json!([kept(key)])).collect();
    let select = Statement::new("SELECT key, cell FROM manazir_rollup_cell WHERE rollup = ")
        .text(table.layout.rollup.as_str())
        .then(" AND key IN (SELECT value ->> 0");
    let known = table.over(select, &keys).then(")").fetch_in::<(String, Vec<u8>)>(connection).await?;
    let mut known: std::collections::HashMap<String, Vec<u8>> = known.into_iter().collect();
    for (key, cell) in cells {
        if let Some(bytes) = known.remove(&*kept(key)) {
            cell.merge(&Cell::from_bytes(&bytes).map_err(|_| damaged("a cell of a key"))?);
        }
    }
    Ok(())
}

/// All cells are one value, of which each row takes its part.
fn write_cells(table: &RollupTable, cells: &[(&Arc<str>, Cell)]) -> Statement {
    let mut bytes = Vec::new();
    let mut rows = Vec::with_capacity(cells.len());
    for (key, cell) in cells {
        let cell = cell.to_bytes();
        rows.push(json!([kept(key), bytes.len() + 1, cell.len()]));
        bytes.extend_from_slice(&cell);
    }
    let insert = Statement::new("INSERT INTO manazir_rollup_cell (rollup, key, cell) SELECT ")
        .text(table.layout.rollup.as_str())
        .then(", value ->> 0, substr(")
        .bytes(bytes)
        .then(", CAST(value ->> 1 AS INTEGER), CAST(value ->> 2 AS INTEGER))");
    table.over(insert, &rows).then(" ON CONFLICT (rollup, key) DO UPDATE SET cell = excluded.cell")
}

/// The row of each key is there: its count stands in it.
fn write_columns(
    table: &RollupTable,
    cells: &[(&Arc<str>, Cell)],
    more: &[(String, Aggregate)],
) -> Statement {
    let Some(totals) = &table.layout.totals else { return Statement::new("SELECT 1") };
    let row = |(key, cell): &(&Arc<str>, Cell)| {
        let key = if table.layout.integer_keys {
            json!(key.parse::<i64>().unwrap_or_default())
        } else {
            json!(kept(key))
        };
        let values = more.iter().map(|(_, aggregate)| json!(value(cell, *aggregate)));
        Value::Array([key].into_iter().chain(values).collect())
    };
    let rows: Vec<Value> = cells.iter().map(row).collect();
    let mut update = Statement::new("UPDATE ").name(&totals.table).then(" SET ");
    for (index, (name, _)) in totals.more.iter().enumerate() {
        update = update.then(if index == 0 { "" } else { ", " }).name(name).then(" = CAST(value ->> ");
        update = update.place(index + 1).then(" AS DOUBLE PRECISION)");
    }
    let update = table.over(update, &rows).then(" AND ").name(&totals.table).then(".");
    table.key_of_row(update.name(&table.layout.key).then(" = "))
}
