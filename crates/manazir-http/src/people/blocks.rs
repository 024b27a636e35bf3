//! Blocks: whom a person wants nothing to do with. Who is blocked learns nothing of it.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use manazir_people::{Action, List};

use super::paging::{PageQuery, PeopleList};
use super::parameters::{OfTwo, OfUser};
use super::user::called;
use crate::access::Caller;
use crate::extract::{Path, Query};
use crate::{App, Problem};

/// Whom a user blocks
#[utoipa::path(get, path = "/api/v1/users/{user}/blocks", tag = "people", params(OfUser, PageQuery),
    responses((status = 200, body = PeopleList)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PeopleList>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let what = format!("people whom {} blocks", called(&user));
    Ok(Json(app.people.list(&uri, &user, List::Blocked, &query, &what).await?))
}

/// Block somebody: connection and requests end, and neither is suggested to the other; the same again changes nothing
#[utoipa::path(put, path = "/api/v1/users/{user}/blocks/{other}", tag = "people", params(OfTwo),
    responses((status = 204), (status = 409, body = Problem)))]
pub(crate) async fn block(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfTwo>,
) -> Result<StatusCode, Problem> {
    app.people.ended(&app, &caller, &of, Action::Block).await
}

/// Take a block back; what it ended does not come back
#[utoipa::path(delete, path = "/api/v1/users/{user}/blocks/{other}", tag = "people", params(OfTwo),
    responses((status = 204)))]
pub(crate) async fn unblock(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfTwo>,
) -> Result<StatusCode, Problem> {
    app.people.ended(&app, &caller, &of, Action::Unblock).await
}
