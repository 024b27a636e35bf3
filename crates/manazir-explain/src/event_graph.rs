//! The port of the event graph: what happened to which entity, and who depended on whom, with time.
//!
//! The relational truth is one implementation and what is always written; a graph database is another, which follows it
//! by sequence numbers.

use async_trait::async_trait;
use manazir_model::{Dependency, GraphEvent, Timestamp};

use crate::Error;

/// Which events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// Those that were last seen at this time or later.
    pub from: Timestamp,
    /// Those whose onset lies before this time.
    pub until: Timestamp,
    /// Only what was known by then.
    pub as_of: Option<Timestamp>,
    /// At most so many; of more, those with the latest onset.
    pub max: usize,
}

/// Keeps events and dependencies.
#[async_trait]
pub trait EventGraphStore: Send + Sync {
    /// Adds events, all or none. An event whose identity is known is seen once more: its `until`, severity and sentence
    /// become those of the call if its `until` is not earlier; onset, entity, type and arrival stay as they were.
    async fn add_events(&self, events: &[GraphEvent]) -> Result<(), Error>;

    /// Events in the order of onset and identity.
    async fn events(&self, query: &EventQuery) -> Result<Vec<GraphEvent>, Error>;

    /// Adds dependencies, all or none. Spans of one caller, callee and source that overlap or touch become one; one that
    /// does not begin before it ends says nothing.
    async fn add_dependencies(&self, dependencies: &[Dependency]) -> Result<(), Error>;

    /// From `at` on the one no longer depends on the other, as far as this source is concerned; what was before stays.
    async fn end_dependency(
        &self,
        caller: &str,
        callee: &str,
        source: &str,
        at: Timestamp,
    ) -> Result<(), Error>;

    /// Dependencies that held at some time in `from..until`, sorted by caller, callee, source and `from`, those after
    /// `after` if it is given, at most `max`.
    async fn dependencies(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&Dependency>,
        max: usize,
    ) -> Result<Vec<Dependency>, Error>;

    /// Forgets events last seen, and dependencies that ended, before `before`, about `max` at a time; how many went.
    async fn forget(&self, before: Timestamp, max: usize) -> Result<u64, Error>;
}
