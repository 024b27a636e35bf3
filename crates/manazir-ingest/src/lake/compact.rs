//! Which rows of the head become which chunks.
//!
//! A series is moved when enough of its rows wait in the head, or when they have waited long enough. New rows join
//! the last chunk of their day while there is room in it; rows that came late join the chunk that their time
//! falls into. Chunks of a series and day never overlap: the one that begins last at or before a time is the only
//! one that may hold it.

use manazir_model::{Grain, JudgedSample, Timestamp};

use super::chunk;
use crate::Error;

/// When rows leave the head.
#[derive(Clone, Copy, Debug)]
pub struct CompactConfig {
    /// Rows of a series in the head from which on they are moved.
    pub rows: usize,
    /// Time after the arrival of the oldest from which on they are moved, however few there are.
    pub age_micros: i64,
    /// Most rows of one series that are held in memory at once.
    pub rows_max: usize,
}

impl Default for CompactConfig {
    fn default() -> Self {
        Self { rows: 1_024, age_micros: 6 * Grain::HOUR.micros(), rows_max: 16_384 }
    }
}

impl CompactConfig {
    /// True of a series with so many rows in the head, the oldest of which arrived then.
    pub fn is_due(&self, rows: usize, oldest: Timestamp, now: Timestamp) -> bool {
        rows >= self.rows || now.micros_since(oldest) >= self.age_micros
    }
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Rows that left the head.
    pub rows: u64,
    /// Chunks that were written.
    pub chunks: u64,
}

/// A chunk that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChunk {
    /// Event time of its first row.
    pub first: Timestamp,
    /// Event time of its last row.
    pub last: Timestamp,
    /// Rows in it.
    pub rows: u32,
    /// What [`chunk::write`] made of them.
    pub bytes: Vec<u8>,
}

/// True if rows that begin at `from` join a chunk of their series and day, which is the last one that begins at or
/// before `from`, or one that begins after it: its time is theirs, or there is room in it.
pub fn joins(rows: u32, last: Timestamp, from: Timestamp) -> bool {
    last >= from || (rows as usize) < chunk::ROWS_MAX
}

/// Rows in the order of their keys; of two under one key the newer one counts, as in the head.
pub fn merged(
    newer: impl IntoIterator<Item = JudgedSample>,
    older: impl IntoIterator<Item = JudgedSample>,
) -> Vec<JudgedSample> {
    // The newer ones first: the sort keeps equals in order.
    let mut rows: Vec<JudgedSample> = newer.into_iter().chain(older).collect();
    rows.sort_by_key(|row| (row.at, row.received_at, row.revision));
    rows.dedup_by_key(|row| (row.at, row.received_at, row.revision));
    rows
}

/// Cuts rows of one series and day, which come in the order of their keys, into chunks.
pub fn cut(mut rows: &[JudgedSample]) -> Result<Vec<NewChunk>, Error> {
    let mut chunks = Vec::new();
    while !rows.is_empty() {
        let mut end = rows.len().min(chunk::ROWS_MAX);
        while rows.get(end).is_some_and(|row| row.at == rows[end - 1].at) {
            end += 1;
        }
        let (these, rest) = rows.split_at(end);
        chunks.push(NewChunk {
            first: these[0].at,
            last: these[end - 1].at,
            rows: end as u32,
            bytes: chunk::write(these)?,
        });
        rows = rest;
    }
    Ok(chunks)
}
