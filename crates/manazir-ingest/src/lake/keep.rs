//! The port of whoever keeps a lake in shape: rows move into chunks, old days go, closed days are read to be
//! exported.

use async_trait::async_trait;
use manazir_model::{JudgedSample, SeriesKey, Timestamp};

use super::Lake;
use super::compact::{CompactConfig, Compacted};
use super::days::{Dropped, Retention};
use crate::Error;

/// A lake that somebody has to keep.
#[async_trait]
pub trait KeptLake: Lake {
    /// The right to keep it, which one holds at a time, in this process or another, and until it is dropped. `None`
    /// while somebody else does.
    async fn keep(&self) -> Result<Option<Box<dyn Keeping>>, Error>;
}

/// A chunk as it is read to be exported.
#[derive(Clone, Debug)]
pub struct DayChunk {
    /// Number of its series.
    pub id: u64,
    /// The series.
    pub key: SeriesKey,
    /// Event time of its first row.
    pub first: Timestamp,
    /// Its rows.
    pub rows: Vec<JudgedSample>,
}

/// What the keeper does. Each may take as long as it takes, and compute: to be called from a thread that may wait.
/// Nothing of it makes those who append or read wait for long.
#[async_trait]
pub trait Keeping: Send {
    /// Moves what is due at `now` out of the head.
    async fn compact(&mut self, now: Timestamp, config: &CompactConfig) -> Result<Compacted, Error>;

    /// Drops what [`Retention`] says.
    async fn retain(&mut self, now: Timestamp, retention: &Retention) -> Result<Dropped, Error>;

    /// Closed days that have changed since they were exported, and the version to be told to [`Self::exported`].
    async fn to_export(&mut self, now: Timestamp) -> Result<Vec<(i64, u64)>, Error>;

    /// Notes that a day was exported as it was in this version.
    async fn exported(&mut self, day: i64, version: u64) -> Result<(), Error>;

    /// Chunks of a day by number of series and time, those after one that was read before, at most `max`.
    async fn chunks(
        &mut self,
        day: i64,
        after: Option<(u64, Timestamp)>,
        max: usize,
    ) -> Result<Vec<DayChunk>, Error>;
}
