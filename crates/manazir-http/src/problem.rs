//! Errors as RFC 9457 problems.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, for the caller. The chain of causes goes to the log, once, and never to the wire.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Identifies the kind of problem.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The status code again.
    status: u16,
    /// This very case.
    detail: String,
    /// Everything that is wrong with the input, if several things are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// `name` becomes the end of the type's URI.
    pub fn new(status: StatusCode, name: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("https://manazir.dev/problems/{name}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_seconds: None,
        }
    }

    pub(crate) fn invalid(detail: impl Into<String>, errors: Vec<String>) -> Self {
        let problem =
            Self::new(StatusCode::BAD_REQUEST, "invalid", "The request cannot be understood", detail);
        Self { errors, ..problem }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        let detail = "send a token: `Authorization: Bearer mz_…`; `manazir token new` makes one";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Who are you?", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This token may not do that", detail)
    }

    /// Logged here with its sources; the caller learns that it is not to blame.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        let mut causes = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push_str(": ");
            causes.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(error = causes, "a request failed");
        let detail = "the fault is on this side; the log of the service says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The service failed", detail)
    }
}

impl From<manazir_ingest::Error> for Problem {
    fn from(error: manazir_ingest::Error) -> Self {
        use manazir_ingest::Error;
        match &error {
            Error::Full { waiting } => Self {
                retry_after_seconds: Some(1),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "queue-full",
                    "The queue is full",
                    format!("{waiting} messages wait to be written; nothing of this request was taken"),
                )
            },
            Error::Closed => Self {
                retry_after_seconds: Some(5),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "stopping",
                    "The service is stopping",
                    "nothing of this request was taken",
                )
            },
            Error::Unreachable { what, .. } => {
                tracing::warn!(error = ?error, "a request found no {what}");
                Self {
                    retry_after_seconds: Some(2),
                    ..Self::new(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "unreachable",
                        "A part of the service is away",
                        format!(
                            "the {what} cannot be reached; send the request again, nothing is counted twice"
                        ),
                    )
                }
            }
            Error::Damaged { .. } | Error::Store(_) => Self::internal(&error),
        }
    }
}

impl From<manazir_auth::Error> for Problem {
    fn from(error: manazir_auth::Error) -> Self {
        match &error {
            manazir_auth::Error::Store(_) => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
