//! Batches of events, in each format they come in.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use manazir_ingest::decode::generic::{self, Lines};
use manazir_ingest::decode::{alertmanager, cloudevents, cloudtrail};
use manazir_ingest::{EventId, Format, Message};

use super::media::{is_unsaid, media_type};
use super::{BatchAnswer, Wait, WaitFor, batch, unpacked};
use crate::extract::{Body, Query};
use crate::{App, Problem};

type Answer = Result<(StatusCode, Json<BatchAnswer>), Problem>;

/// Send events, one a line
///
/// A line is a generic event (`id`, `at` and `action`, and what else is known of it) or, if it has the key `EventID`,
/// a plain one. Also as gzip.
#[utoipa::path(post, path = "/api/v1/ingest/events", tag = "ingest", params(Wait),
    request_body(description = "One JSON object a line",
        content((String = "application/x-ndjson"), (String = "text/plain"))),
    responses((status = 202, body = BatchAnswer)))]
pub(crate) async fn events(
    State(app): State<App>,
    Query(Wait { wait }): Query<Wait>,
    Body(body): Body,
) -> Answer {
    let unpacked = unpacked(&app, &body)?;
    let (decoded, formats) = generic::decode_lines(&unpacked);
    let records = decoded.parsed.iter().zip(formats);
    let messages = records
        .map(|(record, format)| Message::of_event(format, &record.event, record.raw, (app.now)()))
        .collect();
    batch(&app, messages, &decoded.rejects, wait).await
}

/// Send CloudTrail records
///
/// A delivery file, a list, an EventBridge envelope or one record a line; also as gzip.
#[utoipa::path(post, path = "/api/v1/ingest/cloudtrail", tag = "ingest", params(Wait),
    request_body(content = String, content_type = "application/json", description = "Records in any wrapping"),
    responses((status = 202, body = BatchAnswer)))]
pub(crate) async fn cloudtrail(
    State(app): State<App>,
    Query(Wait { wait }): Query<Wait>,
    Body(body): Body,
) -> Answer {
    let unpacked = unpacked(&app, &body)?;
    let decoded = cloudtrail::decode(&unpacked);
    let records = decoded.parsed.iter();
    let messages = records
        .map(|record| Message::of_event(Format::CloudTrail, &record.event, record.raw, (app.now)()))
        .collect();
    batch(&app, messages, &decoded.rejects, wait).await
}

/// Send CloudEvents 1.0
///
/// Structured, batched, or binary with the attributes in headers `ce-…`. `source` and `id` are the identity, `type`
/// is the action, `subject` the resource.
#[utoipa::path(post, path = "/api/v1/ingest/cloudevents", tag = "ingest", params(Wait),
    request_body(description = "One event, a list of them, or the data of one",
        content((serde_json::Value = "application/cloudevents+json"), (Vec<serde_json::Value> = "application/cloudevents-batch+json"))),
    responses((status = 202, body = BatchAnswer)))]
pub(crate) async fn cloudevents(
    State(app): State<App>,
    Query(Wait { wait }): Query<Wait>,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer {
    let unpacked = unpacked(&app, &body)?;
    let now = (app.now)();
    let lines = match media_type(&headers).as_str() {
        "application/cloudevents+json" => cloudevents::decode(&unpacked, now),
        "application/cloudevents-batch+json" => cloudevents::decode_batch(&unpacked, now),
        _ if headers.contains_key("ce-specversion") => {
            let attributes = headers
                .iter()
                .filter_map(|(name, value)| Some((name.as_str().strip_prefix("ce-")?, value.to_str().ok()?)));
            cloudevents::decode_binary(attributes, &unpacked, now)
        }
        other => {
            return Err(Problem::unsupported(format!(
                "`{other}` is no CloudEvent: send application/cloudevents+json, application/cloudevents-batch+json, \
                 or the attributes in headers ce-…"
            )));
        }
    };
    answer(&app, lines, wait).await
}

/// Receive notifications of Prometheus' Alertmanager, its webhook of version 4
#[utoipa::path(post, path = "/api/v1/ingest/alertmanager", tag = "ingest", params(Wait),
    request_body(content = serde_json::Value, content_type = "application/json", description = "A notification"),
    responses((status = 202, body = BatchAnswer)))]
pub(crate) async fn alertmanager(
    State(app): State<App>,
    Query(Wait { wait }): Query<Wait>,
    headers: HeaderMap,
    Body(body): Body,
) -> Answer {
    let media_type = media_type(&headers);
    if media_type != "application/json" && !is_unsaid(&media_type) {
        return Err(Problem::unsupported("send `Content-Type: application/json`"));
    }
    let unpacked = unpacked(&app, &body)?;
    let lines = alertmanager::decode(&unpacked);
    answer(&app, lines, wait).await
}

/// Lines as messages.
pub(super) fn generic_messages(app: &App, lines: Vec<generic::Line>) -> Vec<Message> {
    let message = |line: generic::Line| {
        let id = EventId::new(line.source, line.id);
        Message::of_account(&line.account, Format::Generic, id, (app.now)(), line.body)
    };
    lines.into_iter().map(message).collect()
}

/// The answer to lines of another format.
async fn answer(app: &App, lines: Lines, wait: Option<WaitFor>) -> Answer {
    batch(app, generic_messages(app, lines.lines), &lines.rejects, wait).await
}
