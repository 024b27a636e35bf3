//! Dependencies: a relationship for each span of time.

use std::collections::{BTreeMap, BTreeSet};

use manazir_explain::spans::{self, Span};
use manazir_model::{Dependency, Timestamp};
use neo4rs::{BoltType, Query, Txn};
use serde::Deserialize;

use crate::events::{entities, run};
use crate::key::key;
use crate::link::{Said, gone, limit, query, row, rows};

/// Rows of one statement.
const ROWS_A_STATEMENT: usize = 500;

const TOUCHING: &str = "UNWIND $rows AS row \
    MATCH (a:Entity {key: row.caller})-[d:DEPENDS_ON {source: row.source}]->(b:Entity {key: row.callee}) \
    WHERE d.until >= $first AND d.from <= $last RETURN row.edge AS edge, d.from AS from_at, d.until AS until_at";

const DELETE: &str = "UNWIND $rows AS row MATCH (a:Entity {key: row.caller})\
    -[d:DEPENDS_ON {source: row.source, from: row.from}]->(b:Entity {key: row.callee}) DELETE d";

// Not MERGE: under ArcadeDB 26.10 many of them to one node in one transaction are refused.
const CREATE: &str = "UNWIND $rows AS row MATCH (a:Entity {key: row.caller}) MATCH (b:Entity {key: row.callee}) \
    CREATE (a)-[:DEPENDS_ON {source: row.source, from: row.from, until: row.until}]->(b)";

const FORGET: &str = "MATCH (:Entity)-[d:DEPENDS_ON]->(:Entity) WHERE d.until < $before WITH d LIMIT $max \
    DELETE d RETURN count(*) AS gone";

const FORGET_ENTITIES: &str = "MATCH (n:Entity) WHERE NOT (n)--() WITH n LIMIT $max DELETE n";

/// Caller, callee and source.
type Names<'n> = (&'n str, &'n str, &'n str);

/// A dependency as the database gives it.
#[derive(Deserialize)]
pub(crate) struct Row {
    caller: String,
    callee: String,
    source: String,
    from_at: i64,
    until_at: i64,
}

impl From<Row> for Dependency {
    fn from(row: Row) -> Self {
        Self {
            caller: row.caller,
            callee: row.callee,
            source: row.source,
            from: Timestamp(row.from_at),
            until: Timestamp(row.until_at),
        }
    }
}

fn names(of: &Dependency) -> Names<'_> {
    (&of.caller, &of.callee, &of.source)
}

/// Adds dependencies, as the port says.
pub(crate) async fn add(transaction: &mut Txn, dependencies: &[Dependency]) -> Said<()> {
    let mut told: BTreeMap<Names<'_>, Vec<Span>> = BTreeMap::new();
    for one in dependencies.iter().filter(|one| one.from < one.until) {
        told.entry(names(one)).or_default().push(spans::span(one));
    }
    let told: Vec<(Names<'_>, Vec<Span>)> = told.into_iter().collect();
    for some in told.chunks(ROWS_A_STATEMENT) {
        let edges: Vec<Names<'_>> = some.iter().map(|(names, _)| *names).collect();
        let all = || some.iter().flat_map(|(_, spans)| spans);
        let first = all().map(|(from, _)| *from).min().unwrap_or_default();
        let last = all().map(|(_, until)| *until).max().unwrap_or_default();
        let old = touching(transaction, &edges, (first, last)).await?;
        let mut changes = Changes::default();
        for ((names, new), old) in some.iter().zip(old) {
            let joined = spans::joined([old.as_slice(), new].concat());
            changes.add(*names, &old, &joined);
        }
        put(transaction, &changes).await?;
    }
    Ok(())
}

/// Ends a dependency, as the port says.
pub(crate) async fn end(transaction: &mut Txn, names: Names<'_>, at: Timestamp) -> Said<()> {
    let old = touching(transaction, &[names], (at, Timestamp(i64::MAX))).await?.concat();
    let mut changes = Changes::default();
    changes.add(names, &old, &spans::ended(&old, at));
    put(transaction, &changes).await
}

/// Lets spans take the place of those that begin at the same instant.
pub(crate) async fn replace(transaction: &mut Txn, dependencies: &[Dependency]) -> Said<()> {
    let last: BTreeMap<(Names<'_>, Timestamp), Timestamp> =
        dependencies.iter().map(|one| ((names(one), one.from), one.until)).collect();
    let all: Vec<(Names<'_>, Span)> =
        last.into_iter().map(|((names, from), until)| (names, (from, until))).collect();
    // Whether they are there need not be known: what is not there is not deleted.
    let held = all.iter().filter(|(_, (from, until))| from < until).copied().collect();
    put(transaction, &Changes { gone: all, held }).await
}

/// Spans of each of these edges that overlap or touch a time.
async fn touching(transaction: &mut Txn, edges: &[Names<'_>], (first, last): Span) -> Said<Vec<Vec<Span>>> {
    #[derive(Deserialize)]
    struct Touching {
        edge: i64,
        from_at: i64,
        until_at: i64,
    }
    let numbered = (0_i64..).zip(edges).map(|(edge, (caller, callee, source))| {
        row([
            ("edge", edge.into()),
            ("caller", key(caller).into()),
            ("callee", key(callee).into()),
            ("source", (*source).into()),
        ])
    });
    let touching = query(TOUCHING)
        .param("rows", numbered.collect::<Vec<_>>())
        .param("first", first.micros())
        .param("last", last.micros());
    let mut spans = vec![Vec::new(); edges.len()];
    for Touching { edge, from_at, until_at } in rows::<Touching>(transaction, touching).await? {
        if let Some(of_edge) = usize::try_from(edge).ok().and_then(|edge| spans.get_mut(edge)) {
            of_edge.push((Timestamp(from_at), Timestamp(until_at)));
        }
    }
    Ok(spans)
}

/// Spans to be written.
#[derive(Default)]
struct Changes<'n> {
    /// Those that are taken away, by their first instants.
    gone: Vec<(Names<'n>, Span)>,
    /// Those that are made after that.
    held: Vec<(Names<'n>, Span)>,
}

impl<'n> Changes<'n> {
    /// What makes the old spans of an edge the new ones.
    fn add(&mut self, names: Names<'n>, old: &[Span], new: &[Span]) {
        for (from, until) in spans::changes(old, new) {
            if old.iter().any(|(known, _)| *known == from) {
                self.gone.push((names, (from, until)));
            }
            if from < until {
                self.held.push((names, (from, until)));
            }
        }
    }
}

async fn put(transaction: &mut Txn, changes: &Changes<'_>) -> Said<()> {
    let of = |((caller, callee, source), (from, until)): &(Names<'_>, Span)| -> BoltType {
        row([
            ("caller", key(caller).into()),
            ("callee", key(callee).into()),
            ("source", (*source).into()),
            ("from", from.micros().into()),
            ("until", until.micros().into()),
        ])
    };
    for some in changes.gone.chunks(ROWS_A_STATEMENT) {
        run(transaction, DELETE, some.iter().map(of).collect()).await?;
    }
    let names: BTreeSet<&str> =
        changes.held.iter().flat_map(|((caller, callee, _), _)| [*caller, *callee]).collect();
    entities(transaction, names).await?;
    for some in changes.held.chunks(ROWS_A_STATEMENT) {
        run(transaction, CREATE, some.iter().map(of).collect()).await?;
    }
    Ok(())
}

/// The statement that reads a page.
pub(crate) fn selected((from, until): Span, after: Option<&Dependency>, max: usize) -> Query {
    const ALL: &str = "MATCH (a:Entity)-[d:DEPENDS_ON]->(b:Entity) WHERE d.from < $until AND d.until > $from \
        RETURN a.name AS caller, b.name AS callee, d.source AS source, d.from AS from_at, d.until AS until_at \
        ORDER BY caller, callee, source, from_at LIMIT $max";
    const AFTER: &str = "MATCH (a:Entity)-[d:DEPENDS_ON]->(b:Entity) WHERE d.from < $until AND d.until > $from \
        AND (a.name > $caller OR (a.name = $caller AND (b.name > $callee OR (b.name = $callee \
        AND (d.source > $source OR (d.source = $source AND d.from > $after)))))) \
        RETURN a.name AS caller, b.name AS callee, d.source AS source, d.from AS from_at, d.until AS until_at \
        ORDER BY caller, callee, source, from_at LIMIT $max";
    let page = query(if after.is_some() { AFTER } else { ALL })
        .param("from", from.micros())
        .param("until", until.micros())
        .param("max", limit(max));
    match after {
        None => page,
        Some(after) => page
            .param("caller", after.caller.as_str())
            .param("callee", after.callee.as_str())
            .param("source", after.source.as_str())
            .param("after", after.from.micros()),
    }
}

/// Forgets at most `max` dependencies that ended before, and entities of which nothing is left; how many dependencies.
pub(crate) async fn forget(transaction: &mut Txn, before: Timestamp, max: u64) -> Said<u64> {
    let gone = gone(transaction, FORGET, before, max).await?;
    transaction.run(query(FORGET_ENTITIES).param("max", max as i64)).await?;
    Ok(gone)
}
