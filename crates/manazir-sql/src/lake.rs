//! The lake on PostgreSQL, for any number of workers: samples with their verdicts, stored by the transaction of a
//! worker's batch.
//!
//! It is laid out as the embedded one: rows are appended to `lake_head` and moved into chunks by whoever keeps it.
//! Times, numbers and texts of a row that are not looked for are one value, in the formats of
//! [`manazir_ingest::lake`]. Every statement takes as many rows as there are.

mod append;
mod compact;
mod keep;
mod known;
mod read;
mod series;

use std::sync::Arc;

use async_trait::async_trait;
use manazir_ingest::lake::{KnownSeries, Lake, SampleQuery, SeriesFilter};
use manazir_ingest::{Error, Sampled};
use manazir_model::{JudgedSample, SeriesFinding, SeriesKey, SeriesRows, Timestamp};
use sqlx::PgPool;

use crate::Truth;
use crate::failure::failed;
pub(crate) use append::append;
pub(crate) use series::Numbers;

/// Clones share the connections, and what is known of series.
#[derive(Clone, Debug)]
pub struct PostgresLake {
    pool: PgPool,
    known: Arc<series::Known>,
}

impl PostgresLake {
    /// `None` unless the truth is PostgreSQL: alone with a file the embedded store keeps samples.
    pub fn new(truth: &Truth) -> Option<Self> {
        let Truth::Postgres(pool) = truth else { return None };
        Some(Self { pool: pool.clone(), known: Arc::default() })
    }

    /// The numbers of all series of what is to be stored. A series that is new gets its number at once, whatever
    /// becomes of its samples.
    pub(crate) async fn numbers(&self, sampled: &[&Sampled]) -> Result<Numbers, Error> {
        let keys = series::keys(sampled);
        self.known.numbers(&self.pool, keys).await
    }
}

#[async_trait]
impl Lake for PostgresLake {
    async fn append(&self, rows: &[SeriesRows], findings: &[SeriesFinding]) -> Result<(), Error> {
        let sampled = Sampled { rows: rows.to_vec(), findings: findings.to_vec() };
        let numbers = self.numbers(&[&sampled]).await?;
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        append(&mut transaction, &[&sampled], &numbers).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn samples(&self, query: &SampleQuery) -> Result<Vec<JudgedSample>, Error> {
        read::samples(&self.pool, query).await
    }

    async fn series(
        &self,
        filter: &SeriesFilter,
        after: Option<u64>,
        max: usize,
    ) -> Result<Vec<KnownSeries>, Error> {
        series::list(&self.pool, filter, after, max).await
    }

    async fn series_of(&self, id: u64) -> Result<Option<SeriesKey>, Error> {
        series::of(&self.pool, id).await
    }

    async fn episodes(
        &self,
        before: Option<(Timestamp, u64)>,
        max: usize,
    ) -> Result<Vec<SeriesFinding>, Error> {
        const SELECT: &str = "SELECT episode FROM lake_episodes WHERE (start_at, series) < ($1, $2) \
            ORDER BY start_at DESC, series DESC LIMIT $3";
        let (start_at, series) = before.unwrap_or((Timestamp(i64::MAX), u64::MAX));
        let rows: Vec<(Vec<u8>,)> = sqlx::query_as(SELECT)
            .bind(start_at.micros())
            .bind(signed(series))
            .bind(limit(max))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(|(episode,)| stored(episode, || "an episode".to_owned())).collect()
    }
}

/// How a number of a series is kept: PostgreSQL knows signed ones, in the same order.
fn signed(id: u64) -> i64 {
    (id ^ (1 << 63)).cast_signed()
}

/// See [`signed`].
fn unsigned(id: i64) -> u64 {
    id.cast_unsigned() ^ (1 << 63)
}

/// A day as it is kept: every event time that a timestamp can hold falls into one of these.
fn day(at: Timestamp) -> i32 {
    manazir_ingest::lake::days::day_of(at) as i32
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// Reads what was written as postcard.
fn stored<T: serde::de::DeserializeOwned>(bytes: &[u8], what: impl FnOnce() -> String) -> Result<T, Error> {
    postcard::from_bytes(bytes).map_err(|error| Error::Damaged { what: what(), why: error.to_string() })
}

/// An error of ours on its way through a transaction.
fn within(error: Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
