//! What surrounds every route: a bound on time, and a problem for whatever the framework says by itself.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use tower_http::request_id::RequestId;
use tracing::Instrument;

use crate::{App, Problem};

/// Answers in bounded time.
pub(crate) async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.limits.request_max, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out().into_response(),
    }
}

/// Whatever is logged of a request carries the identity that its caller was given.
pub(crate) async fn named(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    // An error's, so that no choice of levels leaves an error without it.
    let span = tracing::error_span!("request", id);
    next.run(request).instrument(span).await
}

/// Refusals that no handler has worded, such as a wrong method on the pages of the documentation.
pub(crate) async fn worded(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !refused || kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return response;
    }
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::not_found("no route has this path; /docs lists them"),
        // The router adds the header after this.
        StatusCode::METHOD_NOT_ALLOWED => Problem::method_not_allowed(None),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body is longer than this route takes"),
        _ if status.is_client_error() => Problem::invalid("the request cannot be read", Vec::new()),
        _ => Problem::failed(),
    };
    problem.into_response()
}

/// A panic is a fault of ours; its message went to the log and stays there.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request panicked");
    Problem::failed().into_response()
}
