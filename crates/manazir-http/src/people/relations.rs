//! What two people are to each other, and whom both know.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use manazir_people::{Act, Action, Profile, Refusal, Relation, Written};

use super::People;
use super::answer::{Answer, Made};
use super::paging::{PageQuery, PeopleList};
use super::parameters::OfTwo;
use super::user::{RelationJson, called, path};
use crate::access::Caller;
use crate::extract::{Path, Query};
use crate::{App, Problem};

/// What a user sees of another: `self`, `none`, `outgoing_request`, `incoming_request`, `contact`, `blocked`
#[utoipa::path(get, path = "/api/v1/users/{user}/relations/{other}", tag = "people", params(OfTwo),
    responses((status = 200, body = Answer<RelationJson>)))]
pub(crate) async fn one(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfTwo>,
) -> Result<Json<Answer<RelationJson>>, Problem> {
    let (user, other) = app.people.own_and_other(&caller, &of.user, &of.other).await?;
    let relation = app.people.relation(&user, &other).await?;
    let description = format!("what {} sees of {}", called(&user), called(&other));
    Ok(Json(Answer::new(&uri, RelationJson::new(&user, &other, relation), description)))
}

/// Contacts that both have, in the order of joining
#[utoipa::path(get, path = "/api/v1/users/{user}/mutual/{other}", tag = "people", params(OfTwo, PageQuery),
    responses((status = 200, body = PeopleList)))]
pub(crate) async fn mutual(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfTwo>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PeopleList>, Problem> {
    let (user, other) = app.people.own_and_other(&caller, &of.user, &of.other).await?;
    let asked = app.people.asked(&query).await?;
    let mutual = app.people.graph.mutual(user.id, other.id, &asked.page()?).await;
    let mutual = mutual.map_err(|error| Problem::of_people(error, &[&user, &other]))?;
    let what = format!("contacts that {} and {} share", called(&user), called(&other));
    Ok(Json(app.people.listed(&uri, &asked, mutual, &what).await?))
}

/// What is answered where two people have become connected.
pub(super) fn connected(
    uri: &Uri,
    user: &Profile,
    other: &Profile,
    relation: Relation,
) -> Result<Made<RelationJson>, Problem> {
    let place = format!("{}/connections/{}", path(user), other.public_id);
    let description = format!("{} and {} are connected", called(user), called(other));
    Answer::new(uri, RelationJson::new(user, other, relation), description).at(StatusCode::CREATED, &place)
}

impl People {
    pub(super) async fn relation(&self, user: &Profile, other: &Profile) -> Result<Relation, Problem> {
        let relation = self.graph.relation(user.id, other.id).await;
        relation.map_err(|error| Problem::of_people(error, &[user, other]))
    }

    /// Does one thing; what came of it, or why the rules do not allow it.
    pub(super) async fn act(
        &self,
        app: &App,
        by: &Profile,
        action: Action,
        to: &Profile,
    ) -> Result<Result<Written, Refusal>, Problem> {
        let act = Act { by: by.id, to: to.id, action, at: (app.now)() };
        let done = self.graph.write(&[act]).await.map_err(|error| Problem::of_people(error, &[by, to]))?;
        done.into_iter().next().ok_or_else(Problem::failed)
    }

    /// Does one thing that leaves nothing to show, for the two people of a path.
    pub(super) async fn ended(
        &self,
        app: &App,
        caller: &Caller,
        of: &OfTwo,
        action: Action,
    ) -> Result<StatusCode, Problem> {
        let (user, other) = self.own_and_other(caller, &of.user, &of.other).await?;
        self.done(app, &user, action, &other).await.map(|_| StatusCode::NO_CONTENT)
    }

    /// Does one thing, or says why not.
    pub(super) async fn done(
        &self,
        app: &App,
        by: &Profile,
        action: Action,
        to: &Profile,
    ) -> Result<Written, Problem> {
        self.act(app, by, action, to).await?.map_err(|refusal| Problem::of_refusal(&refusal, &[by, to]))
    }
}
