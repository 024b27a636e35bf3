//! Series, samples and episodes through the router, over the lake in memory.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use std::sync::Arc;

use axum::http::StatusCode;
use manazir_auth::Scope;
use manazir_http::App;
use manazir_ingest::lake::contract::{finding, key, row};
use manazir_ingest::lake::memory::MemoryLake;
use manazir_ingest::lake::{Lake, series_id};
use manazir_model::{EpisodeState, JudgedSample, SeriesRows};
use serde_json::{Value, json};

/// Three series with an hour of samples, one of them corrected, and an episode.
async fn app() -> App {
    let lake = MemoryLake::default();
    for host in ["a", "b", "c"] {
        let mut samples: Vec<JudgedSample> =
            (0..60).map(|minute| row(minute, minute, minute as f64)).collect();
        samples[2] = JudgedSample::unjudged(samples[2].at, f64::NAN, samples[2].received_at);
        samples.push(JudgedSample { revision: 1, ..row(1, 70, 500.0) });
        let rows = [SeriesRows { key: key("load", host), samples }];
        lake.append(&rows, &[finding(&key("load", host), 5, EpisodeState::Closed)]).await.unwrap();
    }
    App { lake: Arc::new(lake), ..common::app().await }
}

async fn get(app: &App, path: &str) -> (StatusCode, Value) {
    common::ask(app, "GET", path, Scope::Read, "").await
}

#[tokio::test]
async fn series_are_listed_page_by_page() {
    let app = app().await;
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = get(&app, &format!("/api/v1/series?metric=load&limit=2{cursor}")).await;
        assert_eq!(status, StatusCode::OK);
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|series| series["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    names.sort();
    assert_eq!(names, ["load{host=a}", "load{host=b}", "load{host=c}"]);
    let (_, one) = get(&app, "/api/v1/series?label=host%3Db").await;
    assert_eq!(one["items"][0]["labels"], json!([{"name": "host", "value": "b"}]));
}

#[tokio::test]
async fn samples_are_read_as_they_were_known() {
    let app = app().await;
    let series = format!("/api/v1/series/{:016x}/samples", series_id(&key("load", "a")));
    let (status, first) = get(&app, &format!("{series}?limit=3")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(first["series"]["name"], "load{host=a}");
    let values = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|sample| sample["value"].clone()).collect()
    };
    assert_eq!(values(&first), [json!(0.0), json!(500.0), Value::Null]);
    assert_eq!(first["items"][1]["revision"], 1);
    assert_eq!(first["items"][2]["score"], Value::Null);
    let (_, next) =
        get(&app, &format!("{series}?limit=2&from={}", first["next_from"].as_str().unwrap())).await;
    assert_eq!(values(&next), [json!(3.0), json!(4.0)]);
    let (_, then) = get(&app, &format!("{series}?as_of=2026-03-01T00:01:30Z")).await;
    assert_eq!(values(&then), [json!(0.0), json!(1.0)]);
    let (_, all) = get(&app, &format!("{series}?revisions=true&until=2026-03-01T00:02:00Z")).await;
    assert_eq!(values(&all), [json!(0.0), json!(1.0), json!(500.0)]);
}

#[tokio::test]
async fn episodes_come_with_their_sentence() {
    let app = app().await;
    let (status, episodes) = get(&app, "/api/v1/episodes?limit=2").await;
    assert_eq!((status, episodes["items"].as_array().unwrap().len()), (StatusCode::OK, 2));
    assert_eq!(episodes["items"][0]["state"], "closed");
    assert_eq!(episodes["items"][0]["sentence"], "Load was high (Closed)");
    let (_, none) = get(&app, "/api/v1/episodes?before=2026-03-01T00:05:00Z").await;
    assert_eq!(none, json!({"items": []}));
}

#[tokio::test]
async fn episodes_that_begin_together_come_page_by_page() {
    let app = app().await;
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = get(&app, &format!("/api/v1/episodes?limit=2{cursor}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|episode| episode["series"]["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    names.sort();
    assert_eq!(names, ["load{host=a}", "load{host=b}", "load{host=c}"]);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_so() {
    let app = app().await;
    for (path, status) in [
        ("/api/v1/series?cursor=no", StatusCode::BAD_REQUEST),
        ("/api/v1/series?label=host", StatusCode::BAD_REQUEST),
        ("/api/v1/series/nothing/samples", StatusCode::BAD_REQUEST),
        ("/api/v1/series/0000000000000001/samples", StatusCode::NOT_FOUND),
        ("/api/v1/episodes?before=yesterday", StatusCode::BAD_REQUEST),
        ("/api/v1/episodes?cursor=%C3%A9123", StatusCode::BAD_REQUEST),
    ] {
        let (found, problem) = get(&app, path).await;
        assert_eq!((found, problem["status"].as_u64()), (status, Some(status.as_u16().into())), "{path}");
    }
    // All that is wrong is told at once.
    let wrong = "/api/v1/series/0000000000000001/samples?from=x&until=y&as_of=z&limit=0";
    assert_eq!(get(&app, wrong).await.1["errors"].as_array().unwrap().len(), 4);
}
