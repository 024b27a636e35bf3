//! What cannot be added up in columns: a cell for each key, from which the columns are written anew.

use std::collections::HashMap;
use std::iter;

use manazir_rollup::aggregate::{Cell, Wanted};
use sqlx::{MySqlConnection, QueryBuilder};

use crate::failure::Failure;
use crate::insert::Insert;
use crate::sums::Sum;
use crate::tables::{CELLS, Id, Tables};

const COLUMNS: [&str; 3] = ["rollup", "key", "cell"];

/// Cells that are read or written at a time: at most 32 KiB each, and mostly less than one.
const CELLS_MAX: usize = 64;

/// Adds what is new to the cells of its keys; the cells by then, in the order of the rows.
pub(crate) async fn add(
    connection: &mut MySqlConnection,
    tables: &Tables,
    rows: &[(&Id, &Sum)],
    wanted: &Wanted,
) -> Result<Vec<Cell>, Failure> {
    let keys: Vec<String> = rows.iter().map(|(id, _)| id.to_string()).collect();
    lock(connection, tables, &keys).await?;
    let mut cells = Vec::with_capacity(rows.len());
    for (keys, rows) in keys.chunks(CELLS_MAX).zip(rows.chunks(CELLS_MAX)) {
        let mut known = read(connection, tables, keys).await?;
        let mut changed = Vec::with_capacity(keys.len());
        for (key, (_, sum)) in keys.iter().zip(rows) {
            let mut cell = match known.remove(key) {
                Some(bytes) if !bytes.is_empty() => Cell::from_bytes(&bytes)
                    .map_err(|why| Failure::Damaged { what: "a cell of totals", why: why.to_string() })?,
                _ => Cell::new(wanted),
            };
            if let Some(new) = &sum.cell {
                cell.merge(new);
            }
            changed.push((key, cell));
        }
        write(connection, tables, &changed).await?;
        cells.extend(changed.into_iter().map(|(_, cell)| cell));
    }
    Ok(cells)
}

/// Makes the cells that are missing, and locks all, as it is done with what was counted.
async fn lock(connection: &mut MySqlConnection, tables: &Tables, keys: &[String]) -> Result<(), Failure> {
    let insert = Insert::new(CELLS, COLUMNS).setting("key");
    insert
        .run(connection, keys, |row, key| {
            row.push_bind(tables.rollup()).push_bind(key.as_str()).push("''");
        })
        .await?;
    Ok(())
}

async fn read(
    connection: &mut MySqlConnection,
    tables: &Tables,
    keys: &[String],
) -> Result<HashMap<String, Vec<u8>>, Failure> {
    let mut select = QueryBuilder::new(format!("SELECT `key`, `cell` FROM `{CELLS}` WHERE `rollup` = "));
    select.push_bind(tables.rollup()).push(" AND `key` IN (");
    // As in `Insert::run` few texts: what is named twice is found once.
    let mut list = select.separated(", ");
    for key in keys.iter().chain(iter::repeat(&keys[0])).take(keys.len().next_power_of_two()) {
        list.push_bind(key.as_str());
    }
    select.push(")");
    let rows: Vec<(String, Vec<u8>)> = select.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

async fn write(
    connection: &mut MySqlConnection,
    tables: &Tables,
    changed: &[(&String, Cell)],
) -> Result<(), Failure> {
    let insert = Insert::new(CELLS, COLUMNS).setting("cell");
    insert
        .run(connection, changed, |row, (key, cell)| {
            row.push_bind(tables.rollup()).push_bind(key.as_str()).push_bind(cell.to_bytes());
        })
        .await?;
    Ok(())
}
