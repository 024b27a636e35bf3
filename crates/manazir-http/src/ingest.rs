//! What comes in: one event, batches of events in many formats, samples, and what telemetry exporters send.

pub(crate) mod events;
pub(crate) mod identity;
pub(crate) mod media;
pub(crate) mod otlp;
pub(crate) mod samples;

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use manazir_ingest::answers::{Answer, Caller};
use manazir_ingest::dead_letters::NewDeadLetter;
use manazir_ingest::decode::{self, Kept, Rejects, plain};
use manazir_ingest::{EventId, Format, Message};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use utoipa::{IntoParams, ToSchema};

use crate::events::VerdictJson;
use crate::extract::{Body, Query};
use crate::{App, Problem};

/// Whether to wait.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    /// `verdict` to wait for it, `none` to be answered as soon as the events are on disk.
    wait: Option<WaitFor>,
}

/// What a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WaitFor {
    /// The verdict.
    Verdict,
    /// Nothing but the disk.
    None,
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// Judged now.
    Judged,
    /// Judged before: the verdict is the stored one.
    AlreadyProcessed,
    /// On disk, not judged yet.
    Accepted,
    /// It could not be judged and lies among the dead letters.
    Failed,
}

/// What became of an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventAnswer {
    /// How far it has come.
    status: Progress,
    /// Who sent it.
    source: String,
    /// Its identity.
    id: String,
    /// Where its verdict is or will be.
    link: String,
    /// The verdict, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<VerdictJson>,
    /// Why it could not be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    /// Events that are on disk.
    accepted: usize,
    /// How many others there were.
    rejected_count: usize,
    /// What is wrong with the first hundred of them, each named by its number in the batch.
    rejected: Vec<String>,
    /// With `wait=verdict`: one for each accepted event, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<EventAnswer>,
}

/// The plain event, as it is described; it is read by `decode::plain`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a description")]
#[schema(rename_all = "PascalCase")]
pub(crate) struct PlainEvent {
    /// The request that it belongs to.
    #[schema(rename = "RequestID", min_length = 1)]
    request_id: String,
    /// Its identity: the same again is the same event again.
    #[schema(rename = "EventID", min_length = 1, max_length = 384, pattern = r"^[^\u0000]*$")]
    event_id: String,
    /// Who did it.
    #[schema(rename = "RoleID", min_length = 1)]
    role_id: String,
    /// What was done.
    #[schema(min_length = 1)]
    event_type: String,
    /// When, as RFC 3339 writes it.
    #[schema(format = DateTime)]
    event_timestamp: String,
    /// To what.
    affected_assets: Vec<String>,
}

/// Send one event and wait for its verdict
///
/// 201 new and anomalous, 200 new and ordinary or already processed, 202 not judged in time.
#[utoipa::path(post, path = "/ingest", tag = "ingest", params(Wait),
    request_body(content = PlainEvent, content_type = "application/json", description = "Six keys; others are kept"),
    responses((status = 200, body = EventAnswer), (status = 201, body = EventAnswer),
        (status = 202, body = EventAnswer),
        (status = 422, body = EventAnswer)))]
pub(crate) async fn one(
    State(app): State<App>,
    Query(Wait { wait }): Query<Wait>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let decoded = plain::decode(&body, 1).map_err(|error| refused(&error))?;
    let message = Message::of_event(Format::Plain, &decoded.event, decoded.raw, (app.now)());
    let deadline = deadline(&app, wait.unwrap_or(WaitFor::Verdict));
    let published = publish(&app, vec![message], deadline.is_some()).await?;
    let Some(answer) = answers(&app, published, deadline).await?.pop() else {
        return Err(Problem::not_found("the event was taken and has no answer"));
    };
    let status = match (&answer.status, &answer.verdict) {
        (Progress::Judged, Some(verdict)) if verdict.is_anomaly() => StatusCode::CREATED,
        (Progress::Accepted, _) => StatusCode::ACCEPTED,
        (Progress::Failed, _) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let link = HeaderValue::from_str(&answer.link).ok();
    let mut response = (status, Json(answer)).into_response();
    if let (true, Some(link)) = (status != StatusCode::OK, link) {
        response.headers_mut().insert(header::LOCATION, link);
    }
    Ok(response)
}

/// A body, unpacked if it is gzip.
pub(crate) fn unpacked<'a>(app: &App, body: &'a [u8]) -> Result<std::borrow::Cow<'a, [u8]>, Problem> {
    decode::unpack(body, app.limits.batch_bytes_max).map_err(|error| refused(&error))
}

/// Puts a batch on the queue; a batch of which nothing can be read is refused.
async fn batch(
    app: &App,
    messages: Vec<Message>,
    rejects: &Rejects,
    wait: Option<WaitFor>,
) -> Result<(StatusCode, Json<BatchAnswer>), Problem> {
    let rejected = listed(rejects);
    if messages.is_empty() {
        return Err(Problem::invalid("the batch holds no event that can be read", rejected));
    }
    let accepted = messages.len();
    let deadline = deadline(app, wait.unwrap_or(WaitFor::None));
    let published = publish(app, messages, deadline.is_some()).await?;
    // Before the wait, which a caller may break off.
    keep(app, rejects).await;
    let events = if deadline.is_some() { answers(app, published, deadline).await? } else { Vec::new() };
    let answer = BatchAnswer { accepted, rejected_count: rejects.len(), rejected, events };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Puts what was rejected of a batch that was taken among the dead letters, where it can be repaired. A batch of
/// which nothing was taken is its sender's alone.
async fn keep(app: &App, rejects: &Rejects) {
    let received_at = (app.now)();
    let letter = |kept: &Kept| NewDeadLetter {
        source: kept.format.word().to_owned(),
        id: String::new(),
        format: kept.format,
        body: kept.body.clone(),
        reason: kept.reason.clone(),
        received_at,
    };
    let letters: Vec<NewDeadLetter> = rejects.kept().iter().map(letter).collect();
    if letters.is_empty() {
        return;
    }
    // The sender has been told what is wrong; the sound events of the batch are taken and stay so.
    if let Err(error) = app.dead_letters.add(&letters).await {
        tracing::error!(error = ?error, count = letters.len(), "rejected items could not be kept");
    }
}

/// What is told of items that were rejected.
fn listed(rejects: &Rejects) -> Vec<String> {
    metrics::counter!("manazir_ingest_rejected_items_total").increment(rejects.len() as u64);
    rejects.iter().map(ToString::to_string).collect()
}

fn refused(error: &decode::Error) -> Problem {
    metrics::counter!("manazir_ingest_rejected_items_total").increment(1);
    let errors = match error {
        decode::Error::Wrong { wrong, .. } => wrong.clone(),
        decode::Error::TooLarge { .. } => return Problem::too_large(error.to_string()),
        _ => Vec::new(),
    };
    Problem::invalid(error.to_string(), errors)
}

fn deadline(app: &App, wait: WaitFor) -> Option<Instant> {
    (wait == WaitFor::Verdict).then(|| Instant::now() + app.limits.wait_max)
}

/// A message that is on the queue, and who waits for its answer, if anybody does.
struct Published {
    id: EventId,
    caller: Option<Caller>,
    at: Instant,
}

/// Puts messages on the queue.
async fn publish(app: &App, mut messages: Vec<Message>, waits: bool) -> Result<Vec<Published>, Problem> {
    let at = Instant::now();
    let events = messages.iter().filter(|message| message.format != Format::Samples).count();
    let published = messages
        .iter_mut()
        .map(|message| {
            // Before anything can be judged, so that no answer comes too early.
            let caller = waits.then(|| app.waiting.register());
            message.reply_to = caller.as_ref().map(Caller::reply_to);
            Published { id: message.id.clone(), caller, at }
        })
        .collect();
    app.queue.publish(messages).await?;
    metrics::counter!("manazir_ingest_accepted_events_total").increment(events as u64);
    Ok(published)
}

/// Waits for verdicts, if there is a deadline until then.
async fn answers(
    app: &App,
    published: Vec<Published>,
    deadline: Option<Instant>,
) -> Result<Vec<EventAnswer>, Problem> {
    let began = published.first().map(|first| first.at);
    let mut told = Vec::with_capacity(published.len());
    for Published { id, caller, .. } in published {
        let answer = match (caller, deadline) {
            (Some(mut caller), Some(deadline)) => timeout_at(deadline, caller.answer()).await.ok().flatten(),
            _ => None,
        };
        told.push((id, answer));
    }
    if deadline.is_some() {
        look_up(app, &mut told).await?;
        began.into_iter().for_each(|began| record_latency(began.elapsed()));
    }
    Ok(told.into_iter().map(|(id, told)| answer(id, told)).collect())
}

/// Asks the store for what nobody told: a worker may have ended between the commit and the answer.
async fn look_up(app: &App, told: &mut [(EventId, Option<Answer>)]) -> Result<(), Problem> {
    let untold: Vec<&mut (EventId, Option<Answer>)> =
        told.iter_mut().filter(|(_, answer)| answer.is_none()).collect();
    if untold.is_empty() {
        return Ok(());
    }
    let ids: Vec<EventId> = untold.iter().map(|(id, _)| id.clone()).collect();
    let judged = app.store.judged(&ids).await?;
    for ((_, answer), judged) in untold.into_iter().zip(judged) {
        *answer = judged.map(|judged| Answer::Known(judged.verdict));
    }
    Ok(())
}

fn record_latency(elapsed: Duration) {
    metrics::histogram!("manazir_ingest_verdict_seconds").record(elapsed.as_secs_f64());
}

fn answer(id: EventId, told: Option<Answer>) -> EventAnswer {
    let link = event_link(&id);
    let (status, verdict, reason) = match told {
        None => (Progress::Accepted, None, None),
        Some(Answer::New(verdict)) => (Progress::Judged, Some(verdict.into()), None),
        Some(Answer::Known(verdict)) => (Progress::AlreadyProcessed, Some(verdict.into()), None),
        Some(Answer::Dead(reason)) => (Progress::Failed, None, Some(reason)),
    };
    EventAnswer { status, source: id.source, id: id.id, link, verdict, reason }
}

/// Where the verdict of an event is or will be.
pub(crate) fn event_link(id: &EventId) -> String {
    format!("/api/v1/events/{}/{}", path_segment(&id.source), path_segment(&id.id))
}

/// Text as one segment of a path: what is not unreserved (RFC 3986, 2.3) is written in hexadecimal.
pub(crate) fn path_segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
