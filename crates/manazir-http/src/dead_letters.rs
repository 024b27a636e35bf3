//! Dead letters: looked at, repaired, sent again, given up.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use manazir_ingest::dead_letters::{DeadLetterEntry, DeadLetterFilter, LetterState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{self, Body, Path, Query};
use crate::jobs::JobJson;
use crate::page::Page;
use crate::replay::{self, replay_one};
use crate::search::{ITEMS, Wanted};
use crate::{App, Problem};

/// A message that could not be read or judged.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterJson {
    /// Grows in the order in which letters came.
    number: u64,
    /// `waiting`, `replayed` or `discarded`.
    state: &'static str,
    /// Who sent it.
    source: String,
    /// Its identity within the source; empty if it could not be told.
    id: String,
    /// How its body is, or should be, written.
    format: &'static str,
    /// Length of its body.
    body_bytes: u64,
    /// What is wrong with it.
    reason: String,
    /// When it arrived, RFC 3339.
    received_at: String,
    /// How often it was replayed, in vain or not.
    attempts: u64,
    /// When it was sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed_at: Option<String>,
    /// When somebody gave it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    discarded_at: Option<String>,
    /// Its body, if it is text; only where one letter is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Its body in hexadecimal, if it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_hex: Option<String>,
}

impl From<DeadLetterEntry> for DeadLetterJson {
    fn from(letter: DeadLetterEntry) -> Self {
        Self {
            number: letter.number,
            state: letter.state().word(),
            source: letter.source,
            id: letter.id,
            format: letter.format.word(),
            body_bytes: letter.body_bytes,
            reason: letter.reason,
            received_at: letter.received_at.to_string(),
            attempts: letter.attempts,
            replayed_at: letter.replayed_at.map(|at| at.to_string()),
            discarded_at: letter.discarded_at.map(|at| at.to_string()),
            body: None,
            body_hex: None,
        }
    }
}

impl DeadLetterJson {
    /// One with its body.
    pub fn with_body(letter: DeadLetterEntry, body: Vec<u8>) -> Self {
        let (body, body_hex) = match String::from_utf8(body) {
            Ok(text) => (Some(text), None),
            Err(other) => (None, Some(other.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect())),
        };
        Self { body, body_hex, ..letter.into() }
    }
}

/// Which dead letters; what is not given lets all pass.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadLetterQuery {
    /// `waiting`, `replayed` or `discarded`.
    #[param(pattern = "^(waiting|replayed|discarded)$")]
    state: Option<String>,
    /// Exactly this source.
    source: Option<String>,
    /// Exactly this identity.
    id: Option<String>,
    /// Arrived at this time or later, RFC 3339.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Arrived before this time, RFC 3339.
    #[param(format = DateTime)]
    until: Option<String>,
    /// These words are in the reason, in capitals or not; up to 1000 characters.
    #[param(max_length = 1000)]
    q: Option<String>,
    /// At most so many items, 1 to 1000; 50 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(maximum = 9223372036854775807_u64)]
    cursor: Option<u64>,
}

/// Which waiting letters are to be replayed; what is not given lets all pass.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReplayFilter {
    /// Exactly this source.
    source: Option<String>,
    /// Arrived at this time or later, RFC 3339.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Arrived before this time, RFC 3339.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// These words are in the reason, in capitals or not.
    #[schema(max_length = 1000)]
    q: Option<String>,
}

impl DeadLetterQuery {
    fn filter(self, wanted: &mut Wanted) -> DeadLetterFilter {
        DeadLetterFilter {
            state: wanted.parsed("state", self.state.as_deref()),
            from: wanted.time("from", self.from.as_deref()),
            until: wanted.time("until", self.until.as_deref()),
            words: wanted.words("q", self.q),
            source: self.source,
            id: self.id,
        }
    }
}

impl ReplayFilter {
    pub(crate) fn filter(self) -> Result<DeadLetterFilter, Problem> {
        let Self { source, from, until, q } = self;
        let filter = DeadLetterQuery { source, from, until, q, ..DeadLetterQuery::default() };
        let mut wanted = Wanted::default();
        let filter = DeadLetterFilter { state: Some(LetterState::Waiting), ..filter.filter(&mut wanted) };
        wanted.or_refuse(filter)
    }
}

/// Dead letters, the newest first
#[utoipa::path(get, path = "/api/v1/dead_letters", tag = "dead letters", params(DeadLetterQuery),
    responses((status = 200, body = Page<DeadLetterJson>), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(query): Query<DeadLetterQuery>,
) -> Result<Json<Page<DeadLetterJson>>, Problem> {
    let mut wanted = Wanted::default();
    let (limit, before) = (wanted.limit(query.limit, ITEMS), wanted.cursor(query.cursor));
    let filter = query.filter(&mut wanted);
    let found = app.dead_letters.page(&wanted.or_refuse(filter)?, before, limit).await?;
    let items = found.into_iter().map(DeadLetterJson::from).collect();
    Ok(Json(Page::new(items, limit, |letter: &DeadLetterJson| letter.number)))
}

/// One dead letter with its body
#[utoipa::path(get, path = "/api/v1/dead_letters/{number}", tag = "dead letters",
    params(("number" = u64, Path)),
    responses((status = 200, body = DeadLetterJson), (status = 404, body = Problem)))]
pub(crate) async fn one(
    State(app): State<App>,
    Path(number): Path<u64>,
) -> Result<Json<DeadLetterJson>, Problem> {
    let found = app.dead_letters.get(number).await?.zip(app.dead_letters.body(number).await?);
    let (letter, body) = found.ok_or_else(|| replay::missing(number))?;
    Ok(Json(DeadLetterJson::with_body(letter, body)))
}

/// Put another body in the place of the one that came
#[utoipa::path(put, path = "/api/v1/dead_letters/{number}/body", tag = "dead letters",
    params(("number" = u64, Path)), request_body = String,
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn repair(
    State(app): State<App>,
    Path(number): Path<u64>,
    Body(body): Body,
) -> Result<StatusCode, Problem> {
    let done = app.dead_letters.repair(number, &body).await?;
    replay::changed(&app, number, done).await
}

/// Give a dead letter up; it stays in the list
#[utoipa::path(delete, path = "/api/v1/dead_letters/{number}", tag = "dead letters",
    params(("number" = u64, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn discard(State(app): State<App>, Path(number): Path<u64>) -> Result<StatusCode, Problem> {
    let done = app.dead_letters.discard(number, (app.now)()).await?;
    replay::changed(&app, number, done).await
}

/// A dead letter that was sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayedJson {
    /// Which letter.
    number: u64,
    /// Where the verdict of its event will be, or the series of its samples are.
    link: String,
}

/// Read a dead letter again and send it on
///
/// 422 lists what is still wrong with it, or says that it holds samples, which are sent again from their source.
#[utoipa::path(post, path = "/api/v1/dead_letters/{number}/replay", tag = "dead letters",
    params(("number" = u64, Path)),
    responses((status = 202, body = ReplayedJson), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn replay(
    State(app): State<App>,
    Path(number): Path<u64>,
) -> Result<(StatusCode, Json<ReplayedJson>), Problem> {
    let link = replay_one(&app, number).await?;
    Ok((StatusCode::ACCEPTED, Json(ReplayedJson { number, link })))
}

/// Replay all waiting dead letters that pass a filter, as a job
///
/// Those that hold samples stay, and count as failed.
#[utoipa::path(post, path = "/api/v1/dead_letters/replay", tag = "dead letters", request_body = ReplayFilter,
    responses((status = 202, body = JobJson), (status = 400, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn replay_many(
    State(app): State<App>,
    extract::Json(filter): extract::Json<ReplayFilter>,
) -> Result<impl IntoResponse, Problem> {
    // What cannot be read is refused now, not by a job that fails.
    filter.clone().filter()?;
    let job = replay::begin(&app, filter).await?;
    let location = HeaderValue::from_str(&format!("/api/v1/jobs/{}", job.id));
    let headers = location.map(|location| [(header::LOCATION, location)]);
    let headers = headers.map_err(|error| Problem::internal(&error))?;
    Ok((StatusCode::ACCEPTED, headers, Json(JobJson::from(job))))
}
