//! Connections: listed, asked for, made without consent, removed.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use manazir_people::{Action, List, Relation};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Made};
use super::paging::{PageQuery, PeopleList};
use super::parameters::{OfTwo, OfUser, Other};
use super::relations::connected;
use super::user::{RelationJson, called};
use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::{App, Problem};

/// Whether two people are connected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectedJson {
    /// They are.
    connected: bool,
}

/// Who is no longer a contact.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whom {
    /// A person, by identifier.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    user: String,
}

/// Contacts of a user, in the order of joining
#[utoipa::path(get, path = "/api/v1/users/{user}/connections", tag = "people", params(OfUser, PageQuery),
    responses((status = 200, body = PeopleList)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PeopleList>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let what = format!("contacts of {}", called(&user));
    Ok(Json(app.people.list(&uri, &user, List::Contacts, &query, &what).await?))
}

/// Connect two users without consent; people ask instead
#[utoipa::path(post, path = "/api/v1/users/{user}/connections", tag = "people", params(OfUser),
    request_body = Other, responses((status = 201, body = Answer<RelationJson>), (status = 409, body = Problem)))]
pub(crate) async fn connect(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    extract::Json(new): extract::Json<Other>,
) -> Result<Made<RelationJson>, Problem> {
    let (user, other) = app.people.own_and_other(&caller, &of.user, &new.id).await?;
    let written = app.people.done(&app, &user, Action::Connect, &other).await?;
    connected(&uri, &user, &other, written.relation)
}

/// Whether two users are connected
#[utoipa::path(get, path = "/api/v1/users/{user}/connections/{other}", tag = "people", params(OfTwo),
    responses((status = 200, body = Answer<ConnectedJson>)))]
pub(crate) async fn is_connected(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfTwo>,
) -> Result<Json<Answer<ConnectedJson>>, Problem> {
    let (user, other) = app.people.own_and_other(&caller, &of.user, &of.other).await?;
    let connected = app.people.relation(&user, &other).await? == Relation::Connected;
    let description = match connected {
        true => format!("{} and {} are connected", called(&user), called(&other)),
        false => format!("{} and {} are not connected", called(&user), called(&other)),
    };
    Ok(Json(Answer::new(&uri, ConnectedJson { connected }, description)))
}

/// Remove a connection
#[utoipa::path(delete, path = "/api/v1/users/{user}/connections/{other}", tag = "people", params(OfTwo),
    responses((status = 204)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfTwo>,
) -> Result<StatusCode, Problem> {
    app.people.ended(&app, &caller, &of, Action::Disconnect).await
}

/// Remove a connection, as the original wrote it
#[utoipa::path(delete, path = "/api/v1/users/{user}/connections", tag = "people", params(OfUser, Whom),
    responses((status = 204)))]
pub(crate) async fn remove_by_query(
    state: State<App>,
    caller: Extension<Caller>,
    Path(of): Path<OfUser>,
    Query(whom): Query<Whom>,
) -> Result<StatusCode, Problem> {
    remove(state, caller, Path(OfTwo { user: of.user, other: whom.user })).await
}
