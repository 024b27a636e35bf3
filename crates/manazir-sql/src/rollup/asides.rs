//! Findings that do not count.

use std::sync::Arc;

use manazir_model::Timestamp;
use manazir_rollup::Raw;
use manazir_rollup::history::{Aside, AsideState, Resolution};
use serde_json::json;

use super::segments::damaged;
use super::{ROWS_MAX, RollupTable};
use crate::statement::{Connection, Statement, Writing, signed, unsigned};
use crate::text::{came, kept};

/// Keeps those that are new; how many they were.
pub(super) async fn insert(table: &RollupTable, asides: &[Aside]) -> sqlx::Result<u64> {
    let mut writing = Writing::begin(&table.truth).await?;
    let mut connection = writing.connection();
    let select = Statement::new("SELECT asides FROM manazir_rollup WHERE name = ")
        .text(table.layout.rollup.as_str())
        .then(table.dialect.lock_rows);
    let mut last =
        select.fetch_in::<(i64,)>(&mut connection).await?.first().ok_or(sqlx::Error::RowNotFound)?.0;
    let mut new = 0;
    for some in asides.chunks(ROWS_MAX) {
        new += insert_some(table, last, some).execute(&mut connection).await?;
        // Numbers of those that were there already are left out.
        last += signed(some.len() as u64);
    }
    if new > 0 {
        let update =
            Statement::new("UPDATE manazir_rollup SET asides = ").number(last).then(" WHERE name = ");
        update.text(table.layout.rollup.as_str()).execute(&mut connection).await?;
        writing.commit().await?;
    }
    Ok(new)
}

/// All that came is one value, of which each row takes its part.
fn insert_some(table: &RollupTable, last: i64, asides: &[Aside]) -> Statement {
    let mut bytes = Vec::new();
    let mut rows = Vec::with_capacity(asides.len());
    for (aside, number) in asides.iter().zip(last + 1..) {
        let (kind, raw): (i64, &[u8]) = match &aside.raw {
            Raw::Nothing => (0, &[]),
            Raw::Line(line) => (1, line),
            Raw::Message(message) => (2, message),
        };
        rows.push(json!([
            number,
            kept(&aside.source),
            aside.position.cast_signed(),
            aside.content.cast_signed(),
            aside.known_at.micros(),
            kind,
            aside.state.name(),
            kept(&aside.reason),
            bytes.len() + 1,
            raw.len(),
        ]));
        bytes.extend_from_slice(raw);
    }
    let insert = Statement::new(
        "INSERT INTO manazir_rollup_aside (rollup, number, source, position, content, known_at, kind, state, \
         reason, raw) SELECT ",
    )
    .text(table.layout.rollup.as_str())
    .then(
        ", CAST(value ->> 0 AS BIGINT), value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
         CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT), value ->> 6, value ->> 7, substr(",
    )
    .bytes(bytes)
    .then(", CAST(value ->> 8 AS INTEGER), CAST(value ->> 9 AS INTEGER))");
    table.over(insert, &rows).then(" ON CONFLICT (rollup, source, position, content) DO NOTHING")
}

type Line = (i64, String, i64, i64, i64, i64, String, String, Vec<u8>);

/// Those in a state with numbers above `after`.
pub(super) async fn read(
    table: &RollupTable,
    state: Option<AsideState>,
    after: u64,
    max: usize,
) -> sqlx::Result<Vec<Aside>> {
    let select = Statement::new(
        "SELECT number, source, position, content, known_at, kind, state, reason, raw FROM manazir_rollup_aside \
         WHERE rollup = ",
    );
    let mut select = select.text(table.layout.rollup.as_str()).then(" AND number > ").number(signed(after));
    if let Some(state) = state {
        select = select.then(" AND state = ").text(state.name());
    }
    let lines = select.then(" ORDER BY number LIMIT ").number(signed(max as u64)).fetch::<Line>(&table.truth);
    lines.await?.into_iter().map(aside).collect()
}

fn aside(line: Line) -> sqlx::Result<Aside> {
    let (number, source, position, content, known_at, kind, state, reason, bytes) = line;
    Ok(Aside {
        number: unsigned(number),
        source: Arc::from(came(source)),
        position: position.cast_unsigned(),
        content: content.cast_unsigned(),
        known_at: Timestamp(known_at),
        raw: match kind {
            1 => Raw::Line(bytes.into()),
            2 => Raw::Message(bytes.into()),
            _ => Raw::Nothing,
        },
        reason: came(reason),
        state: AsideState::named(&state).ok_or_else(|| damaged("the state of a finding"))?,
    })
}

/// Says what became of some; how many there are.
pub(super) async fn resolve(table: &RollupTable, resolutions: &[Resolution]) -> sqlx::Result<u64> {
    let mut writing = Writing::begin(&table.truth).await?;
    let mut connection = writing.connection();
    let mut found = 0;
    for Resolution { number, state, reason } in resolutions {
        let update = Statement::new("UPDATE manazir_rollup_aside SET state = ").text(state.name());
        let update = update.then(", reason = ").text(reason).then(" WHERE rollup = ");
        let update = update.text(table.layout.rollup.as_str()).then(" AND number = ").number(signed(*number));
        found += update.execute(&mut connection).await?;
    }
    writing.commit().await?;
    Ok(found)
}

/// How many wait, and how many cannot count.
pub(super) async fn open(table: &RollupTable, connection: &mut Connection<'_>) -> sqlx::Result<(u64, u64)> {
    let select = Statement::new("SELECT state, COUNT(*) FROM manazir_rollup_aside WHERE rollup = ")
        .text(table.layout.rollup.as_str())
        .then(" GROUP BY state");
    let counts = select.fetch_in::<(String, i64)>(connection).await?;
    let of = |wanted: AsideState| {
        let found = counts.iter().find(|(state, _)| state == wanted.name());
        found.map_or(0, |(_, count)| unsigned(*count))
    };
    Ok((of(AsideState::Waiting), of(AsideState::Rejected)))
}
