//! Reading samples: the chunks of each day and the head, through one snapshot.

use manazir_ingest::Error;
use manazir_ingest::lake::compact::merged;
use manazir_ingest::lake::days::span;
use manazir_ingest::lake::{SampleQuery, chunk, row, told};
use manazir_model::{JudgedSample, Timestamp};
use sqlx::{PgConnection, PgPool};

use super::{day, signed};
use crate::failure::failed;

/// Event times that one query reads at most; a reader goes on from the last.
const TIMES_MAX: usize = 100_000;

/// See [`manazir_ingest::lake::Lake::samples`].
pub(super) async fn samples(pool: &PgPool, query: &SampleQuery) -> Result<Vec<JudgedSample>, Error> {
    if query.from >= query.until {
        return Ok(Vec::new());
    }
    let mut snapshot =
        pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await.map_err(failed)?;
    let max = query.max.min(TIMES_MAX);
    let mut days = &days(&mut snapshot, query).await.map_err(failed)?[..];
    let mut found: Vec<JudgedSample> = Vec::new();
    let mut times = 0;
    while times < max && !days.is_empty() {
        let (these, later) = days.split_at(enough(days, max - times));
        days = later;
        let rows = rows_of(&mut snapshot, query, these).await?;
        let of_days = told(rows, &SampleQuery { max: max - times, ..*query });
        times += of_days.chunk_by(|one, other| one.at == other.at).count();
        found.extend(of_days);
    }
    // What was read is there whether it ends well or not.
    let _ = snapshot.rollback().await;
    Ok(found)
}

/// How many of the days are read at once: as few as may hold so many rows, and one at least.
fn enough(days: &[(i32, i64)], rows: usize) -> usize {
    let mut held = 0;
    let full = days.iter().position(|(_, rows_of_day)| {
        held += usize::try_from(*rows_of_day).unwrap_or_default();
        held >= rows
    });
    full.map_or(days.len(), |last| last + 1)
}

/// The days that may hold what is asked for, in their order, each with how many rows at most.
async fn days(snapshot: &mut PgConnection, query: &SampleQuery) -> sqlx::Result<Vec<(i32, i64)>> {
    const SELECT: &str = "SELECT day, SUM(rows)::BIGINT FROM ( \
            SELECT day, rows FROM lake_chunks \
            WHERE day IN (SELECT day FROM lake_days WHERE day BETWEEN $4 AND $5) AND series = $1 \
                AND last_at >= $2 AND first_at < $3 \
            UNION ALL \
            SELECT FLOOR(at::NUMERIC / 86400000000)::INTEGER, COUNT(*) FROM lake_head \
            WHERE series = $1 AND at >= $2 AND at < $3 GROUP BY 1 \
        ) AS held (day, rows) GROUP BY day ORDER BY day";
    let last = Timestamp(query.until.micros().saturating_sub(1));
    sqlx::query_as(SELECT)
        .bind(signed(query.series))
        .bind(query.from.micros())
        .bind(query.until.micros())
        .bind(day(query.from))
        .bind(day(last))
        .fetch_all(snapshot)
        .await
}

/// All rows of days that follow each other, as far as they are asked for.
async fn rows_of(
    snapshot: &mut PgConnection,
    query: &SampleQuery,
    days: &[(i32, i64)],
) -> Result<Vec<JudgedSample>, Error> {
    const CHUNKS: &str = "SELECT chunk FROM lake_chunks \
        WHERE day = ANY($1) AND series = $2 AND last_at >= $3 AND first_at <= $4";
    const HEAD: &str = "SELECT at, received_at, revision, sample FROM lake_head \
        WHERE series = $1 AND at BETWEEN $2 AND $3";
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Vec::new()) };
    let from = query.from.max(span(first.0.into()).0).micros();
    let until = span(last.0.into()).1.micros().min(query.until.micros().saturating_sub(1));
    let chunks: Vec<(Vec<u8>,)> = sqlx::query_as(CHUNKS)
        .bind(days.iter().map(|(day, _)| *day).collect::<Vec<_>>())
        .bind(signed(query.series))
        .bind(from)
        .bind(until)
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
    let head: Vec<(i64, i64, i32, Vec<u8>)> = sqlx::query_as(HEAD)
        .bind(signed(query.series))
        .bind(from)
        .bind(until)
        .fetch_all(snapshot)
        .await
        .map_err(failed)?;
    let head = head.iter().map(|(at, received_at, revision, bytes)| {
        row::read((Timestamp(*at), Timestamp(*received_at), *revision as u16), bytes)
    });
    let head = head.collect::<Result<Vec<_>, Error>>()?;
    let chunks = chunks.iter().map(|(bytes,)| chunk::read(bytes)).collect::<Result<Vec<_>, Error>>()?;
    Ok(merged(head, chunks.into_iter().flatten()))
}
