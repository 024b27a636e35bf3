//! Who is in a team, and the teams that somebody is in.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use manazir_people::UserId;
use manazir_people::teams::{Member, TeamAct, TeamKey};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::json::{MemberJson, OwnTeamJson, PartWord, TeamJson};
use super::paging::{limit, next_link};
use super::parameters::{OfMember, OfTeam};
use super::refused::no_team;
use super::team::{answer, change};
use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::people::{Answer, OfUser, called};
use crate::{App, Problem};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MembersQuery {
    /// At most so many, 1 to 100; 50 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// What comes after this person, who was the last of the page before; `links.next` has it.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    cursor: Option<String>,
}

/// What somebody is to a team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPart {
    part: PartWord,
}

/// Who is in a team and takes part, in the order of joining the service
#[utoipa::path(get, path = "/api/v1/teams/{team}/members", tag = "teams", params(OfTeam, MembersQuery),
    responses((status = 200, body = Answer<Vec<MemberJson>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    uri: Uri,
    Path(of): Path<OfTeam>,
    Query(query): Query<MembersQuery>,
) -> Result<Json<Answer<Vec<MemberJson>>>, Problem> {
    let (team, limit) = (of.id()?, limit(query.limit)?);
    let after = match &query.cursor {
        Some(cursor) => Some(app.people.cursor(cursor).await?),
        None => None,
    };
    let known = app.teams.team(&TeamKey::Id(team)).await?.ok_or_else(no_team)?;
    let page = app.teams.members(team, after, limit).await?;
    let users: Vec<UserId> = page.items.iter().map(|member| member.user).collect();
    let profiles = app.people.profiles(&users).await?;
    let of = |user: UserId| profiles.iter().find(|profile| profile.id == user);
    let next = page.next.and_then(of).map(|last| next_link(&uri, limit, "", &last.public_id.to_string()));
    let json = |member: &Member| Some(MemberJson::new(of(member.user)?, member));
    let items: Vec<MemberJson> = page.items.iter().filter_map(json).collect();
    let description = format!("{} who are in {}", items.len(), known.name.value);
    Ok(Json(Answer::new(&uri, items, description).with_next(next)))
}

/// Somebody joins a team, becomes an owner, or is one no longer; the same again changes nothing
#[utoipa::path(put, path = "/api/v1/teams/{team}/members/{user}", tag = "teams", params(OfMember),
    request_body = NewPart,
    responses((status = 200, body = Answer<TeamJson>), (status = 409, body = Problem)))]
pub(crate) async fn put(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfMember>,
    extract::Json(new): extract::Json<NewPart>,
) -> Result<Json<Answer<TeamJson>>, Problem> {
    let team = of.id()?;
    let user = app.people.anyone(&caller, &of.user).await?;
    let acts = [TeamAct::Put(user.id, new.part.into())];
    let changed = change(&app, &caller, team, &acts).await?.ok_or_else(no_team)?;
    Ok(Json(answer(&uri, changed)))
}

/// Somebody leaves a team or is taken out; no import brings them back
#[utoipa::path(delete, path = "/api/v1/teams/{team}/members/{user}", tag = "teams", params(OfMember),
    responses((status = 204), (status = 409, body = Problem)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfMember>,
) -> Result<StatusCode, Problem> {
    let team = of.id()?;
    let user = app.people.anyone(&caller, &of.user).await?;
    change(&app, &caller, team, &[TeamAct::Remove(user.id)]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The teams that somebody is in, by slug, and as what
#[utoipa::path(get, path = "/api/v1/users/{user}/teams", tag = "teams", params(OfUser),
    responses((status = 200, body = Answer<Vec<OwnTeamJson>>)))]
pub(crate) async fn of_user(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
) -> Result<Json<Answer<Vec<OwnTeamJson>>>, Problem> {
    let user = app.people.anyone(&caller, &of.user).await?;
    let teams = app.teams.teams_of(user.id).await?;
    let items: Vec<OwnTeamJson> =
        teams.into_iter().map(|(team, member)| OwnTeamJson::new(team, &member)).collect();
    let description = format!("{} teams that {} is in", items.len(), called(&user));
    Ok(Json(Answer::new(&uri, items, description)))
}
