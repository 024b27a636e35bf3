//! How far a copy has come, in the same database and in the same transaction as what it has copied.

use manazir_explain::mirror::Place;
use neo4rs::Txn;
use serde::Deserialize;

use crate::link::{Said, query, rows};

const LOCK: &str = "MERGE (c:ManazirCopy {key: 'event graph'}) ON CREATE SET c.events = 0, c.dependencies = 0 \
    SET c.changes = coalesce(c.changes, 0) + 1 RETURN c.events AS events, c.dependencies AS dependencies";

const MOVE: &str = "MATCH (c:ManazirCopy {key: 'event graph'}) \
    SET c.events = $events, c.dependencies = $dependencies";

pub(crate) const PLACE: &str =
    "MATCH (c:ManazirCopy {key: 'event graph'}) RETURN c.events AS events, c.dependencies AS dependencies";

/// A place as the database gives it.
#[derive(Deserialize)]
pub(crate) struct Row {
    events: i64,
    dependencies: i64,
}

impl From<Row> for Place {
    fn from(row: Row) -> Self {
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        Self { events: number(row.events), dependencies: number(row.dependencies) }
    }
}

/// Keeps others from writing until the transaction ends, or lets all but the first to commit fail; how far the copy has
/// come.
pub(crate) async fn lock(transaction: &mut Txn) -> Said<Place> {
    let places: Vec<Row> = rows(transaction, query(LOCK)).await?;
    Ok(places.into_iter().next().map(Place::from).unwrap_or_default())
}

pub(crate) async fn move_to(transaction: &mut Txn, place: Place) -> Said<()> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let moved =
        query(MOVE).param("events", number(place.events)).param("dependencies", number(place.dependencies));
    transaction.run(moved).await
}
