//! The ports of the event graph.

use async_trait::async_trait;
use manazir_explain::mirror::{Changes, EventGraphCopy, Place};
use manazir_explain::{Error, EventGraphStore, EventQuery};
use manazir_model::{Dependency, GraphEvent, Timestamp};

use crate::link::query;
use crate::writing::writing;
use crate::{BoltGraph, copy, dependencies, events};

/// What must be there before anything is written. No index on a text that may be longer than Neo4j takes: it would refuse
/// the node.
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE CONSTRAINT manazir_copy_key IF NOT EXISTS FOR (c:ManazirCopy) REQUIRE c.key IS UNIQUE",
    "CREATE CONSTRAINT manazir_entity_key IF NOT EXISTS FOR (n:Entity) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT manazir_event_key IF NOT EXISTS FOR (e:Event) REQUIRE e.key IS UNIQUE",
    "CREATE INDEX manazir_event_from IF NOT EXISTS FOR (e:Event) ON (e.from)",
    "CREATE INDEX manazir_event_until IF NOT EXISTS FOR (e:Event) ON (e.until)",
];

/// Of one process; a few readers beside the one that writes.
pub(crate) const CONNECTIONS_MAX: usize = 4;

/// Things that are forgotten at a time, however many are asked for: a database takes a millisecond or two for a node with
/// its relationships, and is given ten seconds.
const FORGOTTEN_MAX: usize = 1_000;

#[async_trait]
impl EventGraphStore for BoltGraph {
    async fn add_events(&self, new: &[GraphEvent]) -> Result<(), Error> {
        if new.is_empty() {
            return Ok(());
        }
        writing!(self.link, transaction => {
            copy::lock(transaction).await?;
            events::add(transaction, new).await
        })
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<GraphEvent>, Error> {
        if query.max == 0 {
            return Ok(Vec::new());
        }
        let rows: Vec<events::Row> = self.link.read(events::selected(query)).await?;
        let mut events: Vec<GraphEvent> = rows.into_iter().map(GraphEvent::from).collect();
        events.sort_by(|one, other| (one.from, &one.id).cmp(&(other.from, &other.id)));
        Ok(events)
    }

    async fn add_dependencies(&self, new: &[Dependency]) -> Result<(), Error> {
        if new.is_empty() {
            return Ok(());
        }
        writing!(self.link, transaction => {
            copy::lock(transaction).await?;
            dependencies::add(transaction, new).await
        })
    }

    async fn end_dependency(
        &self,
        caller: &str,
        callee: &str,
        source: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        writing!(self.link, transaction => {
            copy::lock(transaction).await?;
            dependencies::end(transaction, (caller, callee, source), at).await
        })
    }

    async fn dependencies(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&Dependency>,
        max: usize,
    ) -> Result<Vec<Dependency>, Error> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let page = dependencies::selected((from, until), after, max);
        let rows: Vec<dependencies::Row> = self.link.read(page).await?;
        Ok(rows.into_iter().map(Dependency::from).collect())
    }

    async fn forget(&self, before: Timestamp, max: usize) -> Result<u64, Error> {
        let max = max.min(FORGOTTEN_MAX) as u64;
        if max == 0 {
            return Ok(0);
        }
        writing!(self.link, transaction => {
            copy::lock(transaction).await?;
            let gone = events::forget(transaction, before, max).await?;
            Ok(gone + dependencies::forget(transaction, before, max - gone.min(max)).await?)
        })
    }
}

#[async_trait]
impl EventGraphCopy for BoltGraph {
    async fn place(&self) -> Result<Place, Error> {
        let places: Vec<copy::Row> = self.link.read(query(copy::PLACE)).await?;
        Ok(places.into_iter().next().map(Place::from).unwrap_or_default())
    }

    async fn take(&self, after: Place, changes: &Changes) -> Result<Place, Error> {
        writing!(self.link, transaction => {
            let place = copy::lock(transaction).await?;
            if place != after {
                return Ok(place);
            }
            events::replace(transaction, &changes.events).await?;
            dependencies::replace(transaction, &changes.dependencies).await?;
            copy::move_to(transaction, changes.place).await?;
            Ok(changes.place)
        })
    }
}
