//! A batch is counted in one transaction: what of it is new is added to the totals, and remembered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use manazir_rollup::Row;
use manazir_rollup::seen::Block;
use serde_json::{Value, json};

use super::finding::{ColumnKey, Finding, Place};
use super::more;
use super::segments::{self, Register};
use super::{ROWS_MAX, RollupTable};
use crate::name::Name;
use crate::statement::{self, Connection, Statement, Writing};

/// Blocks of one statement: two megabytes.
const BLOCKS_MAX: usize = 256;

/// What is added to the totals of a key.
struct Added {
    count: i64,
    sum: i64,
    by_category: Vec<i64>,
}

/// What is added to the totals, by key.
struct Sums<'f> {
    n_categories: usize,
    by_key: HashMap<&'f ColumnKey<'f>, Added>,
}

impl<'f> Sums<'f> {
    fn new(n_categories: usize) -> Self {
        Self { n_categories, by_key: HashMap::new() }
    }

    /// No sum of a batch leaves 64 bits: a million amounts of 10¹².
    fn add(&mut self, key: &'f ColumnKey<'f>, row: &Row) {
        let none = || Added { count: 0, sum: 0, by_category: vec![0; self.n_categories] };
        let added = self.by_key.entry(key).or_insert_with(none);
        added.count += 1;
        added.sum += row.amount;
        added.by_category[usize::from(row.category)] += row.amount;
    }

    /// In the order in which rows are changed.
    fn in_order(self) -> Vec<(&'f ColumnKey<'f>, Added)> {
        let mut added: Vec<_> = self.by_key.into_iter().collect();
        added.sort_unstable_by_key(|(key, _)| *key);
        added
    }
}

/// Counts the findings that were not counted before, and says how many.
pub(super) async fn count(table: &RollupTable, findings: &[Finding<'_>]) -> sqlx::Result<u64> {
    let mut writing = Writing::begin(&table.truth).await?;
    let mut connection = writing.connection();
    let register = Register::lock(table, &mut connection).await?;
    let mut blocks = lock(table, &mut connection, findings).await?;
    let mut added = Sums::new(table.layout.sums.len());
    let mut changed: BTreeSet<&Place<'_>> = BTreeSet::new();
    let mut new = Vec::with_capacity(findings.len());
    // Neighbours in a stream are in one block.
    for some in findings.chunk_by(|one, other| one.place == other.place) {
        let place = &some[0].place;
        let block = blocks.get_mut(place).ok_or(sqlx::Error::RowNotFound)?;
        let before = new.len();
        for Finding { key, row, .. } in some {
            if block.insert(row.position, row.content) {
                added.add(key, row);
                new.push(*row);
            }
        }
        if new.len() > before {
            changed.insert(place);
        }
    }
    if new.is_empty() {
        return Ok(0);
    }
    add(table, &mut connection, &added.in_order()).await?;
    let changed: Vec<(&Place<'_>, &Block)> =
        blocks.iter().filter(|(place, _)| changed.contains(place)).collect();
    for some in changed.chunks(BLOCKS_MAX) {
        remember(table, some).execute(&mut connection).await?;
    }
    more::add(table, &mut connection, &new).await?;
    segments::append(table, &mut connection, register, &new).await?;
    writing.commit().await?;
    Ok(new.len() as u64)
}

/// The blocks of all findings, which are this transaction's alone until it ends.
async fn lock<'r>(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    findings: &[Finding<'r>],
) -> sqlx::Result<BTreeMap<Place<'r>, Block>> {
    let neighbours = findings.chunk_by(|one, other| one.place == other.place);
    let places: BTreeSet<&Place<'_>> = neighbours.map(|some| &some[0].place).collect();
    let places: Vec<Value> = places.into_iter().map(|(source, block)| json!([source, block])).collect();
    // A row that is not there cannot be locked.
    for some in places.chunks(ROWS_MAX) {
        insert_empty(table, some).execute(connection).await?;
    }
    let mut blocks = BTreeMap::new();
    for some in places.chunks(ROWS_MAX) {
        let rows = select_locked(table, some).fetch_in::<(String, i64, Vec<u8>)>(connection).await?;
        for (source, number, bytes) in rows {
            let block = Block::from_bytes(bytes).ok_or_else(|| {
                sqlx::Error::Decode(format!("what was counted of {source:?} is no block").into())
            })?;
            blocks.insert((Cow::Owned(source), number), block);
        }
    }
    Ok(blocks)
}

fn insert_empty(table: &RollupTable, places: &[Value]) -> Statement {
    let insert = Statement::new("INSERT INTO manazir_rollup_seen (rollup, source, block, seen) SELECT ")
        .text(table.layout.rollup.as_str())
        .then(", value ->> 0, CAST(value ->> 1 AS BIGINT), ")
        .value(statement::Value::Bytes(Vec::new()));
    table.over(insert, places).then(" ON CONFLICT (rollup, source, block) DO NOTHING")
}

/// For pairs alone SQLite goes through all blocks of their sources; that the blocks are named too lets it look each up.
fn select_locked(table: &RollupTable, places: &[Value]) -> Statement {
    let select = Statement::new("SELECT source, block, seen FROM manazir_rollup_seen WHERE rollup = ")
        .text(table.layout.rollup.as_str())
        .then(" AND block IN (SELECT CAST(value ->> 1 AS BIGINT)");
    let select = table
        .over(select, places)
        .then(") AND (source, block) IN (SELECT value ->> 0, CAST(value ->> 1 AS BIGINT)");
    table.over(select, places).then(") ORDER BY source, block").then(table.dialect.lock_rows)
}

async fn add(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    added: &[(&ColumnKey<'_>, Added)],
) -> sqlx::Result<()> {
    let layout = &table.layout;
    let sums: Vec<&Name> = layout.sums.iter().collect();
    let by_category = added.iter().map(|(key, added)| row(key, &added.by_category));
    upsert(table, connection, &layout.table, &sums, by_category.collect()).await?;
    let Some(totals) = &layout.totals else { return Ok(()) };
    let in_all = added.iter().map(|(key, added)| row(key, &[added.count, added.sum]));
    upsert(table, connection, &totals.table, &[&totals.count, &totals.sum], in_all.collect()).await
}

fn row(key: &ColumnKey<'_>, numbers: &[i64]) -> Value {
    Value::Array([key.json()].into_iter().chain(numbers.iter().map(|number| json!(number))).collect())
}

/// Adds to `columns` of the table `name`; `rows` have the key and a number for each of them, and are sorted by key.
async fn upsert(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    name: &Name,
    columns: &[&Name],
    rows: Vec<Value>,
) -> sqlx::Result<()> {
    for some in rows.chunks(ROWS_MAX) {
        upsert_some(table, name, columns, some).execute(connection).await?;
    }
    Ok(())
}

fn upsert_some(table: &RollupTable, name: &Name, columns: &[&Name], rows: &[Value]) -> Statement {
    let key = &table.layout.key;
    let mut insert = Statement::new("INSERT INTO ").name(name).then(" AS held (").name(key);
    for column in columns {
        insert = insert.then(", ").name(column);
    }
    insert = table.key_of_row(insert.then(") SELECT "));
    for place in 1..=columns.len() {
        insert = insert.then(", CAST(value ->> ").place(place).then(" AS BIGINT)");
    }
    insert = table.over(insert, rows).then(" ON CONFLICT (").name(key).then(") DO UPDATE SET ");
    for (index, column) in columns.iter().enumerate() {
        insert = insert.then(if index == 0 { "" } else { ", " }).name(column).then(" = held.").name(column);
        insert = insert.then(" + excluded.").name(column);
    }
    insert
}

/// All blocks are one value, of which each row takes its part. The rows are there; an UPDATE would join them with the
/// list, and SQLite then goes through all blocks of the rollup for each one of it.
fn remember(table: &RollupTable, blocks: &[(&Place<'_>, &Block)]) -> Statement {
    let mut bytes = Vec::new();
    let mut rows = Vec::with_capacity(blocks.len());
    for ((source, number), block) in blocks {
        rows.push(json!([source, number, bytes.len() + 1, block.as_bytes().len()]));
        bytes.extend_from_slice(block.as_bytes());
    }
    let insert = Statement::new("INSERT INTO manazir_rollup_seen (rollup, source, block, seen) SELECT ")
        .text(table.layout.rollup.as_str())
        .then(", value ->> 0, CAST(value ->> 1 AS BIGINT), substr(")
        .value(statement::Value::Bytes(bytes))
        .then(", CAST(value ->> 2 AS INTEGER), CAST(value ->> 3 AS INTEGER))");
    table.over(insert, &rows).then(" ON CONFLICT (rollup, source, block) DO UPDATE SET seen = excluded.seen")
}
