//! Dependencies: a row for each span, and one for each that went, until it is forgotten.

use std::collections::{BTreeMap, HashMap};

use manazir_explain::spans::{self, Span};
use manazir_model::{Dependency, Timestamp};

use super::{delete, number, text};
use crate::Truth;
use crate::key::key;
use crate::statement::{Connection, Statement, Value, Writing, lock, raise, signed, unsigned};
use crate::text::came;

const COUNTER: &str = "graph_dependencies";

/// Rows a statement: SQLite takes 32,766 values, PostgreSQL 65,535.
const ROWS_A_STATEMENT: usize = 1_000;

/// Caller, callee and source.
type Names<'n> = (&'n str, &'n str, &'n str);

type Row = (i64, String, String, String, i64, i64);

fn dependency((seq, caller, callee, source, from, until): Row) -> (u64, Dependency) {
    let (caller, callee, source) = (came(caller), came(callee), came(source));
    (unsigned(seq), Dependency { caller, callee, source, from: Timestamp(from), until: Timestamp(until) })
}

fn edge((caller, callee, source): Names<'_>) -> Vec<u8> {
    key([caller, callee, source])
}

/// A span that is to be written.
struct Change<'n> {
    edge: Vec<u8>,
    names: Names<'n>,
    span: Span,
}

pub(super) async fn add(truth: &Truth, dependencies: &[Dependency]) -> Result<(), sqlx::Error> {
    let mut told: BTreeMap<Vec<u8>, (Names<'_>, Vec<Span>)> = BTreeMap::new();
    for one in dependencies.iter().filter(|one| one.from < one.until) {
        let names = (one.caller.as_str(), one.callee.as_str(), one.source.as_str());
        told.entry(edge(names)).or_insert((names, Vec::new())).1.push(spans::span(one));
    }
    if told.is_empty() {
        return Ok(());
    }
    let told: Vec<_> = told.into_iter().collect();
    let mut writing = Writing::begin(truth).await?;
    let mut connection = writing.connection();
    lock(&mut connection, COUNTER).await?;
    for some in told.chunks(ROWS_A_STATEMENT) {
        let edges: Vec<&[u8]> = some.iter().map(|(edge, _)| edge.as_slice()).collect();
        let all = || some.iter().flat_map(|(_, (_, spans))| spans);
        let first = all().map(|(from, _)| *from).min().unwrap_or_default();
        let last = all().map(|(_, until)| *until).max().unwrap_or_default();
        let mut old = touching(&mut connection, &edges, first, last).await?;
        let changes = some.iter().flat_map(|(edge, (names, new))| {
            let old = old.remove(edge).unwrap_or_default();
            let joined = spans::joined([old.as_slice(), new].concat());
            let changes = spans::changes(&old, &joined);
            changes.into_iter().map(|span| Change { edge: edge.clone(), names: *names, span })
        });
        let changes: Vec<Change<'_>> = changes.collect();
        put(&mut connection, &changes).await?;
    }
    writing.commit().await
}

/// Spans of these edges that overlap or touch the time from `first` to `last`.
async fn touching(
    connection: &mut Connection<'_>,
    edges: &[&[u8]],
    first: Timestamp,
    last: Timestamp,
) -> Result<HashMap<Vec<u8>, Vec<Span>>, sqlx::Error> {
    let edges = edges.iter().map(|edge| Value::Bytes((*edge).to_owned()));
    let rows = Statement::new(
        "SELECT edge, from_at, until_at FROM graph_dependencies WHERE from_at < until_at AND until_at >= ",
    )
    .number(first.micros())
    .then(" AND from_at <= ")
    .number(last.micros())
    .then(" AND edge IN ")
    .rows([edges.collect()])
    .fetch_in::<(Vec<u8>, i64, i64)>(connection)
    .await?;
    let mut spans: HashMap<Vec<u8>, Vec<Span>> = HashMap::new();
    for (edge, from, until) in rows {
        spans.entry(edge).or_default().push((Timestamp(from), Timestamp(until)));
    }
    Ok(spans)
}

async fn put(connection: &mut Connection<'_>, changes: &[Change<'_>]) -> Result<(), sqlx::Error> {
    for some in changes.chunks(ROWS_A_STATEMENT) {
        let last = raise(connection, COUNTER, some.len() as u64).await?;
        let first = last - some.len() as i64 + 1;
        let rows = (first..).zip(some).map(|(seq, Change { edge, names, span })| {
            let (caller, callee, source) = names;
            vec![
                Value::Bytes(edge.clone()),
                number(span.0.micros()),
                number(span.1.micros()),
                number(seq),
                text(caller),
                text(callee),
                text(source),
            ]
        });
        Statement::new(
            "INSERT INTO graph_dependencies (edge, from_at, until_at, seq, caller, callee, source) VALUES ",
        )
        .rows(rows)
        .then(" ON CONFLICT (edge, from_at) DO UPDATE SET until_at = excluded.until_at, seq = excluded.seq")
        .execute(connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn end(truth: &Truth, names: Names<'_>, at: Timestamp) -> Result<(), sqlx::Error> {
    let edge = edge(names);
    let mut writing = Writing::begin(truth).await?;
    let mut connection = writing.connection();
    lock(&mut connection, COUNTER).await?;
    let mut old = touching(&mut connection, &[&edge], at, Timestamp(i64::MAX)).await?;
    let old = old.remove(&edge).unwrap_or_default();
    let changes: Vec<Change<'_>> = spans::changes(&old, &spans::ended(&old, at))
        .into_iter()
        .map(|span| Change { edge: edge.clone(), names, span })
        .collect();
    put(&mut connection, &changes).await?;
    writing.commit().await
}

pub(super) async fn read(
    truth: &Truth,
    (from, until): Span,
    after: Option<&Dependency>,
    max: usize,
) -> Result<Vec<Dependency>, sqlx::Error> {
    let mut statement = Statement::new(
        "SELECT seq, caller, callee, source, from_at, until_at FROM graph_dependencies WHERE from_at < until_at \
         AND from_at < ",
    )
    .number(until.micros())
    .then(" AND until_at > ")
    .number(from.micros());
    if let Some(after) = after {
        let place =
            vec![text(&after.caller), text(&after.callee), text(&after.source), number(after.from.micros())];
        statement = statement.then(" AND (caller, callee, source, from_at) > ").rows([place]);
    }
    let rows = statement
        .then(" ORDER BY caller, callee, source, from_at LIMIT ")
        .number(signed(max as u64))
        .fetch::<Row>(truth)
        .await?;
    Ok(rows.into_iter().map(|row| dependency(row).1).collect())
}

pub(super) async fn after(
    truth: &Truth,
    seq: u64,
    max: usize,
) -> Result<Vec<(u64, Dependency)>, sqlx::Error> {
    let rows = Statement::new(
        "SELECT seq, caller, callee, source, from_at, until_at FROM graph_dependencies WHERE seq > ",
    )
    .number(signed(seq))
    .then(" ORDER BY seq LIMIT ")
    .number(signed(max as u64))
    .fetch::<Row>(truth)
    .await?;
    Ok(rows.into_iter().map(dependency).collect())
}

pub(super) async fn forget(truth: &Truth, before: Timestamp, max: u64) -> Result<u64, sqlx::Error> {
    const OVER: &str = "DELETE FROM graph_dependencies WHERE (edge, from_at) IN (SELECT edge, from_at FROM graph_dependencies \
        WHERE until_at < ";
    delete(truth, COUNTER, OVER, (before, max)).await
}
