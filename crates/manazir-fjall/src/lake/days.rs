//! The days of the lake, as they are kept here.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::sync::PoisonError;

use fjall::{Keyspace, OwnedWriteBatch};
use manazir_ingest::Error;
use manazir_ingest::lake::chunk as columns;
use manazir_ingest::lake::days::{DayChange, DayTotal, Dropped, Retention, to_export};
use manazir_ingest::lake::keep::DayChunk;
use manazir_model::Timestamp;

use super::keys::{chunk, day as day_key, episode, read_chunk, read_day};
use super::{EmbeddedLake, Parts};
use crate::codec;

/// Keys that are removed in one batch.
const REMOVED_MAX: usize = 10_000;

/// Adds the changes of days to a batch.
pub(super) fn change_days(
    parts: &Parts,
    batch: &mut OwnedWriteBatch,
    changes: &BTreeMap<i64, DayChange>,
) -> Result<(), Error> {
    for (&day, &change) in changes {
        let total = total(parts, day)?.changed(change);
        batch.insert(&parts.days, day_key(day), codec::write(&total)?);
    }
    Ok(())
}

fn total(parts: &Parts, day: i64) -> Result<DayTotal, Error> {
    let total = parts.days.get(day_key(day)).map_err(Error::store)?;
    total.map_or(Ok(DayTotal::default()), |total| codec::read(&total, || format!("day {day} of the lake")))
}

impl EmbeddedLake {
    /// Drops days that are too old, then the oldest ones until the rest fits; never today.
    pub fn retain(&self, now: Timestamp, retention: &Retention) -> Result<Dropped, Error> {
        let _alone = self.parts.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let days = self.totals()?;
        let mut dropped = Dropped::default();
        for (day, total) in retention.must_go(&days, now) {
            self.drop_day(day, total)?;
            dropped.add(day, &total);
        }
        if let Some(before) = dropped.before {
            self.drop_episodes(before)?;
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
        Ok(to_export(&self.totals()?, now))
    }

    /// Notes that a day was exported as it was in this version.
    pub fn exported(&self, day: i64, version: u64) -> Result<(), Error> {
        let _alone = self.parts.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        let total = DayTotal { exported: version, ..total(&self.parts, day)? };
        self.parts.days.insert(day_key(day), codec::write(&total)?).map_err(Error::store)
    }

    /// Chunks of a day by number of series and time, those after one that was read before, at most `max`.
    pub fn chunks(
        &self,
        day: i64,
        after: Option<(u64, Timestamp)>,
        max: usize,
    ) -> Result<Vec<DayChunk>, Error> {
        let first = after.map_or(Bound::Included(chunk(day, 0, Timestamp(i64::MIN))), |(series, first)| {
            Bound::Excluded(chunk(day, series, first))
        });
        let last = Bound::Included(chunk(day, u64::MAX, Timestamp(i64::MAX)));
        let chunks = self.parts.chunks.range((first, last)).take(max).map(|entry| {
            let (key, bytes) = entry.into_inner().map_err(Error::store)?;
            let (_, id, first) = read_chunk(&key)?;
            let series = self.parts.series.get(id.to_be_bytes()).map_err(Error::store)?;
            let missing = || Error::Damaged { what: format!("series {id}"), why: "it has no key".to_owned() };
            let key = codec::read(&series.ok_or_else(missing)?, || format!("series {id}"))?;
            Ok(DayChunk { id, key, first, rows: columns::read(&bytes)? })
        });
        chunks.collect()
    }

    fn totals(&self) -> Result<Vec<(i64, DayTotal)>, Error> {
        let days = self.parts.days.iter().map(|entry| {
            let (key, total) = entry.into_inner().map_err(Error::store)?;
            let day = read_day(&key);
            Ok((day, codec::read(&total, || format!("day {day} of the lake"))?))
        });
        days.collect()
    }

    /// Chunk by chunk, and the day's own entry last: dropping that was cut short is gone on with.
    fn drop_day(&self, day: i64, total: DayTotal) -> Result<(), Error> {
        let range = chunk(day, 0, Timestamp(i64::MIN))..=chunk(day, u64::MAX, Timestamp(i64::MAX));
        self.remove(&self.parts.chunks, &range)?;
        self.parts.days.insert(day_key(day), codec::write(&total.emptied())?).map_err(Error::store)
    }

    /// Those that began before a time.
    fn drop_episodes(&self, before: Timestamp) -> Result<(), Error> {
        self.remove(&self.parts.episodes, &(..episode(before, 0)))
    }

    /// Removes what lies in a range, some of it at a time.
    fn remove<K: AsRef<[u8]>>(
        &self,
        keyspace: &Keyspace,
        range: &(impl RangeBounds<K> + Clone),
    ) -> Result<(), Error> {
        loop {
            let mut batch = self.database.batch();
            for entry in keyspace.range(range.clone()).take(REMOVED_MAX) {
                batch.remove(keyspace, entry.key().map_err(Error::store)?);
            }
            if batch.is_empty() {
                return Ok(());
            }
            batch.commit().map_err(Error::store)?;
        }
    }
}
