//! Errors as RFC 9457 problems.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use manazir_rollup::history::TooMany;
use manazir_rollup::hosted::IntakeError;
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
    #[serde(skip)]
    allow: Option<Box<str>>,
}

/// More than these are counted, not listed.
const ERRORS_MAX: usize = 100;

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
            allow: None,
        }
    }

    /// With everything that is wrong with the input.
    pub(crate) fn with_errors(self, errors: Vec<String>) -> Self {
        Self { errors, ..self }
    }

    /// This very case, in words.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// True if the caller is not to blame.
    pub(crate) fn is_of_the_service(&self) -> bool {
        self.status >= 500
    }

    /// True if the same may succeed a little later.
    pub(crate) fn is_full(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS.as_u16()
    }

    /// The first hundred of `errors` are listed.
    pub(crate) fn invalid(detail: impl Into<String>, mut errors: Vec<String>) -> Self {
        let problem =
            Self::new(StatusCode::BAD_REQUEST, "invalid", "The request cannot be understood", detail);
        errors.truncate(ERRORS_MAX);
        Self { errors, ..problem }
    }

    pub(crate) fn unsupported(detail: impl Into<String>) -> Self {
        let title = "This route does not read bodies of this kind";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", title, detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// `allow` lists the methods that the path has, where that is known.
    pub(crate) fn method_not_allowed(allow: Option<String>) -> Self {
        let detail = match &allow {
            Some(allow) => format!("this path answers to {allow}"),
            None => "the header `Allow` lists the methods of this path".to_owned(),
        };
        let title = "This path has no such method";
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title, detail);
        Self { allow: allow.map(String::into_boxed_str), ..problem }
    }

    pub(crate) fn key_of_another() -> Self {
        let detail = "this Idempotency-Key came with another body before; nothing of this request was taken";
        let title = "The key belongs to another request";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key-of-another", title, detail)
    }

    pub(crate) fn timed_out() -> Self {
        let detail = "what was taken until now is kept; sending it again counts it once";
        let title = "The answer took too long";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "timed-out", title, detail);
        Self { retry_after_seconds: Some(1), ..problem }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        let detail =
            "send a token: `Authorization: Bearer mz_…`; `manazir token new --scope SCOPE` makes one";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Who are you?", detail)
    }

    pub(crate) fn signed_out() -> Self {
        let detail = "the access token is not good any more: refresh it, or sign in again";
        Self::new(StatusCode::UNAUTHORIZED, "signed-out", "Who are you?", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do that", detail)
    }

    /// Somebody tries too often; the same may succeed after `wait`.
    pub(crate) fn too_often(name: &str, detail: impl Into<String>, wait: Duration) -> Self {
        let title = "Too much of this at the moment";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, name, title, detail);
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Self { retry_after_seconds: Some(seconds), ..problem }
    }

    /// The same may succeed in so many seconds.
    pub(crate) fn away(name: &str, title: &'static str, detail: impl Into<String>, seconds: u32) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, name, title, detail);
        Self { retry_after_seconds: Some(seconds), ..problem }
    }

    pub(crate) fn conflict(name: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, name, title, detail)
    }

    pub(crate) fn too_many_spans(detail: impl Into<String>) -> Self {
        let title = "The answer would be too long";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too-many-spans", title, detail)
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
        Self::failed()
    }

    /// A fault of this side that is in the log already.
    pub(crate) fn failed() -> Self {
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

impl From<&manazir_rollup::Error> for Problem {
    fn from(error: &manazir_rollup::Error) -> Self {
        use manazir_rollup::Error;
        match error {
            Error::Away(what, _) => {
                tracing::warn!(error = ?error, "a request found no {what}");
                // Where it is, is nobody's concern out there.
                let detail =
                    "the destination of the rollup cannot be reached; send the request again in a moment";
                Self::away("unreachable", "A part of the service is away", detail, 2)
            }
            Error::Refused(_, why) if why.is::<TooMany>() => Self::too_many_spans(why.to_string()),
            Error::Refused(..) | Error::Damaged { .. } => Self::internal(error),
        }
    }
}

impl From<manazir_rollup::Error> for Problem {
    fn from(error: manazir_rollup::Error) -> Self {
        Self::from(&error)
    }
}

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Full => Self {
                retry_after_seconds: Some(1),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "queue-full",
                    "The queue is full",
                    "too many findings wait to be counted; nothing of this request was taken",
                )
            },
            IntakeError::Closed => {
                let detail = "findings that are sent again with the same Idempotency-Key count once";
                Self::away("stopping", "The service is stopping", detail, 5)
            }
            IntakeError::Destination(error) => Self::from(&*error),
        }
    }
}

impl From<manazir_auth::Error> for Problem {
    fn from(error: manazir_auth::Error) -> Self {
        match error {
            manazir_auth::Error::Unreachable(source) => {
                manazir_ingest::Error::Unreachable { what: "database", source }.into()
            }
            manazir_auth::Error::Store(_) => Self::internal(&error),
        }
    }
}

impl From<manazir_auth::AccountError> for Problem {
    fn from(error: manazir_auth::AccountError) -> Self {
        match error {
            manazir_auth::AccountError::Unreachable(source) => {
                manazir_ingest::Error::Unreachable { what: "database", source }.into()
            }
            manazir_auth::AccountError::Store(_) => Self::internal(&error),
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
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
