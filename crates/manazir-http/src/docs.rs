//! The description of the API, for machines and for people; no page here needs a network.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use crate::extract::Path;
use crate::{App, Problem, etag};

/// Redoc 2.5.4, MIT (`assets/redoc.LICENSE.txt`), packed: 1,103,471 bytes in 326,645.
const REDOC: &[u8] = include_bytes!("../assets/redoc.standalone.js.gz");

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Manazir's API</title>
<style>body { margin: 0 }</style>
</head>
<body>
<redoc spec-url="/api/openapi.json"></redoc>
<script src="/redoc/redoc.standalone.js"></script>
</body>
</html>
"#;

/// What the page may load: what comes from here. Redoc would fetch its maker's logo otherwise.
const POLICY: &str = "default-src 'none'; script-src 'self' blob:; worker-src blob:; connect-src 'self'; \
                      style-src 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:";

/// The document and Redoc's page; the table of permissions opens them.
pub(crate) fn routes(document: &utoipa::openapi::OpenApi) -> Router<App> {
    let json = axum::body::Bytes::from(serde_json::to_vec(document).unwrap_or_default());
    let json = Arc::new(json);
    let document = move |asked: HeaderMap| async move {
        etag::tagged(&asked, "application/json", axum::body::Bytes::clone(&json))
    };
    Router::new()
        .route("/api/openapi.json", get(document))
        .route("/redoc", get(page))
        .route("/redoc/{file}", get(file))
}

async fn page() -> Response {
    let mut response = Html(PAGE).into_response();
    let policy = HeaderValue::from_static(POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

async fn file(Path(name): Path<String>, asked: HeaderMap) -> Result<Response, Problem> {
    if name != "redoc.standalone.js" {
        return Err(Problem::not_found(format!("there is no file `{name}` here")));
    }
    // Every browser unpacks gzip; who asks for other bytes has no use for this file.
    let mut response = etag::tagged(&asked, "text/javascript", REDOC);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(response)
}
