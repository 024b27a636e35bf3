//! The event graph in memory, its log, and a copy that follows another.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use manazir_model::{Dependency, GraphEvent, Timestamp};

use crate::event_graph::{seen_again, sound};
use crate::mirror::{Changes, EventGraphCopy, EventGraphLog, Place};
use crate::spans::{self, Span};
use crate::{Error, EventGraphStore, EventQuery};

/// Caller, callee, source and the first instant.
type Key = (String, String, String, Timestamp);

#[derive(Debug, Default)]
struct Inside {
    /// Each with the number of its last change.
    events: BTreeMap<String, (u64, GraphEvent)>,
    /// When they ended, with the number of the last change; those that went are empty.
    dependencies: BTreeMap<Key, (u64, Timestamp)>,
    last: Place,
    copied: Place,
}

/// All ports of the event graph; clones share their content.
#[derive(Clone, Debug, Default)]
pub struct InMemoryGraph(Arc<Mutex<Inside>>);

impl InMemoryGraph {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn add_event(&mut self, event: &GraphEvent) {
        let event = sound(event);
        let next = self.last.events + 1;
        match self.events.get_mut(&event.id) {
            Some((seq, known)) => {
                if !seen_again(known, &event) {
                    return;
                }
                *seq = next;
            }
            None => {
                self.events.insert(event.id.clone(), (next, event));
            }
        }
        self.last.events = next;
    }

    fn spans(&self, of: &Dependency) -> Vec<Span> {
        let from = key(of, Timestamp(i64::MIN));
        let until = key(of, Timestamp(i64::MAX));
        let all = self.dependencies.range(from..=until).map(|(key, (_, until))| (key.3, *until));
        all.filter(|(from, until)| from < until).collect()
    }

    fn put_spans(&mut self, of: &Dependency, old: &[Span], new: &[Span]) {
        for (from, until) in spans::changes(old, new) {
            self.last.dependencies += 1;
            self.dependencies.insert(key(of, from), (self.last.dependencies, until));
        }
    }

    fn forget(&mut self, before: Timestamp, max: usize) -> u64 {
        let old = self.events.iter().filter(|(_, (_, event))| event.until < before);
        let events: Vec<String> = old.take(max).map(|(id, _)| id.clone()).collect();
        let old = self.dependencies.iter().filter(|(_, (_, until))| *until < before);
        let dependencies: Vec<Key> = old.take(max - events.len()).map(|(key, _)| key.clone()).collect();
        for id in &events {
            self.events.remove(id);
        }
        for key in &dependencies {
            self.dependencies.remove(key);
        }
        (events.len() + dependencies.len()) as u64
    }
}

fn key(of: &Dependency, from: Timestamp) -> Key {
    (of.caller.clone(), of.callee.clone(), of.source.clone(), from)
}

fn dependency(key: &Key, until: Timestamp) -> Dependency {
    let (caller, callee, source, from) = key.clone();
    Dependency { caller, callee, source, from, until }
}

fn asked_for(event: &GraphEvent, query: &EventQuery) -> bool {
    event.until >= query.from
        && event.from < query.until
        && query.as_of.is_none_or(|as_of| event.received_at <= as_of)
}

#[async_trait]
impl EventGraphStore for InMemoryGraph {
    async fn add_events(&self, events: &[GraphEvent]) -> Result<(), Error> {
        let mut inside = self.lock();
        events.iter().for_each(|event| inside.add_event(event));
        Ok(())
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<GraphEvent>, Error> {
        let inside = self.lock();
        let all = inside.events.values().map(|(_, event)| event);
        let mut found: Vec<GraphEvent> = all.filter(|event| asked_for(event, query)).cloned().collect();
        found.sort_by(|one, other| (one.from, &one.id).cmp(&(other.from, &other.id)));
        Ok(found.split_off(found.len().saturating_sub(query.max)))
    }

    async fn add_dependencies(&self, dependencies: &[Dependency]) -> Result<(), Error> {
        let mut inside = self.lock();
        for new in dependencies {
            let old = inside.spans(new);
            let joined = spans::joined([old.as_slice(), &[spans::span(new)]].concat());
            inside.put_spans(new, &old, &joined);
        }
        Ok(())
    }

    async fn end_dependency(
        &self,
        caller: &str,
        callee: &str,
        source: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        let of = dependency(&(caller.to_owned(), callee.to_owned(), source.to_owned(), at), at);
        let mut inside = self.lock();
        let old = inside.spans(&of);
        inside.put_spans(&of, &old, &spans::ended(&old, at));
        Ok(())
    }

    async fn dependencies(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&Dependency>,
        max: usize,
    ) -> Result<Vec<Dependency>, Error> {
        let after = after.map_or(Bound::Unbounded, |after| Bound::Excluded(key(after, after.from)));
        let inside = self.lock();
        let all = inside.dependencies.range((after, Bound::Unbounded));
        let held = all.filter(|(key, (_, end))| key.3 < until && *end > from && key.3 < *end);
        Ok(held.take(max).map(|(key, (_, end))| dependency(key, *end)).collect())
    }

    async fn forget(&self, before: Timestamp, max: usize) -> Result<u64, Error> {
        Ok(self.lock().forget(before, max))
    }
}

/// The first of these by their numbers.
fn first<T>(mut changes: Vec<(u64, T)>, max: usize) -> Vec<(u64, T)> {
    changes.sort_by_key(|(seq, _)| *seq);
    changes.truncate(max);
    changes
}

#[async_trait]
impl EventGraphLog for InMemoryGraph {
    async fn events_after(&self, seq: u64, max: usize) -> Result<Vec<(u64, GraphEvent)>, Error> {
        let inside = self.lock();
        let later = inside.events.values().filter(|(number, _)| *number > seq);
        Ok(first(later.cloned().collect(), max))
    }

    async fn dependencies_after(&self, seq: u64, max: usize) -> Result<Vec<(u64, Dependency)>, Error> {
        let inside = self.lock();
        let later = inside.dependencies.iter().filter(|(_, (number, _))| *number > seq);
        Ok(first(later.map(|(key, (number, end))| (*number, dependency(key, *end))).collect(), max))
    }
}

#[async_trait]
impl EventGraphCopy for InMemoryGraph {
    async fn place(&self) -> Result<Place, Error> {
        Ok(self.lock().copied)
    }

    async fn take(&self, after: Place, changes: &Changes) -> Result<Place, Error> {
        let mut inside = self.lock();
        if inside.copied != after {
            return Ok(inside.copied);
        }
        inside.copied = changes.place;
        for event in &changes.events {
            inside.last.events += 1;
            let seq = inside.last.events;
            inside.events.insert(event.id.clone(), (seq, event.clone()));
        }
        for change in &changes.dependencies {
            inside.last.dependencies += 1;
            let seq = inside.last.dependencies;
            inside.dependencies.insert(key(change, change.from), (seq, change.until));
        }
        Ok(changes.place)
    }
}
