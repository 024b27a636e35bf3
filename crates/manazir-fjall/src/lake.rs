//! The embedded lake: samples with their verdicts, in the tree that holds the queue, so that a worker's batch is
//! one commit with them.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `lake_series` | number of a series | its key |
//! | `lake_head` | series, event time, arrival, revision | one row, as it was appended |
//! | `lake_chunks` | day, series, first event time | up to 4,096 rows of that day, column by column |
//! | `lake_days` | day | rows and bytes of its chunks, and whether they were exported |
//! | `lake_episodes` | start, series | an episode as it was last told |
//!
//! Rows are appended to the head, where writing is cheap, and moved into chunks in the background, where they
//! take a tenth of the room. A reader sees both through one snapshot. Chunks begin with their day: what is dropped
//! or exported, always whole days, lies together. Numbers are big end first with their sign turned, so that the
//! tree's order is theirs.

mod compact;
mod days;
mod keep;
mod keys;
mod read;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode};
use manazir_ingest::Error;
use manazir_ingest::lake::{KnownSeries, Lake, SampleQuery, SeriesFilter, row, series_id};
use manazir_model::{EpisodeState, JudgedSample, SeriesFinding, SeriesKey, SeriesRows, Timestamp};

use crate::codec;

/// The keyspaces of the lake; see the table above.
pub(crate) struct Parts {
    series: Keyspace,
    head: Keyspace,
    chunks: Keyspace,
    days: Keyspace,
    episodes: Keyspace,
    /// Held while chunks are made or dropped: one at a time.
    maintenance: Mutex<()>,
}

impl Parts {
    pub(crate) fn open(keyspace: impl Fn(&str) -> fjall::Result<Keyspace>) -> fjall::Result<Self> {
        Ok(Self {
            series: keyspace("lake_series")?,
            head: keyspace("lake_head")?,
            chunks: keyspace("lake_chunks")?,
            days: keyspace("lake_days")?,
            episodes: keyspace("lake_episodes")?,
            maintenance: Mutex::default(),
        })
    }

    /// Adds rows and episodes to a batch; the same again changes nothing.
    pub(crate) fn append(
        &self,
        batch: &mut OwnedWriteBatch,
        rows: &[SeriesRows],
        findings: &[SeriesFinding],
    ) -> Result<(), Error> {
        let may_repeat = rows.iter().flat_map(|series| &series.samples).any(is_doubtful);
        // What the batch itself adds cannot be read yet.
        let mut added: HashMap<(u64, Timestamp), u64> = HashMap::new();
        for SeriesRows { key, samples } in rows {
            let id = self.number(key, |id, key| {
                batch.insert(&self.series, id.to_be_bytes(), key);
            })?;
            for sample in samples {
                let (place, bits) = ((id, sample.at), sample.value.to_bits());
                let is_known = match added.get(&place) {
                    Some(last) => is_doubtful(sample) && *last == bits,
                    None => self.is_known(id, sample)?,
                };
                if is_known {
                    continue;
                }
                batch.insert(&self.head, keys::head(id, sample), row::write(sample)?);
                if may_repeat {
                    added.insert(place, bits);
                }
            }
        }
        for finding in findings {
            let id = self.number(&finding.series, |id, key| {
                batch.insert(&self.series, id.to_be_bytes(), key);
            })?;
            let place = keys::episode(finding.start_at, id);
            let is_told = || self.episodes.contains_key(place).map_err(Error::store);
            // A sample that came late and lies where an episode begins is no more than that.
            if finding.state != EpisodeState::Late || !is_told()? {
                batch.insert(&self.episodes, place, codec::write(finding)?);
            }
        }
        Ok(())
    }

    /// The number of a series; `register` is called with it and the written key if the lake has none yet.
    fn number(&self, key: &SeriesKey, register: impl FnOnce(u64, Vec<u8>)) -> Result<u64, Error> {
        let written = codec::write(key)?;
        let mut id = series_id(key);
        loop {
            match self.series.get(id.to_be_bytes()).map_err(Error::store)? {
                Some(known) if *known == *written => return Ok(id),
                // Another series has this number: see `series_id`.
                Some(_) => id = id.wrapping_add(1),
                None => {
                    register(id, written);
                    return Ok(id);
                }
            }
        }
    }

    /// True of a sample that its series had no memory of, and that is here with the same value.
    fn is_known(&self, id: u64, sample: &JudgedSample) -> Result<bool, Error> {
        if !is_doubtful(sample) {
            return Ok(false);
        }
        let known = read::at(self, id, sample.at)?;
        let last = known.iter().max_by_key(|row| (row.received_at, row.revision));
        Ok(last.is_some_and(|last| last.value.to_bits() == sample.value.to_bits()))
    }
}

/// A sample that came late and was given no verdict may be one that came before.
fn is_doubtful(sample: &JudgedSample) -> bool {
    sample.late && sample.score.is_nan()
}

/// The lake of an embedded store; clones share it.
#[derive(Clone)]
pub struct EmbeddedLake {
    database: Database,
    parts: Arc<Parts>,
}

impl std::fmt::Debug for EmbeddedLake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedLake").finish_non_exhaustive()
    }
}

impl EmbeddedLake {
    pub(crate) fn new(database: Database, parts: Arc<Parts>) -> Self {
        Self { database, parts }
    }
}

#[async_trait]
impl Lake for EmbeddedLake {
    async fn append(&self, rows: &[SeriesRows], findings: &[SeriesFinding]) -> Result<(), Error> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        self.parts.append(&mut batch, rows, findings)?;
        batch.commit().map_err(Error::store)
    }

    async fn samples(&self, query: &SampleQuery) -> Result<Vec<JudgedSample>, Error> {
        read::samples(self, query)
    }

    async fn series(
        &self,
        filter: &SeriesFilter,
        after: Option<u64>,
        max: usize,
    ) -> Result<Vec<KnownSeries>, Error> {
        let Some(first) = after.map_or(Some(0), |after| after.checked_add(1)) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in self.parts.series.range(first.to_be_bytes()..) {
            if found.len() == max {
                break;
            }
            let (id, key) = entry.into_inner().map_err(Error::store)?;
            let id = codec::position(&id);
            let key: SeriesKey = codec::read(&key, || format!("series {id}"))?;
            if filter.takes(&key) {
                found.push(KnownSeries { id, key });
            }
        }
        Ok(found)
    }

    async fn series_of(&self, id: u64) -> Result<Option<SeriesKey>, Error> {
        let key = self.parts.series.get(id.to_be_bytes()).map_err(Error::store)?;
        key.map(|key| codec::read(&key, || format!("series {id}"))).transpose()
    }

    async fn episodes(
        &self,
        before: Option<(Timestamp, u64)>,
        max: usize,
    ) -> Result<Vec<SeriesFinding>, Error> {
        let (start_at, series) = before.unwrap_or((Timestamp(i64::MAX), u64::MAX));
        let end = keys::episode(start_at, series);
        let newest = self.parts.episodes.range(..end).rev().take(max);
        newest
            .map(|entry| {
                let value = entry.value().map_err(Error::store)?;
                codec::read(&value, || "an episode".to_owned())
            })
            .collect()
    }
}
