//! What OpenTelemetry's exporters send; the routes end as an exporter ends its endpoint.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use manazir_ingest::decode::otlp::{self, Encoding, Signal};
use manazir_ingest::decode::samples::DecodedSamples;
use manazir_ingest::decode::{self, Rejects};

use super::media::{Packed, media_type};
use super::{events, identity, listed, publish, refused, samples, unpacked};
use crate::access::Caller;
use crate::extract::Body;
use crate::{App, Problem};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Export metrics by OTLP
#[utoipa::path(post, path = "/api/v1/otlp/v1/metrics", tag = "ingest",
    request_body(description = "An ExportMetricsServiceRequest", content((Packed = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses((status = 200, description = "An ExportMetricsServiceResponse, written as the request is",
        content((Packed = "application/x-protobuf"), (serde_json::Value = "application/json")))))]
pub(crate) async fn metrics(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    sampled(&app, Signal::Metrics, otlp::decode_metrics, (headers, caller, body)).await
}

/// Export spans by OTLP
///
/// They are summarised by operation and by edge: how many, how many failed, how long on average and at most.
#[utoipa::path(post, path = "/api/v1/otlp/v1/traces", tag = "ingest",
    request_body(description = "An ExportTraceServiceRequest", content((Packed = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses((status = 200, description = "An ExportTraceServiceResponse, written as the request is",
        content((Packed = "application/x-protobuf"), (serde_json::Value = "application/json")))))]
pub(crate) async fn traces(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    sampled(&app, Signal::Traces, otlp::decode_traces, (headers, caller, body)).await
}

/// Export log records by OTLP
///
/// Each becomes an event: the service is the actor, severity and message are the action.
#[utoipa::path(post, path = "/api/v1/otlp/v1/logs", tag = "ingest",
    request_body(description = "An ExportLogsServiceRequest", content((Packed = "application/x-protobuf"), (serde_json::Value = "application/json"))),
    responses((status = 200, description = "An ExportLogsServiceResponse, written as the request is",
        content((Packed = "application/x-protobuf"), (serde_json::Value = "application/json")))))]
pub(crate) async fn logs(
    State(app): State<App>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let encoding = encoding(&headers)?;
    let unpacked = unpacked(&app, &body)?;
    let lines = otlp::decode_logs(&unpacked, encoding).map_err(|error| refused(&error))?;
    let messages = events::generic_messages(&app, lines.lines);
    if !messages.is_empty() {
        publish(&app, messages, false).await?;
    }
    Ok(answer(Signal::Logs, encoding, &lines.rejects))
}

/// Takes a signal that is, or becomes, samples.
async fn sampled(
    app: &App,
    signal: Signal,
    decode: fn(&[u8], Encoding) -> Result<DecodedSamples, decode::Error>,
    (headers, caller, body): (HeaderMap, Caller, Bytes),
) -> Result<Response, Problem> {
    let encoding = encoding(&headers)?;
    let unpacked = unpacked(app, &body)?;
    let mut decoded = decode(&unpacked, encoding).map_err(|error| refused(&error))?;
    decoded.refuse_ahead((app.now)());
    let rejects = std::mem::take(&mut decoded.rejects);
    samples::publish(app, decoded, identity::digest(app, &headers, &caller, &body)?).await?;
    Ok(answer(signal, encoding, &rejects))
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    match media_type(headers).as_str() {
        PROTOBUF => Ok(Encoding::Protobuf),
        JSON => Ok(Encoding::Json),
        other => Err(Problem::unsupported(format!("`{other}` is no OTLP: send {PROTOBUF} or {JSON}"))),
    }
}

fn answer(signal: Signal, encoding: Encoding, rejects: &Rejects) -> Response {
    let why = listed(rejects).into_iter().next();
    let kind = match encoding {
        Encoding::Protobuf => PROTOBUF,
        Encoding::Json => JSON,
    };
    ([(header::CONTENT_TYPE, kind)], otlp::answer(signal, encoding, rejects.len(), why)).into_response()
}
