//! A destination in memory: the twin of the real ones that tests use, and the shortest description of what they do.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::history::cells::Cells;
use crate::history::labels::{Change, Labels};
use crate::history::segment::Builder;
use crate::history::spans::Spans;
use crate::history::{Aside, AsideState, Head, Resolution, Span, SpanQuery, Status};
use crate::seen::{Block, block_of};
use crate::{AsOf, Destination, Error, History, Key, KeyType, Row, Shape, Total};

/// See the module; clones share their content.
#[derive(Clone, Debug)]
pub struct InMemory {
    shape: Shape,
    place: Place,
}

/// All that is kept at one place, by the names of the shapes.
type Place = Arc<Mutex<HashMap<String, Inside>>>;

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
        Self { shape, place: Arc::default() }
    }

    /// The one of another shape at the same place.
    #[must_use]
    pub fn beside(&self, shape: Shape) -> Self {
        Self { shape, place: Arc::clone(&self.place) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inside) -> T) -> T {
        work(self.lock().entry(self.shape.name.clone()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Inside>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses keys that are none.
    fn fit<'k>(&self, mut keys: impl Iterator<Item = &'k Arc<str>>) -> Result<(), Error> {
        let fits = |key: &&Arc<str>| self.shape.key_type == KeyType::Text || KeyType::number(key).is_some();
        match keys.find(|key| !fits(key)) {
            Some(key) => {
                Err(Error::Refused("memory".to_owned(), format!("the key {key:?} is no whole number").into()))
            }
            None => Ok(()),
        }
    }

    /// By key, with what stands in further columns.
    fn finished(&self, totals: BTreeMap<Arc<str>, Total>, cells: &Cells) -> Vec<Total> {
        let finish =
            |(key, total): (Arc<str>, Total)| Total { more: cells.of(&key, self.shape.more()), ..total };
        let mut totals: Vec<Total> = totals.into_iter().map(finish).collect();
        if self.shape.key_type == KeyType::Integer {
            totals.sort_by_key(|total| total.key.parse::<i64>().unwrap_or_default());
        }
        totals
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
        self.fit(keys.iter().map(|key| &key.id))?;
        self.with(|inside| {
            for Key { id, label } in keys {
                let total = inside.total(id, &self.shape);
                if self.shape.label.is_some() {
                    total.label.clone_from(label);
                }
            }
        });
        Ok(())
    }

    async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
        self.fit(rows.iter().map(|row| &row.key))?;
        Ok(self.with(|inside| {
            let mut counted = 0;
            for row in rows {
                let block = (Arc::clone(&row.source), block_of(row.position));
                if inside.seen.entry(block).or_default().insert(row.position, row.content) {
                    inside.add(row, &self.shape);
                    inside.rows.push(row.clone());
                    counted += 1;
                }
            }
            counted
        }))
    }

    async fn totals(&self) -> Result<Vec<Total>, Error> {
        let (totals, rows) = self.with(|inside| (inside.totals.clone(), inside.rows.clone()));
        let mut cells = Cells::new(self.shape.more());
        rows.iter().for_each(|row| cells.add_row(row));
        Ok(self.finished(totals, &cells))
    }

    async fn adopt(&self, staged: &Shape) -> Result<bool, Error> {
        let mut all = self.lock();
        let next = all.remove(&staged.name).unwrap_or_default();
        let inside = all.entry(self.shape.name.clone()).or_default();
        let knows = |(place, block): (&(Arc<str>, u64), &Block)| {
            next.seen.get(place).is_some_and(|next| next.has_all_of(block))
        };
        if !inside.seen.iter().all(knows) {
            all.insert(staged.name.clone(), next);
            return Ok(false);
        }
        let Inside { totals, seen, rows, .. } = next;
        (inside.totals, inside.seen, inside.rows) = (totals, seen, rows);
        Ok(true)
    }

    fn history(&self) -> Option<&dyn History> {
        Some(self)
    }
}

#[async_trait]
impl History for InMemory {
    async fn name(&self, keys: &[Key], now: Timestamp) -> Result<(), Error> {
        self.with(|inside| {
            let change = Labels::new(inside.changes.clone()).change(keys, now);
            inside.changes.extend(change);
        });
        Ok(())
    }

    async fn as_of(&self, as_of: AsOf) -> Result<Vec<Total>, Error> {
        let (rows, changes) = self.with(|inside| (inside.rows.clone(), inside.changes.clone()));
        let (mut past, mut cells) = (Inside::default(), Cells::new(self.shape.more()));
        for (key, label) in Labels::new(changes).as_of(as_of) {
            past.total(&key, &self.shape).label = label;
        }
        let is_past = |time: Timestamp, limit: Option<Timestamp>| limit.is_none_or(|limit| time <= limit);
        for row in &rows {
            if is_past(row.at, as_of.at) && is_past(row.known_at, as_of.known_at) {
                past.add(row, &self.shape);
                cells.add_row(row);
            }
        }
        Ok(self.finished(past.totals, &cells))
    }

    async fn series(&self, query: &SpanQuery) -> Result<Vec<Span>, Error> {
        let mut builder = Builder::default();
        self.with(|inside| {
            for row in &inside.rows {
                builder.add(row);
            }
        });
        let mut spans = Spans::new(query, &self.shape.categories);
        let counted = builder.finish().0;
        spans.add(&counted).map_err(|why| Error::Refused("the history".to_owned(), why.into()))?;
        Ok(spans.finish())
    }

    async fn findings(&self, from: u64) -> Result<Vec<Row>, Error> {
        /// So that more than one call is needed.
        const TOGETHER: usize = 100;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(self.with(|inside| inside.rows.iter().skip(from).take(TOGETHER).cloned().collect()))
    }

    async fn status(&self) -> Result<Status, Error> {
        Ok(self.with(|inside| {
            let mut builder = Builder::default();
            for row in &inside.rows {
                builder.add(row);
            }
            let heads: Vec<Head> = Head::of(0, &builder.finish().0).into_iter().collect();
            let in_state = |state| inside.asides.iter().filter(|aside| aside.state == state).count() as u64;
            let (waiting, rejected) = (in_state(AsideState::Waiting), in_state(AsideState::Rejected));
            Status { waiting, rejected, ..Status::of(&heads) }
        }))
    }

    async fn set_aside(&self, asides: &[Aside]) -> Result<u64, Error> {
        let identity = |aside: &Aside| (Arc::clone(&aside.source), aside.position, aside.content);
        Ok(self.with(|inside| {
            let before = inside.asides.len();
            for aside in asides {
                if !inside.asides.iter().any(|known| identity(known) == identity(aside)) {
                    let number = inside.asides.len() as u64 + 1;
                    inside.asides.push(Aside { number, ..aside.clone() });
                }
            }
            (inside.asides.len() - before) as u64
        }))
    }

    async fn asides(&self, state: Option<AsideState>, after: u64, max: usize) -> Result<Vec<Aside>, Error> {
        let wanted = |aside: &&Aside| aside.number > after && state.is_none_or(|state| aside.state == state);
        Ok(self.with(|inside| inside.asides.iter().filter(wanted).take(max).cloned().collect()))
    }

    async fn resolve(&self, resolutions: &[Resolution]) -> Result<u64, Error> {
        Ok(self.with(|inside| {
            let mut found = 0;
            for Resolution { number, state, reason } in resolutions {
                if let Some(aside) = inside.asides.iter_mut().find(|aside| aside.number == *number) {
                    (aside.state, aside.reason) = (*state, reason.clone());
                    found += 1;
                }
            }
            found
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;

    #[test]
    fn the_twin_keeps_the_contract() {
        let place = InMemory::new(contract::shape("any", KeyType::Integer));
        let open = async |shape: Shape| place.beside(shape);
        futures_executor::block_on(contract::check(&open));
        futures_executor::block_on(contract::check_adopt(&open));
        futures_executor::block_on(contract::check_more(contract::with_extremes("extremes"), &open));
        futures_executor::block_on(contract::check_more(contract::with_sketches("sketches"), &open));
        futures_executor::block_on(contract::history::check(&open));
    }
}
