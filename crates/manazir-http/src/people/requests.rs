//! Requests to become a contact: sent, received, answered, taken back.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use manazir_people::{Action, List, Profile, Refusal, Relation};

use super::People;
use super::answer::{Answer, Made};
use super::held::Deed;
use super::paging::{PageQuery, PeopleList};
use super::parameters::{OfTwo, OfUser, Other};
use super::refused::told_to_asker;
use super::relations::connected;
use super::user::{RelationJson, called, path};
use super::who::is_own;
use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::{App, Problem};

/// Whom a user has asked and who has not answered yet
#[utoipa::path(get, path = "/api/v1/users/{user}/requests/outgoing", tag = "people", params(OfUser, PageQuery),
    responses((status = 200, body = PeopleList)))]
pub(crate) async fn outgoing(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PeopleList>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let what = format!("requests of {}", called(&user));
    Ok(Json(app.people.list(&uri, &user, List::AskedTo, &query, &what).await?))
}

/// Who has asked a user and waits for the answer
#[utoipa::path(get, path = "/api/v1/users/{user}/requests/incoming", tag = "people", params(OfUser, PageQuery),
    responses((status = 200, body = PeopleList)))]
pub(crate) async fn incoming(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PeopleList>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let what = format!("requests to {}", called(&user));
    Ok(Json(app.people.list(&uri, &user, List::AskedBy, &query, &what).await?))
}

/// Ask somebody to become a contact; who asks whoever has asked them is connected at once
#[utoipa::path(post, path = "/api/v1/users/{user}/requests/outgoing", tag = "people", params(OfUser),
    request_body = Other, responses((status = 201, body = Answer<RelationJson>), (status = 409, body = Problem)))]
pub(crate) async fn ask(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    extract::Json(new): extract::Json<Other>,
) -> Result<Made<RelationJson>, Problem> {
    app.people.held.take(&caller, Deed::Ask, (app.now)())?;
    let (user, other) = app.people.own_and_other(&caller, &of.user, &new.id).await?;
    let written = match app.people.act(&app, &user, Action::Ask, &other).await? {
        Ok(written) => written,
        Err(refusal) => return Err(app.people.why_not_asked(&caller, &refusal, &user, &other).await?),
    };
    let (place, what) = match written.relation {
        Relation::Connected => ("connections", "are connected: both have asked"),
        _ => ("relations", "are to be connected: the request waits for its answer"),
    };
    let place = format!("{}/{place}/{}", path(&user), other.public_id);
    let description = format!("{} and {} {what}", called(&user), called(&other));
    Answer::new(&uri, RelationJson::new(&user, &other, written.relation), description)
        .at(StatusCode::CREATED, &place)
}

/// Grant what somebody has asked for
#[utoipa::path(post, path = "/api/v1/users/{user}/requests/incoming/{other}/accept", tag = "people", params(OfTwo),
    responses((status = 201, body = Answer<RelationJson>), (status = 409, body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn accept(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfTwo>,
) -> Result<Made<RelationJson>, Problem> {
    app.people.held.take(&caller, Deed::Answer, (app.now)())?;
    let (user, other) = app.people.own_and_other(&caller, &of.user, &of.other).await?;
    let written = match app.people.act(&app, &user, Action::Accept, &other).await? {
        Ok(written) => written,
        // A block has ended the request: it is told as a request that was taken back is.
        Err(Refusal::Blocked) => return Err(Problem::of_refusal(&Refusal::NoRequest, &[])),
        Err(refusal) => return Err(Problem::of_refusal(&refusal, &[&user, &other])),
    };
    connected(&uri, &user, &other, written.relation)
}

/// Refuse what somebody has asked for; they are not told
#[utoipa::path(delete, path = "/api/v1/users/{user}/requests/incoming/{other}", tag = "people", params(OfTwo),
    responses((status = 204), (status = 429, body = Problem)))]
pub(crate) async fn reject(
    state: State<App>,
    caller: Extension<Caller>,
    of: Path<OfTwo>,
) -> Result<StatusCode, Problem> {
    end(state, caller, of, Action::Reject).await
}

/// Take a request back
#[utoipa::path(delete, path = "/api/v1/users/{user}/requests/outgoing/{other}", tag = "people", params(OfTwo),
    responses((status = 204), (status = 429, body = Problem)))]
pub(crate) async fn cancel(
    state: State<App>,
    caller: Extension<Caller>,
    of: Path<OfTwo>,
) -> Result<StatusCode, Problem> {
    end(state, caller, of, Action::Cancel).await
}

async fn end(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfTwo>,
    action: Action,
) -> Result<StatusCode, Problem> {
    app.people.held.take(&caller, Deed::Answer, (app.now)())?;
    app.people.ended(&app, &caller, &of, action).await
}

impl People {
    /// A page of a list of somebody.
    pub(super) async fn list(
        &self,
        uri: &Uri,
        user: &Profile,
        list: List,
        query: &PageQuery,
        what: &str,
    ) -> Result<PeopleList, Problem> {
        let asked = self.asked(query).await?;
        let listing = self.graph.list(user.id, list, &asked.page()?).await;
        let listing = listing.map_err(|error| Problem::of_people(error, &[user]))?;
        self.listed(uri, &asked, listing, what).await
    }

    async fn why_not_asked(
        &self,
        caller: &Caller,
        refusal: &Refusal,
        user: &Profile,
        other: &Profile,
    ) -> Result<Problem, Problem> {
        if !is_own(caller, user) {
            return Ok(Problem::of_refusal(refusal, &[user, other]));
        }
        let blocks = self.relation(user, other).await? == Relation::Blocked;
        Ok(told_to_asker(refusal, user, other, blocks))
    }
}
