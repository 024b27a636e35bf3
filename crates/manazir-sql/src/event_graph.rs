//! The event graph: events, dependencies, and the log by which copies follow.
//!
//! Whoever writes holds the row of a counter until the end of the transaction. So what is read before it is written
//! stays as it was read, and the numbers of changes are seen in the order in which they were given.

mod dependencies;
mod events;

use async_trait::async_trait;
use manazir_explain::mirror::EventGraphLog;
use manazir_explain::{Error, EventGraphStore, EventQuery};
use manazir_model::{Dependency, GraphEvent, Timestamp};

use crate::Truth;
use crate::failure::failed;
use crate::statement::{Connection, Statement, Value, Writing, lock, signed};
use crate::text::kept;

#[async_trait]
impl EventGraphStore for Truth {
    async fn add_events(&self, events: &[GraphEvent]) -> Result<(), Error> {
        events::add(self, events).await.map_err(failed)
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<GraphEvent>, Error> {
        events::read(self, query).await
    }

    async fn add_dependencies(&self, dependencies: &[Dependency]) -> Result<(), Error> {
        dependencies::add(self, dependencies).await.map_err(failed)
    }

    async fn end_dependency(
        &self,
        caller: &str,
        callee: &str,
        source: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        dependencies::end(self, (caller, callee, source), at).await.map_err(failed)
    }

    async fn dependencies(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&Dependency>,
        max: usize,
    ) -> Result<Vec<Dependency>, Error> {
        dependencies::read(self, (from, until), after, max).await.map_err(failed)
    }

    async fn forget(&self, before: Timestamp, max: usize) -> Result<u64, Error> {
        let events = events::forget(self, before, max as u64).await.map_err(failed)?;
        let rest = (max as u64).saturating_sub(events);
        Ok(events + dependencies::forget(self, before, rest).await.map_err(failed)?)
    }
}

#[async_trait]
impl EventGraphLog for Truth {
    async fn events_after(&self, seq: u64, max: usize) -> Result<Vec<(u64, GraphEvent)>, Error> {
        events::after(self, seq, max).await
    }

    async fn dependencies_after(&self, seq: u64, max: usize) -> Result<Vec<(u64, Dependency)>, Error> {
        dependencies::after(self, seq, max).await.map_err(failed)
    }
}

/// Adds events by the transaction that stores what they came from, each identity once: what is known is seen once more.
/// Of all counters this one is locked last.
pub(crate) async fn insert(
    connection: &mut Connection<'_>,
    events: &[GraphEvent],
) -> Result<(), sqlx::Error> {
    events::insert(connection, events).await
}

/// Deletes at most `max` rows that were over before, those that were first; how many. `rows` selects them up to the time.
async fn delete(
    truth: &Truth,
    counter: &'static str,
    rows: &'static str,
    (before, max): (Timestamp, u64),
) -> Result<u64, sqlx::Error> {
    let mut writing = Writing::begin(truth).await?;
    let mut connection = writing.connection();
    lock(&mut connection, counter).await?;
    let gone = Statement::new(rows)
        .number(before.micros())
        .then(" ORDER BY until_at LIMIT ")
        .number(signed(max))
        .then(")")
        .execute(&mut connection)
        .await?;
    writing.commit().await?;
    Ok(gone)
}

fn text(text: &str) -> Value {
    Value::Text(Some(kept(text).into_owned()))
}

fn number(number: i64) -> Value {
    Value::Number(Some(number))
}
