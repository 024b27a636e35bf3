//! Jobs: long tasks, how far they have come, and an end to them.

use axum::Json;
use axum::extract::State;
use manazir_ingest::jobs::Job;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Path, Query};
use crate::page::Page;
use crate::search::{ITEMS, Wanted};
use crate::{App, Problem};

/// A long task.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobJson {
    /// Grows in the order in which jobs were made.
    id: u64,
    /// What kind of task.
    kind: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// Steps that are done.
    done: u64,
    /// Steps in all, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// What it does, or why it ended.
    message: String,
    /// Somebody wants it to stop.
    cancel_requested: bool,
    /// What it works on.
    input: Value,
    /// What it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    /// Where that can be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// When its process was last heard of.
    updated_at: String,
}

impl From<Job> for JobJson {
    fn from(job: Job) -> Self {
        // What is kept was written as JSON; if it is not any more, it is shown as it is.
        let json = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            id: job.id,
            kind: job.kind,
            state: job.progress.state.word(),
            done: job.progress.done,
            total: job.progress.total,
            message: job.progress.message,
            cancel_requested: job.cancel_requested,
            input: json(job.input),
            result: job.progress.result.map(json),
            link: job.progress.link,
            created_at: job.created_at.to_string(),
            updated_at: job.updated_at.to_string(),
        }
    }
}

/// Which page of jobs.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobQuery {
    /// At most so many items, 1 to 1000; 50 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(maximum = 9223372036854775807_u64)]
    cursor: Option<u64>,
}

/// Jobs, the newest first
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(JobQuery),
    responses((status = 200, body = Page<JobJson>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(query): Query<JobQuery>,
) -> Result<Json<Page<JobJson>>, Problem> {
    let mut wanted = Wanted::default();
    let asked = (wanted.limit(query.limit, ITEMS), wanted.cursor(query.cursor));
    let (limit, before) = wanted.or_refuse(asked)?;
    let jobs = app.jobs.page(before, limit).await?;
    let items = jobs.into_iter().map(JobJson::from).collect();
    Ok(Json(Page::new(items, limit, |job: &JobJson| job.id)))
}

/// One job
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, body = JobJson), (status = 404, body = Problem)))]
pub(crate) async fn one(State(app): State<App>, Path(id): Path<u64>) -> Result<Json<JobJson>, Problem> {
    app.jobs.get(id).await?.map(|job| Json(job.into())).ok_or_else(|| missing(id))
}

/// Ask a job to stop; it does after the step that it is at
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs", params(("id" = u64, Path)),
    responses((status = 200, body = JobJson), (status = 404, body = Problem)))]
pub(crate) async fn cancel(State(app): State<App>, Path(id): Path<u64>) -> Result<Json<JobJson>, Problem> {
    app.jobs.request_cancel(id).await?.map(|job| Json(job.into())).ok_or_else(|| missing(id))
}

fn missing(id: u64) -> Problem {
    Problem::not_found(format!("there is no job {id}"))
}
