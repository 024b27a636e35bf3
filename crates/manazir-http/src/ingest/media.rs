//! What a body says it is.

use axum::http::{HeaderMap, header};
use utoipa::ToSchema;

/// A body of bytes, as it is described.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "a description")]
pub(crate) struct Packed(Vec<u8>);

/// The media type of a body in small letters, without its parameters; empty if the request does not say it.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// True for what programs say of a body when nobody told them: curl calls everything a form.
pub(crate) fn is_unsaid(media_type: &str) -> bool {
    matches!(media_type, "" | "application/x-www-form-urlencoded" | "application/octet-stream")
}
