//! A copy of the event graph that follows it: what has changed is read by its number, and taken over with the number in
//! one step.
//!
//! Each entry of the log is the present state of one event, or of one span of a dependency; a span that went is told as
//! an empty one. Whoever takes over an entry twice, or only the last of several, comes to the same. The log forgets what
//! the graph forgets: a copy is told to forget the same by whoever keeps both.

use async_trait::async_trait;
use manazir_model::{Dependency, GraphEvent};

use crate::Error;

/// Numbers up to which something has come; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Of the changes of events.
    pub events: u64,
    /// Of the changes of dependencies.
    pub dependencies: u64,
}

/// Changes in a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Events as they are now.
    pub events: Vec<GraphEvent>,
    /// Dependencies as they are now; one that does not begin before it ends is gone.
    pub dependencies: Vec<Dependency>,
    /// The place behind them.
    pub place: Place,
}

/// Tells what has changed in an event graph. Each change has a number that is larger than those of all changes that were
/// seen before it; of several changes of one thing only the last is told.
#[async_trait]
pub trait EventGraphLog: Send + Sync {
    /// Events whose last change has a number above `seq`, in the order of the numbers, at most `max`.
    async fn events_after(&self, seq: u64, max: usize) -> Result<Vec<(u64, GraphEvent)>, Error>;

    /// The same of dependencies.
    async fn dependencies_after(&self, seq: u64, max: usize) -> Result<Vec<(u64, Dependency)>, Error>;
}

/// A copy of an event graph.
#[async_trait]
pub trait EventGraphCopy: Send + Sync {
    /// How far it has come.
    async fn place(&self) -> Result<Place, Error>;

    /// Takes changes over and moves to their place, in one step; the place where the copy is then. If it is not at
    /// `after` another follower was faster, and nothing changes.
    async fn take(&self, after: Place, changes: &Changes) -> Result<Place, Error>;
}

/// Copies what is new, at most `max` events and `max` dependencies; how many of both. Less than `max` means that nothing
/// more was there.
pub async fn follow(log: &dyn EventGraphLog, copy: &dyn EventGraphCopy, max: usize) -> Result<usize, Error> {
    let after = copy.place().await?;
    let events = log.events_after(after.events, max).await?;
    let dependencies = log.dependencies_after(after.dependencies, max).await?;
    let count = events.len() + dependencies.len();
    if count == 0 {
        return Ok(0);
    }
    let place = Place {
        events: events.last().map_or(after.events, |(seq, _)| *seq),
        dependencies: dependencies.last().map_or(after.dependencies, |(seq, _)| *seq),
    };
    let changes = Changes {
        events: events.into_iter().map(|(_, event)| event).collect(),
        dependencies: dependencies.into_iter().map(|(_, dependency)| dependency).collect(),
        place,
    };
    copy.take(after, &changes).await?;
    Ok(count)
}
