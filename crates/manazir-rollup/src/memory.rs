//! A destination in memory: the twin of the real ones that tests use, and the shortest description of what they do.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::history::labels::{Change, Labels};
use crate::history::segment::Builder;
use crate::history::{Aside, AsideState, Head, Resolution, Status};
use crate::seen::{Block, block_of};
use crate::{AsOf, Destination, Error, History, Key, KeyType, Row, Shape, Total};

/// See the module; clones share their content.
#[derive(Clone, Debug)]
pub struct InMemory {
    shape: Shape,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    totals: BTreeMap<Arc<str>, Total>,
    seen: HashMap<(Arc<str>, u64), Block>,
    /// In the order in which they counted.
    rows: Vec<Row>,
    changes: Vec<Change>,
    asides: Vec<Aside>,
}

impl InMemory {
    /// An empty one.
    pub fn new(shape: Shape) -> Self {
        Self { shape, inside: Arc::default() }
    }

    fn sorted(&self, mut totals: Vec<Total>) -> Vec<Total> {
        if self.shape.key_type == KeyType::Integer {
            totals.sort_by_key(|total| total.key.parse::<i64>().unwrap_or_default());
        }
        totals
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn total(&mut self, key: &Arc<str>, shape: &Shape) -> &mut Total {
        self.totals.entry(Arc::clone(key)).or_insert_with(|| Total {
            key: key.to_string(),
            by_category: vec![0; shape.categories.len()],
            ..Total::default()
        })
    }

    fn add(&mut self, row: &Row, shape: &Shape) {
        let total = self.total(&row.key, shape);
        total.count += 1;
        total.sum += row.amount;
        total.by_category[usize::from(row.category)] += row.amount;
    }
}

#[async_trait]
impl Destination for InMemory {
    async fn prepare(&self, keys: &[Key]) -> Result<(), Error> {
        let mut inside = self.lock();
        for Key { id, label } in keys {
            let total = inside.total(id, &self.shape);
            if self.shape.label.is_some() {
                total.label.clone_from(label);
            }
        }
        Ok(())
    }

    async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
        let mut inside = self.lock();
        let mut counted = 0;
        for row in rows {
            let block = (Arc::clone(&row.source), block_of(row.position));
            if inside.seen.entry(block).or_default().insert(row.position, row.content) {
                inside.add(row, &self.shape);
                inside.rows.push(row.clone());
                counted += 1;
            }
        }
        Ok(counted)
    }

    async fn totals(&self) -> Result<Vec<Total>, Error> {
        Ok(self.sorted(self.lock().totals.values().cloned().collect()))
    }

    fn history(&self) -> Option<&dyn History> {
        Some(self)
    }
}

#[async_trait]
impl History for InMemory {
    async fn name(&self, keys: &[Key], now: Timestamp) -> Result<(), Error> {
        let mut inside = self.lock();
        let change = Labels::new(inside.changes.clone()).change(keys, now);
        inside.changes.extend(change);
        Ok(())
    }

    async fn as_of(&self, as_of: AsOf) -> Result<Vec<Total>, Error> {
        let inside = self.lock();
        let mut past = Inside::default();
        for (key, label) in Labels::new(inside.changes.clone()).as_of(as_of) {
            past.total(&key, &self.shape).label = label;
        }
        let is_past = |time: Timestamp, limit: Option<Timestamp>| limit.is_none_or(|limit| time <= limit);
        for row in &inside.rows {
            if is_past(row.at, as_of.at) && is_past(row.known_at, as_of.known_at) {
                past.add(row, &self.shape);
            }
        }
        Ok(self.sorted(past.totals.into_values().collect()))
    }

    async fn findings(&self, from: u64) -> Result<Vec<Row>, Error> {
        /// So that more than one call is needed.
        const TOGETHER: usize = 100;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(self.lock().rows.iter().skip(from).take(TOGETHER).cloned().collect())
    }

    async fn status(&self) -> Result<Status, Error> {
        let inside = self.lock();
        let mut builder = Builder::default();
        for row in &inside.rows {
            builder.add(row);
        }
        let heads: Vec<Head> = Head::of(0, &builder.finish().0).into_iter().collect();
        let in_state = |state| inside.asides.iter().filter(|aside| aside.state == state).count() as u64;
        let (waiting, rejected) = (in_state(AsideState::Waiting), in_state(AsideState::Rejected));
        Ok(Status { waiting, rejected, ..Status::of(&heads) })
    }

    async fn set_aside(&self, asides: &[Aside]) -> Result<u64, Error> {
        let mut inside = self.lock();
        let mut new = 0;
        for aside in asides {
            let identity = |aside: &Aside| (Arc::clone(&aside.source), aside.position, aside.content);
            if !inside.asides.iter().any(|known| identity(known) == identity(aside)) {
                new += 1;
                let number = inside.asides.len() as u64 + 1;
                inside.asides.push(Aside { number, ..aside.clone() });
            }
        }
        Ok(new)
    }

    async fn asides(&self, state: Option<AsideState>, after: u64, max: usize) -> Result<Vec<Aside>, Error> {
        let wanted = |aside: &&Aside| aside.number > after && state.is_none_or(|state| aside.state == state);
        Ok(self.lock().asides.iter().filter(wanted).take(max).cloned().collect())
    }

    async fn resolve(&self, resolutions: &[Resolution]) -> Result<u64, Error> {
        let mut inside = self.lock();
        let mut found = 0;
        for Resolution { number, state, reason } in resolutions {
            if let Some(aside) = inside.asides.iter_mut().find(|aside| aside.number == *number) {
                (aside.state, aside.reason) = (*state, reason.clone());
                found += 1;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    #[test]
    fn the_twin_keeps_the_contract() {
        let opened: Mutex<HashMap<String, InMemory>> = Mutex::default();
        let open = async |shape: Shape| {
            let mut opened = opened.lock().unwrap();
            opened.entry(shape.name.clone()).or_insert_with(|| InMemory::new(shape)).clone()
        };
        futures_executor::block_on(contract::check(&open));
        futures_executor::block_on(contract::history::check(&open));
    }
}
