//! Events in, verdicts out, through the routes.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, StatusCode, header};
use common::{Service, event};
use manazir_auth::{Scope, Secret, permission};
use manazir_http::{Limits, openapi, router};
use manazir_ingest::{Error, Message, Queue};
use serde_json::{Value, json};
use tower::ServiceExt;

#[tokio::test]
async fn each_route_has_a_rule_and_each_rule_a_route() {
    let service = Service::start(false).await;
    let document = serde_json::to_value(openapi(&service.app)).unwrap();
    let mut routes: Vec<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let mut rules: Vec<(String, String)> =
        permission::RULES.iter().map(|rule| (rule.method.to_owned(), rule.path.to_owned())).collect();
    // The page that shows the document and the document itself are not part of it.
    let pages = ["/api/openapi.json", "/docs/{*rest}", "/redoc", "/redoc/{file}"];
    routes.extend(pages.map(|page| ("GET".to_owned(), page.to_owned())));
    routes.sort();
    rules.sort();
    assert_eq!(routes, rules);
    for (method, path) in routes {
        let open = permission::access(&method, &path) == Some(permission::Access::Open);
        let path =
            path.replace("{*rest}", "").replace("{file}", "redoc.standalone.js").replace(['{', '}'], "");
        let answer = service.call(&method, &path, None, "").await;
        // Signing out by nothing is refused too, but not by the gate.
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let is_stopped = String::from_utf8_lossy(&body).contains("/problems/unauthenticated");
        assert_eq!(is_stopped, !open, "{method} {path}");
    }
    let denied = service.call("POST", "/ingest", Some(Scope::Read), "{}").await;
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_event_gets_its_verdict_once_and_the_stored_one_again() {
    let service = Service::start(true).await;
    let send = |id: &'static str| {
        let body = event(id, "role12").to_string();
        service.json("POST", "/ingest", Scope::Ingest, body)
    };
    let (status, answer) = send("e1").await;
    assert_eq!(
        (status, &answer["status"], &answer["verdict"]["score"]),
        (StatusCode::OK, &json!("judged"), &json!(1.0))
    );
    let (status, answer) = send("e1").await;
    assert_eq!(
        (status, &answer["status"], &answer["verdict"]["score"]),
        (StatusCode::OK, &json!("already_processed"), &json!(1.0))
    );
    for id in ["e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"] {
        send(id).await;
    }
    // The worker of the test calls every tenth event of a role an anomaly.
    let (status, answer) = send("e/10?").await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(answer["link"], "/api/v1/events/plain/e%2F10%3F");
    let (status, stored) = service.json("GET", answer["link"].as_str().unwrap(), Scope::Read, "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(stored["resources"], json!(["arn:aws:s3:::a,b", "\"{ü}"]));
    assert_eq!(stored["request_id"], "r");
    service.stop();
}

/// CT-W10 and its kin: all that is wrong is told at once, as a problem.
#[tokio::test]
async fn a_broken_event_is_refused_with_a_list_of_what_is_wrong() {
    let service = Service::start(true).await;
    let body = r#"{"RequestID": 7, "EventTimestamp": "yesterday", "AffectedAssets": "a"}"#;
    let response = service.call("POST", "/ingest", Some(Scope::Ingest), body).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let problem: Value =
        serde_json::from_slice(&to_bytes(response.into_body(), 9_999).await.unwrap()).unwrap();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 6, "{problem}");
    let large = "x".repeat(Limits::default().event_bytes_max + 1);
    assert_eq!(
        service.call("POST", "/ingest", Some(Scope::Ingest), large).await.status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
    service.stop();
}

/// CT-W4: without a worker each caller is answered in bounded time, with a link.
#[tokio::test]
async fn without_a_worker_each_caller_gets_a_link() {
    let service = Service::start(false).await;
    let (status, answer) = service.json("POST", "/ingest", Scope::Ingest, event("e1", "a").to_string()).await;
    assert_eq!((status, &answer["status"]), (StatusCode::ACCEPTED, &json!("accepted")));
    assert_eq!(
        service.json("GET", "/api/v1/events/plain/e1", Scope::Read, "").await.0,
        StatusCode::NOT_FOUND
    );
    assert!(service.app.waiting.is_empty(), "who gave up is forgotten");
    assert_eq!(service.app.queue.depth().await.unwrap(), 1);
}

/// CT-W3, CT-W6, CT-W22: five hundred callers at once, one of them broken: each gets its own answer.
#[tokio::test]
async fn five_hundred_callers_at_once_get_each_its_own_answer() {
    let service = Arc::new(Service::start(true).await);
    let calls: Vec<_> = (0..500)
        .map(|id| {
            let service = Arc::clone(&service);
            tokio::spawn(async move {
                let body = if id == 250 {
                    "{".to_owned()
                } else {
                    event(&format!("e{id}"), &format!("role{id}")).to_string()
                };
                (id, service.json("POST", "/ingest", Scope::Ingest, body).await)
            })
        })
        .collect();
    for call in calls {
        let (id, (status, answer)) = call.await.unwrap();
        if id == 250 {
            assert_eq!(status, StatusCode::BAD_REQUEST);
        } else {
            assert_eq!((status, &answer["id"]), (StatusCode::OK, &json!(format!("e{id}"))));
            assert_eq!(answer["verdict"]["score"], 1.0);
        }
    }
    Arc::into_inner(service).unwrap().stop();
}

#[tokio::test]
async fn a_batch_takes_what_is_sound_and_names_the_rest() {
    let service = Service::start(true).await;
    let lines = format!("{}\n{{\"RequestID\": 1}}\n{}\n", event("a", "x"), event("b", "x"));
    let (status, answer) =
        service.json("POST", "/api/v1/ingest/events?wait=verdict", Scope::Ingest, lines).await;
    assert_eq!((status, &answer["accepted"]), (StatusCode::ACCEPTED, &json!(2)));
    assert!(answer["rejected"][0].as_str().unwrap().starts_with("item 2: "), "{answer}");
    assert_eq!(answer["events"][1]["verdict"]["score"], 2.0);
    // What is broken is kept as it came, to be repaired.
    let (_, letters) = service.json("GET", "/api/v1/dead_letters", Scope::Respond, "").await;
    assert_eq!(letters["items"].as_array().map(Vec::len), Some(1), "{letters}");
    let letter = format!("/api/v1/dead_letters/{}", letters["items"][0]["number"]);
    let (_, letter) = service.json("GET", &letter, Scope::Respond, "").await;
    assert_eq!(letter["body"], "{\"RequestID\": 1}", "{letter}");
    let (status, _) =
        service.json("POST", "/api/v1/ingest/cloudtrail", Scope::Ingest, "nothing of the kind").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    service.stop();
}

#[tokio::test]
async fn tokens_are_made_listed_and_refused() {
    let service = Service::start(false).await;
    let new = json!({"name": "ci", "scopes": ["ingest"]}).to_string();
    let (status, made) = service.json("POST", "/api/v1/tokens", Scope::Admin, new).await;
    assert_eq!(status, StatusCode::CREATED);
    let secret = Secret::shown(made["secret"].as_str().unwrap());
    assert!(service.app.tokens.find(secret.hash()).await.unwrap().is_some());
    let path = format!("/api/v1/tokens/{}", made["token"]["id"].as_str().unwrap());
    assert_eq!(service.call("DELETE", &path, Some(Scope::Admin), "").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        service.call("DELETE", "/api/v1/tokens/none", Some(Scope::Admin), "").await.status(),
        StatusCode::NOT_FOUND
    );
    let request = Request::builder()
        .method("POST")
        .uri("/ingest")
        .header(header::AUTHORIZATION, format!("Bearer {}", secret.reveal()))
        .body(Body::from(event("e", "r").to_string()))
        .unwrap();
    assert_eq!(
        router(service.app.clone()).oneshot(request).await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let (_, list) = service.json("GET", "/api/v1/tokens", Scope::Admin, "").await;
    assert_eq!(list.as_array().unwrap().len(), Scope::ALL.len() + 1);
    let bad = json!({"name": "", "scopes": ["all"]}).to_string();
    let (status, problem) = service.json("POST", "/api/v1/tokens", Scope::Admin, bad).await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (StatusCode::BAD_REQUEST, 2));
}

/// A broker that does not answer.
struct Away;

#[async_trait]
impl Queue for Away {
    async fn publish(&self, _: Vec<Message>) -> Result<(), Error> {
        Err(Error::unreachable("broker", "away"))
    }

    async fn depth(&self) -> Result<u64, Error> {
        Err(Error::unreachable("broker", "away"))
    }
}

/// That is when they are looked at.
#[tokio::test]
async fn metrics_and_health_are_told_while_the_queue_is_away() {
    let mut service = Service::start(false).await;
    service.app.queue = Arc::new(Away);
    let metrics = service.call("GET", "/metrics", Some(Scope::Read), "").await;
    assert_eq!(metrics.status(), StatusCode::OK);
    let ready = service.call("GET", "/health/ready", None, "").await;
    assert_eq!(
        (ready.status(), &ready.headers()[header::CONTENT_TYPE]),
        (StatusCode::SERVICE_UNAVAILABLE, &HeaderValue::from_static("application/json"))
    );
    let document = serde_json::to_value(openapi(&service.app)).unwrap();
    let described = &document["paths"]["/health/ready"]["get"]["responses"]["503"]["content"];
    assert!(described["application/json"].is_object(), "{described}");
}
