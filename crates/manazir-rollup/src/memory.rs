//! A destination in memory: the twin of the real ones that tests use, and the shortest description of what they do.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::seen::{Block, block_of};
use crate::{Destination, Error, Key, KeyType, Row, Shape, Total};

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
}

impl InMemory {
    /// An empty one.
    pub fn new(shape: Shape) -> Self {
        Self { shape, inside: Arc::default() }
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
                let total = inside.total(&row.key, &self.shape);
                total.count += 1;
                total.sum += row.amount;
                total.by_category[usize::from(row.category)] += row.amount;
                counted += 1;
            }
        }
        Ok(counted)
    }

    async fn totals(&self) -> Result<Vec<Total>, Error> {
        let mut totals: Vec<Total> = self.lock().totals.values().cloned().collect();
        if self.shape.key_type == KeyType::Integer {
            totals.sort_by_key(|total| total.key.parse::<i64>().unwrap_or_default());
        }
        Ok(totals)
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
        futures_executor::block_on(contract::check(open));
    }
}
