//! Findings that come in for a rollup.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use manazir_rollup::follow::LINE_BYTES_MAX;
use manazir_rollup::hosted::{NotCounted, Taken};
use serde::Serialize;
use utoipa::ToSchema;

use super::named;
use crate::extract::{Body, Path};
use crate::ingest::media::{is_unsaid, media_type};
use crate::ingest::{identity, unpacked};
use crate::{App, Problem};

/// Lines of a request.
const LINES_MAX: usize = 100_000;

/// What the names of streams begin with that come this way.
const SOURCE: &str = "http:";

/// Bytes of a key: behind [`SOURCE`] they are the name of a stream, of which destinations keep 255 bytes.
const KEY_BYTES_MAX: usize = 250;

/// A body of findings, as it is described.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1)]
#[allow(dead_code, reason = "a description")]
pub(crate) struct Lines(Vec<u8>);

/// What became of findings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenJson {
    /// How many there were.
    findings: u64,
    /// Those that do not count now; they are kept to be mended where a history is.
    not_counted: Vec<NotCountedJson>,
}

/// A line that does not count now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotCountedJson {
    /// Its line in the body, from 1 on.
    line: u64,
    /// Why.
    reason: String,
    /// True if it counts as soon as a reference table has what it is about.
    waits: bool,
}

impl From<Taken> for TakenJson {
    fn from(Taken { findings, not_counted }: Taken) -> Self {
        let one = |NotCounted { line, reason, waits }| NotCountedJson { line: line + 1, reason, waits };
        Self { findings, not_counted: not_counted.into_iter().map(one).collect() }
    }
}

/// Send findings, one a line as the specification has them
///
/// Also as gzip; at most 100,000 lines, of at most 1 MiB each. They are on disk when the answer comes.
///
/// `Idempotency-Key` names a stream, in which a finding is known by its line: the same lines with the same key count
/// once, and a stream that has grown may be sent anew as a whole. Without the key each request is a stream of its own,
/// and what is sent again counts again.
#[utoipa::path(post, path = "/api/v1/rollups/{name}/findings", tag = "rollups",
    params(("name" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, nullable = false, pattern = "^[!-~]{1,250}$",
            description = "1 to 250 characters of ASCII without spaces; names the stream")),
    request_body(description = "Findings, one a line",
        content((Lines = "text/csv"), (Lines = "application/x-ndjson"), (Lines = "text/plain"))),
    responses((status = 200, body = TakenJson), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn take(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Json<TakenJson>, Problem> {
    let rollup = named(&app, &name)?;
    check_kind(&media_type(&headers))?;
    let source = source(&headers)?;
    let lines = lines(&unpacked(&app, &body)?)?;
    Ok(Json(rollup.intake.take(&source, lines).await?.into()))
}

fn check_kind(media_type: &str) -> Result<(), Problem> {
    match media_type {
        "text/csv"
        | "text/plain"
        | "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/json" => Ok(()),
        other if is_unsaid(other) => Ok(()),
        other => Err(Problem::unsupported(format!(
            "`{other}` holds no findings: send text/csv, application/x-ndjson or text/plain"
        ))),
    }
}

/// The stream that the request belongs to: that of its key, or one of its own.
fn source(headers: &HeaderMap) -> Result<String, Problem> {
    if let Some(key) = identity::key(headers, KEY_BYTES_MAX)? {
        return Ok(format!("{SOURCE}{key}"));
    }
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(|error| Problem::internal(&error))?;
    Ok(format!("{SOURCE}{:032x}", u128::from_be_bytes(entropy)))
}

/// Lines as those of a file: the last one may lack its end.
fn lines(body: &[u8]) -> Result<Vec<Vec<u8>>, Problem> {
    let mut lines: Vec<&[u8]> = body.split(|&byte| byte == b'\n').take(LINES_MAX + 2).collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    if lines.is_empty() {
        return Err(Problem::invalid("the body holds no line", Vec::new()));
    }
    if lines.len() > LINES_MAX {
        return Err(too_long(format!("a request holds {LINES_MAX} lines at most; send them in parts")));
    }
    if let Some(index) = lines.iter().position(|line| line.len() > LINE_BYTES_MAX) {
        return Err(too_long(format!("line {} is longer than {LINE_BYTES_MAX} bytes", index + 1)));
    }
    Ok(lines.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect())
}

fn too_long(detail: String) -> Problem {
    let title = "There is too much in the request";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too-long", title, detail)
}
