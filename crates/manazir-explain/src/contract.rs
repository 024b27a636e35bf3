//! What every store of the event graph and of explanations must do. An adapter calls the checks in its tests; each takes
//! what opens an empty store, and opens several.

#![allow(clippy::unwrap_used, reason = "a suite of tests, which ends at the first surprise")]

mod chance;
mod dependencies;
mod events;
mod explanations;
mod mirror;

use manazir_model::{Dependency, GraphEvent, Timestamp};

use crate::mirror::{EventGraphCopy, EventGraphLog};
use crate::{EventGraphStore, EventQuery};

pub use explanations::{check_explanations, explanation, verdict};
pub use mirror::{check_copy, check_log};

/// Runs every check of the event graph itself.
pub async fn check_event_graph<S: EventGraphStore>(open: impl AsyncFn() -> S) {
    events::check(&open).await;
    dependencies::check(&open).await;
    chance::check(&open).await;
}

/// Texts that a careless statement would read as something else.
pub fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "a",
        "A",
        "a,b",
        "'; DROP TABLE events; --",
        "O'Brien",
        "\"quoted\"",
        "`tick` $1 $id {id: 1}",
        "back\\slash \\n \\u0000",
        "50%_done",
        "nul\0byte",
        "sub\u{1a}0",
        "two\nlines\r\n\ttab",
        "漢字 ü",
        "🦀👩‍👩‍👧",
        "\u{feff}mark\u{202e}",
        "\u{10ffff}",
    ]
    .map(str::to_owned)
    .into();
    texts.push("lang".repeat(2_500));
    // Alike for ten thousand bytes.
    texts.push("lang".repeat(2_500) + "!");
    texts
}

/// An event of this identity at `host`, with an onset at a second and seen until another.
pub fn event(id: &str, from: i64, until: i64) -> GraphEvent {
    GraphEvent {
        id: id.to_owned(),
        entity: "host".to_owned(),
        event_type: "latency".to_owned(),
        from: Timestamp::from_seconds(from),
        until: Timestamp::from_seconds(until),
        received_at: Timestamp::from_seconds(from + 1),
        severity: 0.625,
        target: None,
        dims: Vec::new(),
        source: "test".to_owned(),
        sentence: format!("{id} is slow"),
    }
}

/// `caller` depended on `callee` from one second until another; `i64::MAX` if it still does.
pub fn dependency(caller: &str, callee: &str, from: i64, until: i64) -> Dependency {
    let until = if until == i64::MAX { Timestamp(i64::MAX) } else { Timestamp::from_seconds(until) };
    Dependency {
        caller: caller.to_owned(),
        callee: callee.to_owned(),
        source: "given".to_owned(),
        from: Timestamp::from_seconds(from),
        until,
    }
}

/// Events of the seconds `from..until`.
pub fn between(from: i64, until: i64) -> EventQuery {
    EventQuery {
        from: Timestamp::from_seconds(from),
        until: Timestamp::from_seconds(until),
        as_of: None,
        max: 100_000,
    }
}

/// All events.
pub async fn all_events(store: &impl EventGraphStore) -> Vec<GraphEvent> {
    let all = EventQuery { from: Timestamp(i64::MIN), until: Timestamp(i64::MAX), as_of: None, max: 100_000 };
    store.events(&all).await.unwrap()
}

/// All dependencies, by pages of this many.
pub async fn all_dependencies(store: &impl EventGraphStore, page: usize) -> Vec<Dependency> {
    let mut all: Vec<Dependency> = Vec::new();
    loop {
        let (from, until) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let some = store.dependencies(from, until, all.last(), page).await.unwrap();
        assert!(some.len() <= page);
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

/// The same, in an order that no store has a say in.
pub async fn sorted_dependencies(store: &impl EventGraphStore) -> Vec<Dependency> {
    let mut all = all_dependencies(store, 1_000).await;
    all.sort();
    all
}

/// Everything of a log, told a few at a time, must come to the same in a copy.
pub(crate) async fn follow_all(log: &dyn EventGraphLog, copy: &dyn EventGraphCopy, max: usize) {
    while crate::mirror::follow(log, copy, max).await.unwrap() > 0 {}
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::memory::{InMemoryExplanations, InMemoryGraph};

    #[test]
    fn the_twins_in_memory_keep_the_contract() {
        block_on(async {
            check_event_graph(async || InMemoryGraph::default()).await;
            check_log(async || InMemoryGraph::default()).await;
            check_copy(async || InMemoryGraph::default()).await;
            check_explanations(async || InMemoryExplanations::default()).await;
        });
    }
}
