//! Is it alive, is it ready, what does it count.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use manazir_auth::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// True if requests are answered.
    ready: bool,
    /// Messages that no worker has judged yet; absent if the queue does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_depth: Option<u64>,
}

/// Is the process alive?
#[utoipa::path(get, path = "/health/live", tag = "operation", responses((status = 200)))]
pub(crate) async fn live() -> StatusCode {
    StatusCode::OK
}

/// Can it answer requests now?
#[utoipa::path(get, path = "/health/ready", tag = "operation",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn ready(State(app): State<App>) -> impl IntoResponse {
    let depth = app.queue.depth().await;
    // Asks the store, and reads one row at most.
    let nobody = Secret::shown("mz_nobody").hash();
    let ready = depth.is_ok() && app.store.judged(&[]).await.is_ok() && app.tokens.find(nobody).await.is_ok();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Health { ready, queue_depth: depth.ok() }))
}

/// What the service counts of itself, in Prometheus' text format
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, body = String)))]
pub(crate) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    // While the queue is away nobody knows, and all else is worth knowing then.
    let depth = app.queue.depth().await.map_or(f64::NAN, |depth| depth as f64);
    metrics::gauge!("manazir_queue_depth_messages").set(depth);
    metrics::gauge!("manazir_ingest_waiting_callers").set(app.waiting.len() as f64);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render())
}
