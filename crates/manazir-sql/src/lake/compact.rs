//! From the head into chunks: some series at a time, each time a transaction. What is moved is inserted and removed
//! by it: a reader sees it once, here or there. Workers only add to the head and wait for nothing of this.

use std::collections::{BTreeMap, HashMap};

use manazir_ingest::Error;
use manazir_ingest::lake::compact::{CompactConfig, Compacted, NewChunk, cut, joins, merged};
use manazir_ingest::lake::days::DayChange;
use manazir_ingest::lake::{chunk, row};
use manazir_model::{JudgedSample, Timestamp};
use sqlx::{Connection, PgConnection};

use super::keep::change_days;
use super::{day, within};
use crate::failure::failed;

/// Entries of the head that are looked through at once for what is due.
const LOOKED_THROUGH: i64 = 200_000;

/// Rows of the head, and series, that one transaction moves, unless a single series has more: less than a second's
/// work. Each series may bring the chunks of a day into memory.
const ROWS: i64 = 20_000;
const SERIES: usize = 64;

/// Day and series.
type Place = (i32, i64);

/// Moves what is due.
pub(super) async fn compact(
    connection: &mut PgConnection,
    now: Timestamp,
    config: &CompactConfig,
) -> Result<Compacted, Error> {
    let mut compacted = Compacted::default();
    let mut from = Some(i64::MIN);
    while let Some(first) = from {
        let mut waiting = waiting(connection, first).await.map_err(failed)?;
        let looked_through: i64 = waiting.iter().map(|series| series.rows).sum();
        from = if looked_through < LOOKED_THROUGH {
            None
        } else if waiting.len() > 1 {
            // Of the last one there may be more: it is looked at again.
            waiting.pop().map(|last| last.id)
        } else {
            waiting.first().and_then(|only| only.id.checked_add(1))
        };
        let is_due = |series: &Waiting| config.is_due(series.rows as usize, Timestamp(series.oldest), now);
        let due: Vec<Waiting> = waiting.into_iter().filter(is_due).collect();
        for series in batches(&due) {
            move_all(connection, series, config, &mut compacted).await.map_err(failed)?;
        }
    }
    Ok(compacted)
}

/// A series with rows in the head.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
struct Waiting {
    id: i64,
    rows: i64,
    oldest: i64,
}

/// Series of the head from a number on. Their rows are looked at in the index alone.
async fn waiting(connection: &mut PgConnection, from: i64) -> sqlx::Result<Vec<Waiting>> {
    const SELECT: &str = "SELECT series AS id, COUNT(*) AS rows, MIN(received_at) AS oldest FROM ( \
            SELECT series, received_at FROM lake_head WHERE series >= $1 \
            ORDER BY series, at, received_at, revision LIMIT $2 \
        ) AS head GROUP BY series ORDER BY series";
    sqlx::query_as(SELECT).bind(from).bind(LOOKED_THROUGH).fetch_all(connection).await
}

/// The numbers of series that are moved together.
fn batches(due: &[Waiting]) -> Vec<Vec<i64>> {
    let mut batches: Vec<Vec<i64>> = Vec::new();
    let mut room = 0;
    for series in due {
        match batches.last_mut() {
            Some(batch) if series.rows <= room && batch.len() < SERIES => batch.push(series.id),
            _ => {
                batches.push(vec![series.id]);
                room = ROWS;
            }
        }
        room -= series.rows;
    }
    batches
}

/// Moves all rows of some series, at most so many of each at a time.
async fn move_all(
    connection: &mut PgConnection,
    mut series: Vec<i64>,
    config: &CompactConfig,
    compacted: &mut Compacted,
) -> sqlx::Result<()> {
    while !series.is_empty() {
        let mut transaction = connection.begin().await?;
        let taken = take(&mut transaction, &series, config.rows_max).await?;
        series.retain(|id| taken.get(id).is_some_and(|rows| rows.len() == config.rows_max));
        compacted.rows += taken.values().map(|rows| rows.len() as u64).sum::<u64>();
        compacted.chunks += store(&mut transaction, taken).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Takes the first rows of series out of the head, in the order of their keys.
async fn take(
    transaction: &mut PgConnection,
    series: &[i64],
    rows_max: usize,
) -> sqlx::Result<BTreeMap<i64, Vec<JudgedSample>>> {
    type Row = (i64, i64, i64, i32, Vec<u8>);
    // By their places on disk, so that nothing but these rows is looked at, however large the head is.
    const TAKE: &str = "DELETE FROM lake_head WHERE ctid = ANY (ARRAY ( \
            SELECT first.place FROM UNNEST($1::BIGINT[]) AS due (id) CROSS JOIN LATERAL ( \
                SELECT ctid AS place FROM lake_head WHERE series = due.id \
                ORDER BY at, received_at, revision LIMIT $2 \
            ) AS first \
        )) RETURNING series, at, received_at, revision, sample";
    let rows: Vec<Row> =
        sqlx::query_as(TAKE).bind(series).bind(rows_max as i64).fetch_all(transaction).await?;
    let mut taken: BTreeMap<i64, Vec<JudgedSample>> = BTreeMap::new();
    for (id, at, received_at, revision, bytes) in rows {
        let key = (Timestamp(at), Timestamp(received_at), revision as u16);
        taken.entry(id).or_default().push(row::read(key, &bytes).map_err(within)?);
    }
    for rows in taken.values_mut() {
        rows.sort_by_key(|row| (row.at, row.received_at, row.revision));
    }
    Ok(taken)
}

/// Stores rows in chunks, with those of the chunks that they join; how many were written.
async fn store(transaction: &mut PgConnection, taken: BTreeMap<i64, Vec<JudgedSample>>) -> sqlx::Result<u64> {
    let mut moved: BTreeMap<Place, Vec<JudgedSample>> = BTreeMap::new();
    for (id, rows) in taken {
        for row in rows {
            moved.entry((day(row.at), id)).or_default().push(row);
        }
    }
    let mut days: BTreeMap<i32, DayChange> = BTreeMap::new();
    let mut joined = take_chunks(transaction, &moved, &mut days).await?;
    let mut chunks = Vec::new();
    for (place, new) in moved {
        let rows = merged(new, joined.remove(&place).unwrap_or_default());
        for written in cut(&rows).map_err(within)? {
            let change = days.entry(place.0).or_default();
            change.rows += i64::from(written.rows);
            change.bytes += written.bytes.len() as i64;
            chunks.push((place, written));
        }
    }
    insert(transaction, &chunks).await?;
    change_days(transaction, &days).await?;
    Ok(chunks.len() as u64)
}

/// Takes the chunks away that rows fall into or join, and gives their rows.
async fn take_chunks(
    transaction: &mut PgConnection,
    moved: &BTreeMap<Place, Vec<JudgedSample>>,
    days: &mut BTreeMap<i32, DayChange>,
) -> sqlx::Result<HashMap<Place, Vec<JudgedSample>>> {
    const TAKE: &str = "DELETE FROM lake_chunks AS held \
        USING UNNEST($1::INTEGER[], $2::BIGINT[], $3::BIGINT[]) AS joined (day, series, first_at) \
        WHERE held.day = joined.day AND held.series = joined.series AND held.first_at = joined.first_at \
        RETURNING held.day, held.series, held.rows, held.chunk";
    let joined = joined(transaction, moved).await?;
    let mut rows: HashMap<Place, Vec<JudgedSample>> = HashMap::new();
    if joined.is_empty() {
        return Ok(rows);
    }
    let taken: Vec<(i32, i64, i32, Vec<u8>)> = sqlx::query_as(TAKE)
        .bind(joined.iter().map(|((day, _), _)| *day).collect::<Vec<_>>())
        .bind(joined.iter().map(|((_, series), _)| *series).collect::<Vec<_>>())
        .bind(joined.iter().map(|(_, first)| *first).collect::<Vec<_>>())
        .fetch_all(transaction)
        .await?;
    for (day, series, count, bytes) in taken {
        let change = days.entry(day).or_default();
        change.rows -= i64::from(count);
        change.bytes -= bytes.len() as i64;
        rows.entry((day, series)).or_default().extend(chunk::read(&bytes).map_err(within)?);
    }
    Ok(rows)
}

/// The chunks that rows join, see [`joins`], each with its first event time.
async fn joined(
    transaction: &mut PgConnection,
    moved: &BTreeMap<Place, Vec<JudgedSample>>,
) -> sqlx::Result<Vec<(Place, i64)>> {
    const SELECT: &str = "SELECT held.day, held.series, held.first_at, held.last_at, held.rows, moved.begin \
        FROM UNNEST($1::INTEGER[], $2::BIGINT[], $3::BIGINT[]) AS moved (day, series, begin) \
        JOIN lake_chunks AS held ON held.day = moved.day AND held.series = moved.series \
            AND held.first_at >= COALESCE(( \
                SELECT MAX(first_at) FROM lake_chunks AS before \
                WHERE before.day = moved.day AND before.series = moved.series AND before.first_at <= moved.begin \
            ), moved.begin)";
    let begin = |rows: &Vec<JudgedSample>| rows.first().map_or(0, |row| row.at.micros());
    let near: Vec<(i32, i64, i64, i64, i32, i64)> = sqlx::query_as(SELECT)
        .bind(moved.keys().map(|(day, _)| *day).collect::<Vec<_>>())
        .bind(moved.keys().map(|(_, series)| *series).collect::<Vec<_>>())
        .bind(moved.values().map(begin).collect::<Vec<_>>())
        .fetch_all(transaction)
        .await?;
    let joins = |(.., last, rows, begin): &(i32, i64, i64, i64, i32, i64)| {
        joins(*rows as u32, Timestamp(*last), Timestamp(*begin))
    };
    Ok(near.into_iter().filter(joins).map(|(day, series, first, ..)| ((day, series), first)).collect())
}

async fn insert(transaction: &mut PgConnection, chunks: &[(Place, NewChunk)]) -> sqlx::Result<()> {
    const INSERT: &str = "INSERT INTO lake_chunks (day, series, first_at, last_at, rows, chunk) \
        SELECT * FROM UNNEST($1::INTEGER[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::INTEGER[], \
            $6::BYTEA[])";
    sqlx::query(INSERT)
        .bind(chunks.iter().map(|((day, _), _)| *day).collect::<Vec<_>>())
        .bind(chunks.iter().map(|((_, series), _)| *series).collect::<Vec<_>>())
        .bind(chunks.iter().map(|(_, chunk)| chunk.first.micros()).collect::<Vec<_>>())
        .bind(chunks.iter().map(|(_, chunk)| chunk.last.micros()).collect::<Vec<_>>())
        .bind(chunks.iter().map(|(_, chunk)| chunk.rows as i32).collect::<Vec<_>>())
        .bind(chunks.iter().map(|(_, chunk)| chunk.bytes.as_slice()).collect::<Vec<_>>())
        .execute(transaction)
        .await
        .map(drop)
}
