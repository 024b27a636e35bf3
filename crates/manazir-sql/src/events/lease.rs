//! Who holds which partition.
//!
//! Each worker is entitled to its share, 64 through the number of live workers, rounded up. It takes what is
//! free, and what was not renewed in time, up to the share, and is asked to give back what it holds beyond it.

use std::time::Duration;

use manazir_ingest::{EventId, Held, Lease, PARTITIONS};
use sqlx::{PgConnection, PgPool};

use crate::text::{came, kept};

/// Microseconds by the clock of the database, which all workers share.
const NOW: &str = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT";

pub(super) async fn renew(pool: &PgPool, worker: &str, lease: Duration) -> sqlx::Result<Held> {
    let lease = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX / 2);
    let mut transaction = pool.begin().await?;
    let now: i64 = sqlx::query_scalar(NOW).fetch_one(&mut *transaction).await?;
    let share = share(&mut transaction, worker, now, lease).await?;
    let renewed = sqlx::query("UPDATE partitions SET lease_until = $1 WHERE owner = $2")
        .bind(now + lease)
        .bind(worker)
        .execute(&mut *transaction)
        .await?;
    let missing = share.saturating_sub(renewed.rows_affected() as usize);
    if missing > 0 {
        take(&mut transaction, worker, now, lease, missing).await?;
    }
    let leases = held(&mut transaction, worker).await?;
    transaction.commit().await?;
    let asked_back = leases.iter().skip(share).map(|lease| lease.partition).collect();
    Ok(Held { leases, asked_back })
}

/// How many partitions this worker is entitled to.
async fn share(transaction: &mut PgConnection, worker: &str, now: i64, lease: i64) -> sqlx::Result<usize> {
    const SEEN: &str = "INSERT INTO workers (id, seen_at) VALUES ($1, $2) \
        ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at";
    sqlx::query(SEEN).bind(worker).bind(now).execute(&mut *transaction).await?;
    sqlx::query("DELETE FROM workers WHERE seen_at <= $1 AND id <> $2")
        .bind(now - lease)
        .bind(worker)
        .execute(&mut *transaction)
        .await?;
    let workers: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM workers").fetch_one(&mut *transaction).await?;
    Ok(usize::from(PARTITIONS).div_ceil(usize::try_from(workers).unwrap_or(1).max(1)))
}

async fn take(
    transaction: &mut PgConnection,
    worker: &str,
    now: i64,
    lease: i64,
    count: usize,
) -> sqlx::Result<()> {
    // A takeover at the place where the last one began is a failure of the last one.
    const TAKE: &str = "UPDATE partitions SET owner = $1, epoch = epoch + 1, lease_until = $2, \
            failures = CASE WHEN begun_seq = applied_seq THEN failures + 1 ELSE 0 END, begun_seq = applied_seq \
        WHERE id IN (SELECT id FROM partitions \
            WHERE owner IS NULL OR (owner <> $1 AND lease_until <= $3) \
            ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED)";
    sqlx::query(TAKE)
        .bind(worker)
        .bind(now + lease)
        .bind(now)
        .bind(count as i64)
        .execute(transaction)
        .await
        .map(drop)
}

async fn held(transaction: &mut PgConnection, worker: &str) -> sqlx::Result<Vec<Lease>> {
    type Row = (i16, i64, i32, Option<String>, Option<String>);
    const HELD: &str = "SELECT id, epoch, failures, suspect_source, suspect_id \
        FROM partitions WHERE owner = $1 ORDER BY id";
    let rows: Vec<Row> = sqlx::query_as(HELD).bind(worker).fetch_all(transaction).await?;
    let lease = |(partition, epoch, failures, source, id): Row| Lease {
        partition: partition as u16,
        epoch: epoch as u64,
        failures: failures as u32,
        suspect: source.zip(id).map(|(source, id)| EventId { source: came(source), id: came(id) }),
    };
    Ok(rows.into_iter().map(lease).collect())
}

pub(super) async fn release(pool: &PgPool, worker: &str, leases: &[Lease]) -> sqlx::Result<()> {
    const RELEASE: &str = "UPDATE partitions SET owner = NULL, begun_seq = NULL, failures = 0 \
        FROM UNNEST($1::SMALLINT[], $2::BIGINT[]) AS given (id, epoch) \
        WHERE partitions.id = given.id AND partitions.epoch = given.epoch";
    let mut transaction = pool.begin().await?;
    sqlx::query(RELEASE)
        .bind(leases.iter().map(|lease| lease.partition as i16).collect::<Vec<_>>())
        .bind(leases.iter().map(|lease| lease.epoch as i64).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
    // A worker that has nothing left counts no more: what it gave is for the others.
    const GONE: &str = "DELETE FROM workers WHERE id = $1 \
        AND NOT EXISTS (SELECT 1 FROM partitions WHERE owner = $1)";
    sqlx::query(GONE).bind(worker).execute(&mut *transaction).await?;
    transaction.commit().await
}

pub(super) async fn suspect(pool: &PgPool, lease: &Lease, id: &EventId) -> sqlx::Result<()> {
    const SUSPECT: &str = "UPDATE partitions SET suspect_source = $1, suspect_id = $2 \
        WHERE id = $3 AND epoch = $4";
    sqlx::query(SUSPECT)
        .bind(kept(&id.source))
        .bind(kept(&id.id))
        .bind(lease.partition as i16)
        .bind(lease.epoch as i64)
        .execute(pool)
        .await
        .map(drop)
}
