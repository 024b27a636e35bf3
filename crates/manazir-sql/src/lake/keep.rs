//! The lake as its keeper sees it, who is one of any number of workers.
//!
//! All that the keeper does goes through one connection, which holds an advisory lock: whoever has the lock is the
//! keeper, and a keeper whose connection breaks can do nothing more. Days and chunks are changed by the keeper alone.

use std::collections::BTreeMap;

use async_trait::async_trait;
use manazir_ingest::Error;
use manazir_ingest::lake::chunk;
use manazir_ingest::lake::compact::{CompactConfig, Compacted};
use manazir_ingest::lake::days::{DayChange, DayTotal, Dropped, Retention, to_export};
use manazir_ingest::lake::keep::{DayChunk, Keeping, KeptLake};
use manazir_model::Timestamp;
use sqlx::PgConnection;

use super::{PostgresLake, compact, limit, signed, stored, unsigned};
use crate::failure::failed;

/// Held for as long as the connection lives. The numbers are "mani" and the first thing that is locked so.
const LOCK: &str = "SELECT pg_try_advisory_lock(1835101801, 1)";

/// Chunks that are removed by one statement.
const REMOVED_MAX: i64 = 5_000;

#[async_trait]
impl KeptLake for PostgresLake {
    async fn keep(&self) -> Result<Option<Box<dyn Keeping>>, Error> {
        // Not the pool's any more: the lock ends with the connection, which ends when the keeper is done.
        let mut connection = self.pool.acquire().await.map_err(failed)?.detach();
        let ours: bool = sqlx::query_scalar(LOCK).fetch_one(&mut connection).await.map_err(failed)?;
        Ok(ours.then(|| Box::new(Keeper { connection }) as Box<dyn Keeping>))
    }
}

struct Keeper {
    connection: PgConnection,
}

#[async_trait]
impl Keeping for Keeper {
    async fn compact(&mut self, now: Timestamp, config: &CompactConfig) -> Result<Compacted, Error> {
        compact::compact(&mut self.connection, now, config).await
    }

    async fn retain(&mut self, now: Timestamp, retention: &Retention) -> Result<Dropped, Error> {
        let days = self.totals().await?;
        let mut dropped = Dropped::default();
        for (day, total) in retention.must_go(&days, now) {
            self.drop_day(day).await.map_err(failed)?;
            dropped.add(day, &total);
        }
        if let Some(before) = dropped.before {
            let forget = sqlx::query("DELETE FROM lake_episodes WHERE start_at < $1").bind(before.micros());
            forget.execute(&mut self.connection).await.map_err(failed)?;
        }
        Ok(dropped)
    }

    async fn to_export(&mut self, now: Timestamp) -> Result<Vec<(i64, u64)>, Error> {
        Ok(to_export(&self.totals().await?, now))
    }

    async fn exported(&mut self, day: i64, version: u64) -> Result<(), Error> {
        const NOTE: &str = "UPDATE lake_days SET exported = $1 WHERE day = $2";
        let note = sqlx::query(NOTE).bind(version as i64).bind(day as i32);
        note.execute(&mut self.connection).await.map(drop).map_err(failed)
    }

    async fn chunks(
        &mut self,
        day: i64,
        after: Option<(u64, Timestamp)>,
        max: usize,
    ) -> Result<Vec<DayChunk>, Error> {
        type Row = (i64, i64, Option<Vec<u8>>, Vec<u8>);
        const SELECT: &str = "SELECT series, first_at, lake_series.key, chunk \
            FROM lake_chunks LEFT JOIN lake_series ON lake_series.id = series \
            WHERE day = $1 AND ($2 OR (series, first_at) > ($3, $4)) ORDER BY series, first_at LIMIT $5";
        let (series, first) = after.unwrap_or_default();
        let rows: Vec<Row> = sqlx::query_as(SELECT)
            .bind(day as i32)
            .bind(after.is_none())
            .bind(signed(series))
            .bind(first.micros())
            .bind(limit(max))
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed)?;
        rows.into_iter().map(read).collect()
    }
}

fn read((id, first, key, bytes): (i64, i64, Option<Vec<u8>>, Vec<u8>)) -> Result<DayChunk, Error> {
    let id = unsigned(id);
    let what = || format!("series {id}");
    let key = key.ok_or_else(|| Error::Damaged { what: what(), why: "it has no key".to_owned() })?;
    Ok(DayChunk { id, key: stored(&key, what)?, first: Timestamp(first), rows: chunk::read(&bytes)? })
}

impl Keeper {
    async fn totals(&mut self) -> Result<Vec<(i64, DayTotal)>, Error> {
        const SELECT: &str =
            "SELECT day, rows, bytes, version, exported, dropped FROM lake_days ORDER BY day";
        let rows: Vec<(i32, i64, i64, i64, i64, bool)> =
            sqlx::query_as(SELECT).fetch_all(&mut self.connection).await.map_err(failed)?;
        let total = |(day, rows, bytes, version, exported, dropped): (i32, i64, i64, i64, i64, bool)| {
            let total = DayTotal {
                rows: rows as u64,
                bytes: bytes as u64,
                version: version as u64,
                exported: exported as u64,
                dropped,
            };
            (i64::from(day), total)
        };
        Ok(rows.into_iter().map(total).collect())
    }

    /// Some chunks at a time, and the day's own entry last: dropping that was cut short is gone on with.
    async fn drop_day(&mut self, day: i64) -> sqlx::Result<()> {
        const DROP: &str = "DELETE FROM lake_chunks WHERE (day, series, first_at) IN ( \
            SELECT day, series, first_at FROM lake_chunks WHERE day = $1 ORDER BY series, first_at LIMIT $2)";
        let day = day as i32;
        loop {
            let drop = sqlx::query(DROP).bind(day).bind(REMOVED_MAX);
            if drop.execute(&mut self.connection).await?.rows_affected() == 0 {
                break;
            }
        }
        // See `DayTotal::emptied`.
        const EMPTIED: &str = "UPDATE lake_days SET rows = 0, bytes = 0, dropped = TRUE WHERE day = $1";
        sqlx::query(EMPTIED).bind(day).execute(&mut self.connection).await.map(drop)
    }
}

/// Adds the changes of days to their totals.
pub(super) async fn change_days(
    transaction: &mut PgConnection,
    changes: &BTreeMap<i32, DayChange>,
) -> sqlx::Result<()> {
    const CHANGE: &str = "INSERT INTO lake_days AS held (day, rows, bytes, version, exported) \
        SELECT day, rows, bytes, 1, 0 FROM UNNEST($1::INTEGER[], $2::BIGINT[], $3::BIGINT[]) \
            AS changed (day, rows, bytes) \
        ON CONFLICT (day) DO UPDATE SET rows = held.rows + EXCLUDED.rows, \
            bytes = held.bytes + EXCLUDED.bytes, version = held.version + 1";
    sqlx::query(CHANGE)
        .bind(changes.keys().copied().collect::<Vec<_>>())
        .bind(changes.values().map(|change| change.rows).collect::<Vec<_>>())
        .bind(changes.values().map(|change| change.bytes).collect::<Vec<_>>())
        .execute(transaction)
        .await
        .map(drop)
}
