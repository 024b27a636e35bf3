//! Jobs.

use async_trait::async_trait;
use manazir_ingest::Error;
use manazir_ingest::jobs::{Heard, JOBS_KEPT_MAX, Job, JobState, Jobs, NewJob, Progress};
use manazir_model::Timestamp;

use crate::Truth;
use crate::failure::failed;
use crate::statement::{Connection, Statement, Value, Writing, damaged, raise, signed, unsigned};
use crate::text::{came, kept};

const SELECT: &str = "SELECT id, kind, input, incarnation, state, done, total, message, result, link, \
    cancel_requested, created_at, updated_at FROM jobs WHERE ";

const RETURNING: &str = " RETURNING id, kind, input, incarnation, state, done, total, message, result, link, \
    cancel_requested, created_at, updated_at";

const UNENDED: &str = "state IN ('queued', 'running')";

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    kind: String,
    input: String,
    incarnation: String,
    state: String,
    done: i64,
    total: Option<i64>,
    message: String,
    result: Option<String>,
    link: Option<String>,
    cancel_requested: i64,
    created_at: i64,
    updated_at: i64,
}

fn job(row: Row) -> Result<Job, Error> {
    let state = row.state.parse().map_err(|why: String| damaged(&format!("job {}", row.id), why))?;
    Ok(Job {
        id: unsigned(row.id),
        kind: came(row.kind),
        input: came(row.input),
        incarnation: came(row.incarnation),
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
        cancel_requested: row.cancel_requested != 0,
        progress: Progress {
            state,
            done: unsigned(row.done),
            total: row.total.map(unsigned),
            message: came(row.message),
            result: row.result.map(came),
            link: row.link.map(came),
        },
    })
}

/// Inserts a job and lets the oldest that have ended go.
async fn insert(connection: &mut Connection<'_>, new: &NewJob, at: Timestamp) -> Result<Row, sqlx::Error> {
    let id = raise(connection, "jobs", 1).await?;
    let text = |text: &str| Value::Text(Some(kept(text).into_owned()));
    let number = |number: i64| Value::Number(Some(number));
    let Progress { state, message, .. } = Progress::default();
    let row = vec![
        number(id),
        text(&new.kind),
        text(&new.input),
        text(&new.incarnation),
        text(state.word()),
        number(0),
        text(&message),
        number(0),
        number(at.micros()),
        number(at.micros()),
    ];
    let made = Statement::new(
        "INSERT INTO jobs (id, kind, input, incarnation, state, done, message, cancel_requested, created_at, \
         updated_at) VALUES ",
    )
    .rows([row])
    .then(RETURNING)
    .fetch_in::<Row>(connection)
    .await?;
    Statement::new("DELETE FROM jobs WHERE NOT ")
        .then(UNENDED)
        .then(" AND id <= ")
        .number(id.saturating_sub(signed(JOBS_KEPT_MAX)))
        .execute(connection)
        .await?;
    made.into_iter().next().ok_or(sqlx::Error::RowNotFound)
}

/// Writes the progress of a job that is this incarnation's; whether it is to stop, `None` if it is not.
async fn progressed(
    connection: &mut Connection<'_>,
    (id, incarnation): (u64, &str),
    progress: &Progress,
    at: Timestamp,
) -> Result<Option<bool>, sqlx::Error> {
    let optional = |text: &Option<String>| Value::Text(text.as_deref().map(|text| kept(text).into_owned()));
    // What is queued again is handed back.
    let handed_back = if progress.state == JobState::Queued { ", incarnation = ''" } else { "" };
    let told = Statement::new("UPDATE jobs SET state = ")
        .text(progress.state.word())
        .then(", done = ")
        .number(signed(progress.done))
        .then(", total = ")
        .value(Value::Number(progress.total.map(signed)))
        .then(", message = ")
        .text(&progress.message)
        .then(", result = ")
        .value(optional(&progress.result))
        .then(", link = ")
        .value(optional(&progress.link))
        .then(", updated_at = ")
        .number(at.micros())
        .then(handed_back)
        .then(" WHERE id = ")
        .number(signed(id))
        .then(" AND incarnation = ")
        .text(incarnation)
        .then(" AND ")
        .then(UNENDED)
        .then(" RETURNING cancel_requested")
        .fetch_in::<(i64,)>(connection)
        .await?;
    Ok(told.first().map(|row| row.0 != 0))
}

/// Jobs of other incarnations that were not heard of since: first those that are gone on with, then the rest.
async fn recovered(
    connection: &mut Connection<'_>,
    incarnation: &str,
    silent_since: Timestamp,
    resumed_kinds: &[&str],
    at: Timestamp,
) -> Result<Vec<Row>, sqlx::Error> {
    let lost = |statement: Statement| {
        statement
            .then(" WHERE ")
            .then(UNENDED)
            .then(" AND (incarnation = '' OR updated_at <= ")
            .number(silent_since.micros())
            .then(") AND incarnation <> ")
            .text(incarnation)
    };
    let mut resumed = Vec::new();
    for kind in resumed_kinds {
        let taken = Statement::new("UPDATE jobs SET state = 'queued', incarnation = ")
            .text(incarnation)
            .then(", updated_at = ")
            .number(at.micros());
        let of_kind = lost(taken).then(" AND kind = ").text(kind).then(RETURNING);
        resumed.extend(of_kind.fetch_in::<Row>(connection).await?);
    }
    let failed = Statement::new(
        "UPDATE jobs SET state = 'failed', message = 'interrupted: its process ended', updated_at = ",
    );
    lost(failed.number(at.micros())).execute(connection).await?;
    resumed.sort_by_key(|row| row.id);
    Ok(resumed)
}

#[async_trait]
impl Jobs for Truth {
    async fn create(&self, new: &NewJob, at: Timestamp) -> Result<Job, Error> {
        let mut writing = Writing::begin(self).await.map_err(failed)?;
        let row = insert(&mut writing.connection(), new, at).await.map_err(failed)?;
        writing.commit().await.map_err(failed)?;
        job(row)
    }

    async fn update(
        &self,
        id: u64,
        incarnation: &str,
        progress: &Progress,
        at: Timestamp,
    ) -> Result<Heard, Error> {
        let mut writing = Writing::begin(self).await.map_err(failed)?;
        let told = progressed(&mut writing.connection(), (id, incarnation), progress, at).await;
        let told = told.map_err(failed)?;
        writing.commit().await.map_err(failed)?;
        Ok(match told {
            None => Heard::NotYours,
            Some(true) => Heard::Cancel,
            Some(false) => Heard::Continue,
        })
    }

    async fn get(&self, id: u64) -> Result<Option<Job>, Error> {
        let one = Statement::new(SELECT).then("id = ").number(signed(id));
        let rows = one.fetch::<Row>(self).await.map_err(failed)?;
        rows.into_iter().next().map(job).transpose()
    }

    async fn page(&self, before: Option<u64>, max: usize) -> Result<Vec<Job>, Error> {
        let page = Statement::new(SELECT)
            .then("id < ")
            .number(before.map_or(i64::MAX, signed))
            .then(" ORDER BY id DESC LIMIT ")
            .number(signed(max as u64));
        page.fetch::<Row>(self).await.map_err(failed)?.into_iter().map(job).collect()
    }

    async fn request_cancel(&self, id: u64) -> Result<Option<Job>, Error> {
        Statement::new("UPDATE jobs SET cancel_requested = 1 WHERE ")
            .then(UNENDED)
            .then(" AND id = ")
            .number(signed(id))
            .write(self)
            .await
            .map_err(failed)?;
        Jobs::get(self, id).await
    }

    async fn recover(
        &self,
        incarnation: &str,
        silent_since: Timestamp,
        resumed_kinds: &[&str],
        at: Timestamp,
    ) -> Result<Vec<Job>, Error> {
        let mut writing = Writing::begin(self).await.map_err(failed)?;
        let rows = recovered(&mut writing.connection(), incarnation, silent_since, resumed_kinds, at).await;
        let rows = rows.map_err(failed)?;
        writing.commit().await.map_err(failed)?;
        rows.into_iter().map(job).collect()
    }
}
