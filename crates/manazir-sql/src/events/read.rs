//! What was judged, and where the partitions stand.

use std::collections::HashMap;

use manazir_ingest::{Error, EventId, Judged, Message, Snapshot, Standing, Stored};
use manazir_model::{EventVerdict, Reason, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use crate::failure::failed;
use crate::text::{came, kept};

/// Models of a partition, unpacked, are not larger: more is no snapshot of ours.
const STATE_BYTES_MAX: usize = 1 << 30;

/// Asks for what [`of_row`] reads.
macro_rules! select_judged {
    ($from:literal) => {
        concat!(
            "SELECT source, id, partition, seq, received_at, at, request_id, actor, action, resources, score, anomaly, ",
            "reasons FROM events ",
            $from
        )
    };
}

pub(super) async fn judged(pool: &PgPool, ids: &[EventId]) -> Result<Vec<Option<Judged>>, Error> {
    const SELECT: &str =
        select_judged!("JOIN UNNEST($1::TEXT[], $2::TEXT[]) AS wanted (source, id) USING (source, id)");
    let rows = sqlx::query(SELECT)
        .bind(ids.iter().map(|id| kept(&id.source)).collect::<Vec<_>>())
        .bind(ids.iter().map(|id| kept(&id.id)).collect::<Vec<_>>())
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    let mut found: HashMap<EventId, Judged> = HashMap::with_capacity(rows.len());
    for row in rows {
        let judged = of_row(&row)?;
        found.insert(judged.id.clone(), judged);
    }
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

/// What was judged of a partition after a place.
pub(super) async fn events(
    pool: &PgPool,
    partition: u16,
    after: u64,
    max: usize,
) -> Result<Vec<Judged>, Error> {
    const SELECT: &str = select_judged!("WHERE partition = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    let rows = sqlx::query(SELECT)
        .bind(partition as i16)
        .bind(after as i64)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    rows.iter().map(of_row).collect()
}

pub(super) async fn store_name(pool: &PgPool) -> sqlx::Result<String> {
    sqlx::query_scalar("SELECT name FROM store").fetch_one(pool).await
}

fn of_row(row: &PgRow) -> Result<Judged, Error> {
    let id = EventId::new(text(row, "source")?, text(row, "id")?);
    let damaged = |error: serde_json::Error| Error::Damaged {
        what: format!("the event `{}` of `{}`", id.id, id.source),
        why: error.to_string(),
    };
    let reasons: Vec<Reason> = serde_json::from_str(&text(row, "reasons")?).map_err(damaged)?;
    let resources = serde_json::from_str(&text(row, "resources")?).map_err(damaged)?;
    Ok(Judged {
        partition: row.try_get::<i16, _>("partition").map_err(failed)? as u16,
        seq: number(row, "seq")? as u64,
        received_at: Timestamp(number(row, "received_at")?),
        event: Stored {
            at: Timestamp(number(row, "at")?),
            request_id: text(row, "request_id")?,
            actor: text(row, "actor")?,
            action: text(row, "action")?,
            resources,
        },
        verdict: EventVerdict {
            score: row.try_get("score").map_err(failed)?,
            anomaly: row.try_get("anomaly").map_err(failed)?,
            reasons,
        },
        id,
    })
}

fn text(row: &PgRow, column: &str) -> Result<String, Error> {
    row.try_get(column).map(came).map_err(failed)
}

fn number(row: &PgRow, column: &str) -> Result<i64, Error> {
    row.try_get(column).map_err(failed)
}

pub(super) async fn standing(pool: &PgPool, partition: u16) -> Result<Standing, Error> {
    const SELECT: &str = "SELECT applied_seq, snapshots.seq, state \
        FROM partitions LEFT JOIN snapshots ON snapshots.partition = partitions.id WHERE partitions.id = $1";
    let (applied, seq, packed): (i64, Option<i64>, Option<Vec<u8>>) =
        sqlx::query_as(SELECT).bind(partition as i16).fetch_one(pool).await.map_err(failed)?;
    let snapshot = match seq.zip(packed) {
        None => None,
        Some((seq, packed)) => {
            let state =
                zstd::bulk::decompress(&packed, capacity(&packed)).map_err(|error| Error::Damaged {
                    what: format!("the models of partition {partition}"),
                    why: error.to_string(),
                })?;
            Some(Snapshot { partition, seq: seq as u64, state })
        }
    };
    Ok(Standing { seq: applied as u64, snapshot })
}

/// The length of what is packed, which stands in its header.
fn capacity(packed: &[u8]) -> usize {
    let length = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    length
        .map_or(STATE_BYTES_MAX, |length| usize::try_from(length).unwrap_or(STATE_BYTES_MAX))
        .min(STATE_BYTES_MAX)
}

pub(super) async fn replay(
    pool: &PgPool,
    partition: u16,
    after: u64,
    max: usize,
) -> Result<Vec<(u64, Message)>, Error> {
    type Row = (i64, String, String, i64, String, Vec<u8>);
    const SELECT: &str = "SELECT seq, source, id, received_at, format, body FROM events \
        WHERE partition = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let rows: Vec<Row> = sqlx::query_as(SELECT)
        .bind(partition as i16)
        .bind(after as i64)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    let message = |(seq, source, id, received_at, format, body): Row| {
        let damaged = |why| Error::Damaged { what: format!("the event `{id}` of `{source}`"), why };
        let format = format.parse().map_err(damaged)?;
        let id = EventId { source: came(source), id: came(id) };
        let received_at = Timestamp(received_at);
        Ok((seq as u64, Message { format, partition, id, received_at, reply_to: None, body }))
    };
    rows.into_iter().map(message).collect()
}
