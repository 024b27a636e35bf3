//! What handlers take from a request. Whatever the framework refuses is refused as a problem.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::Problem;

/// A body that is a JSON object. A list is none, although a structure could be read from one.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await?;
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(Problem::invalid("the body is a list; an object is expected", Vec::new()));
        }
        let axum::Json(read) =
            axum::Json::from_request(Request::from_parts(parts, bytes.into()), state).await?;
        Ok(Self(read))
    }
}

/// The same, or no body at all.
pub(crate) struct JsonIfAny<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonIfAny<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        let Json(read) = Json::from_request(Request::from_parts(parts, bytes.into()), state).await?;
        Ok(Self(read))
    }
}

/// A body, whole; its length is bounded by the route.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Ok(Self(Bytes::from_request(request, state).await?))
    }
}

/// The query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(crate) struct Query<T>(pub(crate) T);

/// The changing parts of a path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        match &rejection {
            JsonRejection::MissingJsonContentType(_) => {
                Self::unsupported("send `Content-Type: application/json`")
            }
            JsonRejection::BytesRejection(_) => Self::of_body(rejection.status(), rejection.body_text()),
            _ => Self::invalid(rejection.body_text(), Vec::new()),
        }
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::of_body(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid(rejection.body_text(), Vec::new())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::invalid(rejection.body_text(), Vec::new())
    }
}

impl Problem {
    /// A body that could not be read to its end.
    fn of_body(status: StatusCode, said: String) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large("the body is longer than this route takes; send it in parts");
        }
        Self::invalid(said, Vec::new())
    }
}
