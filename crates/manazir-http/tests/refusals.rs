//! Whatever is refused is refused as a problem, also by the framework; and what has not changed is not sent.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use std::fmt::Write;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use common::{Service, event, secret};
use expect_test::{expect, expect_file};
use manazir_auth::Scope;
use manazir_http::{openapi, router};
use serde_json::Value;
use tower::ServiceExt;

/// Status, kind and detail of a refusal.
async fn said(response: Response) -> String {
    let status = response.status();
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let allow = header(header::ALLOW).map_or(String::new(), |allow| format!(" [Allow: {allow}]"));
    let kind = header(header::CONTENT_TYPE).unwrap_or_default();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let problem: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    assert_eq!(kind, "application/problem+json", "{status}: {}", String::from_utf8_lossy(&body));
    assert_eq!(problem["status"], status.as_u16());
    assert!(header_is_a_uri(&problem["type"]), "{problem}");
    format!("{}{allow}: {}", status.as_u16(), problem["detail"].as_str().unwrap())
}

fn header_is_a_uri(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| kind.starts_with("https://manazir.dev/problems/"))
}

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let service = Service::start(false).await;
    let large = "x".repeat(service.app.limits.event_bytes_max + 1);
    let cases: &[(&str, &str, &str)] = &[
        ("GET", "/nowhere", ""),
        ("GET", "/api/v1", ""),
        ("PUT", "/ingest", ""),
        ("DELETE", "/api/v1/tokens", ""),
        ("POST", "/api/openapi.json", ""),
        ("POST", "/docs/", ""),
        ("GET", "/docs/nothing.js", ""),
        ("GET", "/redoc/nothing.js", ""),
        ("POST", "/api/v1/tokens", "{"),
        ("POST", "/api/v1/tokens", r#"{"name": 1}"#),
        ("POST", "/ingest", &large),
        ("POST", "/ingest?wait=long", "{}"),
        ("POST", "/ingest?unknown=1", "{}"),
        ("GET", "/api/v1/events/a/%FF", ""),
        ("GET", "/api/v1/events/a/b", ""),
    ];
    let mut table = String::new();
    for (method, path, body) in cases {
        let response = service.call(method, path, Some(Scope::Admin), (*body).to_owned()).await;
        writeln!(table, "{method} {path} {}", said(response).await).unwrap();
    }
    expect![[r#"
        GET /nowhere 404: no route has this path; /docs lists them
        GET /api/v1 404: no route has this path; /docs lists them
        PUT /ingest 405 [Allow: POST]: this path answers to POST
        DELETE /api/v1/tokens 405 [Allow: GET, POST, HEAD]: this path answers to GET, POST, HEAD
        POST /api/openapi.json 405 [Allow: GET, HEAD]: this path answers to GET, HEAD
        POST /docs/ 405 [Allow: GET,HEAD]: the header `Allow` lists the methods of this path
        GET /docs/nothing.js 404: no route has this path; /docs lists them
        GET /redoc/nothing.js 404: there is no file `nothing.js` here
        POST /api/v1/tokens 400: Failed to parse the request body as JSON: EOF while parsing an object at line 1 column 1
        POST /api/v1/tokens 400: Failed to deserialize the JSON body into the target type: name: invalid type: integer `1`, expected a string at line 1 column 10
        POST /ingest 413: the body is longer than this route takes; send it in parts
        POST /ingest?wait=long 400: Failed to deserialize query string: wait: unknown variant `long`, expected `verdict` or `none`
        POST /ingest?unknown=1 400: Failed to deserialize query string: unknown: unknown field `unknown`, expected `wait`
        GET /api/v1/events/a/%FF 400: Invalid URL: Invalid UTF-8 in `id`
        GET /api/v1/events/a/b 404: no event `b` of `a` has been judged yet
    "#]].assert_eq(&table);
}

#[tokio::test]
async fn a_form_is_no_json() {
    let service = Service::start(false).await;
    let request = Request::builder()
        .method("POST")
        .uri("/api/v1/tokens")
        .header(header::AUTHORIZATION, format!("Bearer {}", secret(Scope::Admin).reveal()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("name=a"))
        .unwrap();
    let response = router(service.app).oneshot(request).await.unwrap();
    expect!["415: send `Content-Type: application/json`"].assert_eq(&said(response).await);
}

/// What takes too long and what panics is answered too.
#[tokio::test]
async fn a_slow_and_a_broken_answer_are_problems() {
    let mut service = Service::start(false).await;
    // Nobody judges: a caller would wait ten minutes, and a request may take ten milliseconds.
    service.app.limits.wait_max = Duration::from_secs(600);
    service.app.limits.request_max = Duration::from_millis(10);
    let body = event("e", "r").to_string();
    let response = service.call("POST", "/ingest", Some(Scope::Ingest), body).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    expect!["503: what was taken until now is kept; sending it again counts it once"]
        .assert_eq(&said(response).await);
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let service = Service::start(true).await;
    let (status, _) = service.json("POST", "/ingest", Scope::Ingest, event("e1", "a").to_string()).await;
    assert_eq!(status, StatusCode::OK);
    for path in ["/api/v1/events/plain/e1", "/api/openapi.json", "/redoc/redoc.standalone.js"] {
        let ask = |tag: Option<String>| {
            let mut request = Request::builder().uri(path);
            request =
                request.header(header::AUTHORIZATION, format!("Bearer {}", secret(Scope::Read).reveal()));
            if let Some(tag) = tag {
                request = request.header(header::IF_NONE_MATCH, tag);
            }
            router(service.app.clone()).oneshot(request.body(Body::empty()).unwrap())
        };
        let first = ask(None).await.unwrap();
        assert_eq!(first.status(), StatusCode::OK, "{path}");
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let again = ask(Some(tag)).await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert!(to_bytes(again.into_body(), 9_999).await.unwrap().is_empty(), "{path}");
    }
    service.stop();
}

/// A head is what a get is, without the body.
#[tokio::test]
async fn whoever_may_get_may_ask_for_the_head() {
    let service = Service::start(false).await;
    let head = service.call("HEAD", "/api/v1/tokens", Some(Scope::Admin), "").await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(service.call("HEAD", "/api/v1/tokens", None, "").await.status(), StatusCode::UNAUTHORIZED);
}

/// No page of the documentation asks another host for anything.
#[tokio::test]
async fn the_pages_of_the_documentation_need_no_network() {
    let service = Service::start(false).await;
    for path in ["/docs/", "/redoc"] {
        let page = service.call("GET", path, None, "").await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        let page = to_bytes(page.into_body(), usize::MAX).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(!page.contains("http"), "{path}: {page}");
    }
    let page = service.call("GET", "/redoc", None, "").await;
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("http"), "{policy}");
}

/// The document is committed, so that a change of the interface is a change that is read.
#[tokio::test]
async fn the_document_is_the_committed_one() {
    let service = Service::start(false).await;
    let document = openapi(&service.app).to_pretty_json().unwrap();
    expect_file!["../openapi.json"].assert_eq(&format!("{document}\n"));
}

/// Programs that make clients of the document call each operation by it.
#[tokio::test]
async fn every_operation_has_a_name_of_its_own() {
    let service = Service::start(false).await;
    let document = serde_json::to_value(openapi(&service.app)).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let mut names: Vec<&str> = operations.filter_map(|one| one["operationId"].as_str()).collect();
    assert!(names.len() > 100 && names.contains(&"get_users_user_connections"), "{names:?}");
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

/// The router of a test of its own: a handler that panics.
#[tokio::test]
async fn a_panic_is_a_problem_and_says_nothing_of_its_cause() {
    let service = Service::start(false).await;
    let broken = axum::Router::new().route("/broken", get(|| async { panic!("a secret") as () }));
    let response = manazir_http::guarded(broken, &service.app)
        .oneshot(Request::builder().uri("/broken").body(Body::empty()).unwrap())
        .await
        .unwrap();
    expect!["500: the fault is on this side; the log of the service says more"]
        .assert_eq(&said(response).await);
}
