//! Counters in memory: the twin of those in Cassandra, which fails when it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use manazir_rollup::Error;

use crate::counters::{Addition, Counters, Standing};
use crate::tables::{Id, Tables};

/// What becomes of a call that adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done and answered.
    Answered,
    /// Nothing of it is done.
    Refused,
    /// All of it is done, and the answer is lost.
    AnswerLost,
    /// Half of it is done, and the answer is lost.
    Half,
    /// It is done when [`Twin::arrive`] says so, and the answer is lost.
    Late,
}

/// See the module; clones share their content.
#[derive(Clone)]
pub(crate) struct Twin {
    tables: Arc<Tables>,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    rows: BTreeMap<(usize, Id), Vec<i64>>,
    names: BTreeMap<Id, String>,
    fates: VecDeque<Fate>,
    late: Vec<Addition>,
    reads: usize,
}

impl Inside {
    fn make(&mut self, additions: &[Addition]) {
        for Addition { table, id, by } in additions {
            let row = self.rows.entry((*table, id.clone())).or_insert_with(|| vec![0; by.len()]);
            for (counter, by) in row.iter_mut().zip(by) {
                *counter = counter.wrapping_add(*by);
            }
        }
    }
}

impl Twin {
    pub(crate) fn new(tables: Arc<Tables>) -> Self {
        Self { tables, inside: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// What becomes of the next calls that add something; all others are answered.
    pub(crate) fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        self.lock().fates = fates.into_iter().collect();
    }

    /// Does what is late.
    pub(crate) fn arrive(&self) {
        let mut inside = self.lock();
        let late = std::mem::take(&mut inside.late);
        inside.make(&late);
    }

    /// Rows that were read since it was asked last.
    pub(crate) fn reads(&self) -> usize {
        std::mem::take(&mut self.lock().reads)
    }

    /// As somebody else would.
    pub(crate) fn set(&self, table: usize, id: Id, row: Vec<i64>) {
        self.lock().rows.insert((table, id), row);
    }
}

fn away() -> Error {
    Error::Away("the twin".to_owned(), io::Error::from(io::ErrorKind::TimedOut).into())
}

#[async_trait]
impl Counters for Twin {
    async fn make(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&self, ids: &[Id]) -> Result<Vec<Standing>, Error> {
        let mut inside = self.lock();
        inside.reads += ids.len();
        let rows = &inside.rows;
        let tables = 0..self.tables.counters.len();
        let standing =
            |id: &Id| tables.clone().map(|table| rows.get(&(table, id.clone())).cloned()).collect();
        Ok(ids.iter().map(standing).collect())
    }

    async fn add(&self, additions: &[Addition]) -> Result<(), Error> {
        if additions.is_empty() {
            return Ok(());
        }
        let mut inside = self.lock();
        let fate = inside.fates.pop_front().unwrap_or(Fate::Answered);
        match fate {
            Fate::Refused => {}
            Fate::Answered | Fate::AnswerLost => inside.make(additions),
            Fate::Half => inside.make(&additions[..additions.len() / 2]),
            Fate::Late => inside.late.extend_from_slice(additions),
        }
        if fate == Fate::Answered { Ok(()) } else { Err(away()) }
    }

    async fn write_names(&self, names: &[(Id, &str)]) -> Result<(), Error> {
        if self.tables.names.is_some() {
            let names = names.iter().map(|(id, name)| (id.clone(), (*name).to_owned()));
            self.lock().names.extend(names);
        }
        Ok(())
    }

    async fn read_names(&self, ids: &[Id]) -> Result<Vec<String>, Error> {
        let inside = self.lock();
        Ok(ids.iter().map(|id| inside.names.get(id).cloned().unwrap_or_default()).collect())
    }
}
