//! The days of the lake: how much is in each, which are to be exported, and which must go.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use fjall::OwnedWriteBatch;
use manazir_ingest::Error;
use manazir_model::{JudgedSample, SeriesKey, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys::{chunk, day as day_key, day_of, read_chunk, read_day};
use super::{EmbeddedLake, Parts, chunk as columns};
use crate::codec;

/// Keys that are removed in one batch.
const REMOVED_MAX: usize = 10_000;

/// What the chunks of a day hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Total {
    rows: u64,
    bytes: u64,
    /// Grows with every change.
    version: u64,
    /// The version that was exported last; 0 before the first.
    exported: u64,
}

/// What changed in the chunks of a day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) rows: i64,
    pub(super) bytes: i64,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Days that are kept, today among them.
    pub days: u32,
    /// Bytes of all chunks; of more, the oldest days go.
    pub disk_bytes_max: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 400, disk_bytes_max: 20 << 30 }
    }
}

/// What was dropped, oldest first, for whoever logs and counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Whole days.
    pub days: u64,
    /// Samples in them.
    pub rows: u64,
    /// Bytes of their chunks.
    pub bytes: u64,
    /// Nothing before this event time is kept now.
    pub before: Option<Timestamp>,
}

/// Adds the changes of days to a batch.
pub(super) fn change_days(
    parts: &Parts,
    batch: &mut OwnedWriteBatch,
    changes: &BTreeMap<i64, Change>,
) -> Result<(), Error> {
    for (&day, change) in changes {
        let mut total = total(parts, day)?;
        total.rows = total.rows.saturating_add_signed(change.rows);
        total.bytes = total.bytes.saturating_add_signed(change.bytes);
        total.version += 1;
        batch.insert(&parts.days, day_key(day), codec::write(&total)?);
    }
    Ok(())
}

fn total(parts: &Parts, day: i64) -> Result<Total, Error> {
    let total = parts.days.get(day_key(day)).map_err(Error::store)?;
    total.map_or(Ok(Total::default()), |total| codec::read(&total, || format!("day {day} of the lake")))
}

impl EmbeddedLake {
    /// Drops days that are too old, then the oldest ones until the rest fits; never today.
    pub fn retain(&self, now: Timestamp, retention: &Retention) -> Result<Dropped, Error> {
        let _alone = self.parts.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let days = self.totals()?;
        let mut left: u64 = days.iter().map(|(_, total)| total.bytes).sum();
        let today = day_of(now);
        let oldest = today.saturating_sub(i64::from(retention.days.max(1)) - 1);
        let mut dropped = Dropped::default();
        for (day, total) in days {
            let must_go = day < oldest || left > retention.disk_bytes_max;
            if !must_go || day >= today {
                break;
            }
            self.drop_day(day)?;
            left -= total.bytes;
            dropped.days += 1;
            dropped.rows += total.rows;
            dropped.bytes += total.bytes;
            dropped.before = Some(super::read::span(day + 1).0);
        }
        Ok(dropped)
    }

    /// Bytes of all chunks.
    pub fn chunk_bytes(&self) -> Result<u64, Error> {
        Ok(self.totals()?.iter().map(|(_, total)| total.bytes).sum())
    }

    /// Closed days that have changed since they were exported, and the version to be told to
    /// [`EmbeddedLake::exported`].
    pub fn to_export(&self, now: Timestamp) -> Result<Vec<(i64, u64)>, Error> {
        let closed = self
            .totals()?
            .into_iter()
            .filter(|(day, total)| *day < day_of(now) && total.rows > 0 && total.version != total.exported);
        Ok(closed.map(|(day, total)| (day, total.version)).collect())
    }

    /// Notes that a day was exported as it was in this version.
    pub fn exported(&self, day: i64, version: u64) -> Result<(), Error> {
        let _alone = self.parts.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let total = Total { exported: version, ..total(&self.parts, day)? };
        self.parts.days.insert(day_key(day), codec::write(&total)?).map_err(Error::store)
    }

    /// The chunks of a day, by number of series and time: the series of each, and its rows.
    pub fn day(
        &self,
        day: i64,
    ) -> impl Iterator<Item = Result<(u64, SeriesKey, Vec<JudgedSample>), Error>> + '_ {
        let range = chunk(day, 0, Timestamp(i64::MIN))..=chunk(day, u64::MAX, Timestamp(i64::MAX));
        self.parts.chunks.range(range).map(|entry| {
            let (key, bytes) = entry.into_inner().map_err(Error::store)?;
            let (_, id, _) = read_chunk(&key)?;
            let series = self.parts.series.get(id.to_be_bytes()).map_err(Error::store)?;
            let missing = || Error::Damaged { what: format!("series {id}"), why: "it has no key".to_owned() };
            let series = codec::read(&series.ok_or_else(missing)?, || format!("series {id}"))?;
            Ok((id, series, columns::read(&bytes)?))
        })
    }

    fn totals(&self) -> Result<Vec<(i64, Total)>, Error> {
        let days = self.parts.days.iter().map(|entry| {
            let (key, total) = entry.into_inner().map_err(Error::store)?;
            let day = read_day(&key);
            Ok((day, codec::read(&total, || format!("day {day} of the lake"))?))
        });
        days.collect()
    }

    /// Chunk by chunk, and the day's own entry last: dropping that was cut short is gone on with.
    fn drop_day(&self, day: i64) -> Result<(), Error> {
        let range = chunk(day, 0, Timestamp(i64::MIN))..=chunk(day, u64::MAX, Timestamp(i64::MAX));
        loop {
            let mut batch = self.database.batch();
            for entry in self.parts.chunks.range(range.clone()).take(REMOVED_MAX) {
                batch.remove(&self.parts.chunks, entry.key().map_err(Error::store)?);
            }
            if batch.is_empty() {
                break;
            }
            batch.commit().map_err(Error::store)?;
        }
        self.parts.days.remove(day_key(day)).map_err(Error::store)
    }
}
