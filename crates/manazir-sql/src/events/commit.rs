//! One batch, one transaction.

use std::borrow::Cow;
use std::collections::BTreeMap;

use manazir_ingest::{Commit, DeadLetter, Judged, Lease, Message, PARTITIONS, Places, Sampled, Snapshot};
use manazir_model::{GraphEvent, SeriesFinding, Timestamp};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::show::show;
use crate::event_graph;
use crate::lake::{Numbers, append};
use crate::statement::Connection;
use crate::text::kept;

/// Models are written often and read seldom: the fastest level.
const ZSTD_LEVEL: i32 = 1;

/// Stores what concerns partitions that are still held; gives the others. `numbers` has those of all series.
pub(super) async fn commit(
    pool: &PgPool,
    worker: &str,
    commit: &Commit<'_>,
    numbers: &Numbers,
) -> sqlx::Result<Vec<u16>> {
    let mut transaction = pool.begin().await?;
    let lost = lost(&mut transaction, worker, &commit.leases).await?;
    let kept = |partition: u16| !lost.contains(&partition);
    let judged: Vec<(&Judged, &Message)> = commit
        .judged
        .iter()
        .zip(commit.messages.iter().copied())
        .filter(|(judged, _)| kept(judged.partition))
        .collect();
    if !judged.is_empty() {
        insert_events(&mut transaction, &judged).await?;
    }
    for snapshot in commit.snapshots.iter().filter(|snapshot| kept(snapshot.partition)) {
        put_snapshot(&mut transaction, snapshot).await?;
    }
    let sampled: Vec<&Sampled> = commit
        .sampled
        .iter()
        .filter(|(partition, _)| kept(**partition))
        .map(|(_, sampled)| sampled)
        .collect();
    append(&mut transaction, &sampled, numbers).await?;
    let dead: Vec<&DeadLetter> = commit.dead.iter().filter(|dead| kept(dead.partition)).collect();
    let episodes: Vec<&SeriesFinding> = sampled.iter().flat_map(|sampled| &sampled.findings).collect();
    show(&mut transaction, judged.iter().map(|(judged, _)| *judged), episodes.into_iter(), &dead).await?;
    let happened = commit.happened.iter().filter(|(partition, _)| kept(**partition));
    let happened: Vec<GraphEvent> = happened.flat_map(|(_, events)| events).cloned().collect();
    event_graph::insert(&mut Connection::Postgres(&mut transaction), &happened).await?;
    let mut applied: BTreeMap<u16, u64> = BTreeMap::new();
    let places = judged.iter().map(|(judged, _)| (judged.partition, judged.seq));
    let dead = dead.iter().map(|dead| (dead.partition, dead.seq));
    for (partition, seq) in places.chain(dead) {
        let last = applied.entry(partition).or_default();
        *last = (*last).max(seq);
    }
    advance(&mut transaction, &applied).await?;
    transaction.commit().await?;
    Ok(lost)
}

/// Locks the partitions' rows, so that nobody takes over before the end, and compares their epochs.
async fn lost(transaction: &mut PgConnection, worker: &str, leases: &[Lease]) -> sqlx::Result<Vec<u16>> {
    // In the order of their numbers: two workers never wait for each other in a circle.
    const LOCK: &str = "SELECT id, epoch, owner FROM partitions WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let ids: Vec<i16> = leases.iter().map(|lease| lease.partition as i16).collect();
    let rows: Vec<(i16, i64, Option<String>)> = sqlx::query_as(LOCK).bind(ids).fetch_all(transaction).await?;
    let still_held = |lease: &Lease| {
        rows.iter().any(|(id, epoch, owner)| {
            *id as u16 == lease.partition && *epoch as u64 == lease.epoch && owner.as_deref() == Some(worker)
        })
    };
    Ok(leases.iter().filter(|lease| !still_held(lease)).map(|lease| lease.partition).collect())
}

async fn insert_events(transaction: &mut PgConnection, judged: &[(&Judged, &Message)]) -> sqlx::Result<()> {
    const INSERT: &str = "INSERT INTO events (source, id, partition, seq, received_at, at, request_id, actor, \
            action, resources, score, anomaly, reasons, format, body) \
        SELECT * FROM UNNEST($1::TEXT[], $2::TEXT[], $3::SMALLINT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[], \
            $7::TEXT[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::DOUBLE PRECISION[], $12::BOOLEAN[], \
            $13::TEXT[], $14::TEXT[], $15::BYTEA[]) \
        ON CONFLICT DO NOTHING";
    let column = |of: fn(&Judged) -> &str| {
        judged.iter().map(|(judged, _)| kept(of(judged))).collect::<Vec<Cow<'_, str>>>()
    };
    let number = |of: fn(&Judged) -> i64| judged.iter().map(|(judged, _)| of(judged)).collect::<Vec<i64>>();
    let json = |of: fn(&Judged) -> serde_json::Value| {
        judged.iter().map(|(judged, _)| of(judged).to_string()).collect::<Vec<String>>()
    };
    sqlx::query(INSERT)
        .bind(column(|judged| &judged.id.source))
        .bind(column(|judged| &judged.id.id))
        .bind(judged.iter().map(|(judged, _)| judged.partition as i16).collect::<Vec<_>>())
        .bind(number(|judged| judged.seq as i64))
        .bind(number(|judged| judged.received_at.micros()))
        .bind(number(|judged| judged.event.at.micros()))
        .bind(column(|judged| &judged.event.request_id))
        .bind(column(|judged| &judged.event.actor))
        .bind(column(|judged| &judged.event.action))
        .bind(json(|judged| json!(judged.event.resources)))
        .bind(judged.iter().map(|(judged, _)| judged.verdict.score).collect::<Vec<_>>())
        .bind(judged.iter().map(|(judged, _)| judged.verdict.anomaly).collect::<Vec<_>>())
        .bind(json(|judged| json!(judged.verdict.reasons)))
        .bind(judged.iter().map(|(_, message)| message.format.word()).collect::<Vec<_>>())
        .bind(judged.iter().map(|(_, message)| message.body.as_slice()).collect::<Vec<_>>())
        .execute(transaction)
        .await
        .map(drop)
}

async fn put_snapshot(transaction: &mut PgConnection, snapshot: &Snapshot) -> sqlx::Result<()> {
    const PUT: &str = "INSERT INTO snapshots (partition, seq, state) VALUES ($1, $2, $3) \
        ON CONFLICT (partition) DO UPDATE SET seq = EXCLUDED.seq, state = EXCLUDED.state \
        WHERE snapshots.seq <= EXCLUDED.seq";
    let packed = zstd::bulk::compress(&snapshot.state, ZSTD_LEVEL).map_err(sqlx::Error::Io)?;
    sqlx::query(PUT)
        .bind(snapshot.partition as i16)
        .bind(snapshot.seq as i64)
        .bind(packed)
        .execute(transaction)
        .await
        .map(drop)
}

async fn advance(transaction: &mut PgConnection, applied: &BTreeMap<u16, u64>) -> sqlx::Result<()> {
    const ADVANCE: &str = "UPDATE partitions \
        SET applied_seq = GREATEST(applied_seq, done.seq), failures = 0, suspect_source = NULL, suspect_id = NULL \
        FROM UNNEST($1::SMALLINT[], $2::BIGINT[]) AS done (id, seq) WHERE partitions.id = done.id";
    sqlx::query(ADVANCE)
        .bind(applied.keys().map(|&partition| partition as i16).collect::<Vec<_>>())
        .bind(applied.values().map(|&seq| seq as i64).collect::<Vec<_>>())
        .execute(transaction)
        .await
        .map(drop)
}

/// Removes events that arrived before a time and that no restart needs, up to `until` if that is given. Workers that do
/// so at once take different ones.
pub(super) async fn forget(
    pool: &PgPool,
    before: Timestamp,
    until: Option<&Places>,
    max: usize,
) -> sqlx::Result<u64> {
    const FORGET: &str = "DELETE FROM events WHERE (source, id) IN (SELECT events.source, events.id \
        FROM events JOIN snapshots ON snapshots.partition = events.partition AND events.seq <= snapshots.seq \
        JOIN UNNEST($3::SMALLINT[], $4::BIGINT[]) AS until (partition, seq) \
            ON until.partition = events.partition AND events.seq <= until.seq \
        WHERE events.received_at < $1 ORDER BY events.received_at LIMIT $2 FOR UPDATE OF events SKIP LOCKED)";
    let (partitions, last): (Vec<i16>, Vec<i64>) = match until {
        Some(until) => until.iter().map(|(&partition, &seq)| (partition as i16, seq as i64)).unzip(),
        None => (0..PARTITIONS).map(|partition| (partition as i16, i64::MAX)).unzip(),
    };
    let done = sqlx::query(FORGET)
        .bind(before.micros())
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .bind(partitions)
        .bind(last)
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}

/// Empties bodies of samples that are in the models as they were last written down. A worker that lost its
/// partition, and reads behind a newer snapshot than it knows, may find an empty one: it learns nothing by it, and
/// nothing of what it then commits is taken.
pub(super) async fn trim(pool: &PgPool, max: usize) -> sqlx::Result<u64> {
    const TRIM: &str = "UPDATE events SET body = '' WHERE (source, id) IN (SELECT events.source, events.id \
        FROM events JOIN snapshots ON snapshots.partition = events.partition AND events.seq <= snapshots.seq \
        WHERE events.format = 'samples' AND events.body <> '' LIMIT $1 FOR UPDATE OF events SKIP LOCKED)";
    let done = sqlx::query(TRIM).bind(i64::try_from(max).unwrap_or(i64::MAX)).execute(pool).await?;
    Ok(done.rows_affected())
}
