//! Events with their verdicts.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use manazir_ingest::{EventId, Judged};
use manazir_model::{EventVerdict, Reason};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Path;
use crate::{App, Problem, etag};

/// One expectation that an event broke.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReasonJson {
    /// Which detector held it.
    detector: String,
    /// −log₁₀ of the probability that an ordinary event breaks it so far.
    surprise: f64,
    /// What was expected and what came.
    text: String,
}

impl From<Reason> for ReasonJson {
    fn from(Reason { detector, surprise, text }: Reason) -> Self {
        Self { detector, surprise, text }
    }
}

/// The judgement of an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerdictJson {
    /// Strangeness, 0 or more.
    score: f64,
    /// True if it is worth a person's time.
    anomaly: bool,
    /// The expectations that it broke, the most surprising first.
    reasons: Vec<ReasonJson>,
}

impl VerdictJson {
    pub(crate) fn is_anomaly(&self) -> bool {
        self.anomaly
    }
}

impl From<EventVerdict> for VerdictJson {
    fn from(verdict: EventVerdict) -> Self {
        Self {
            score: verdict.score,
            anomaly: verdict.anomaly,
            reasons: verdict.reasons.into_iter().map(ReasonJson::from).collect(),
        }
    }
}

/// An event with its verdict.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventJson {
    /// Who sent it.
    source: String,
    /// Its identity within the source.
    id: String,
    /// The request that it belongs to.
    request_id: String,
    /// Who did it.
    actor: String,
    /// What was done.
    action: String,
    /// To what, each as it came.
    resources: Vec<String>,
    /// When it happened, RFC 3339.
    at: String,
    /// When it arrived.
    received_at: String,
    /// Its partition, and its place among the messages of that partition.
    partition: u16,
    /// See `partition`.
    seq: u64,
    /// What was said of it.
    verdict: VerdictJson,
}

impl From<Judged> for EventJson {
    fn from(judged: Judged) -> Self {
        let Judged { id, partition, seq, received_at, event, verdict } = judged;
        Self {
            source: id.source,
            id: id.id,
            request_id: event.request_id,
            actor: event.actor,
            action: event.action,
            resources: event.resources,
            at: event.at.to_string(),
            received_at: received_at.to_string(),
            partition,
            seq,
            verdict: verdict.into(),
        }
    }
}

/// One event with its verdict
#[utoipa::path(get, path = "/api/v1/events/{source}/{id}", tag = "events",
    params(("source" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = EventJson), (status = 304, description = "As the tag that was shown")))]
pub(crate) async fn event(
    State(app): State<App>,
    Path((source, id)): Path<(String, String)>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let id = EventId { source, id };
    let found = app.store.judged(std::slice::from_ref(&id)).await?.into_iter().flatten().next();
    let missing =
        || Problem::not_found(format!("no event `{}` of `{}` has been judged yet", id.id, id.source));
    let json = serde_json::to_vec(&EventJson::from(found.ok_or_else(missing)?));
    let json = json.map_err(|error| Problem::internal(&error))?;
    Ok(etag::tagged(&asked, "application/json", json))
}
