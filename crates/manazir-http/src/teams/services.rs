//! Services: listed, made, read, changed, deleted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::{Extension, Json};
use manazir_people::UserId;
use manazir_people::teams::{NewService, OWNERS_MAX, Owner, Service, ServiceKey, ServicePatch, TeamsPage};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::entropy::new_id;
use super::json::{OwnerJson, ServiceJson, path_of_service};
use super::paging::{limit, next_link, place, written};
use super::parameters::{OfService, read};
use super::refused::no_service;
use super::who::{asking, itself};
use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::people::{Answer, Made};
use crate::{App, Problem, etag};

/// Which services.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServicesQuery {
    /// Those of this name, wherever they are: at most 100, without pages.
    name: Option<String>,
    /// In place of that: those that this team owns.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    team: Option<String>,
    /// In place of that: those that this person owns by themselves; `me` is whoever has signed in.
    #[param(pattern = "^(me|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$")]
    user: Option<String>,
    /// At most so many, 1 to 100; 50 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Where the page before ended; `links.next` has it.
    #[param(max_length = 3076, pattern = "^([0-9a-f]{2})*$")]
    cursor: Option<String>,
}

/// A service to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewServiceJson {
    /// What it is called; never changes, and no other of that name is in the same place.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[!-~]([^\x00-\x1f\x7f-\x9f]*[!-~])?$")]
    name: String,
    /// In which namespace.
    #[serde(default)]
    #[schema(max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    namespace: String,
    /// In which environment, such as `production`.
    #[serde(default)]
    #[schema(max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    environment: String,
    /// What it does.
    #[serde(default)]
    #[schema(max_length = 2000, pattern = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
    description: String,
    /// Who answers for it; whoever makes it, if nothing is said and it is a person.
    #[schema(max_items = 20)]
    owners: Option<Vec<OwnerJson>>,
    /// What else is said of it: at most 64, of names of 1 to 317 and values of 1 to 253 characters.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// What its picture is made from; its identifier if nothing is said.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    avatar_seed: Option<String>,
}

/// What changes of a service; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServicePatchJson {
    /// What it does.
    #[schema(max_length = 2000, pattern = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
    description: Option<String>,
    /// All who answer for it from now on.
    #[schema(max_items = 20)]
    owners: Option<Vec<OwnerJson>>,
    /// All that is said of it from now on.
    labels: Option<BTreeMap<String, String>>,
    /// What its picture is made from.
    #[schema(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    avatar_seed: Option<String>,
}

/// Services, in the order of name, namespace and environment
#[utoipa::path(get, path = "/api/v1/services", tag = "services", params(ServicesQuery),
    responses((status = 200, body = Answer<Vec<ServiceJson>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Query(query): Query<ServicesQuery>,
) -> Result<Json<Answer<Vec<ServiceJson>>>, Problem> {
    let limit = limit(query.limit)?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let (page, of) = found(&app, &caller, &query, after.as_ref(), limit).await?;
    let next = page.next.map(|next| next_link(&uri, limit, &of, &written(&next)));
    let items = shown(&app, page.items).await?;
    let description = format!("{} services", items.len());
    Ok(Json(Answer::new(&uri, items, description).with_next(next)))
}

/// Make a service
#[utoipa::path(post, path = "/api/v1/services", tag = "services", request_body = NewServiceJson,
    responses((status = 201, body = Answer<ServiceJson>), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    extract::Json(new): extract::Json<NewServiceJson>,
) -> Result<Made<ServiceJson>, Problem> {
    let asking = asking(&app, &caller).await?;
    let owners = match &new.owners {
        Some(named) => owners(&app, &caller, named).await?,
        None => itself(&app, &caller).await?.into_iter().map(Owner::Person).collect(),
    };
    let NewServiceJson { name, namespace, environment, description, labels, avatar_seed, .. } = new;
    let key = ServiceKey { name, namespace, environment };
    let new = NewService { id: new_id()?, key, description, owners, labels, avatar_seed, at: (app.now)() };
    let made = app.teams.create_service(asking, &new).await?;
    let place = path_of_service(&made);
    answer(&app, &uri, made).await?.at(StatusCode::CREATED, &place)
}

/// One service
#[utoipa::path(get, path = "/api/v1/services/{service}", tag = "services", params(OfService),
    responses((status = 200, body = Answer<ServiceJson>),
        (status = 304, description = "`If-None-Match` has its tag")))]
pub(crate) async fn one(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    Path(of): Path<OfService>,
) -> Result<Response, Problem> {
    let service = app.teams.service(of.id()?).await?.ok_or_else(no_service)?;
    let answer = answer(&app, &uri, service).await?;
    let body = serde_json::to_vec(&answer).map_err(|error| Problem::internal(&error))?;
    Ok(etag::tagged(&headers, "application/json", body))
}

/// Change a service
///
/// Its owners may, and the owners of teams that own it.
#[utoipa::path(patch, path = "/api/v1/services/{service}", tag = "services", params(OfService),
    request_body = ServicePatchJson,
    responses((status = 200, body = Answer<ServiceJson>), (status = 409, body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfService>,
    extract::Json(patch): extract::Json<ServicePatchJson>,
) -> Result<Json<Answer<ServiceJson>>, Problem> {
    let (service, asking) = (of.id()?, asking(&app, &caller).await?);
    let owners = match &patch.owners {
        Some(named) => Some(owners(&app, &caller, named).await?),
        None => None,
    };
    let ServicePatchJson { description, labels, avatar_seed, .. } = patch;
    let patch = ServicePatch { description, owners, labels, avatar_seed };
    let changed = app.teams.change_service(asking, service, &patch, (app.now)()).await?;
    Ok(Json(answer(&app, &uri, changed).await?))
}

/// Delete a service
#[utoipa::path(delete, path = "/api/v1/services/{service}", tag = "services", params(OfService),
    responses((status = 204)))]
pub(crate) async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfService>,
) -> Result<StatusCode, Problem> {
    let (service, asking) = (of.id()?, asking(&app, &caller).await?);
    app.teams.delete_service(asking, service).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of services, and what of the query belongs to the next one.
async fn found(
    app: &App,
    caller: &Caller,
    query: &ServicesQuery,
    after: Option<&ServiceKey>,
    limit: usize,
) -> Result<(TeamsPage<Service, ServiceKey>, String), Problem> {
    let of = match (&query.name, &query.team, &query.user) {
        (None, None, None) => return Ok((app.teams.services(after, limit).await?, String::new())),
        // No name has such, and not every database takes them.
        (Some(name), None, None) if name.chars().any(char::is_control) => {
            return Ok((TeamsPage { items: Vec::new(), next: None }, String::new()));
        }
        (Some(name), None, None) => {
            let items = app.teams.services_named(name).await?;
            return Ok((TeamsPage { items, next: None }, String::new()));
        }
        (None, Some(team), None) => (Owner::Team(read(team)?), format!("team={team}&")),
        (None, None, Some(user)) => {
            (Owner::Person(app.people.anyone(caller, user).await?.id), format!("user={user}&"))
        }
        _ => {
            let detail = "services are listed by one of `name=`, `team=` and `user=`, or all of them";
            return Err(Problem::invalid(detail, Vec::new()));
        }
    };
    Ok((app.teams.services_of(of.0, after, limit).await?, of.1))
}

/// Those who are named. Whether there are such teams say the rules.
async fn owners(app: &App, caller: &Caller, named: &[OwnerJson]) -> Result<BTreeSet<Owner>, Problem> {
    if named.len() > OWNERS_MAX {
        let detail = format!("a service has at most {OWNERS_MAX} owners");
        return Err(Problem::invalid(detail, Vec::new()));
    }
    let mut owners = BTreeSet::new();
    for one in named {
        owners.insert(match one {
            OwnerJson::Team(team) => Owner::Team(read(team)?),
            OwnerJson::User(user) => Owner::Person(app.people.anyone(caller, user).await?.id),
        });
    }
    Ok(owners)
}

/// Services with who owns them.
async fn shown(app: &App, services: Vec<Service>) -> Result<Vec<ServiceJson>, Problem> {
    let person = |owner: &Owner| match owner {
        Owner::Person(user) => Some(*user),
        Owner::Team(_) => None,
    };
    let users: BTreeSet<UserId> =
        services.iter().flat_map(|service| &service.owners.value).filter_map(person).collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let people: HashMap<_, _> =
        app.people.profiles(&users).await?.into_iter().map(|user| (user.id, user)).collect();
    Ok(services.into_iter().map(|service| ServiceJson::new(service, &people)).collect())
}

async fn answer(app: &App, uri: &Uri, service: Service) -> Result<Answer<ServiceJson>, Problem> {
    let name = service.key.name.clone();
    let shown = shown(app, vec![service]).await?.pop().ok_or_else(no_service)?;
    Ok(Answer::new(uri, shown, name))
}
