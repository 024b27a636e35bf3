//! Findings of a rollup that did not count: looked at, tried again, given up.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use manazir_rollup::Raw;
use manazir_rollup::follow::LINE_BYTES_MAX;
use manazir_rollup::history::{Aside, AsideState, Resolution};
use manazir_rollup::hosted::{Hosted, Tried};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{history, named};
use crate::access::Caller;
use crate::extract::{JsonIfAny, Path, Query};
use crate::replay::{conflict, missing};
use crate::search::{ITEMS, Wanted};
use crate::{App, Problem};

/// Which findings; what is not given lets all pass.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UncountedQuery {
    /// `waiting`, `rejected`, `counted` or `discarded`.
    #[param(pattern = "^(waiting|rejected|counted|discarded)$")]
    state: Option<String>,
    /// Only those with larger numbers.
    #[param(maximum = 9223372036854775807_u64)]
    after: Option<u64>,
    /// At most so many, 1 to 1000; 50 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A finding that did not count when it came.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UncountedJson {
    /// Grows in the order in which they came.
    number: u64,
    /// `waiting` for a row of a reference table, `rejected` as it is, `counted` after all, or `discarded`.
    state: &'static str,
    /// The stream that it stands in.
    source: String,
    /// Its line there, from 1 on; of streams with ids a number that stands for the id.
    line: u64,
    /// When it was taken in, RFC 3339.
    arrived_at: String,
    /// Why it does not count, or what became of it.
    reason: String,
    /// As it came, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The same in hexadecimal, if it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_hex: Option<String>,
}

/// A page of findings that did not count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UncountedPage {
    /// By number.
    items: Vec<UncountedJson>,
    /// Ask with it as `after` for more; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<u64>,
}

/// What is tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryLine {
    /// Takes the place of the line that came; without it that one is tried again.
    line: Option<String>,
}

/// A finding that was tried again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetriedJson {
    /// `counted`, or still `waiting`.
    state: &'static str,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Aside> for UncountedJson {
    fn from(aside: Aside) -> Self {
        let (body, body_hex) = match &aside.raw {
            Raw::Nothing => (None, None),
            Raw::Line(bytes) | Raw::Message(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => (Some(text.to_owned()), None),
                Err(_) => (None, Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())),
            },
        };
        Self {
            number: aside.number,
            state: aside.state.name(),
            source: aside.source.to_string(),
            line: aside.position.saturating_add(1),
            arrived_at: aside.known_at.to_string(),
            reason: aside.reason,
            body,
            body_hex,
        }
    }
}

/// Findings of a rollup that did not count
#[utoipa::path(get, path = "/api/v1/rollups/{name}/dead_letters", tag = "rollups",
    params(("name" = String, Path), UncountedQuery),
    responses((status = 200, body = UncountedPage), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<UncountedQuery>,
) -> Result<Json<UncountedPage>, Problem> {
    let rollup = named(&app, &name)?;
    let mut wanted = Wanted::default();
    let limit = wanted.limit(query.limit, ITEMS);
    let state = query.state.as_deref().and_then(AsideState::named);
    if query.state.is_some() && state.is_none() {
        wanted.refuse("state is waiting, rejected, counted or discarded".to_owned());
    }
    let after = query.after.unwrap_or(0);
    if i64::try_from(after).is_err() {
        wanted.refuse("after is `next_after` of the page before".to_owned());
    }
    let limit = wanted.or_refuse(limit)?;
    let found = history(rollup)?.asides(state, after, limit).await?;
    let next_after = (found.len() == limit).then(|| found.last().map(|last| last.number)).flatten();
    Ok(Json(UncountedPage { items: found.into_iter().map(UncountedJson::from).collect(), next_after }))
}

/// One finding that did not count
#[utoipa::path(get, path = "/api/v1/rollups/{name}/dead_letters/{number}", tag = "rollups",
    params(("name" = String, Path), ("number" = u64, Path)),
    responses((status = 200, body = UncountedJson), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn one(
    State(app): State<App>,
    Path((name, number)): Path<(String, u64)>,
) -> Result<Json<UncountedJson>, Problem> {
    Ok(Json(aside(named(&app, &name)?, number).await?.into()))
}

/// Try a finding again that did not count, as it came or with another line in its place
///
/// 409 if it was seen to before; 422 says why it still cannot count, and a line that was sent is not kept then.
#[utoipa::path(post, path = "/api/v1/rollups/{name}/dead_letters/{number}/retry", tag = "rollups",
    params(("name" = String, Path), ("number" = u64, Path)), request_body = Option<RetryLine>,
    responses((status = 200, body = RetriedJson), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn retry(
    State(app): State<App>,
    Path((name, number)): Path<(String, u64)>,
    JsonIfAny(asked): JsonIfAny<RetryLine>,
) -> Result<Json<RetriedJson>, Problem> {
    let rollup = named(&app, &name)?;
    let aside = open(rollup, number).await?;
    let line = asked.and_then(|asked| asked.line);
    if line.as_ref().is_some_and(|line| line.contains('\n') || line.len() > LINE_BYTES_MAX) {
        return Err(still_rejected(format!("a finding is one line of at most {LINE_BYTES_MAX} bytes")));
    }
    match rollup.intake.retry(aside, line.map(String::into_bytes)).await? {
        Tried::Counts => Ok(Json(RetriedJson { state: AsideState::Counted.name(), reason: None })),
        Tried::Waits(why) => Ok(Json(RetriedJson { state: AsideState::Waiting.name(), reason: Some(why) })),
        Tried::Rejected(why) => Err(still_rejected(why)),
    }
}

/// Give a finding up that did not count; it stays in the list
#[utoipa::path(delete, path = "/api/v1/rollups/{name}/dead_letters/{number}", tag = "rollups",
    params(("name" = String, Path), ("number" = u64, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn discard(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, number)): Path<(String, u64)>,
) -> Result<StatusCode, Problem> {
    let rollup = named(&app, &name)?;
    let Aside { reason, .. } = open(rollup, number).await?;
    let reason = format!("{reason}; given up by {}", caller.name);
    let resolution = Resolution { number, state: AsideState::Discarded, reason };
    history(rollup)?.resolve(&[resolution]).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn aside(rollup: &Hosted, number: u64) -> Result<Aside, Problem> {
    let history = history(rollup)?;
    // Numbers begin at 1, and stores have them as signed ones.
    let before = number.checked_sub(1).filter(|_| i64::try_from(number).is_ok());
    let before = before.ok_or_else(|| missing(number))?;
    let found = history.asides(None, before, 1).await?.pop();
    found.filter(|aside| aside.number == number).ok_or_else(|| missing(number))
}

/// One that nobody has seen to.
async fn open(rollup: &Hosted, number: u64) -> Result<Aside, Problem> {
    let aside = aside(rollup, number).await?;
    match aside.state {
        AsideState::Waiting | AsideState::Rejected => Ok(aside),
        AsideState::Counted | AsideState::Discarded => Err(conflict(number, aside.state.name())),
    }
}

fn still_rejected(why: String) -> Problem {
    let title = "The finding still cannot count";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "still-rejected", title, why)
}
