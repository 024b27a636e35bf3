//! Explanations: questions with all their answers, and what people said of the causes.

mod verdicts;

use std::collections::HashMap;

use async_trait::async_trait;
use manazir_explain::{
    Error, ExplanationFilter, Explanations, NewExplanation, PersonsVerdict, REVISIONS_MAX, StoredExplanation,
};
use manazir_model::Timestamp;

use crate::Truth;
use crate::failure::failed;
use crate::statement::{Connection, Reading, Statement, Value, Writing, raise, signed, unsigned};
use crate::text::{came, kept};

const COUNTER: &str = "explanations";

const SELECT: &str = "SELECT e.number, a.revision, a.answered_at, e.finding, e.entity, e.at, e.asked_by, e.question, \
    a.answer, a.cause_type, a.cause_entity, e.created_at FROM explanations e \
    JOIN explanation_answers a ON a.number = e.number WHERE ";

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    revision: i64,
    answered_at: i64,
    finding: Option<i64>,
    entity: String,
    at: i64,
    asked_by: String,
    question: String,
    answer: String,
    cause_type: String,
    cause_entity: String,
    created_at: i64,
}

fn stored(row: Row, said: &mut HashMap<i64, Vec<PersonsVerdict>>) -> StoredExplanation {
    StoredExplanation {
        number: unsigned(row.number),
        revision: row.revision.try_into().unwrap_or_default(),
        answered_at: Timestamp(row.answered_at),
        what: NewExplanation {
            finding: row.finding.map(unsigned),
            entity: came(row.entity),
            at: Timestamp(row.at),
            by: came(row.asked_by),
            question: came(row.question),
            answer: came(row.answer),
            cause_type: came(row.cause_type),
            cause_entity: came(row.cause_entity),
            created_at: Timestamp(row.created_at),
        },
        verdicts: said.remove(&row.number).unwrap_or_default(),
    }
}

fn text(text: &str) -> Value {
    Value::Text(Some(kept(text).into_owned()))
}

async fn insert(connection: &mut Connection<'_>, new: &NewExplanation) -> Result<i64, sqlx::Error> {
    let number = raise(connection, COUNTER, 1).await?;
    let row = vec![
        Value::Number(Some(number)),
        Value::Number(Some(0)),
        Value::Number(new.finding.map(signed)),
        text(&new.entity),
        Value::Number(Some(new.at.micros())),
        text(&new.by),
        text(&new.question),
        text(&new.cause_type),
        text(&new.cause_entity),
        Value::Number(Some(new.created_at.micros())),
    ];
    Statement::new(
        "INSERT INTO explanations (number, revision, finding, entity, at, asked_by, question, cause_type, \
         cause_entity, created_at) VALUES ",
    )
    .rows([row])
    .execute(connection)
    .await?;
    let cause = (new.cause_type.as_str(), new.cause_entity.as_str());
    insert_answer(connection, (number, 0), &new.answer, cause, new.created_at).await?;
    Ok(number)
}

async fn insert_answer(
    connection: &mut Connection<'_>,
    (number, revision): (i64, i64),
    answer: &str,
    (cause_type, cause_entity): (&str, &str),
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let row = vec![
        Value::Number(Some(number)),
        Value::Number(Some(revision)),
        Value::Number(Some(at.micros())),
        text(answer),
        text(cause_type),
        text(cause_entity),
    ];
    Statement::new(
        "INSERT INTO explanation_answers (number, revision, answered_at, answer, cause_type, cause_entity) VALUES ",
    )
    .rows([row])
    .execute(connection)
    .await
    .map(drop)
}

/// Adds an answer and lets the oldest but the first go; its revision, `None` if there is no such explanation.
async fn revised(
    connection: &mut Connection<'_>,
    number: u64,
    answer: &str,
    cause: (&str, &str),
    at: Timestamp,
) -> Result<Option<i64>, sqlx::Error> {
    let moved = Statement::new("UPDATE explanations SET revision = revision + 1, cause_type = ")
        .text(cause.0)
        .then(", cause_entity = ")
        .text(cause.1)
        .then(" WHERE number = ")
        .number(signed(number))
        .then(" RETURNING revision")
        .fetch_in::<(i64,)>(connection)
        .await?;
    let Some(&(revision,)) = moved.first() else { return Ok(None) };
    insert_answer(connection, (signed(number), revision), answer, cause, at).await?;
    Statement::new("DELETE FROM explanation_answers WHERE number = ")
        .number(signed(number))
        .then(" AND revision > 0 AND revision <= ")
        .number(revision + 1 - i64::from(REVISIONS_MAX))
        .execute(connection)
        .await?;
    Ok(Some(revision))
}

/// The rows of a statement, with what people said of them.
async fn read(truth: &Truth, statement: Statement) -> Result<Vec<StoredExplanation>, sqlx::Error> {
    let mut reading = Reading::begin(truth).await?;
    let mut connection = reading.connection();
    let rows = statement.fetch_in::<Row>(&mut connection).await?;
    let numbers: Vec<i64> = rows.iter().map(|row| row.number).collect();
    let mut said = verdicts::of(&mut connection, &numbers).await?;
    Ok(rows.into_iter().map(|row| stored(row, &mut said)).collect())
}

fn selected(filter: &ExplanationFilter, before: Option<u64>, max: usize) -> Statement {
    let mut statement = Statement::new(SELECT)
        .then("a.revision = e.revision AND e.number < ")
        .number(before.map_or(i64::MAX, signed));
    if let Some(finding) = filter.finding {
        statement = statement.then(" AND e.finding = ").number(signed(finding));
    }
    let texts = [
        (" AND e.entity = ", &filter.entity),
        (" AND e.cause_type = ", &filter.cause_type),
        (" AND e.cause_entity = ", &filter.cause_entity),
    ];
    for (condition, wanted) in texts {
        if let Some(wanted) = wanted {
            statement = statement.then(condition).text(wanted);
        }
    }
    statement.then(" ORDER BY e.number DESC LIMIT ").number(signed(max as u64))
}

#[async_trait]
impl Explanations for Truth {
    async fn add(&self, new: &NewExplanation) -> Result<u64, Error> {
        let mut writing = Writing::begin(self).await.map_err(failed)?;
        let number = insert(&mut writing.connection(), new).await.map_err(failed)?;
        writing.commit().await.map_err(failed)?;
        Ok(unsigned(number))
    }

    async fn revise(
        &self,
        number: u64,
        answer: &str,
        cause: (&str, &str),
        at: Timestamp,
    ) -> Result<Option<u32>, Error> {
        let mut writing = Writing::begin(self).await.map_err(failed)?;
        let revision = revised(&mut writing.connection(), number, answer, cause, at).await.map_err(failed)?;
        writing.commit().await.map_err(failed)?;
        Ok(revision.and_then(|revision| revision.try_into().ok()))
    }

    async fn get(&self, number: u64, as_of: Option<Timestamp>) -> Result<Option<StoredExplanation>, Error> {
        let one = Statement::new(SELECT)
            .then("e.number = ")
            .number(signed(number))
            .then(" AND a.answered_at <= ")
            .number(as_of.map_or(i64::MAX, Timestamp::micros))
            .then(" ORDER BY a.revision DESC LIMIT 1");
        Ok(read(self, one).await.map_err(failed)?.into_iter().next())
    }

    async fn page(
        &self,
        filter: &ExplanationFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<StoredExplanation>, Error> {
        read(self, selected(filter, before, max)).await.map_err(failed)
    }

    async fn set_verdict(&self, verdict: &PersonsVerdict) -> Result<bool, Error> {
        verdicts::set(self, verdict).await.map_err(failed)
    }

    async fn take_back(&self, number: u64, cause: &str, by: &str) -> Result<bool, Error> {
        verdicts::take_back(self, number, cause, by).await.map_err(failed)
    }

    async fn verdicts(&self, max: usize) -> Result<Vec<PersonsVerdict>, Error> {
        verdicts::newest(self, max).await.map_err(failed)
    }

    async fn forget(&self, before: Timestamp, max: usize) -> Result<u64, Error> {
        verdicts::forget_without(self, before, max).await.map_err(failed)
    }
}
