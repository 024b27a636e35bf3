//! Reading samples: the chunks of each day and the head, through one snapshot.

use std::collections::BTreeSet;

use fjall::{Readable, Snapshot};
use manazir_ingest::Error;
use manazir_ingest::lake::compact::merged;
use manazir_ingest::lake::days::{day_of, span};
use manazir_ingest::lake::{SampleQuery, chunk as columns, told};
use manazir_model::{JudgedSample, Timestamp};

use super::keys::{chunk, day, head_from, read_day, read_head, read_row};
use super::{EmbeddedLake, Parts};

/// Event times that one query reads at most; a reader goes on from the last.
const TIMES_MAX: usize = 100_000;

pub(super) fn samples(lake: &EmbeddedLake, query: &SampleQuery) -> Result<Vec<JudgedSample>, Error> {
    let snapshot = lake.database.snapshot();
    let parts = &*lake.parts;
    let max = query.max.min(TIMES_MAX);
    let mut found: Vec<JudgedSample> = Vec::new();
    let mut times = 0;
    for day in days(&snapshot, parts, query)? {
        if times >= max {
            break;
        }
        let rows = rows_of_day(&snapshot, parts, query.series, day)?;
        let of_day = told(rows, &SampleQuery { max: max - times, ..*query });
        times += of_day.chunk_by(|one, other| one.at == other.at).count();
        found.extend(of_day);
    }
    Ok(found)
}

/// All rows of an event time.
pub(super) fn at(parts: &Parts, series: u64, at: Timestamp) -> Result<Vec<JudgedSample>, Error> {
    let day = day_of(at);
    let mut rows = Vec::new();
    // The head first: a row that moves in between is seen in its chunk.
    for entry in parts.head.prefix(head_from(series, at)) {
        let (key, value) = entry.into_inner().map_err(Error::store)?;
        rows.push(read_row(&key, &value)?.1);
    }
    let before =
        parts.chunks.range(chunk(day, series, Timestamp(i64::MIN))..=chunk(day, series, at)).next_back();
    if let Some(entry) = before {
        rows.extend(columns::read(&entry.value().map_err(Error::store)?)?);
    }
    rows.retain(|row| row.at == at);
    Ok(rows)
}

/// The days that may hold what is asked for: those with chunks, and those of the series' rows in the head.
fn days(snapshot: &Snapshot, parts: &Parts, query: &SampleQuery) -> Result<BTreeSet<i64>, Error> {
    let mut days = BTreeSet::new();
    if query.from >= query.until {
        return Ok(days);
    }
    let last = Timestamp(query.until.micros().saturating_sub(1));
    for entry in snapshot.range(&parts.days, day(day_of(query.from))..=day(day_of(last))) {
        days.insert(read_day(&entry.key().map_err(Error::store)?));
    }
    let mut from = query.from;
    while from < query.until {
        let range = head_from(query.series, from)..head_from(query.series, query.until);
        let Some(entry) = snapshot.range(&parts.head, range).next() else { break };
        let found = day_of(read_head(&entry.key().map_err(Error::store)?)?.1);
        days.insert(found);
        let Some(next) = span(found).1.micros().checked_add(1) else { break };
        from = Timestamp(next);
    }
    Ok(days)
}

fn rows_of_day(
    snapshot: &Snapshot,
    parts: &Parts,
    series: u64,
    day: i64,
) -> Result<Vec<JudgedSample>, Error> {
    let (begin, end) = span(day);
    let (mut head, mut chunks) = (Vec::new(), Vec::new());
    let mut last = head_from(series, end).to_vec();
    // Behind every row of the last microsecond.
    last.extend([u8::MAX; 10]);
    for entry in snapshot.range(&parts.head, head_from(series, begin).to_vec()..=last) {
        let (key, value) = entry.into_inner().map_err(Error::store)?;
        head.push(read_row(&key, &value)?.1);
    }
    for entry in snapshot.range(&parts.chunks, chunk(day, series, begin)..=chunk(day, series, end)) {
        chunks.extend(columns::read(&entry.value().map_err(Error::store)?)?);
    }
    Ok(merged(head, chunks))
}
