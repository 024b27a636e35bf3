//! What these routes answer: the data, what it is, and where it goes on.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;

/// Data, with what it is and where it goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer<T> {
    /// What was asked for.
    data: T,
    /// The same in words.
    description: String,
    /// Where it goes on.
    links: Links,
}

/// Where it goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Links {
    /// What was asked for.
    #[serde(rename = "self")]
    this: String,
    /// The next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A status with a place and an answer.
pub(crate) type Made<T> = (StatusCode, [(HeaderName, HeaderValue); 1], Json<Answer<T>>);

impl<T> Answer<T> {
    pub(crate) fn new(asked: &Uri, data: T, description: impl Into<String>) -> Self {
        let this = asked.path_and_query().map_or("/", |asked| asked.as_str()).to_owned();
        Self { data, description: description.into(), links: Links { this, next: None } }
    }

    pub(crate) fn with_next(mut self, next: Option<String>) -> Self {
        self.links.next = next;
        self
    }

    /// With a status, and where what was made is.
    pub(crate) fn at(mut self, status: StatusCode, location: &str) -> Result<Made<T>, Problem> {
        location.clone_into(&mut self.links.this);
        let location = HeaderValue::from_str(location).map_err(|error| Problem::internal(&error))?;
        Ok((status, [(header::LOCATION, location)], Json(self)))
    }
}
