//! Dead letters.

use std::collections::HashSet;

use async_trait::async_trait;
use manazir_ingest::Error;
use manazir_ingest::dead_letters::{
    DeadLetterEntry, DeadLetterFilter, DeadLetters, Kept, LetterState, NewDeadLetter,
};
use manazir_model::Timestamp;

use crate::failure::failed;
use crate::projection::Keeping;
use crate::statement::{Connection, Statement, Value, Writing, counter, damaged, raise, signed, unsigned};
use crate::text::{came, kept, pattern};

/// Rows a statement.
const ROWS_A_STATEMENT: usize = 500;

const SELECT: &str = "SELECT number, source, id, format, body_bytes, reason, received_at, attempts, replayed_at, \
    discarded_at FROM dead_letters WHERE ";

/// A letter that waits, of a given number.
const WAITING: &str = " WHERE replayed_at IS NULL AND discarded_at IS NULL AND number = ";

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    source: String,
    id: String,
    format: String,
    body_bytes: i64,
    reason: String,
    received_at: i64,
    attempts: i64,
    replayed_at: Option<i64>,
    discarded_at: Option<i64>,
}

/// Adds letters within a transaction, whoever began it, but for those that are there: a queue may deliver what it has
/// delivered. The oldest go if there are more than may be kept.
///
/// No row goes but the oldest, so that the first number and the last say how many there are.
pub(crate) async fn insert_dead_letters(
    connection: &mut Connection<'_>,
    letters: &[NewDeadLetter],
    kept: &Kept,
) -> Result<(), sqlx::Error> {
    let known = known(connection, letters).await?;
    let letters: Vec<&NewDeadLetter> =
        letters.iter().filter(|letter| !known.contains(&identity(letter))).collect();
    if letters.is_empty() {
        return Ok(());
    }
    let last = raise(connection, "dead_letters", letters.len() as u64).await?;
    let bytes = letters.iter().map(|letter| letter.body.len() as u64).sum();
    let all_bytes = raise(connection, "dead_letter_bytes", bytes).await?;
    let mut before = all_bytes - signed(bytes);
    let mut rows = Vec::with_capacity(letters.len());
    for (number, letter) in (last - letters.len() as i64 + 1..).zip(letters) {
        rows.push(row(number, before, letter));
        before += letter.body.len() as i64;
    }
    while !rows.is_empty() {
        let some: Vec<_> = rows.drain(..rows.len().min(ROWS_A_STATEMENT)).collect();
        Statement::new(
            "INSERT INTO dead_letters (number, source, id, format, body, body_bytes, bytes_before, reason, searched, \
             received_at, attempts) VALUES ",
        )
        .rows(some)
        .execute(connection)
        .await?;
    }
    let dropped = Statement::new("DELETE FROM dead_letters WHERE number <= ")
        .number(last.saturating_sub(signed(kept.dead_letters_max)))
        .then(" OR bytes_before < ")
        .number(all_bytes.saturating_sub(signed(kept.dead_letter_bytes_max)))
        .execute(connection)
        .await?;
    if dropped > 0 {
        raise(connection, "dead_letters_dropped", dropped).await?;
    }
    Ok(())
}

/// What makes a letter the same again; one whose identity could not be told never is.
type Identity = (String, String, i64);

fn identity(letter: &NewDeadLetter) -> Identity {
    (letter.source.clone(), letter.id.clone(), letter.received_at.micros())
}

/// Those of these letters that are there already.
async fn known(
    connection: &mut Connection<'_>,
    letters: &[NewDeadLetter],
) -> Result<HashSet<Identity>, sqlx::Error> {
    let told: Vec<&NewDeadLetter> = letters.iter().filter(|letter| !letter.id.is_empty()).collect();
    let mut known = HashSet::new();
    for some in told.chunks(ROWS_A_STATEMENT) {
        let found = Statement::new("SELECT source, id, received_at FROM dead_letters WHERE id IN (VALUES ")
            .rows(some.iter().map(|letter| vec![Value::Text(Some(kept(&letter.id).into_owned()))]))
            .then(")")
            .fetch_in::<Identity>(connection)
            .await?;
        known
            .extend(found.into_iter().map(|(source, id, received_at)| (came(source), came(id), received_at)));
    }
    Ok(known)
}

fn row(number: i64, bytes_before: i64, letter: &NewDeadLetter) -> Vec<Value> {
    let text = |text: &str| Value::Text(Some(kept(text).into_owned()));
    vec![
        Value::Number(Some(number)),
        text(&letter.source),
        text(&letter.id),
        text(letter.format.word()),
        Value::Bytes(letter.body.clone()),
        Value::Number(Some(letter.body.len() as i64)),
        Value::Number(Some(bytes_before)),
        text(&letter.reason),
        text(&letter.reason.to_lowercase()),
        Value::Number(Some(letter.received_at.micros())),
        Value::Number(Some(0)),
    ]
}

fn selected(filter: &DeadLetterFilter, before: Option<u64>, max: usize) -> Statement {
    let mut statement = Statement::new(SELECT).then("number < ").number(before.map_or(i64::MAX, signed));
    statement = match filter.state {
        None => statement,
        Some(LetterState::Waiting) => statement.then(" AND replayed_at IS NULL AND discarded_at IS NULL"),
        Some(LetterState::Replayed) => statement.then(" AND replayed_at IS NOT NULL"),
        Some(LetterState::Discarded) => {
            statement.then(" AND replayed_at IS NULL AND discarded_at IS NOT NULL")
        }
    };
    if let Some(source) = &filter.source {
        statement = statement.then(" AND source = ").text(source);
    }
    if let Some(id) = &filter.id {
        statement = statement.then(" AND id = ").text(id);
    }
    if let Some(from) = filter.from {
        statement = statement.then(" AND received_at >= ").number(from.micros());
    }
    if let Some(until) = filter.until {
        statement = statement.then(" AND received_at < ").number(until.micros());
    }
    if let Some(words) = &filter.words {
        let pattern = Value::Text(Some(pattern(words)));
        statement = statement.then(" AND searched LIKE ").value(pattern).then(" ESCAPE '\\'");
    }
    statement.then(" ORDER BY number DESC LIMIT ").number(signed(max as u64))
}

fn entry(row: Row) -> Result<DeadLetterEntry, Error> {
    let format =
        row.format.parse().map_err(|why: String| damaged(&format!("dead letter {}", row.number), why));
    Ok(DeadLetterEntry {
        number: unsigned(row.number),
        source: came(row.source),
        id: came(row.id),
        format: format?,
        body_bytes: unsigned(row.body_bytes),
        reason: came(row.reason),
        received_at: Timestamp(row.received_at),
        attempts: unsigned(row.attempts),
        replayed_at: row.replayed_at.map(Timestamp),
        discarded_at: row.discarded_at.map(Timestamp),
    })
}

impl Keeping {
    /// Changes a letter if it waits.
    async fn change(&self, change: Statement, number: u64) -> Result<bool, Error> {
        let statement = change.then(WAITING).number(signed(number));
        Ok(statement.write(&self.truth).await.map_err(failed)? > 0)
    }
}

#[async_trait]
impl DeadLetters for Keeping {
    async fn add(&self, letters: &[NewDeadLetter]) -> Result<(), Error> {
        let mut writing = Writing::begin(&self.truth).await.map_err(failed)?;
        insert_dead_letters(&mut writing.connection(), letters, &self.kept).await.map_err(failed)?;
        writing.commit().await.map_err(failed)
    }

    async fn page(
        &self,
        filter: &DeadLetterFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<DeadLetterEntry>, Error> {
        let rows = selected(filter, before, max).fetch::<Row>(&self.truth).await.map_err(failed)?;
        rows.into_iter().map(entry).collect()
    }

    async fn get(&self, number: u64) -> Result<Option<DeadLetterEntry>, Error> {
        let one = Statement::new(SELECT).then("number = ").number(signed(number));
        let rows = one.fetch::<Row>(&self.truth).await.map_err(failed)?;
        rows.into_iter().next().map(entry).transpose()
    }

    async fn body(&self, number: u64) -> Result<Option<Vec<u8>>, Error> {
        let one = Statement::new("SELECT body FROM dead_letters WHERE number = ").number(signed(number));
        let rows = one.fetch::<(Vec<u8>,)>(&self.truth).await.map_err(failed)?;
        Ok(rows.into_iter().next().map(|row| row.0))
    }

    async fn repair(&self, number: u64, body: &[u8]) -> Result<bool, Error> {
        let change = Statement::new("UPDATE dead_letters SET body = ")
            .value(Value::Bytes(body.to_owned()))
            .then(", body_bytes = ")
            .number(signed(body.len() as u64));
        self.change(change, number).await
    }

    async fn mark_replayed(&self, number: u64, at: Timestamp) -> Result<bool, Error> {
        let change = Statement::new("UPDATE dead_letters SET attempts = attempts + 1, replayed_at = ");
        self.change(change.number(at.micros()), number).await
    }

    async fn mark_failed(&self, number: u64, reason: &str) -> Result<bool, Error> {
        let change = Statement::new("UPDATE dead_letters SET attempts = attempts + 1, reason = ")
            .text(reason)
            .then(", searched = ")
            .text(&reason.to_lowercase());
        self.change(change, number).await
    }

    async fn discard(&self, number: u64, at: Timestamp) -> Result<bool, Error> {
        let change = Statement::new("UPDATE dead_letters SET discarded_at = ").number(at.micros());
        self.change(change, number).await
    }

    async fn dropped(&self) -> Result<u64, Error> {
        counter(&self.truth, "dead_letters_dropped").await.map_err(failed)
    }
}
