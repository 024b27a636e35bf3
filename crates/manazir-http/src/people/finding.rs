//! People are found: by what is typed, by username, by address.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use manazir_people::{PersonState, Profile, ProfileKey};
use serde::Deserialize;
use utoipa::IntoParams;

use super::People;
use super::answer::Answer;
use super::held::Deed;
use super::paging::ITEMS;
use super::user::UserJson;
use crate::access::Caller;
use crate::extract::Query;
use crate::search::Wanted;
use crate::{App, Problem};

/// By what people are found: one of the three.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserQuery {
    /// Part of a username or a name, case ignored; every character means itself. Who begins with it comes first.
    search: Option<String>,
    /// Exactly this username, case ignored.
    username: Option<String>,
    /// Exactly this address, case ignored; for tokens and administrators.
    email: Option<String>,
    /// At most so many, 1 to 100; 50 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Find people by part of a name, or one by username or address
#[utoipa::path(get, path = "/api/v1/users", tag = "people", params(UserQuery),
    responses((status = 200, body = Answer<Vec<UserJson>>), (status = 429, body = Problem)))]
pub(crate) async fn find(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Query(query): Query<UserQuery>,
) -> Result<Json<Answer<Vec<UserJson>>>, Problem> {
    app.people.held.take(&caller, Deed::Search, (app.now)())?;
    let mut wanted = Wanted::default();
    let limit = wanted.limit(query.limit, ITEMS);
    let limit = wanted.or_refuse(limit)?;
    let found = match (query.search, query.username, query.email) {
        (Some(search), None, None) => app.people.search(&search, limit).await?,
        (None, Some(username), None) => app.people.by_key(&caller, ProfileKey::Username(username)).await?,
        (None, None, Some(email)) => app.people.by_key(&caller, ProfileKey::Email(email)).await?,
        _ => {
            let detail = "say by what to find people: one of `search=`, `username=` and `email=`";
            return Err(Problem::invalid(detail, Vec::new()));
        }
    };
    let json: Vec<UserJson> = found.iter().map(|user| UserJson::seen_by(&caller, user)).collect();
    let description = format!("{} found", json.len());
    Ok(Json(Answer::new(&uri, json, description)))
}

impl People {
    async fn search(&self, typed: &str, limit: usize) -> Result<Vec<Profile>, Problem> {
        // No name has such, and not every database takes them.
        if typed.chars().any(char::is_control) {
            return Ok(Vec::new());
        }
        self.store.search(typed, limit).await.map_err(|error| Problem::of_people(error, &[]))
    }

    async fn by_key(&self, caller: &Caller, key: ProfileKey) -> Result<Vec<Profile>, Problem> {
        let text = match &key {
            ProfileKey::Email(_) if !caller.acts_for_all => {
                let detail = "addresses are for tokens and administrators: use `search=` or `username=`";
                return Err(Problem::forbidden(detail));
            }
            ProfileKey::Email(text) | ProfileKey::Username(text) => text.as_str(),
            ProfileKey::Id(_) | ProfileKey::Public(_) => "",
        };
        if text.chars().any(char::is_control) {
            return Ok(Vec::new());
        }
        let found = self.store.profile(&key).await.map_err(|error| Problem::of_people(error, &[]))?;
        // Whoever was put aside is not found by people.
        let shown = |user: &Profile| caller.acts_for_all || user.state == PersonState::Active;
        Ok(found.into_iter().filter(shown).collect())
    }
}
