//! Events: nodes, with relationships to the entity to which they happened and to the one that they name.

use std::collections::{BTreeMap, BTreeSet};

use manazir_explain::{EventQuery, seen_again, sound};
use manazir_model::{GraphEvent, Timestamp};
use neo4rs::{BoltType, Query, Txn};
use serde::Deserialize;

use crate::key::key;
use crate::link::{Said, gone, limit, query, row, rows};

/// Rows of one statement.
const ROWS_A_STATEMENT: usize = 500;

const KNOWN: &str = "UNWIND $keys AS key MATCH (e:Event {key: key}) \
    RETURN e.id AS id, e.entity AS entity, e.event_type AS event_type, e.from AS from_at, e.until AS until_at, \
    e.received_at AS received_at, e.severity AS severity, e.target AS target, e.dim_names AS dim_names, \
    e.dim_values AS dim_values, e.source AS source, e.sentence AS sentence";

const ENTITIES: &str = "UNWIND $rows AS row MERGE (n:Entity {key: row.key}) ON CREATE SET n.name = row.name";

const PUT: &str = "UNWIND $rows AS row MERGE (e:Event {key: row.key}) SET e += row.properties";

const UNLINK: &str = "UNWIND $keys AS key \
    MATCH (e:Event {key: key})-[old:HAPPENED_TO|NAMES]->(:Entity) DELETE old";

// Not MERGE: under ArcadeDB 26.10 many of them to one node in one transaction are refused.
const LINK: &str = "UNWIND $rows AS row MATCH (e:Event {key: row.event}) MATCH (n:Entity {key: row.entity}) \
    CREATE (e)-[:HAPPENED_TO]->(n)";

const NAME: &str = "UNWIND $rows AS row MATCH (e:Event {key: row.event}) MATCH (n:Entity {key: row.entity}) \
    CREATE (e)-[:NAMES]->(n)";

const FORGET: &str =
    "MATCH (e:Event) WHERE e.until < $before WITH e LIMIT $max DETACH DELETE e RETURN count(*) AS gone";

/// An event as the database gives it.
#[derive(Deserialize)]
pub(crate) struct Row {
    id: String,
    entity: String,
    event_type: String,
    from_at: i64,
    until_at: i64,
    received_at: i64,
    severity: f64,
    target: Option<String>,
    dim_names: Vec<String>,
    dim_values: Vec<String>,
    source: String,
    sentence: String,
}

impl From<Row> for GraphEvent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            entity: row.entity,
            event_type: row.event_type,
            from: Timestamp(row.from_at),
            until: Timestamp(row.until_at),
            received_at: Timestamp(row.received_at),
            severity: row.severity as f32,
            target: row.target,
            dims: row.dim_names.into_iter().zip(row.dim_values).collect(),
            source: row.source,
            sentence: row.sentence,
        }
    }
}

/// Everything but the key.
fn properties(event: &GraphEvent) -> BoltType {
    let list = |texts: Vec<&str>| BoltType::from(texts);
    row([
        ("id", event.id.as_str().into()),
        ("entity", event.entity.as_str().into()),
        ("event_type", event.event_type.as_str().into()),
        ("from", event.from.micros().into()),
        ("until", event.until.micros().into()),
        ("received_at", event.received_at.micros().into()),
        ("severity", event.severity.into()),
        // Without one, what an earlier event had there goes.
        ("target", event.target.as_deref().map_or(BoltType::Null(neo4rs::BoltNull), BoltType::from)),
        ("dim_names", list(event.dims.iter().map(|(name, _)| name.as_str()).collect())),
        ("dim_values", list(event.dims.iter().map(|(_, value)| value.as_str()).collect())),
        ("source", event.source.as_str().into()),
        ("sentence", event.sentence.as_str().into()),
    ])
}

/// What is to be written of an event.
struct Put {
    key: String,
    event: GraphEvent,
    /// The event that has this key until now, if it has other relationships.
    moves: bool,
    /// True if it has its relationships already.
    linked: bool,
}

impl Put {
    fn new(key: String, event: GraphEvent, known: Option<&GraphEvent>) -> Self {
        let linked = known.is_some_and(|known| known.entity == event.entity && known.target == event.target);
        Self { key, event, moves: known.is_some() && !linked, linked }
    }
}

/// Adds events, as the port says.
pub(crate) async fn add(transaction: &mut Txn, events: &[GraphEvent]) -> Said<()> {
    let mut seen: BTreeMap<String, GraphEvent> = BTreeMap::new();
    for event in events {
        let event = sound(event);
        match seen.get_mut(&event.id) {
            Some(before) => {
                seen_again(before, &event);
            }
            None => {
                seen.insert(event.id.clone(), event);
            }
        }
    }
    let seen: Vec<(String, GraphEvent)> = seen.into_iter().map(|(id, event)| (key(&id), event)).collect();
    for some in seen.chunks(ROWS_A_STATEMENT) {
        let mut known = known(transaction, some).await?;
        let puts = some.iter().filter_map(|(key, event)| match known.remove(key) {
            None => Some(Put::new(key.clone(), event.clone(), None)),
            Some(mut before) => seen_again(&mut before, event).then(|| {
                let linked = before.clone();
                Put::new(key.clone(), before, Some(&linked))
            }),
        });
        put(transaction, &puts.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Lets events take the place of those with the same identity.
pub(crate) async fn replace(transaction: &mut Txn, events: &[GraphEvent]) -> Said<()> {
    let last: BTreeMap<&str, &GraphEvent> = events.iter().map(|event| (event.id.as_str(), event)).collect();
    let last: Vec<(String, GraphEvent)> =
        last.into_iter().map(|(id, event)| (key(id), event.clone())).collect();
    for some in last.chunks(ROWS_A_STATEMENT) {
        let known = known(transaction, some).await?;
        let puts = some.iter().map(|(key, event)| Put::new(key.clone(), event.clone(), known.get(key)));
        put(transaction, &puts.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Those of these events that are there, by their keys.
async fn known(transaction: &mut Txn, events: &[(String, GraphEvent)]) -> Said<BTreeMap<String, GraphEvent>> {
    let keys: Vec<&str> = events.iter().map(|(key, _)| key.as_str()).collect();
    let found: Vec<Row> = rows(transaction, query(KNOWN).param("keys", keys)).await?;
    Ok(found.into_iter().map(|row| (key(&row.id), row.into())).collect())
}

async fn put(transaction: &mut Txn, puts: &[Put]) -> Said<()> {
    if puts.is_empty() {
        return Ok(());
    }
    let unlinked = || puts.iter().filter(|put| !put.linked);
    let named = || unlinked().filter_map(|put| Some((put, put.event.target.as_deref()?)));
    let happened = || unlinked().map(|put| (put, put.event.entity.as_str()));
    let names: BTreeSet<&str> = happened().chain(named()).map(|(_, name)| name).collect();
    entities(transaction, names).await?;
    let moved: Vec<&str> = puts.iter().filter(|put| put.moves).map(|put| put.key.as_str()).collect();
    if !moved.is_empty() {
        transaction.run(query(UNLINK).param("keys", moved)).await?;
    }
    let events = puts
        .iter()
        .map(|put| row([("key", put.key.as_str().into()), ("properties", properties(&put.event))]));
    run(transaction, PUT, events.collect()).await?;
    let link =
        |(put, name): (&Put, &str)| row([("event", put.key.as_str().into()), ("entity", key(name).into())]);
    run(transaction, LINK, happened().map(link).collect()).await?;
    run(transaction, NAME, named().map(link).collect()).await
}

/// Makes the entities of these names that are missing.
pub(crate) async fn entities(transaction: &mut Txn, names: BTreeSet<&str>) -> Said<()> {
    let names: Vec<&str> = names.into_iter().collect();
    for some in names.chunks(ROWS_A_STATEMENT) {
        let nodes = some.iter().map(|name| row([("key", key(name).into()), ("name", (*name).into())]));
        run(transaction, ENTITIES, nodes.collect()).await?;
    }
    Ok(())
}

/// Runs a statement on rows, unless there are none.
pub(crate) async fn run(transaction: &mut Txn, text: &'static str, rows: Vec<BoltType>) -> Said<()> {
    if rows.is_empty() {
        return Ok(());
    }
    transaction.run(query(text).param("rows", rows)).await
}

/// The statement that reads a window; its rows come in the order of their onset, the latest first.
pub(crate) fn selected(asked: &EventQuery) -> Query {
    const SELECT: &str = "MATCH (e:Event) WHERE e.until >= $from AND e.from < $until AND e.received_at <= $as_of \
        RETURN e.id AS id, e.entity AS entity, e.event_type AS event_type, e.from AS from_at, e.until AS until_at, \
        e.received_at AS received_at, e.severity AS severity, e.target AS target, e.dim_names AS dim_names, \
        e.dim_values AS dim_values, e.source AS source, e.sentence AS sentence \
        ORDER BY from_at DESC LIMIT $max";
    query(SELECT)
        .param("from", asked.from.micros())
        .param("until", asked.until.micros())
        .param("as_of", asked.as_of.map_or(i64::MAX, Timestamp::micros))
        .param("max", limit(asked.max))
}

/// Forgets at most `max` events that were last seen before; how many.
pub(crate) async fn forget(transaction: &mut Txn, before: Timestamp, max: u64) -> Said<u64> {
    gone(transaction, FORGET, before, max).await
}
