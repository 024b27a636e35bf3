//! Teams: listed, made, read, changed, deleted.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::{Extension, Json};
use manazir_people::teams::{NewTeam, Part, Team, TeamAct, TeamKey, TeamPatch};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::entropy::new_id;
use super::json::{PartWord, TeamJson, path};
use super::paging::{limit, next_link};
use super::parameters::OfTeam;
use super::refused::no_team;
use super::who::{asking, itself, numbers};
use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::people::{Answer, Made, unknown_cursor};
use crate::{App, Problem, etag};

/// Which page, or the team of a slug.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamsQuery {
    /// The team of this slug alone.
    slug: Option<String>,
    /// At most so many, 1 to 100; 50 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// What comes after this slug, which was the last of the page before; `links.next` has it.
    #[param(pattern = "^[-a-z0-9]{1,63}$")]
    cursor: Option<String>,
}

/// A team to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTeamJson {
    /// Unique, and never changes.
    #[schema(min_length = 1, max_length = 63, pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
    slug: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[!-~]([^\x00-\x1f\x7f-\x9f]*[!-~])?$")]
    name: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 2000, pattern = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
    description: String,
    /// What its picture is made from; its identifier if nothing is said.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    avatar_seed: Option<String>,
    /// Its first owners, by identifier. A person who makes it is one anyway; an administrator if nobody is named.
    #[schema(max_items = 1000, pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    owners: Option<Vec<String>>,
}

/// What changes of a team; what is absent stays. All of it happens or nothing, so that an owner names another and
/// leaves at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamPatchJson {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[!-~]([^\x00-\x1f\x7f-\x9f]*[!-~])?$")]
    name: Option<String>,
    /// What it is for.
    #[schema(max_length = 2000, pattern = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
    description: Option<String>,
    /// What its picture is made from.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    avatar_seed: Option<String>,
    /// What people are to it from now on, by identifier: `owner` or `member`; `null` takes somebody out.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Option<String>>)]
    members: BTreeMap<String, Option<PartWord>>,
}

/// Characters of a slug.
const SLUG_MAX: usize = 63;
/// People that one change may name.
const NAMED_MAX: usize = manazir_people::teams::MEMBERS_MAX;

/// Teams in the order of their slugs
#[utoipa::path(get, path = "/api/v1/teams", tag = "teams", params(TeamsQuery),
    responses((status = 200, body = Answer<Vec<TeamJson>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    uri: Uri,
    Query(query): Query<TeamsQuery>,
) -> Result<Json<Answer<Vec<TeamJson>>>, Problem> {
    let limit = limit(query.limit)?;
    let (teams, next) = match (&query.slug, &query.cursor) {
        // Nothing else is a slug, and not every database takes all.
        (Some(slug), _) if !is_slug(slug) => (Vec::new(), None),
        (Some(slug), _) => (app.teams.team(&TeamKey::Slug(slug.clone())).await?.into_iter().collect(), None),
        (None, Some(cursor)) if !is_slug(cursor) => return Err(unknown_cursor()),
        (None, cursor) => {
            let page = app.teams.teams(cursor.as_deref(), limit).await?;
            (page.items, page.next.map(|next| next_link(&uri, limit, "", &next)))
        }
    };
    let items: Vec<TeamJson> = teams.into_iter().map(TeamJson::from).collect();
    let description = format!("{} teams", items.len());
    Ok(Json(Answer::new(&uri, items, description).with_next(next)))
}

/// Make a team
#[utoipa::path(post, path = "/api/v1/teams", tag = "teams", request_body = NewTeamJson,
    responses((status = 201, body = Answer<TeamJson>), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    extract::Json(new): extract::Json<NewTeamJson>,
) -> Result<Made<TeamJson>, Problem> {
    let asking = asking(&app, &caller).await?;
    let owners = match new.owners {
        Some(named) => numbers(&app, &caller, few(&named)?).await?,
        None => itself(&app, &caller).await?.into_iter().collect(),
    };
    let NewTeamJson { slug, name, description, avatar_seed, .. } = new;
    let new = NewTeam { id: new_id()?, slug, name, description, avatar_seed, owners, at: (app.now)() };
    let made = app.teams.create_team(asking, &new).await?;
    let (place, said) = (path(&made), format!("{} is made", made.name.value));
    Answer::new(&uri, made.into(), said).at(StatusCode::CREATED, &place)
}

/// One team
#[utoipa::path(get, path = "/api/v1/teams/{team}", tag = "teams", params(OfTeam),
    responses((status = 200, body = Answer<TeamJson>), (status = 304, description = "`If-None-Match` has its tag")))]
pub(crate) async fn one(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    Path(of): Path<OfTeam>,
) -> Result<Response, Problem> {
    let team = app.teams.team(&TeamKey::Id(of.id()?)).await?.ok_or_else(no_team)?;
    let body = serde_json::to_vec(&answer(&uri, team)).map_err(|error| Problem::internal(&error))?;
    Ok(etag::tagged(&headers, "application/json", body))
}

/// Change a team and who is in it
///
/// Its owners may, and members take themselves out. A team that has members keeps an owner.
#[utoipa::path(patch, path = "/api/v1/teams/{team}", tag = "teams", params(OfTeam), request_body = TeamPatchJson,
    responses((status = 200, body = Answer<TeamJson>), (status = 409, body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfTeam>,
    extract::Json(patch): extract::Json<TeamPatchJson>,
) -> Result<Json<Answer<TeamJson>>, Problem> {
    let team = of.id()?;
    let acts = acts(&app, &caller, patch).await?;
    let changed = change(&app, &caller, team, &acts).await?.ok_or_else(no_team)?;
    Ok(Json(answer(&uri, changed)))
}

/// Delete a team; it owns nothing any more, and its slug is free
#[utoipa::path(delete, path = "/api/v1/teams/{team}", tag = "teams", params(OfTeam), responses((status = 204)))]
pub(crate) async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfTeam>,
) -> Result<StatusCode, Problem> {
    change(&app, &caller, of.id()?, &[TeamAct::Delete]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Does these acts on the authority of whoever asks; the team afterwards.
pub(super) async fn change(
    app: &App,
    caller: &Caller,
    team: Uuid,
    acts: &[TeamAct],
) -> Result<Option<Team>, Problem> {
    let asking = asking(app, caller).await?;
    Ok(app.teams.change_team(asking, team, acts, (app.now)()).await?)
}

pub(super) fn answer(uri: &Uri, team: Team) -> Answer<TeamJson> {
    let name = team.name.value.clone();
    Answer::new(uri, team.into(), name)
}

/// Whoever goes goes first, so that others have room.
async fn acts(app: &App, caller: &Caller, patch: TeamPatchJson) -> Result<Vec<TeamAct>, Problem> {
    let TeamPatchJson { name, description, avatar_seed, members } = patch;
    let (users, parts): (Vec<String>, Vec<Option<PartWord>>) = members.into_iter().unzip();
    let users = numbers(app, caller, few(&users)?).await?;
    let mut acts = Vec::new();
    let patch = TeamPatch { name, description, avatar_seed };
    if patch != TeamPatch::default() {
        acts.push(TeamAct::Change(patch));
    }
    let both = || users.iter().copied().zip(&parts);
    acts.extend(both().filter(|(_, part)| part.is_none()).map(|(user, _)| TeamAct::Remove(user)));
    let put = |(user, part): (_, &Option<PartWord>)| part.map(|part| TeamAct::Put(user, Part::from(part)));
    acts.extend(both().filter_map(put));
    Ok(acts)
}

fn is_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=SLUG_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn few(named: &[String]) -> Result<&[String], Problem> {
    if named.len() > NAMED_MAX {
        let detail = format!("it names more than {NAMED_MAX} people, more than a team may have");
        return Err(Problem::invalid(detail, Vec::new()));
    }
    Ok(named)
}
