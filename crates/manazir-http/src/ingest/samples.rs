//! Samples that come in.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use manazir_ingest::decode::remote_write;
use manazir_ingest::decode::samples::{DecodedSamples, decode_csv, decode_ndjson};
use manazir_ingest::parts;
use serde::Serialize;
use utoipa::ToSchema;

use super::media::{Packed, is_unsaid, media_type};
use super::{identity, listed, refused, unpacked};
use crate::access::Caller;
use crate::extract::Body;
use crate::{App, Problem};

/// What became of a batch of samples.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamplesAnswer {
    /// Samples that are on disk.
    accepted: usize,
    /// Of how many series.
    series: usize,
    /// How many items could not be read.
    rejected_count: usize,
    /// What is wrong with the first hundred of them, each named by its number in the batch.
    rejected: Vec<String>,
}

/// Send samples, as JSON one a line or as a table
///
/// A line is `{"series": "cpu", "labels": {"host": "a"}, "at": "2023-06-23T16:23:18Z", "value": 1.5}`; a table has the
/// columns `series`, `time`, `value`, and all others are labels. Also as gzip. The same body again counts once. 422 for
/// an `Idempotency-Key` that came with another body before.
#[utoipa::path(post, path = "/api/v1/ingest/samples", tag = "ingest",
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, pattern = "^[!-~]{1,255}$",
        description = "1 to 255 characters of ASCII without spaces; belongs to one body")),
    request_body(description = "Samples", content((String = "application/x-ndjson"), (String = "text/csv"))),
    responses((status = 202, body = SamplesAnswer), (status = 422, body = Problem)))]
pub(crate) async fn samples(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<(StatusCode, Json<SamplesAnswer>), Problem> {
    let unpacked = unpacked(&app, &body)?;
    let mut decoded = match media_type(&headers).as_str() {
        "text/csv" => decode_csv(&unpacked),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/json" => {
            decode_ndjson(&unpacked)
        }
        other if is_unsaid(other) => decode_ndjson(&unpacked),
        other => {
            return Err(Problem::unsupported(format!(
                "`{other}` holds no samples: send application/x-ndjson or text/csv"
            )));
        }
    };
    decoded.refuse_ahead((app.now)());
    let mut answer = SamplesAnswer {
        accepted: decoded.samples,
        series: decoded.series.len(),
        rejected_count: decoded.rejects.len(),
        rejected: listed(&decoded.rejects),
    };
    if decoded.samples == 0 {
        let rejected = std::mem::take(&mut answer.rejected);
        return Err(Problem::invalid("the body holds no sample that can be read", rejected));
    }
    let digest = identity::digest(&app, &headers, &caller, &body)?;
    publish(&app, decoded, digest).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Receive what a Prometheus writes to a remote, version 1.0
///
/// 204 if all of it was taken; 400 if some of it cannot be, and then all else was.
#[utoipa::path(post, path = "/api/v1/ingest/prometheus", tag = "ingest",
    request_body(description = "A WriteRequest, packed by snappy",
        content((Packed = "application/x-protobuf"), (Packed = "application/octet-stream"))),
    responses((status = 204)))]
pub(crate) async fn prometheus(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<StatusCode, Problem> {
    let said = headers.get(axum::http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if said.is_some_and(|said| said.contains("io.prometheus.write.v2")) {
        return Err(Problem::unsupported(
            "remote write 2.0 is not read; write 1.0, which is what a Prometheus falls back to",
        ));
    }
    let media_type = media_type(&headers);
    if media_type != "application/x-protobuf" && !is_unsaid(&media_type) {
        return Err(Problem::unsupported("send `Content-Type: application/x-protobuf`"));
    }
    let mut decoded =
        remote_write::decode(&body, app.limits.batch_bytes_max).map_err(|error| refused(&error))?;
    decoded.refuse_ahead((app.now)());
    let rejected = listed(&decoded.rejects);
    let count = decoded.rejects.len();
    let digest = identity::digest(&app, &headers, &caller, &body)?;
    publish(&app, decoded, digest).await?;
    if count > 0 {
        // What the specification asks for; a Prometheus logs it and goes on.
        return Err(Problem::invalid(format!("{count} items cannot be taken; the others were"), rejected));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Puts samples on the queue; returns when they are on disk.
pub(crate) async fn publish(app: &App, decoded: DecodedSamples, digest: [u8; 32]) -> Result<(), Problem> {
    let count = decoded.samples as u64;
    let messages = parts::messages(decoded, digest, (app.now)())?;
    if !messages.is_empty() {
        super::publish(app, messages, false).await?;
    }
    metrics::counter!("manazir_ingest_accepted_samples_total").increment(count);
    Ok(())
}
