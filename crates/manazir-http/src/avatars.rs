//! Pictures of people, teams and services. They are open: a picture tells nothing, not even whether there is somebody.
//!
//! What can be drawn is told by the tag alone, so a picture that a caller has is not drawn again. PNGs are drawn on
//! threads of their own, a few at a time, and who asks too often is held back by where they are, whatever they ask for.

mod drawing;
mod parameters;

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, Uri};
use axum::response::Response;
use manazir_auth::AccountId;
use manazir_avatar::Kind;
use manazir_people::teams::TeamKey;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::{Path, Query};
use crate::people::{Answer, identifier};
use crate::teams::{OfService, OfTeam};
use crate::{App, Problem};

pub use drawing::{AvatarLimits, Avatars};
use drawing::{Keep, Picture};
use parameters::{CandidatesQuery, OfPerson, OfSeed, PictureQuery, SeedQuery, seed};

/// A picture to choose.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CandidateJson {
    /// What it is made from: the `avatar_seed` of whoever chooses it.
    seed: String,
    /// The picture.
    avatar: String,
}

/// A picture of pixels.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "a description")]
pub(crate) struct Png(Vec<u8>);

/// The picture of a person; of whom there is no account it is made from the identifier
#[utoipa::path(get, path = "/api/v1/users/{user}/avatar", tag = "avatars", params(OfPerson, PictureQuery),
    responses((status = 200, content((String = "image/svg+xml"), (Png = "image/png"))),
        (status = 304, description = "`If-None-Match` has its tag"), (status = 429, body = Problem)))]
pub(crate) async fn of_person(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Path(of): Path<OfPerson>,
    Query(query): Query<PictureQuery>,
) -> Result<Response, Problem> {
    hold(&app, &extensions, &headers)?;
    let (id, form) = (named(&of.user)?, query.form()?);
    let seed = app.accounts.avatar_seed(AccountId(id.into_bytes())).await?;
    let seed = seed.unwrap_or_else(|| id.to_string());
    app.avatars.answer(&headers, &Picture { kind: Kind::Person, seed: &seed, form, keep: Keep::Hour }).await
}

/// The picture of a team
#[utoipa::path(get, path = "/api/v1/teams/{team}/avatar", tag = "avatars", params(OfTeam, PictureQuery),
    responses((status = 200, content((String = "image/svg+xml"), (Png = "image/png"))),
        (status = 304, description = "`If-None-Match` has its tag"), (status = 429, body = Problem)))]
pub(crate) async fn of_team(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Path(of): Path<OfTeam>,
    Query(query): Query<PictureQuery>,
) -> Result<Response, Problem> {
    hold(&app, &extensions, &headers)?;
    let (id, form) = (of.id()?, query.form()?);
    let seed = app.teams.team(&TeamKey::Id(id)).await?.map(|team| team.avatar_seed);
    let seed = seed.unwrap_or_else(|| id.to_string());
    app.avatars.answer(&headers, &Picture { kind: Kind::Team, seed: &seed, form, keep: Keep::Hour }).await
}

/// The picture of a service
#[utoipa::path(get, path = "/api/v1/services/{service}/avatar", tag = "avatars", params(OfService, PictureQuery),
    responses((status = 200, content((String = "image/svg+xml"), (Png = "image/png"))),
        (status = 304, description = "`If-None-Match` has its tag"), (status = 429, body = Problem)))]
pub(crate) async fn of_service(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Path(of): Path<OfService>,
    Query(query): Query<PictureQuery>,
) -> Result<Response, Problem> {
    hold(&app, &extensions, &headers)?;
    let (id, form) = (of.id()?, query.form()?);
    let seed = app.teams.service(id).await?.map(|service| service.avatar_seed);
    let seed = seed.unwrap_or_else(|| id.to_string());
    app.avatars.answer(&headers, &Picture { kind: Kind::Service, seed: &seed, form, keep: Keep::Hour }).await
}

/// The picture that a seed makes
#[utoipa::path(get, path = "/api/v1/avatars/{seed}", tag = "avatars", params(OfSeed, SeedQuery),
    responses((status = 200, content((String = "image/svg+xml"), (Png = "image/png"))),
        (status = 304, description = "`If-None-Match` has its tag"), (status = 429, body = Problem)))]
pub(crate) async fn of_seed(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Path(of): Path<OfSeed>,
    Query(query): Query<SeedQuery>,
) -> Result<Response, Problem> {
    hold(&app, &extensions, &headers)?;
    let (seed, form) = (seed(&of.seed)?, query.form()?);
    app.avatars.answer(&headers, &Picture { kind: query.kind(), seed, form, keep: Keep::Ever }).await
}

/// Pictures of people to choose from: of the same seed the same, and no two alike
#[utoipa::path(get, path = "/api/v1/avatars", tag = "avatars", params(CandidatesQuery),
    responses((status = 200, body = Answer<Vec<CandidateJson>>), (status = 429, body = Problem)))]
pub(crate) async fn candidates(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    uri: Uri,
    Query(query): Query<CandidatesQuery>,
) -> Result<Json<Answer<Vec<CandidateJson>>>, Problem> {
    hold(&app, &extensions, &headers)?;
    let (seed, count) = query.wanted()?;
    let seed = seed.to_owned();
    let seeds = app.avatars.apart(move || manazir_avatar::candidates(&seed, count)).await?;
    let json = |seed: String| CandidateJson { avatar: format!("/api/v1/avatars/{seed}"), seed };
    let items: Vec<CandidateJson> = seeds.into_iter().map(json).collect();
    let description =
        format!("{} pictures to choose from; send the `seed` of one as `avatar_seed`", items.len());
    Ok(Json(Answer::new(&uri, items, description)))
}

/// Holds back who asks too often. Before anything is looked up: that costs, too.
fn hold(app: &App, extensions: &Extensions, headers: &HeaderMap) -> Result<(), Problem> {
    let address = app.account_settings.proxies.caller(extensions, headers);
    app.avatars.hold(address, (app.now)())
}

fn named(text: &str) -> Result<Uuid, Problem> {
    identifier(text).ok_or_else(|| {
        let detail = format!(
            "`{text}` is no identifier such as 0193a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d, as pictures need it"
        );
        Problem::invalid(detail, Vec::new())
    })
}
