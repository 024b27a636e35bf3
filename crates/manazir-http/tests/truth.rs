//! What people look at, through the router: anomalies and what is said of them, dead letters, jobs.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use manazir_auth::Scope;
use manazir_http::{App, Tasks, resume};
use manazir_ingest::Format;
use manazir_ingest::dead_letters::{DeadLetters, NewDeadLetter};
use manazir_ingest::jobs::{JobState, Jobs, NewJob, Progress};
use manazir_ingest::projection::Projection;
use manazir_ingest::truth::contract::{finding, letter};
use manazir_ingest::truth::memory::InMemory as Truth;
use manazir_model::Timestamp;
use serde_json::{Value, json};

struct Service {
    app: App,
    truth: Truth,
}

impl Service {
    async fn start() -> Self {
        let truth = Truth::default();
        let app = App {
            findings: Arc::new(truth.clone()),
            dead_letters: Arc::new(truth.clone()),
            jobs: Arc::new(truth.clone()),
            tasks: Tasks::new("me"),
            ..common::app().await
        };
        Self { app, truth }
    }

    async fn call(&self, method: &str, path: &str, scope: Scope, body: &str) -> (StatusCode, Value) {
        common::ask(&self.app, method, path, scope, body.to_owned()).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call("GET", path, Scope::Admin, "").await
    }

    /// Numbers of a list.
    async fn numbers(&self, path: &str) -> Vec<u64> {
        let (status, page) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["number"].as_u64().unwrap()).collect()
    }
}

fn sound(id: &str) -> Vec<u8> {
    json!({"RequestID": "r", "EventID": id, "RoleID": "o", "EventType": "t",
        "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": []})
    .to_string()
    .into_bytes()
}

#[tokio::test]
async fn anomalies_are_searched_by_each_field_and_come_in_pages() {
    let service = Service::start().await;
    let found: Vec<_> = (1..=30).map(finding).collect();
    service.truth.apply("truth", 0, 30, &found, &[], &[]).await.unwrap();
    let (_, page) = service.call("GET", "/api/v1/anomalies?limit=2", Scope::Read, "").await;
    assert_eq!((&page["items"][1]["number"], &page["next_cursor"]), (&json!(29), &json!(29)));
    assert_eq!(service.numbers("/api/v1/anomalies?limit=2&cursor=29").await, [28, 27]);
    // `50%_done`, as a query writes it.
    for (query, expected) in [
        ("resource=50%25_done", vec![21, 7]),
        ("resource=asset3&actor=role3", vec![3]),
        ("event_id=e5", vec![5]),
        ("request_id=r6", vec![6]),
        ("q=ROLE-8%20never", vec![8]),
        ("score_min=29.1", vec![30, 29]),
        ("from=2023-11-14T22:13:29Z&until=2023-11-14T22:13:31Z", vec![10, 9]),
        ("detector=first_seen&kind=event&source=plain&action=iam:CreateUser&limit=1", vec![30]),
        ("kind=series", vec![]),
    ] {
        assert_eq!(service.numbers(&format!("/api/v1/anomalies?{query}")).await, expected, "{query}");
    }
    let (status, problem) = service.get("/api/v1/anomalies?kind=x&from=yesterday&feedback=good").await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (StatusCode::BAD_REQUEST, 3));
    for wrong in ["limit=0", "limit=1001", "actr=role1"] {
        let (status, _) = service.get(&format!("/api/v1/anomalies?{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn a_person_confirms_rejects_and_takes_it_back() {
    let service = Service::start().await;
    service.truth.apply("truth", 0, 2, &[finding(1), finding(2)], &[], &[]).await.unwrap();
    let path = "/api/v1/anomalies/2/feedback";
    let said = json!({"verdict": "confirmed", "comment": "a \"drill\", 100 %"}).to_string();
    assert_eq!(service.call("PUT", path, Scope::Read, &said).await.0, StatusCode::FORBIDDEN);
    let (status, anomaly) = service.call("PUT", path, Scope::Respond, &said).await;
    assert_eq!(status, StatusCode::OK);
    let expected = json!({"verdict": "confirmed", "comment": "a \"drill\", 100 %", "by": "respond",
        "at": "2023-11-14T22:13:20Z"});
    assert_eq!(anomaly["feedback"], expected);
    assert_eq!(service.numbers("/api/v1/anomalies?feedback=confirmed").await, [2]);
    assert_eq!(service.numbers("/api/v1/anomalies?feedback=none").await, [1]);
    assert_eq!(service.call("DELETE", path, Scope::Respond, "").await.0, StatusCode::NO_CONTENT);
    let (_, anomaly) = service.get("/api/v1/anomalies/2").await;
    assert_eq!((anomaly.get("feedback"), &anomaly["actor"]), (None, &json!("role2")));
    let wrong = json!({"verdict": "maybe", "comment": "x".repeat(10_001)}).to_string();
    let (status, problem) = service.call("PUT", path, Scope::Respond, &wrong).await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (StatusCode::BAD_REQUEST, 2));
    for (method, path) in
        [("PUT", "/api/v1/anomalies/9/feedback"), ("DELETE", "/api/v1/anomalies/9/feedback")]
    {
        assert_eq!(service.call(method, path, Scope::Respond, &said).await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(service.get("/api/v1/anomalies/9").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_dead_letter_is_repaired_and_sent_again() {
    let service = Service::start().await;
    service.truth.add(&[letter(1), NewDeadLetter { body: b"{}".to_vec(), ..letter(2) }]).await.unwrap();
    let (_, binary) = service.get("/api/v1/dead_letters/1").await;
    assert_eq!((binary.get("body"), &binary["body_hex"]), (None, &json!("009f929601")));
    let (_, text) = service.get("/api/v1/dead_letters/2").await;
    assert_eq!((&text["body"], &text["state"]), (&json!("{}"), &json!("waiting")));
    // What is wrong is listed, and kept as the reason.
    let (status, problem) = service.call("POST", "/api/v1/dead_letters/2/replay", Scope::Respond, "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"].as_array().unwrap().len(), 6, "{problem}");
    let (_, failed) = service.get("/api/v1/dead_letters/2").await;
    assert_eq!(failed["attempts"], 1);
    assert!(failed["reason"].as_str().unwrap().contains("RoleID is missing"), "{failed}");
    let body = String::from_utf8(sound("e/2")).unwrap();
    let repaired = service.call("PUT", "/api/v1/dead_letters/2/body", Scope::Respond, &body).await;
    assert_eq!(repaired.0, StatusCode::NO_CONTENT);
    let (status, sent) = service.call("POST", "/api/v1/dead_letters/2/replay", Scope::Respond, "").await;
    assert_eq!((status, &sent["link"]), (StatusCode::ACCEPTED, &json!("/api/v1/events/plain/e%2F2")));
    assert_eq!(service.numbers("/api/v1/dead_letters?state=waiting").await, [1]);
    assert_eq!(service.numbers("/api/v1/dead_letters?state=replayed").await, [2]);
    // It waits no longer.
    for (method, path) in [("POST", "2/replay"), ("PUT", "2/body"), ("DELETE", "2")] {
        let path = format!("/api/v1/dead_letters/{path}");
        assert_eq!(service.call(method, &path, Scope::Respond, "").await.0, StatusCode::CONFLICT, "{path}");
    }
    assert_eq!(
        service.call("DELETE", "/api/v1/dead_letters/1", Scope::Respond, "").await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(service.numbers("/api/v1/dead_letters?state=discarded").await, [1]);
    assert_eq!(service.get("/api/v1/dead_letters/9").await.0, StatusCode::NOT_FOUND);
    let missing = service.call("POST", "/api/v1/dead_letters/9/replay", Scope::Respond, "").await;
    assert_eq!(missing.0, StatusCode::NOT_FOUND);
}

/// What a sensor said is repaired as what it is: samples of its topic, at the time of its arrival.
#[tokio::test]
async fn a_letter_of_a_sensor_becomes_samples() {
    let service = Service::start().await;
    let letter = NewDeadLetter {
        source: "mqtt".to_owned(),
        id: "hall/1".to_owned(),
        format: Format::Samples,
        body: b"21,5".to_vec(),
        ..letter(1)
    };
    service.truth.add(&[letter]).await.unwrap();
    let (status, problem) = service.call("POST", "/api/v1/dead_letters/1/replay", Scope::Respond, "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"], json!(["neither a number nor a JSON object"]), "{problem}");
    service.call("PUT", "/api/v1/dead_letters/1/body", Scope::Respond, "21.5").await;
    let (status, sent) = service.call("POST", "/api/v1/dead_letters/1/replay", Scope::Respond, "").await;
    assert_eq!((status, &sent["link"]), (StatusCode::ACCEPTED, &json!("/api/v1/series?metric=hall%2F1")));
    assert_eq!(service.numbers("/api/v1/dead_letters?state=replayed").await, [1]);
}

#[tokio::test]
async fn many_are_replayed_by_a_job() {
    let service = Service::start().await;
    let broken_or_sound = |number: u64| NewDeadLetter {
        body: if number.is_multiple_of(3) { b"{".to_vec() } else { sound(&number.to_string()) },
        source: if number > 250 { "other".to_owned() } else { "plain".to_owned() },
        ..letter(number)
    };
    let letters: Vec<_> = (1..=260).map(broken_or_sound).collect();
    service.truth.add(&letters).await.unwrap();
    let filter = r#"{"source": "plain"}"#;
    let (status, job) = service.call("POST", "/api/v1/dead_letters/replay", Scope::Respond, filter).await;
    assert_eq!((status, &job["state"]), (StatusCode::ACCEPTED, &json!("queued")), "{job}");
    let ended = loop {
        let (_, job) = service.get("/api/v1/jobs/1").await;
        if job["state"] != "queued" && job["state"] != "running" {
            break job;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&ended["state"], &ended["done"]), (&json!("done"), &json!(250)), "{ended}");
    assert_eq!(ended["result"], json!({"replayed": 167, "failed": 83}));
    let waiting = service.numbers("/api/v1/dead_letters?state=waiting&limit=1000").await;
    assert_eq!(waiting.len(), 93, "those that are broken, and those of the other source");
    let (_, page) = service.get("/api/v1/jobs").await;
    assert_eq!(page["items"][0]["input"]["filter"]["source"], "plain");
    let (status, _) =
        service.call("POST", "/api/v1/dead_letters/replay", Scope::Respond, r#"{"from":"x"}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let cancelled = service.call("POST", "/api/v1/jobs/1/cancel", Scope::Respond, "").await;
    assert_eq!(cancelled.1["cancel_requested"], false, "too late");
    assert_eq!(
        service.call("POST", "/api/v1/jobs/9/cancel", Scope::Respond, "").await.0,
        StatusCode::NOT_FOUND
    );
}

/// A process that ends leaves its jobs to the next one, which goes on with those it knows.
#[tokio::test]
async fn jobs_of_a_process_that_is_gone_are_gone_on_with() {
    let service = Service::start().await;
    service.truth.add(&[NewDeadLetter { body: sound("a"), ..letter(1) }]).await.unwrap();
    for kind in ["replay_dead_letters", "unheard_of"] {
        let input = r#"{"filter":{},"through":1}"#.to_owned();
        let job = NewJob { kind: kind.to_owned(), input, incarnation: "gone".to_owned() };
        service.truth.create(&job, Timestamp(0)).await.unwrap();
    }
    resume(&service.app, Duration::ZERO).await.unwrap();
    let state = async |id| Jobs::get(&service.truth, id).await.unwrap().unwrap().progress.state;
    while !state(1).await.has_ended() {
        tokio::task::yield_now().await;
    }
    service.app.tasks.stop().await;
    assert_eq!((state(1).await, state(2).await), (JobState::Done, JobState::Failed));
    assert_eq!(service.numbers("/api/v1/dead_letters?state=replayed").await, [1]);
    // What is asked of a process that stops is refused.
    let (status, _) = service.call("POST", "/api/v1/dead_letters/replay", Scope::Respond, "{}").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

/// Its report goes on with what the process before it did, and no letter counts twice.
#[tokio::test]
async fn a_job_that_was_handed_back_goes_on_where_it_was() {
    let service = Service::start().await;
    let broken = |number| NewDeadLetter { body: b"{".to_vec(), ..letter(number) };
    service.truth.add(&[NewDeadLetter { body: sound("a"), ..letter(1) }, broken(2)]).await.unwrap();
    let input = r#"{"filter":{},"through":2}"#.to_owned();
    let job = NewJob { kind: "replay_dead_letters".to_owned(), input, incarnation: "before".to_owned() };
    service.truth.create(&job, Timestamp(0)).await.unwrap();
    let result = Some(r#"{"replayed":4,"failed":1,"reached":2}"#.to_owned());
    let so_far = Progress { state: JobState::Queued, result, ..Progress::default() };
    service.truth.update(1, "before", &so_far, Timestamp::from_seconds(1_700_000_000)).await.unwrap();
    // It is taken up at once, however lately its process was heard of.
    resume(&service.app, Duration::from_secs(600)).await.unwrap();
    let job = async || Jobs::get(&service.truth, 1).await.unwrap().unwrap();
    while !job().await.progress.state.has_ended() {
        tokio::task::yield_now().await;
    }
    let ended = job().await.progress;
    assert_eq!((ended.state, ended.done), (JobState::Done, 6));
    assert_eq!(ended.result.as_deref(), Some(r#"{"replayed":5,"failed":1}"#));
}

#[tokio::test]
async fn samples_among_the_dead_letters_stay_and_it_says_why() {
    let service = Service::start().await;
    service.truth.add(&[NewDeadLetter { format: Format::Samples, ..letter(1) }]).await.unwrap();
    let (status, problem) = service.call("POST", "/api/v1/dead_letters/1/replay", Scope::Respond, "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        problem["detail"].as_str().unwrap().contains("send them again from where they came"),
        "{problem}"
    );
}
