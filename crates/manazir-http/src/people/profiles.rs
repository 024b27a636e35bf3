//! Profiles: made, read, changed, put aside, erased.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use axum::{Extension, Json};
use manazir_people::{NewProfile, PersonState, ProfilePatch};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::{Answer, Made};
use super::parameters::OfUser;
use super::user::{UserJson, called, path};
use crate::access::Caller;
use crate::extract::{self, Body, Path};
use crate::{App, Problem, etag};

/// Somebody who joins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// Unique whatever its case.
    #[schema(max_length = 254, pattern = "^[!-?A-~]+@[!-?A-~]+$")]
    email: String,
    /// Readable, and unique whatever its case; never changes.
    #[schema(min_length = 2, max_length = 32, pattern = "^[a-zA-Z0-9]+([-_.][a-zA-Z0-9]+)*$")]
    username: Option<String>,
    /// What people call them.
    #[schema(max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    name: Option<String>,
    /// Team, company or college.
    #[schema(max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    affiliation: Option<String>,
}

/// What changes of a profile: what is absent stays, what is null goes (RFC 7396).
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it is there for the document alone")]
pub(crate) struct UserPatch {
    /// What people call them.
    #[schema(max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    name: Option<String>,
    /// Team, company or college.
    #[schema(max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    affiliation: Option<String>,
}

/// Whether somebody takes part.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewState {
    state: StateWord,
}

/// Takes part, or is put aside: listed where already listed, neither found nor suggested, and gets nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateWord {
    Active,
    Deactivated,
}

/// Make a user; only an address is needed
#[utoipa::path(post, path = "/api/v1/users", tag = "people", request_body = NewUser,
    responses((status = 201, body = Answer<UserJson>), (status = 409, body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    extract::Json(new): extract::Json<NewUser>,
) -> Result<Made<UserJson>, Problem> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(|error| Problem::internal(&error))?;
    let public_id = uuid::Builder::from_random_bytes(entropy).into_uuid();
    let NewUser { email, username, name, affiliation } = new;
    let new = NewProfile { public_id, username, name, email, affiliation, at: (app.now)() };
    let made = app.people.store.create(&new).await.map_err(|error| Problem::of_people(error, &[]))?;
    let description = format!("{} has joined", called(&made));
    Answer::new(&uri, UserJson::seen_by(&caller, &made), description).at(StatusCode::CREATED, &path(&made))
}

/// One user: all of it for the user, a token or an administrator, and for others what everybody may see
#[utoipa::path(get, path = "/api/v1/users/{user}", tag = "people", params(OfUser),
    responses((status = 200, body = Answer<UserJson>), (status = 304, description = "`If-None-Match` has its tag")))]
pub(crate) async fn one(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
    Path(of): Path<OfUser>,
) -> Result<Response, Problem> {
    let user = app.people.anyone(&caller, &of.user).await?;
    let answer = Answer::new(&uri, UserJson::seen_by(&caller, &user), called(&user));
    let body = serde_json::to_vec(&answer).map_err(|error| Problem::internal(&error))?;
    Ok(etag::tagged(&headers, "application/json", body))
}

/// Change a profile by a merge patch (RFC 7396)
#[utoipa::path(patch, path = "/api/v1/users/{user}", tag = "people", params(OfUser),
    request_body(content(
        (UserPatch = "application/merge-patch+json"),
        (UserPatch = "application/json"),
    )),
    responses((status = 200, body = Answer<UserJson>)))]
pub(crate) async fn update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
    Path(of): Path<OfUser>,
    Body(body): Body,
) -> Result<Json<Answer<UserJson>>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let patch = ProfilePatch::from_merge_patch(&read_patch(&headers, &body)?)
        .map_err(|refusal| Problem::of_refusal(&refusal, &[]))?;
    let changed = app.people.store.update(user.id, &patch, (app.now)()).await;
    let changed = changed.map_err(|error| Problem::of_people(error, &[&user]))?;
    Ok(Json(Answer::new(&uri, UserJson::seen_by(&caller, &changed), called(&changed))))
}

fn read_patch(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !["application/merge-patch+json", "application/json"].iter().any(|one| kind.eq_ignore_ascii_case(one))
    {
        return Err(Problem::unsupported("send `Content-Type: application/merge-patch+json`"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let detail = format!(r#"the body is no JSON object such as {{"name": "Ada"}}: {error}"#);
        Problem::invalid(detail, Vec::new())
    })
}

/// Put a user aside, or bring them back; the same again changes nothing
///
/// A person may put themselves aside. Bringing back is for tokens and administrators.
#[utoipa::path(put, path = "/api/v1/users/{user}/state", tag = "people", params(OfUser), request_body = NewState,
    responses((status = 200, body = Answer<UserJson>)))]
pub(crate) async fn set_state(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    extract::Json(new): extract::Json<NewState>,
) -> Result<Json<Answer<UserJson>>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let state = match new.state {
        StateWord::Active => PersonState::Active,
        StateWord::Deactivated => PersonState::Deactivated,
    };
    // Whoever was put aside by an administrator must not undo it.
    if state == PersonState::Active && user.state != state && !caller.acts_for_all {
        return Err(Problem::forbidden("an administrator brings users back: ask one"));
    }
    let changed = app.people.store.set_state(user.id, state, (app.now)()).await;
    let changed = changed.map_err(|error| Problem::of_people(error, &[&user]))?;
    Ok(Json(Answer::new(&uri, UserJson::seen_by(&caller, &changed), called(&changed))))
}

/// Erase all that is known of a user, connections included; there is no way back
#[utoipa::path(delete, path = "/api/v1/users/{user}", tag = "people", params(OfUser), responses((status = 204)))]
pub(crate) async fn erase(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfUser>,
) -> Result<StatusCode, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let erased = app.people.store.set_state(user.id, PersonState::Erased, (app.now)()).await;
    erased.map_err(|error| Problem::of_people(error, &[&user]))?;
    Ok(StatusCode::NO_CONTENT)
}
