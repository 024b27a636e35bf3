//! Who depends on whom, as somebody says it; what is discovered stands beside it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use manazir_explain::gather::{GIVEN, dependencies_at};
use manazir_model::{Dependency, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{self, Query};
use crate::search::{Size, Wanted};
use crate::{App, Problem};

/// Dependencies of one request.
const GIVEN_MAX: usize = 10_000;

const DEPENDENCIES: Size = Size::new(1_000, 10_000);

/// Characters of a name.
const NAME_CHARS_MAX: usize = 250;

/// One entity depends on another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDependency {
    /// Who calls, reads or runs on the other.
    #[schema(min_length = 1, max_length = 250)]
    caller: String,
    /// The other.
    #[schema(min_length = 1, max_length = 250)]
    callee: String,
    /// Since when, RFC 3339; absent: ever since.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Until when, RFC 3339; absent: it still does.
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// Many of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDependencies {
    /// Up to 10000.
    #[schema(max_items = 10000)]
    items: Vec<NewDependency>,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// Dependencies that are kept.
    taken: usize,
    /// Why others are not.
    left_out: Vec<String>,
}

/// One entity depended on another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DependencyJson {
    /// Who calls, reads or runs on the other.
    caller: String,
    /// The other.
    callee: String,
    /// Since when, RFC 3339; absent: ever since.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Until when it is known to, RFC 3339; absent: it still does.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Who says so: `given`, `traces`, `labels` or `lag`.
    source: String,
}

/// Who depended on whom.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DependencyList {
    /// Sorted by caller and callee.
    items: Vec<DependencyJson>,
}

impl From<Dependency> for DependencyJson {
    fn from(known: Dependency) -> Self {
        let end = |at: Timestamp| at.to_jiff().map(|at| at.to_string());
        Self {
            caller: known.caller,
            callee: known.callee,
            from: end(known.from),
            until: end(known.until),
            source: known.source,
        }
    }
}

/// Which dependencies.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DependencyQuery {
    /// Those that held at this time, RFC 3339; now if it is not given. One that was seen holds for an hour.
    #[param(format = DateTime)]
    at: Option<String>,
    /// At most so many items, 1 to 10000; 1000 if it is not given.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
}

/// Who depended on whom at some time
#[utoipa::path(get, path = "/api/v1/topology/dependencies", tag = "topology", params(DependencyQuery),
    responses((status = 200, body = DependencyList), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(query): Query<DependencyQuery>,
) -> Result<Json<DependencyList>, Problem> {
    let mut wanted = Wanted::default();
    let asked = (wanted.time("at", query.at.as_deref()), wanted.limit(query.limit, DEPENDENCIES));
    let (at, limit) = wanted.or_refuse(asked)?;
    let at = at.unwrap_or_else(app.now);
    let found = dependencies_at(&*app.explainer.sources().events, at, limit).await?;
    Ok(Json(DependencyList { items: found.into_iter().map(DependencyJson::from).collect() }))
}

/// Say who depends on whom; saying it twice changes nothing. One that depends on itself, or ends before it begins, is left
/// out
#[utoipa::path(post, path = "/api/v1/topology/dependencies", tag = "topology", request_body = NewDependencies,
    responses((status = 200, body = Taken), (status = 400, body = Problem)))]
pub(crate) async fn add(
    State(app): State<App>,
    extract::Json(given): extract::Json<NewDependencies>,
) -> Result<Json<Taken>, Problem> {
    let mut wanted = Wanted::default();
    if given.items.len() > GIVEN_MAX {
        wanted.refuse(format!("items has more than {GIVEN_MAX} dependencies"));
    }
    let items = given.items.into_iter().take(GIVEN_MAX).enumerate();
    let read = |(place, item)| dependency(&mut wanted, place, item);
    let read: Vec<Result<Dependency, String>> = items.map(read).collect();
    let (taken, left_out): (Vec<_>, Vec<_>) = wanted.or_refuse(read)?.into_iter().partition(Result::is_ok);
    let taken: Vec<Dependency> = taken.into_iter().flatten().collect();
    app.explainer.sources().events.add_dependencies(&taken).await?;
    let left_out = left_out.into_iter().filter_map(Result::err).collect();
    Ok(Json(Taken { taken: taken.len(), left_out }))
}

/// What a caller says, or why it says nothing.
fn dependency(wanted: &mut Wanted, place: usize, item: NewDependency) -> Result<Dependency, String> {
    for (name, text) in [("caller", &item.caller), ("callee", &item.callee)] {
        if !(1..=NAME_CHARS_MAX).contains(&text.chars().count()) {
            wanted.refuse(format!("items[{place}].{name} has 1 to {NAME_CHARS_MAX} characters"));
        }
    }
    let from = wanted.time(&format!("items[{place}].from"), item.from.as_deref());
    let until = wanted.time(&format!("items[{place}].until"), item.until.as_deref());
    let (from, until) = (from.unwrap_or(Timestamp(i64::MIN)), until.unwrap_or(Timestamp(i64::MAX)));
    if item.caller == item.callee {
        return Err(format!("items[{place}] depends on itself"));
    }
    if from >= until {
        return Err(format!("items[{place}] ends before it begins"));
    }
    Ok(Dependency { caller: item.caller, callee: item.callee, source: GIVEN.to_owned(), from, until })
}

/// Which dependency ends, and when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ending {
    /// Who no longer depends on the other.
    caller: String,
    /// The other.
    callee: String,
    /// Since when, RFC 3339; now if it is not given.
    #[param(format = DateTime)]
    at: Option<String>,
}

/// Say that one no longer depends on the other; what was before stays
#[utoipa::path(delete, path = "/api/v1/topology/dependencies", tag = "topology", params(Ending),
    responses((status = 204), (status = 400, body = Problem)))]
pub(crate) async fn end(State(app): State<App>, Query(ending): Query<Ending>) -> Result<StatusCode, Problem> {
    let mut wanted = Wanted::default();
    let at = wanted.time("at", ending.at.as_deref());
    let at = wanted.or_refuse(at)?.unwrap_or_else(app.now);
    let events = &app.explainer.sources().events;
    events.end_dependency(&ending.caller, &ending.callee, GIVEN, at).await?;
    Ok(StatusCode::NO_CONTENT)
}
