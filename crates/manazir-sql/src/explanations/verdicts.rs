//! What people said of causes.

use std::collections::HashMap;

use manazir_explain::PersonsVerdict;
use manazir_model::Timestamp;

use super::text;
use crate::Truth;
use crate::key::key;
use crate::statement::{Connection, Statement, Value, Writing, raise, signed, unsigned};
use crate::text::came;

/// Whoever says something, and whoever forgets that of which nothing was said, holds the row of this counter.
const COUNTER: &str = "explanation_verdicts";

/// Numbers a statement.
const NUMBERS_A_STATEMENT: usize = 1_000;

const SELECT: &str =
    "SELECT seq, number, cause, confirmed, comment, said_by, at, lesson FROM explanation_verdicts ";

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    cause: String,
    confirmed: i64,
    comment: String,
    said_by: String,
    at: i64,
    lesson: String,
}

fn verdict(row: Row) -> PersonsVerdict {
    PersonsVerdict {
        explanation: unsigned(row.number),
        cause: came(row.cause),
        confirmed: row.confirmed != 0,
        comment: came(row.comment),
        by: came(row.said_by),
        at: Timestamp(row.at),
        lesson: came(row.lesson),
    }
}

/// One word of a person on a cause of an explanation.
fn said(number: u64, cause: &str, by: &str) -> Vec<u8> {
    key([number.to_string().as_str(), cause, by])
}

/// What was said of each of these, in the order in which it was.
pub(super) async fn of(
    connection: &mut Connection<'_>,
    numbers: &[i64],
) -> Result<HashMap<i64, Vec<PersonsVerdict>>, sqlx::Error> {
    let mut said: HashMap<i64, Vec<PersonsVerdict>> = HashMap::new();
    for some in numbers.chunks(NUMBERS_A_STATEMENT) {
        for row in said_of(some).fetch_in::<Row>(connection).await? {
            said.entry(row.number).or_default().push(verdict(row));
        }
    }
    Ok(said)
}

fn said_of(numbers: &[i64]) -> Statement {
    let values = numbers.iter().map(|number| Value::Number(Some(*number)));
    Statement::new(SELECT).then("WHERE number IN ").rows([values.collect()]).then(" ORDER BY seq")
}

pub(super) async fn set(truth: &Truth, verdict: &PersonsVerdict) -> Result<bool, sqlx::Error> {
    let mut writing = Writing::begin(truth).await?;
    let mut connection = writing.connection();
    let seq = raise(&mut connection, COUNTER, 1).await?;
    let there = Statement::new("SELECT number FROM explanations WHERE number = ")
        .number(signed(verdict.explanation))
        .fetch_in::<(i64,)>(&mut connection)
        .await?;
    if there.is_empty() {
        return Ok(false);
    }
    let row = vec![
        Value::Number(Some(seq)),
        Value::Bytes(said(verdict.explanation, &verdict.cause, &verdict.by)),
        Value::Number(Some(signed(verdict.explanation))),
        text(&verdict.cause),
        Value::Number(Some(i64::from(verdict.confirmed))),
        text(&verdict.comment),
        text(&verdict.by),
        Value::Number(Some(verdict.at.micros())),
        text(&verdict.lesson),
    ];
    Statement::new(
        "INSERT INTO explanation_verdicts (seq, said, number, cause, confirmed, comment, said_by, at, lesson) VALUES ",
    )
    .rows([row])
    .then(
        " ON CONFLICT (said) DO UPDATE SET seq = excluded.seq, confirmed = excluded.confirmed, \
         comment = excluded.comment, at = excluded.at, lesson = excluded.lesson",
    )
    .execute(&mut connection)
    .await?;
    writing.commit().await?;
    Ok(true)
}

pub(super) async fn take_back(
    truth: &Truth,
    number: u64,
    cause: &str,
    by: &str,
) -> Result<bool, sqlx::Error> {
    let taken = Statement::new("DELETE FROM explanation_verdicts WHERE said = ")
        .bytes(said(number, cause, by))
        .write(truth)
        .await?;
    Ok(taken > 0)
}

pub(super) async fn newest(truth: &Truth, max: usize) -> Result<Vec<PersonsVerdict>, sqlx::Error> {
    let rows = last(max).fetch::<Row>(truth).await?;
    Ok(rows.into_iter().rev().map(verdict).collect())
}

fn last(max: usize) -> Statement {
    Statement::new(SELECT).then("ORDER BY seq DESC LIMIT ").number(signed(max as u64))
}

/// Forgets explanations from before of which nothing was said.
pub(super) async fn forget_without(truth: &Truth, before: Timestamp, max: usize) -> Result<u64, sqlx::Error> {
    let mut writing = Writing::begin(truth).await?;
    let mut connection = writing.connection();
    raise(&mut connection, COUNTER, 0).await?;
    let gone = Statement::new(
        "DELETE FROM explanations WHERE number IN (SELECT number FROM explanations e WHERE created_at < ",
    )
    .number(before.micros())
    .then(
        " AND NOT EXISTS (SELECT 1 FROM explanation_verdicts v WHERE v.number = e.number) \
         ORDER BY created_at, number LIMIT ",
    )
    .number(signed(max as u64))
    .then(")")
    .execute(&mut connection)
    .await?;
    writing.commit().await?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verdicts_are_found_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("truth.db").display());
        let truth = Truth::open(&url).await.unwrap();
        let of = said_of(&[1, 2]).plan(&truth).await;
        let by_number = "SEARCH explanation_verdicts USING INDEX explanation_verdicts_number (number=?)";
        assert_eq!(of[0], by_number, "{of:#?}");
        // The order of a primary key: as many steps as rows are wanted.
        let newest = last(5).plan(&truth).await;
        assert_eq!(newest.len(), 1, "{newest:#?}");
        assert!(newest[0].starts_with("SCAN explanation_verdicts USING INDEX"), "{newest:#?}");
    }
}
