//! The embedded lake as its keeper sees it.

use async_trait::async_trait;
use manazir_ingest::Error;
use manazir_ingest::lake::compact::{CompactConfig, Compacted};
use manazir_ingest::lake::days::{Dropped, Retention};
use manazir_ingest::lake::keep::{DayChunk, Keeping, KeptLake};
use manazir_model::Timestamp;

use super::EmbeddedLake;

#[async_trait]
impl KeptLake for EmbeddedLake {
    /// The store is held by one process, in which callers take turns: nobody is refused.
    async fn keep(&self) -> Result<Option<Box<dyn Keeping>>, Error> {
        Ok(Some(Box::new(self.clone())))
    }
}

#[async_trait]
impl Keeping for EmbeddedLake {
    async fn compact(&mut self, now: Timestamp, config: &CompactConfig) -> Result<Compacted, Error> {
        Self::compact(self, now, config)
    }

    async fn retain(&mut self, now: Timestamp, retention: &Retention) -> Result<Dropped, Error> {
        Self::retain(self, now, retention)
    }

    async fn to_export(&mut self, now: Timestamp) -> Result<Vec<(i64, u64)>, Error> {
        Self::to_export(self, now)
    }

    async fn exported(&mut self, day: i64, version: u64) -> Result<(), Error> {
        Self::exported(self, day, version)
    }

    async fn chunks(
        &mut self,
        day: i64,
        after: Option<(u64, Timestamp)>,
        max: usize,
    ) -> Result<Vec<DayChunk>, Error> {
        Self::chunks(self, day, after, max)
    }
}
