//! Why something happened, over HTTP: asked, answered, judged, and asked again.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use std::sync::Arc;

use axum::http::StatusCode;
use common::{app, ask, explainer};
use manazir_auth::Scope;
use manazir_http::App;
use manazir_ingest::lake::Lake;
use manazir_ingest::lake::memory::MemoryLake;
use manazir_model::{GraphEvent, JudgedSample, SeriesKey, SeriesRows, Timestamp};
use serde_json::{Value, json};

/// 2023-11-14T22:00:00Z, within the hour of the test's clock.
const AT_S: i64 = 1_699_999_200;

fn event(entity: &str, event_type: &str, seconds: i64) -> GraphEvent {
    let at = Timestamp::from_seconds(AT_S + seconds);
    GraphEvent {
        id: format!("test/{entity}/{event_type}"),
        entity: entity.to_owned(),
        event_type: event_type.to_owned(),
        from: at,
        until: at,
        received_at: at,
        severity: 1.0,
        source: "test".to_owned(),
        sentence: format!("{event_type} of {entity}"),
        ..GraphEvent::default()
    }
}

/// The database was configured and deployed, then everything above it was slow.
async fn story() -> App {
    let app = app().await;
    let given = json!({"items": [{"caller": "web", "callee": "api"}, {"caller": "api", "callee": "db"}]});
    let (status, told) =
        ask(&app, "POST", "/api/v1/topology/dependencies", Scope::Respond, given.to_string()).await;
    assert_eq!((status, told), (StatusCode::OK, json!({"taken": 2, "left_out": []})));
    let events = [
        event("db", "deploy", -120),
        event("db", "config_change", -100),
        event("db", "latency_spike", -60),
        event("api", "latency_spike", -30),
        event("web", "latency_spike", 0),
    ];
    app.explainer.sources().events.add_events(&events).await.unwrap();
    app
}

fn question() -> String {
    json!({"entity": "web", "metric": "request_latency", "at": "2023-11-14T22:00:00Z"}).to_string()
}

async fn get(app: &App, path: &str) -> Value {
    let (status, told) = ask(app, "GET", path, Scope::Read, "").await;
    assert_eq!(status, StatusCode::OK, "{path}: {told}");
    told
}

fn causes(told: &Value) -> Vec<String> {
    let causes = told["answer"]["causes"].as_array().unwrap().iter();
    causes
        .map(|cause| {
            format!("{} {}", cause["entity"].as_str().unwrap(), cause["event_type"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_question_is_answered_and_its_parts_can_be_looked_at() {
    let app = story().await;
    let (status, told) = ask(&app, "POST", "/api/v1/explanations", Scope::Respond, question()).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    assert_eq!((told["number"].as_u64(), told["revision"].as_u64()), (Some(1), Some(0)));
    assert_eq!(told["answer"]["asked"]["entity"], "web");
    assert_eq!(causes(&told)[0].split(' ').next(), Some("db"), "{told}");
    let path = "/api/v1/explanations/1";
    assert_eq!(get(&app, path).await["answer"], told["answer"]);
    assert_eq!(get(&app, &format!("{path}/causes")).await["items"], told["answer"]["causes"]);
    let graph = get(&app, &format!("{path}/events-graph")).await;
    assert_eq!(graph["nodes"][0]["role"], "alert");
    assert!(graph["edges"].as_array().unwrap().len() >= 3, "{graph}");
    assert_eq!(get(&app, &format!("{path}/related-events")).await["changes"].as_array().unwrap().len(), 2);
    assert_eq!(get(&app, &format!("{path}/contributors")).await, json!({"contributors": null}));
    let listed = &get(&app, "/api/v1/explanations?entity=web").await["items"];
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed[0]["summary"], &listed[0]["cause_entity"]),
        (&told["answer"]["summary"], &json!("db"))
    );
    assert_eq!(get(&app, "/api/v1/explanations?entity=api").await["items"], json!([]));
}

#[tokio::test]
async fn verdicts_change_the_ranking_and_can_be_taken_back() {
    let app = story().await;
    let (_, told) = ask(&app, "POST", "/api/v1/explanations", Scope::Respond, question()).await;
    let before = causes(&told);
    let (first, second) = (&told["answer"]["causes"][0], &told["answer"]["causes"][1]);
    let verdict =
        |cause: &Value| format!("/api/v1/explanations/1/causes/{}/verdict", cause["id"].as_str().unwrap());
    let said = |word: &str| json!({"verdict": word, "comment": "seen in the logs"}).to_string();
    let (status, _) = ask(&app, "PUT", &verdict(first), Scope::Respond, said("rejected")).await;
    assert_eq!(status, StatusCode::OK);
    let (_, judged) = ask(&app, "PUT", &verdict(second), Scope::Respond, said("confirmed")).await;
    assert_eq!(judged["verdicts"].as_array().unwrap().len(), 2);
    assert_eq!(judged["verdicts"][0]["comment"], "seen in the logs");

    let refresh = "/api/v1/explanations/1/refresh";
    let (_, again) = ask(&app, "POST", refresh, Scope::Respond, "").await;
    assert_eq!(again["revision"], 1);
    assert_eq!(causes(&again)[0], before[1], "{before:?}");
    let as_it_was = get(&app, "/api/v1/explanations/1?as_of=2023-11-14T22:13:20Z").await;
    assert_eq!(as_it_was["revision"], 1, "the clock of the test stands still");

    for cause in [first, second] {
        let (status, _) = ask(&app, "DELETE", &verdict(cause), Scope::Respond, "").await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    let (_, back) = ask(&app, "POST", refresh, Scope::Respond, "").await;
    assert_eq!(causes(&back), before);
    let (status, _) = ask(&app, "DELETE", &verdict(first), Scope::Respond, "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_arrives_later_makes_a_new_answer_and_similar_ones_are_told() {
    let app = story().await;
    let (_, first) = ask(&app, "POST", "/api/v1/explanations", Scope::Respond, question()).await;
    let refresh = "/api/v1/explanations/1/refresh";
    let (_, same) = ask(&app, "POST", refresh, Scope::Respond, "").await;
    assert_eq!(same["revision"], 0, "nothing new is known");
    app.explainer.sources().events.add_events(&[event("db", "disk_full", -61)]).await.unwrap();
    let (_, later) = ask(&app, "POST", refresh, Scope::Respond, "").await;
    assert_eq!(later["revision"], 1);
    assert_ne!(later["answer"], first["answer"]);
    let (_, second) = ask(&app, "POST", "/api/v1/explanations", Scope::Respond, question()).await;
    assert_eq!(second["similar"][0]["number"], 1, "{second}");
}

#[tokio::test]
async fn as_of_a_time_only_what_was_known_counts() {
    let app = story().await;
    let mut late = event("db", "disk_full", -61);
    late.received_at = Timestamp::from_seconds(AT_S + 600);
    app.explainer.sources().events.add_events(&[late]).await.unwrap();
    let asked = |as_of: &str| {
        json!({"entity": "web", "metric": "request_latency", "at": "2023-11-14T22:00:00Z", "as_of": as_of})
            .to_string()
    };
    let (_, early) =
        ask(&app, "POST", "/api/v1/explanations", Scope::Respond, asked("2023-11-14T22:05:00Z")).await;
    let (_, all) =
        ask(&app, "POST", "/api/v1/explanations", Scope::Respond, asked("2023-11-14T22:12:00Z")).await;
    assert!(!causes(&early).contains(&"db disk_full".to_owned()));
    assert!(causes(&all).contains(&"db disk_full".to_owned()), "{:?}", causes(&all));
}

#[tokio::test]
async fn what_was_measured_speaks_too_and_labels_are_drilled_into() {
    let lake = Arc::new(MemoryLake::default());
    let app = App { explainer: explainer(lake.clone()), lake: lake.clone(), ..app().await };
    let mut rows = Vec::new();
    for (app_version, country) in
        [("4.1", "DE"), ("4.1", "BR"), ("4.2", "DE"), ("4.2", "BR"), ("4.3", "DE"), ("4.3", "BR")]
    {
        let labels = [("app", app_version), ("country", country)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sample = |minute: i64| {
            let is_hit = minute >= 0 && (app_version, country) == ("4.2", "BR");
            let value = if is_hit { 20.0 } else { 100.0 + (minute.rem_euclid(5)) as f64 };
            let at = Timestamp::from_seconds(AT_S + 60 * minute);
            JudgedSample::unjudged(at, value, at)
        };
        rows.push(SeriesRows {
            key: SeriesKey::new("orders", labels),
            samples: (-180..5).map(sample).collect(),
        });
    }
    let cpu = |minute: i64| {
        let at = Timestamp::from_seconds(AT_S + 60 * minute);
        JudgedSample::unjudged(at, if minute >= 0 { 95.0 } else { 20.0 + minute.rem_euclid(7) as f64 }, at)
    };
    let labels = [("service".to_owned(), "shop".to_owned())];
    rows.push(SeriesRows { key: SeriesKey::new("cpu_usage", labels), samples: (-180..5).map(cpu).collect() });
    lake.append(&rows, &[]).await.unwrap();

    let asked = json!({"metric": "orders", "entity": "shop", "at": "2023-11-14T22:00:00Z"}).to_string();
    let (status, told) = ask(&app, "POST", "/api/v1/explanations", Scope::Respond, asked).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    let contributors = &told["answer"]["contributors"];
    assert_eq!(
        contributors["elements"][0]["values"],
        json!({"app": "4.2", "country": "BR"}),
        "{contributors}"
    );
    assert_eq!(contributors["heatmap"].as_array().unwrap().len(), 2);
    let first = &told["answer"]["causes"][0];
    assert_eq!(
        (first["entity"].as_str(), first["for"][0]["source"].as_str()),
        (Some("shop"), Some("resource"))
    );
    assert!(!told["answer"]["charts"].as_array().unwrap().is_empty());
}

/// Calls from one service to another, so many a minute, up to a minute of the story.
async fn calls(lake: &MemoryLake, until_minute: i64, a_minute: impl Fn(i64) -> f64) {
    let labels =
        [("caller", "web"), ("callee", "api")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sample = |minute: i64| {
        let at = Timestamp::from_seconds(AT_S + 60 * minute);
        JudgedSample::unjudged(at, a_minute(minute), at)
    };
    let samples = (-180..until_minute).map(sample).collect();
    lake.append(&[SeriesRows { key: SeriesKey::new("edge.count", labels), samples }], &[]).await.unwrap();
}

#[tokio::test]
async fn what_has_not_come_yet_is_not_taken_for_nothing() {
    let lake = Arc::new(MemoryLake::default());
    let app = App { explainer: explainer(lake.clone()), lake: lake.clone(), ..app().await };
    // Two whole minutes and the beginning of a third are known.
    calls(&lake, 3, |minute| if minute == 2 { 3.0 } else { 100.0 + (minute.rem_euclid(7)) as f64 }).await;
    let asked = json!({"metric": "edge.count", "entity": "api", "at": "2023-11-14T22:00:00Z"}).to_string();
    let (_, told) = ask(&app, "POST", "/api/v1/explanations", Scope::Respond, asked).await;
    assert_eq!(told["answer"]["causes"], json!([]), "{told}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_a_reason() {
    let app = story().await;
    let refused = async |body: Value| {
        let (status, told) =
            ask(&app, "POST", "/api/v1/explanations", Scope::Respond, body.to_string()).await;
        (status.as_u16(), told.to_string())
    };
    for (body, status, word) in [
        (json!({}), 400, "anomaly"),
        (json!({"metric": "x", "at": "yesterday"}), 400, "at"),
        (json!({"anomaly": 7}), 404, "anomaly 7"),
        (json!({"anomaly": 1, "metric": "x"}), 400, "metric"),
        (json!({"metric": "", "at": "2023-11-14T22:00:00Z"}), 400, "metric"),
    ] {
        let (code, told) = refused(body.clone()).await;
        assert!(code == status && told.contains(word), "{body}: {code} {told}");
    }
    let (status, _) = ask(&app, "POST", "/api/v1/explanations", Scope::Read, question()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = ask(&app, "GET", "/api/v1/explanations/9", Scope::Read, "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let looped = json!({"items": [{"caller": "a", "callee": "a"}]}).to_string();
    let (status, told) = ask(&app, "POST", "/api/v1/topology/dependencies", Scope::Respond, looped).await;
    assert_eq!((status, &told["left_out"]), (StatusCode::OK, &json!(["items[0] depends on itself"])));
    let nameless = json!({"items": [{"caller": "", "callee": "a"}]}).to_string();
    let (status, _) = ask(&app, "POST", "/api/v1/topology/dependencies", Scope::Respond, nameless).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_no_longer_holds_explains_what_was_before() {
    let app = story().await;
    let ended = "/api/v1/topology/dependencies?caller=web&callee=api&at=2023-11-14T22:05:00Z";
    let (status, _) = ask(&app, "DELETE", ended, Scope::Respond, "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let of =
        async |at: &str| get(&app, &format!("/api/v1/topology/dependencies?at={at}")).await["items"].clone();
    assert_eq!(of("2023-11-14T22:00:00Z").await.as_array().unwrap().len(), 2);
    assert_eq!(of("2023-11-14T22:06:00Z").await.as_array().unwrap().len(), 1);
    let (_, told) = ask(&app, "POST", "/api/v1/explanations", Scope::Respond, question()).await;
    assert_eq!(causes(&told)[0].split(' ').next(), Some("db"), "it held then");
}
