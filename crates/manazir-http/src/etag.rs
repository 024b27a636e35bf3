//! Answers that a caller may have already.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// The body with its tag, or 304 without a body if the caller shows the same tag.
///
/// The tag is weak: it stands for what is said, not for how a proxy may have packed it.
pub(crate) fn tagged(asked: &HeaderMap, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let body = body.into();
    let tag = tag(&body);
    let mut response =
        if known(asked, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // It may change: ask each time, and be told in a few bytes that it has not.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn tag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}

/// RFC 9110, 13.1.2: a list of tags, compared weakly, or a star.
pub(crate) fn known(asked: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let shown = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    shown.flat_map(|list| list.split(',')).any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_is_shown_again_saves_the_body() {
        let first = tagged(&HeaderMap::new(), "text/plain", "hello");
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with("W/\"2cf24dba5fb0a30e26e83b2ac5b9e29e\""), "{tag}");
        let status = |shown: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, HeaderValue::from_str(shown).unwrap());
            tagged(&asked, "text/plain", "hello").status()
        };
        let strong = tag.trim_start_matches("W/");
        for shown in [tag.as_str(), strong, "*", &format!("\"other\", {tag}")] {
            assert_eq!(status(shown), StatusCode::NOT_MODIFIED, "{shown}");
        }
        assert_eq!(status("\"other\""), StatusCode::OK);
    }
}
