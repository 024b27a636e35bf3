//! The port of histories: the table as it was, and the findings behind it.

use async_trait::async_trait;
use manazir_model::Timestamp;
use manazir_rollup::history::cells::Cells;
use manazir_rollup::history::labels::Labels;
use manazir_rollup::history::segment::{Came, Counted, rows};
use manazir_rollup::history::spans::Spans;
use manazir_rollup::history::{
    Aside, AsideState, Head, Looked, Resolution, Span, SpanQuery, Status, Sums, TooMany, checkpoint, needed,
    touched,
};
use manazir_rollup::{AsOf, Error, History, Key, Row, Shape, Total};

use super::RollupTable;
use super::segments::{SEGMENT, damaged};
use super::{asides, labels};
use crate::statement::{Connection, Reading, Statement, signed, unsigned};

/// What was read for a table as of a time.
struct Read {
    /// True if cells are wanted: then all segments are there, and no checkpoint.
    cells: bool,
    checkpoint: Option<Vec<u8>>,
    segments: Vec<Vec<u8>>,
    labels: Labels,
}

#[async_trait]
impl History for RollupTable {
    async fn name(&self, keys: &[Key], now: Timestamp) -> Result<(), Error> {
        self.retried(|| labels::write(self, keys, now)).await
    }

    async fn as_of(&self, as_of: AsOf) -> Result<Vec<Total>, Error> {
        let read = self.retried(|| read(self, as_of)).await?;
        let shape = self.shape.clone();
        // Millions of findings may have to be added up.
        let added = tokio::task::spawn_blocking(move || table(&shape, &read, as_of));
        let added = added.await.map_err(|error| Error::Refused(self.who(), error.into()))?;
        added.map_err(|error| self.failed(error))
    }

    async fn series(&self, query: &SpanQuery) -> Result<Vec<Span>, Error> {
        let segments = self.retried(|| asked(self, query)).await?;
        let (shape, query) = (self.shape.clone(), query.clone());
        let added = tokio::task::spawn_blocking(move || spans(&shape, &query, &segments));
        let added = added.await.map_err(|error| Error::Refused(self.who(), error.into()))?;
        added.map_err(|error| self.failed(error))?.map_err(|why| Error::Refused(self.who(), why.into()))
    }

    async fn findings(&self, from: u64) -> Result<Vec<Row>, Error> {
        self.retried(|| findings(self, from)).await
    }

    async fn status(&self) -> Result<Status, Error> {
        self.retried(|| status(self)).await
    }

    async fn set_aside(&self, asides: &[Aside]) -> Result<u64, Error> {
        self.retried(|| asides::insert(self, asides)).await
    }

    async fn asides(&self, state: Option<AsideState>, after: u64, max: usize) -> Result<Vec<Aside>, Error> {
        self.retried(|| asides::read(self, state, after, max)).await
    }

    async fn resolve(&self, resolutions: &[Resolution]) -> Result<u64, Error> {
        self.retried(|| asides::resolve(self, resolutions)).await
    }
}

async fn heads(table: &RollupTable, connection: &mut Connection<'_>) -> sqlx::Result<Vec<Head>> {
    let select = Statement::new(
        "SELECT first, findings, at_min, at_max, known_min, known_max, has_totals FROM manazir_rollup_segment \
         WHERE rollup = ",
    );
    let select = select.text(table.layout.rollup.as_str()).then(" ORDER BY first");
    let rows = select.fetch_in::<(i64, i64, i64, i64, i64, i64, i64)>(connection).await?;
    let head = |(first, findings, at_min, at_max, known_min, known_max, has_totals)| Head {
        first: unsigned(first),
        findings: unsigned(findings),
        at: (Timestamp(at_min), Timestamp(at_max)),
        known_at: (Timestamp(known_min), Timestamp(known_max)),
        checkpoint: has_totals != 0,
    };
    Ok(rows.into_iter().map(head).collect())
}

async fn read(table: &RollupTable, as_of: AsOf) -> sqlx::Result<Read> {
    let mut reading = Reading::begin(&table.truth).await?;
    let mut connection = reading.connection();
    let heads = heads(table, &mut connection).await?;
    let cells = !table.shape.more().is_empty();
    let looked = if cells {
        Looked { checkpoint: None, segments: touched(&heads, as_of) }
    } else {
        needed(&heads, as_of)
    };
    let checkpoint = match looked.checkpoint {
        Some(first) => column(table, &mut connection, Column::Totals, &[first]).await?.pop(),
        None => None,
    };
    let segments = column(table, &mut connection, Column::Counted, &looked.segments).await?;
    Ok(Read { cells, checkpoint, segments, labels: labels::read(table, &mut connection).await? })
}

#[derive(Clone, Copy)]
enum Column {
    Totals,
    Counted,
}

/// A column of some segments.
async fn column(
    table: &RollupTable,
    connection: &mut Connection<'_>,
    column: Column,
    firsts: &[u64],
) -> sqlx::Result<Vec<Vec<u8>>> {
    let select = match column {
        Column::Totals => "SELECT totals FROM manazir_rollup_segment WHERE rollup = ",
        Column::Counted => "SELECT counted FROM manazir_rollup_segment WHERE rollup = ",
    };
    let firsts: Vec<serde_json::Value> = firsts.iter().map(|first| serde_json::json!([first])).collect();
    let select = Statement::new(select)
        .text(table.layout.rollup.as_str())
        .then(" AND first IN (SELECT CAST(value ->> 0 AS BIGINT)");
    let rows = table.over(select, &firsts).then(")").fetch_in::<(Vec<u8>,)>(connection).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

fn table(shape: &Shape, read: &Read, as_of: AsOf) -> sqlx::Result<Vec<Total>> {
    let mut sums = match &read.checkpoint {
        Some(bytes) => checkpoint::from_bytes(bytes).ok_or_else(|| damaged("a checkpoint"))?,
        None => Sums::new(shape.categories.len()),
    };
    let mut cells = Cells::new(shape.more());
    for bytes in &read.segments {
        let counted = Counted::from_bytes(bytes).ok_or_else(|| damaged(SEGMENT))?;
        sums.add(&counted, as_of);
        if read.cells {
            cells.add(&counted, as_of);
        }
    }
    Ok(sums.table(shape, &read.labels, &cells, as_of))
}

async fn asked(table: &RollupTable, query: &SpanQuery) -> sqlx::Result<Vec<Vec<u8>>> {
    let mut reading = Reading::begin(&table.truth).await?;
    let mut connection = reading.connection();
    let heads = heads(table, &mut connection).await?;
    let firsts: Vec<u64> = heads.iter().filter(|head| query.touches(head)).map(|head| head.first).collect();
    column(table, &mut connection, Column::Counted, &firsts).await
}

fn spans(shape: &Shape, query: &SpanQuery, segments: &[Vec<u8>]) -> sqlx::Result<Result<Vec<Span>, TooMany>> {
    let mut spans = Spans::new(query, &shape.categories);
    for bytes in segments {
        let counted = Counted::from_bytes(bytes).ok_or_else(|| damaged(SEGMENT))?;
        if let Err(why) = spans.add(&counted) {
            return Ok(Err(why));
        }
    }
    Ok(Ok(spans.finish()))
}

/// The findings of the segment in which the next one stands, from that one on.
async fn findings(table: &RollupTable, from: u64) -> sqlx::Result<Vec<Row>> {
    let select = Statement::new("SELECT first, counted, came FROM manazir_rollup_segment WHERE rollup = ")
        .text(table.layout.rollup.as_str())
        .then(" AND first <= ")
        .number(signed(from))
        .then(" ORDER BY first DESC LIMIT 1");
    let Some((first, counted, came)) = select.fetch::<(i64, Vec<u8>, Vec<u8>)>(&table.truth).await?.pop()
    else {
        return Ok(Vec::new());
    };
    let (counted, came) = (Counted::from_bytes(&counted), Came::from_bytes(&came));
    let found = counted.zip(came).and_then(|(counted, came)| rows(&counted, &came));
    let mut found = found.ok_or_else(|| damaged(SEGMENT))?;
    let known = usize::try_from(from - unsigned(first)).unwrap_or(usize::MAX);
    Ok(found.split_off(known.min(found.len())))
}

async fn status(table: &RollupTable) -> sqlx::Result<Status> {
    let mut reading = Reading::begin(&table.truth).await?;
    let mut connection = reading.connection();
    let heads = heads(table, &mut connection).await?;
    let (waiting, rejected) = asides::open(table, &mut connection).await?;
    Ok(Status { waiting, rejected, ..Status::of(&heads) })
}
