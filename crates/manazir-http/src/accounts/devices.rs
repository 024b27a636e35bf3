//! One's own sessions: one for each device.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::SessionJson;
use super::json::{EndedJson, no_session, session};
use super::sessions::forgotten;
use super::visit::Visit;
use crate::access::Caller;
use crate::extract::Path;
use crate::{App, Problem};

/// One's own sessions, the one used last first
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", responses((status = 200, body = Vec<SessionJson>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<SessionJson>>, Problem> {
    let claims = caller.person()?;
    let sessions = app.accounts.sessions(claims.account, (app.now)()).await?;
    let current = Some(claims.session);
    Ok(Json(sessions.into_iter().map(|session| SessionJson::seen(session, current)).collect()))
}

/// End one of one's own sessions
///
/// Its access token is refused everywhere within a second.
#[utoipa::path(delete, path = "/api/v1/sessions/{session}", tag = "sessions", params(("session" = String, Path)),
    responses((status = 204)))]
pub(crate) async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (claims, id) = (caller.person()?, session(&id)?);
    if !app.accounts.end_session(claims, id, &on).await? {
        return Err(no_session());
    }
    if id == claims.session {
        return Ok((StatusCode::NO_CONTENT, forgotten()).into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// End all of one's own sessions but this one
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "sessions", responses((status = 200, body = EndedJson)))]
pub(crate) async fn end_others(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
) -> Result<Json<EndedJson>, Problem> {
    let ended = app.accounts.end_others(caller.person()?, &on).await?;
    Ok(Json(EndedJson { ended }))
}
