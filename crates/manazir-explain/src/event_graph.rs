//! The port of the event graph: what happened to which entity, and who depended on whom, with time.
//!
//! The relational truth is one implementation and what is always written; a graph database is another, which follows it
//! by sequence numbers (see [`crate::mirror`]).

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
    /// Only those that had arrived by then. What was seen of them later is told along: an event has one state.
    pub as_of: Option<Timestamp>,
    /// At most so many; of more, those with the latest onset, and of those with the same onset any.
    pub max: usize,
}

/// Keeps events and dependencies.
#[async_trait]
pub trait EventGraphStore: Send + Sync {
    /// Adds events, all or none, each as [`sound`] leaves it. An event whose identity is known is seen once more: its
    /// `until`, severity and sentence become those of the call if its `until` is not earlier; all else stays as it was.
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
    /// `after` if it is given, at most `max`. Texts are sorted as the store sorts them: for most that is by their bytes.
    async fn dependencies(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&Dependency>,
        max: usize,
    ) -> Result<Vec<Dependency>, Error>;

    /// Forgets events last seen, and dependencies that ended, before `before`, about `max` at a time; how many went, 0
    /// when none is left.
    async fn forget(&self, before: Timestamp, max: usize) -> Result<u64, Error>;
}

/// An event as it is kept: it does not end before its onset, its severity lies in 0..=1 (0 if it is no number), its
/// dimensions are sorted and each name is there once, with its first value.
pub fn sound(event: &GraphEvent) -> GraphEvent {
    let mut sound = event.clone();
    sound.until = sound.until.max(sound.from);
    // What is no number stays none in `clamp`.
    sound.severity = if sound.severity.is_nan() { 0.0 } else { sound.severity.clamp(0.0, 1.0) };
    sound.dims.sort_by(|one, other| one.0.cmp(&other.0));
    sound.dims.dedup_by(|later, first| later.0 == first.0);
    sound
}

/// A known event, seen once more; false if nothing of it changes. Both are [`sound`].
pub fn seen_again(known: &mut GraphEvent, again: &GraphEvent) -> bool {
    if again.until < known.until {
        return false;
    }
    let changes =
        again.until != known.until || again.severity != known.severity || again.sentence != known.sentence;
    known.until = again.until;
    known.severity = again.severity;
    known.sentence.clone_from(&again.sentence);
    changes
}
