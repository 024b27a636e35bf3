//! The tables of a rollup, and a row for each of its keys.

use serde_json::Value;

use super::RollupTable;
use super::layout::TotalsLayout;
use crate::name::Name;
use crate::statement::{Statement, Writing};

/// Makes the tables that are missing.
pub(super) async fn make(table: &RollupTable) -> sqlx::Result<()> {
    let mut writing = Writing::begin(&table.truth).await?;
    let mut connection = writing.connection();
    if let Some(lock) = table.dialect.lock_tables {
        Statement::new(lock).execute(&mut connection).await?;
    }
    main(table).execute(&mut connection).await?;
    if let Some(layout) = &table.layout.totals {
        totals(table, layout).execute(&mut connection).await?;
    }
    for made in [register(table), seen(table), segments(table), labels(table), asides(table), cells(table)] {
        made.execute(&mut connection).await?;
    }
    enter(table).execute(&mut connection).await?;
    writing.commit().await
}

/// ` (`, and the column of the keys.
fn begin(table: &RollupTable, name: &Name) -> Statement {
    let key_type = if table.layout.integer_keys { table.dialect.integer_key } else { table.dialect.text };
    Statement::new("CREATE TABLE IF NOT EXISTS ")
        .name(name)
        .then(" (")
        .name(&table.layout.key)
        .then(" ")
        .then(key_type)
        .then(" NOT NULL PRIMARY KEY")
}

fn main(table: &RollupTable) -> Statement {
    let mut made = begin(table, &table.layout.table);
    if let Some(label) = &table.layout.label {
        made = made.then(", ").name(label).then(" TEXT NOT NULL DEFAULT ''");
    }
    for sum in &table.layout.sums {
        made = made.then(", ").name(sum).then(" BIGINT NOT NULL DEFAULT 0");
    }
    made.then(")")
}

/// The mean has six decimals.
fn totals(table: &RollupTable, layout: &TotalsLayout) -> Statement {
    let mut made = begin(table, &layout.table)
        .then(", ")
        .name(&layout.count)
        .then(" BIGINT NOT NULL DEFAULT 0, ")
        .name(&layout.sum)
        .then(" BIGINT NOT NULL DEFAULT 0, ")
        .name(&layout.mean)
        .then(" DOUBLE PRECISION GENERATED ALWAYS AS (ROUND(1.0 * ")
        .name(&layout.sum)
        .then(" / NULLIF(")
        .name(&layout.count)
        .then(", 0), 6)) STORED");
    for (name, _) in &layout.more {
        made = made.then(", ").name(name).then(" DOUBLE PRECISION");
    }
    made.then(")")
}

fn seen(table: &RollupTable) -> Statement {
    Statement::new("CREATE TABLE IF NOT EXISTS manazir_rollup_seen (rollup ")
        .then(table.dialect.text)
        .then(" NOT NULL, source ")
        .then(table.dialect.text)
        .then(" NOT NULL, block BIGINT NOT NULL, seen ")
        .then(table.dialect.bytes)
        .then(" NOT NULL, PRIMARY KEY (rollup, source, block))")
}

/// All rollups of the database: how many findings each counted, how many of them stand in segments that are full, and
/// the largest number of what was set aside.
fn register(table: &RollupTable) -> Statement {
    Statement::new("CREATE TABLE IF NOT EXISTS manazir_rollup (name ").then(table.dialect.text).then(
        " NOT NULL PRIMARY KEY, findings BIGINT NOT NULL, sealed BIGINT NOT NULL, asides BIGINT NOT NULL)",
    )
}

fn enter(table: &RollupTable) -> Statement {
    Statement::new("INSERT INTO manazir_rollup (name, findings, sealed, asides) VALUES (")
        .text(table.layout.rollup.as_str())
        .then(", 0, 0, 0) ON CONFLICT (name) DO NOTHING")
}

/// The findings that were counted, by how many were counted before them. What is large stands last: whoever looks only
/// at the rest does not read it.
fn segments(table: &RollupTable) -> Statement {
    let bytes = table.dialect.bytes;
    Statement::new("CREATE TABLE IF NOT EXISTS manazir_rollup_segment (rollup ")
        .then(table.dialect.text)
        .then(
            " NOT NULL, first BIGINT NOT NULL, findings BIGINT NOT NULL, at_min BIGINT NOT NULL, \
             at_max BIGINT NOT NULL, known_min BIGINT NOT NULL, known_max BIGINT NOT NULL, \
             has_totals BIGINT NOT NULL, counted ",
        )
        .then(bytes)
        .then(" NOT NULL, came ")
        .then(bytes)
        .then(" NOT NULL, totals ")
        .then(bytes)
        .then(" NOT NULL, PRIMARY KEY (rollup, first))")
}

/// What keys were called, and since when.
fn labels(table: &RollupTable) -> Statement {
    Statement::new("CREATE TABLE IF NOT EXISTS manazir_rollup_label (rollup ")
        .then(table.dialect.text)
        .then(" NOT NULL, since BIGINT NOT NULL, labels ")
        .then(table.dialect.bytes)
        .then(" NOT NULL, PRIMARY KEY (rollup, since))")
}

/// Of each key what its further columns are worked out from.
fn cells(table: &RollupTable) -> Statement {
    let text = table.dialect.text;
    Statement::new("CREATE TABLE IF NOT EXISTS manazir_rollup_cell (rollup ")
        .then(text)
        .then(" NOT NULL, key ")
        .then(text)
        .then(" NOT NULL, cell ")
        .then(table.dialect.bytes)
        .then(" NOT NULL, PRIMARY KEY (rollup, key))")
}

/// Findings that did not count when they came.
fn asides(table: &RollupTable) -> Statement {
    let text = table.dialect.text;
    Statement::new("CREATE TABLE IF NOT EXISTS manazir_rollup_aside (rollup ")
        .then(text)
        .then(" NOT NULL, number BIGINT NOT NULL, source ")
        .then(text)
        .then(
            " NOT NULL, position BIGINT NOT NULL, content BIGINT NOT NULL, known_at BIGINT NOT NULL, \
             kind BIGINT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, raw ",
        )
        .then(table.dialect.bytes)
        .then(" NOT NULL, PRIMARY KEY (rollup, number), UNIQUE (rollup, source, position, content))")
}

/// A row of zeros for each key that has none; labels follow. `labels` are rows of key and label, by key.
pub(super) async fn insert(table: &RollupTable, labels: &[Value]) -> sqlx::Result<()> {
    let mut writing = Writing::begin(&table.truth).await?;
    let mut connection = writing.connection();
    insert_labels(table, labels).execute(&mut connection).await?;
    if let Some(totals) = &table.layout.totals {
        insert_keys(table, &totals.table, labels).execute(&mut connection).await?;
    }
    writing.commit().await
}

fn insert_labels(table: &RollupTable, labels: &[Value]) -> Statement {
    let layout = &table.layout;
    let Some(label) = &layout.label else { return insert_keys(table, &layout.table, labels) };
    let insert = Statement::new("INSERT INTO ").name(&layout.table).then(" AS held (").name(&layout.key);
    let insert = table.key_of_row(insert.then(", ").name(label).then(") SELECT ")).then(", value ->> 1");
    table
        .over(insert, labels)
        .then(" ON CONFLICT (")
        .name(&layout.key)
        .then(") DO UPDATE SET ")
        .name(label)
        .then(" = excluded.")
        .name(label)
        .then(" WHERE held.")
        .name(label)
        .then(" IS DISTINCT FROM excluded.")
        .name(label)
}

fn insert_keys(table: &RollupTable, name: &Name, labels: &[Value]) -> Statement {
    let key = &table.layout.key;
    let insert = Statement::new("INSERT INTO ").name(name).then(" (").name(key).then(") SELECT ");
    table.over(table.key_of_row(insert), labels).then(" ON CONFLICT (").name(key).then(") DO NOTHING")
}
