//! Many connections in one call, as a job: taken at once, done in groups, gone on with after a crash, told item by
//! item.

pub(super) mod known;
mod outcome;
mod work;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::{Extension, Json};
use manazir_ingest::jobs::{Job, NewJob};
use manazir_ingest::parts;
use manazir_people::{Profile, USERS_MAX};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::answer::{Answer, Made};
use super::paging::{next_link, numbers};
use super::parameters::OfUser;
use super::user::{called, path};
use super::who::identifier;
use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::ingest::identity::key;
use crate::search::Wanted;
use crate::{App, Problem};

use outcome::{Outcome, Outcomes};
use work::Input;

pub(crate) use work::{KIND, run};

/// Bytes of an `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 255;

/// Whom to connect a user to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBatch {
    /// Identifiers of people, 1 to 5000 unless the service is set up otherwise.
    #[schema(min_items = 1, max_items = 5000, value_type = Vec<Identifier>)]
    ids: Vec<String>,
}

/// A person, by identifier.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
#[allow(dead_code, reason = "it is there for the document alone")]
pub(crate) struct Identifier(String);

/// A batch and how far it has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchJson {
    /// Its job.
    job: u64,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// People that were seen to.
    done: u64,
    /// People in all.
    total: u64,
    /// Of them connected by now, those that were before as well.
    connected: u64,
    /// Of them refused.
    refused: u64,
    /// What it does, or why it ended.
    message: String,
    /// What became of each, in the order of the request; a page of them.
    items: Vec<ItemJson>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemJson {
    /// Who.
    id: String,
    /// `connected`, `refused`, or `waiting` until it is seen to.
    outcome: &'static str,
    /// The status that a request for this one alone would have got; 201 also for who was connected before.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// A batch of a user.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfBatch {
    /// A person, by identifier; `me` is whoever has signed in.
    #[param(pattern = "^(me|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$")]
    user: String,
    /// The job.
    #[param(maximum = 9223372036854775807_u64)]
    job: u64,
}

/// Which of its items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemQuery {
    /// At most so many, 1 to 100; 50 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Passes by so many.
    #[param(maximum = 16777216)]
    offset: Option<usize>,
}

/// Connect a user to many others without consent, as a job
///
/// Taken at once; the answer says where to read what became of each. The same `Idempotency-Key` with the same people is
/// the same job.
#[utoipa::path(post, path = "/api/v1/users/{user}/connections/batch", tag = "people",
    params(OfUser, ("Idempotency-Key" = Option<String>, Header, nullable = false, pattern = "^[!-~]{1,255}$",
        description = "1 to 255 characters of ASCII without spaces; with other people than before it is refused")),
    request_body = NewBatch,
    responses((status = 202, body = Answer<BatchJson>), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn begin(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
    Path(of): Path<OfUser>,
    extract::Json(new): extract::Json<NewBatch>,
) -> Result<Made<BatchJson>, Problem> {
    let key = key(&headers, KEY_BYTES_MAX)?;
    let user = app.people.own(&caller, &of.user).await?;
    let ids = read(&new.ids, app.people.limits.batch_max)?;
    let body = parts::digest(ids.iter().map(|id| id.as_bytes().as_slice()));
    let key =
        key.map(|key| parts::digest([caller.id.as_bytes(), b"/", user.public_id.as_bytes(), key.as_bytes()]));
    let input = Input { user: user.public_id, ids, key: key.map(hex), body: hex(body) };
    let job = taken(&app, &input).await?;
    let place = format!("{}/connections/batch/{}", path(&user), job.id);
    let description = format!("{} is to be connected to {} people", called(&user), input.ids.len());
    Answer::new(&uri, json(&job, &input, 0..0), description).at(StatusCode::ACCEPTED, &place)
}

/// How far a batch has come, and what became of each of its people
#[utoipa::path(get, path = "/api/v1/users/{user}/connections/batch/{job}", tag = "people", params(OfBatch, ItemQuery),
    responses((status = 200, body = Answer<BatchJson>)))]
pub(crate) async fn one(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfBatch>,
    Query(query): Query<ItemQuery>,
) -> Result<Json<Answer<BatchJson>>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let (limit, offset) = numbers(query.limit, query.offset, false)?;
    let (job, input) = found(&app, &user, of.job).await?;
    let offset = offset.unwrap_or(0).min(USERS_MAX as usize);
    let end = offset.saturating_add(limit);
    let next = (end < input.ids.len()).then(|| next_link(&uri, limit, Some(offset), ""));
    let description = format!("people to whom {} is connected by job {}", called(&user), job.id);
    Ok(Json(Answer::new(&uri, json(&job, &input, offset..end), description).with_next(next)))
}

/// Stop a batch after the group that it is at; what is connected stays so
#[utoipa::path(delete, path = "/api/v1/users/{user}/connections/batch/{job}", tag = "people", params(OfBatch),
    responses((status = 204)))]
pub(crate) async fn stop(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfBatch>,
) -> Result<StatusCode, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let (job, _) = found(&app, &user, of.job).await?;
    app.jobs.request_cancel(job.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The people of a request, or all that is wrong with it.
fn read(ids: &[String], max: usize) -> Result<Vec<Uuid>, Problem> {
    let mut wanted = Wanted::default();
    if !(1..=max).contains(&ids.len()) {
        wanted.refuse(format!("ids has 1 to {max} people: send more in several requests"));
    }
    let mut read = Vec::with_capacity(ids.len().min(max));
    for (place, id) in ids.iter().enumerate().take(max) {
        match identifier(id) {
            Some(id) => read.push(id),
            None => wanted.refuse(format!("ids[{place}] is not an identifier of a user")),
        }
    }
    wanted.or_refuse(read)
}

/// The job of a request: a new one, or the one that it began before.
async fn taken(app: &App, input: &Input) -> Result<Job, Problem> {
    // Held until the job is there: of two requests with the same key at once, the second finds it.
    let mut keys = app.people.keys.lock().await;
    if let Some(known) = keys.find(app, input).await? {
        return known;
    }
    app.tasks.room()?;
    let text = serde_json::to_string(input).map_err(|error| Problem::internal(&error))?;
    let new = NewJob { kind: KIND.to_owned(), input: text, incarnation: app.tasks.incarnation().to_owned() };
    let job = app.jobs.create(&new, (app.now)()).await?;
    keys.learn(input, job.id);
    app.tasks.begin(run(app.clone(), job.clone()));
    Ok(job)
}

/// A batch of this user.
async fn found(app: &App, user: &Profile, job: u64) -> Result<(Job, Input), Problem> {
    let missing = || Problem::not_found(format!("{} has no batch of connections {job}", called(user)));
    // Beyond this no store counts.
    let known = if i64::try_from(job).is_ok() { app.jobs.get(job).await? } else { None };
    let job = known.filter(|job| job.kind == KIND).ok_or_else(missing)?;
    let input: Input = serde_json::from_str(&job.input).map_err(|error| Problem::internal(&error))?;
    if input.user == user.public_id { Ok((job, input)) } else { Err(missing()) }
}

fn json(job: &Job, input: &Input, items: std::ops::Range<usize>) -> BatchJson {
    let outcomes = Outcomes::of(&job.progress);
    let item = |place: usize| {
        let id = input.ids.get(place)?.to_string();
        let outcome = outcomes.get(place);
        Some(ItemJson {
            id,
            outcome: outcome.map_or("waiting", Outcome::word),
            status: outcome.map(Outcome::status),
            reason: outcome.and_then(Outcome::reason),
        })
    };
    BatchJson {
        job: job.id,
        state: job.progress.state.word(),
        done: outcomes.len() as u64,
        total: input.ids.len() as u64,
        connected: outcomes.connected(),
        refused: outcomes.len() as u64 - outcomes.connected(),
        message: job.progress.message.clone(),
        items: items.map_while(item).collect(),
    }
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
