//! From the head into chunks. What is moved is inserted and removed in one batch: a reader sees it once, here or
//! there.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use fjall::OwnedWriteBatch;
use manazir_ingest::Error;
use manazir_ingest::lake::chunk as columns;
use manazir_ingest::lake::compact::{CompactConfig, Compacted, cut, joins, merged};
use manazir_ingest::lake::days::{DayChange, day_of, span};
use manazir_model::{JudgedSample, Timestamp};

use super::days::change_days;
use super::keys::{chunk, head, head_from, read_chunk, read_row};
use super::{EmbeddedLake, Parts};

/// Bytes of a batch from which on it is committed.
const BATCH_BYTES: usize = 4 << 20;

impl EmbeddedLake {
    /// Moves what is due at `now` out of the head. It takes as long as it takes: call it from a thread that may
    /// wait.
    pub fn compact(&self, now: Timestamp, config: &CompactConfig) -> Result<Compacted, Error> {
        let _alone = self.parts.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let mut moving = Moving::new(self);
        let mut next = Some(0);
        while let Some(from) = next {
            let Some((series, rows)) = self.parts.first_series(from, config.rows_max)? else { break };
            let oldest = rows.iter().map(|row| row.received_at).min().unwrap_or(now);
            let full = rows.len() == config.rows_max;
            if config.is_due(rows.len(), oldest, now) {
                moving.series(series, rows)?;
                if full {
                    // There are more rows of it: the batch must be there before they are read.
                    moving.commit()?;
                    continue;
                }
            }
            next = series.checked_add(1);
        }
        moving.commit()?;
        Ok(moving.compacted)
    }
}

impl Parts {
    /// The first series in the head from a number on, with its first rows.
    fn first_series(&self, from: u64, rows_max: usize) -> Result<Option<(u64, Vec<JudgedSample>)>, Error> {
        let mut first: Option<u64> = None;
        let mut rows = Vec::new();
        for entry in self.head.range(head_from(from, Timestamp(i64::MIN))..) {
            let (key, value) = entry.into_inner().map_err(Error::store)?;
            let (series, row) = read_row(&key, &value)?;
            if *first.get_or_insert(series) != series || rows.len() == rows_max {
                break;
            }
            rows.push(row);
        }
        Ok(first.map(|series| (series, rows)))
    }
}

/// A batch in the making.
struct Moving<'l> {
    lake: &'l EmbeddedLake,
    batch: OwnedWriteBatch,
    bytes: usize,
    days: BTreeMap<i64, DayChange>,
    compacted: Compacted,
}

impl<'l> Moving<'l> {
    fn new(lake: &'l EmbeddedLake) -> Self {
        let batch = lake.database.batch();
        Self { lake, batch, bytes: 0, days: BTreeMap::new(), compacted: Compacted::default() }
    }

    fn commit(&mut self) -> Result<(), Error> {
        let mut batch = std::mem::replace(&mut self.batch, self.lake.database.batch());
        change_days(&self.lake.parts, &mut batch, &std::mem::take(&mut self.days))?;
        self.bytes = 0;
        batch.commit().map_err(Error::store)
    }

    /// Moves rows of one series, which come in the order of their event times.
    fn series(&mut self, series: u64, rows: Vec<JudgedSample>) -> Result<(), Error> {
        for of_day in rows.chunk_by(|one, other| day_of(one.at) == day_of(other.at)) {
            self.day(series, day_of(of_day[0].at), of_day)?;
        }
        if self.bytes >= BATCH_BYTES { self.commit() } else { Ok(()) }
    }

    fn day(&mut self, series: u64, day: i64, new: &[JudgedSample]) -> Result<(), Error> {
        let parts = &*self.lake.parts;
        let rows = merged(new.iter().cloned(), self.overlapping(series, day, new[0].at)?);
        for written in cut(&rows)? {
            let change = self.days.entry(day).or_default();
            change.rows += i64::from(written.rows);
            change.bytes += written.bytes.len() as i64;
            self.bytes += written.bytes.len();
            self.batch.insert(&parts.chunks, chunk(day, series, written.first), written.bytes);
            self.compacted.chunks += 1;
        }
        for row in new {
            self.batch.remove(&parts.head, head(series, row));
        }
        self.bytes += 64 * new.len();
        self.compacted.rows += new.len() as u64;
        Ok(())
    }

    /// The rows of the chunks that new rows from `from` on fall into or may join; they leave their chunks.
    fn overlapping(&mut self, series: u64, day: i64, from: Timestamp) -> Result<Vec<JudgedSample>, Error> {
        let parts = &*self.lake.parts;
        let (begin, end) = span(day);
        let before = parts.chunks.range(chunk(day, series, begin)..=chunk(day, series, from)).next_back();
        let after = parts.chunks.range(chunk(day, series, from)..=chunk(day, series, end));
        let mut rows = Vec::new();
        let mut seen = None;
        for entry in before.into_iter().chain(after) {
            let (key, bytes) = entry.into_inner().map_err(Error::store)?;
            // The chunk that begins at `from` is found twice.
            let first = read_chunk(&key)?.2;
            if seen == Some(first) {
                continue;
            }
            seen = Some(first);
            let about = columns::read_head(&bytes)?;
            if !joins(about.rows, about.last, from) {
                continue;
            }
            rows.extend(columns::read(&bytes)?);
            let change = self.days.entry(day).or_default();
            change.rows -= i64::from(about.rows);
            change.bytes -= bytes.len() as i64;
            self.batch.remove(&parts.chunks, key);
        }
        Ok(rows)
    }
}
