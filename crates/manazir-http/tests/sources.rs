//! Each source of events and samples through its route.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use common::{Service, event, secret};
use manazir_auth::Scope;
use manazir_http::router;
use serde_json::{Value, json};
use tower::ServiceExt;

/// Posts a body with headers; the answer as JSON, or null.
async fn post(
    service: &Service,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> (StatusCode, Value) {
    let mut request = Request::builder()
        .method("POST")
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", secret(Scope::Ingest).reveal()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router(service.app.clone()).oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn plain_and_generic_events_stand_in_one_batch() {
    let service = Service::start(true).await;
    let generic = json!({"id": 7, "at": 1_700_000_000, "action": "deploy", "actor": "ci", "more": []});
    let lines = format!("{generic}\n{}\n{{}}\n", event("p", "x"));
    let (status, answer) = post(&service, "/api/v1/ingest/events?wait=verdict", &[], lines).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!((&answer["accepted"], &answer["rejected_count"]), (&json!(2), &json!(1)));
    assert_eq!(answer["events"][0]["link"], "/api/v1/events/generic/7");
    assert_eq!(answer["events"][1]["link"], "/api/v1/events/plain/p");
    assert!(answer["events"][0]["verdict"]["score"].is_number());
    service.stop();
}

#[tokio::test]
async fn cloudevents_in_three_modes() {
    let service = Service::start(true).await;
    let path = "/api/v1/ingest/cloudevents?wait=verdict";
    let one = |id: &str| json!({"specversion": "1.0", "id": id, "source": "/shop", "type": "order"});
    let structured = [("content-type", "application/cloudevents+json; charset=utf-8")];
    let (status, answer) = post(&service, path, &structured, one("a").to_string()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(answer["events"][0]["link"], "/api/v1/events/%2Fshop/a");
    let batched = [("content-type", "application/cloudevents-batch+json")];
    let body = json!([one("a"), one("b"), 7]).to_string();
    let (_, answer) = post(&service, path, &batched, body).await;
    assert_eq!(
        answer["events"][0]["status"], "already_processed",
        "the same source and id is the same event"
    );
    assert_eq!((&answer["events"][1]["status"], &answer["rejected_count"]), (&json!("judged"), &json!(1)));
    let (_, kept) = service.json("GET", "/api/v1/dead_letters", Scope::Respond, "").await;
    assert_eq!(kept["items"][0]["format"], "generic", "{kept}");
    let binary = [
        ("content-type", "text/plain"),
        ("ce-specversion", "1.0"),
        ("ce-id", "c"),
        ("ce-source", "/shop"),
        ("ce-type", "order"),
    ];
    let (_, answer) = post(&service, path, &binary, "some words").await;
    assert_eq!(answer["events"][0]["status"], "judged", "{answer}");
    let (status, problem) = post(&service, path, &[JSON], "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{problem}");
    service.stop();
}

#[tokio::test]
async fn an_alert_that_is_repeated_counts_once() {
    let service = Service::start(true).await;
    let body = json!({"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": "Down", "job": "shop"},
        "startsAt": "2023-06-23T16:23:18Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "f"}]});
    let path = "/api/v1/ingest/alertmanager?wait=verdict";
    let (status, answer) = post(&service, path, &[JSON], body.to_string()).await;
    assert_eq!((status, &answer["events"][0]["status"]), (StatusCode::ACCEPTED, &json!("judged")));
    let (_, answer) = post(&service, path, &[JSON], body.to_string()).await;
    assert_eq!(answer["events"][0]["status"], "already_processed");
    service.stop();
}

#[tokio::test]
async fn samples_as_lines_and_as_a_table() {
    let service = Service::start(false).await;
    let path = "/api/v1/ingest/samples";
    let lines = "{\"series\": \"cpu\", \"at\": 1700000000, \"value\": 1}\n{\"series\": \"cpu\"}\n";
    let (status, answer) = post(&service, path, &[("content-type", "application/x-ndjson")], lines).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(
        (&answer["accepted"], &answer["series"], &answer["rejected_count"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(answer["rejected"], json!(["item 2: at is missing; value is missing"]));
    let table = "series,time,value,host\ncpu,1700000000,1,a\ncpu,1700000000,2,b\n";
    let (status, answer) = post(&service, path, &[("content-type", "text/csv")], table).await;
    assert_eq!((status, &answer["series"]), (StatusCode::ACCEPTED, &json!(2)), "{answer}");
    for (kind, body, wanted) in [
        ("text/csv", "a,b\n1,2\n", StatusCode::BAD_REQUEST),
        ("text/csv", "", StatusCode::BAD_REQUEST),
        ("image/png", "x", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        assert_eq!(post(&service, path, &[("content-type", kind)], body).await.0, wanted, "{kind}");
    }
    // A minute ahead is a clock; an hour is one that is wrong, and so is a name that nobody would judge.
    let long = "x".repeat(1_025);
    let ahead = format!(
        "{{\"series\": \"a\", \"at\": 1700000060, \"value\": 1}}\n{{\"series\": \"b\", \"at\": 1700003600, \"value\": 1}}\n\
         {{\"series\": \"{long}\", \"at\": 1700000000, \"value\": 1}}\n"
    );
    let (_, answer) = post(&service, path, &[], ahead).await;
    assert_eq!(
        (&answer["accepted"], &answer["series"], &answer["rejected_count"]),
        (&json!(1), &json!(1), &json!(2))
    );
    let why = answer["rejected"].to_string();
    assert!(
        why.contains("1025 bytes")
            && why.contains("of b at 2023-11-14T23:13:20Z is more than 10 minutes ahead"),
        "{why}"
    );
    // A key belongs to one body; what came with it stays what it was.
    let depth = service.app.queue.depth().await.unwrap();
    let other = lines.replace("cpu", "memory");
    for (body, wanted) in [
        (lines, StatusCode::ACCEPTED),
        (lines, StatusCode::ACCEPTED),
        (other.as_str(), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let sent = post(&service, path, &[("idempotency-key", "monday")], body.to_owned()).await;
        assert_eq!(sent.0, wanted, "{}", sent.1);
    }
    assert_eq!(service.app.queue.depth().await.unwrap(), depth + 2);
    let key = "k".repeat(256);
    let (status, _) = post(&service, path, &[("idempotency-key", &key)], lines).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn remote_write_is_taken_or_refused_as_it_says() {
    let service = Service::start(false).await;
    let path = "/api/v1/ingest/prometheus";
    let protobuf = [("content-type", "application/x-protobuf"), ("content-encoding", "snappy")];
    // Series `up{job="a"} 1 @1700000000000`, packed by snappy as one literal.
    let series = b"\x0a\x0e\x0a\x08__name__\x12\x02up\x0a\x08\x0a\x03job\x12\x01a\x12\x10\x09\0\0\0\0\0\0\xf0\x3f\x10\x80\xd0\x95\xff\xbc\x31";
    let request = [&[0x0a, series.len() as u8][..], &series[..]].concat();
    let packed = |bytes: &[u8]| {
        let mut packed = vec![bytes.len() as u8, (bytes.len() as u8 - 1) << 2];
        packed.extend(bytes);
        packed
    };
    assert_eq!(post(&service, path, &protobuf, packed(&request)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(service.app.queue.depth().await.unwrap(), 1);
    // Metadata alone: there is nothing to keep.
    assert_eq!(post(&service, path, &protobuf, packed(b"\x1a\x02\x08\x01")).await.0, StatusCode::NO_CONTENT);
    // A series without a name, beside the one that is sound.
    let nameless = b"\x0a\x0c\x0a\x08\x0a\x03job\x12\x01a\x12\x00";
    let (status, problem) = post(&service, path, &protobuf, packed(&[&request[..], nameless].concat())).await;
    assert_eq!(
        (status, &problem["errors"][0]),
        (StatusCode::BAD_REQUEST, &json!("item 2: the series has no name"))
    );
    assert_eq!(service.app.queue.depth().await.unwrap(), 2);
    let newer = [("content-type", "application/x-protobuf;proto=io.prometheus.write.v2.Request")];
    assert_eq!(post(&service, path, &newer, "").await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(post(&service, path, &protobuf, "no snappy").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn otlp_is_answered_as_it_is_asked() {
    let service = Service::start(false).await;
    let nanos = "1700000000000000000";
    let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [
        {"timeUnixNano": nanos, "asDouble": 1.0}, {"asDouble": 1.0}]}}]}]}]});
    let (status, answer) = post(&service, "/api/v1/otlp/v1/metrics", &[JSON], metrics.to_string()).await;
    assert_eq!((status, &answer["partialSuccess"]["rejectedDataPoints"]), (StatusCode::OK, &json!(1)));
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": nanos, "body": {"stringValue": "hello"}}]}]}]});
    let (status, answer) = post(&service, "/api/v1/otlp/v1/logs", &[JSON], logs.to_string()).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"partialSuccess": null})));
    let traces = json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "get", "startTimeUnixNano": nanos, "endTimeUnixNano": nanos}]}]}]});
    let (status, _) = post(&service, "/api/v1/otlp/v1/traces", &[JSON], traces.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let depth = service.app.queue.depth().await.unwrap();
    assert!(depth >= 3, "{depth}");
    for signal in ["metrics", "logs", "traces"] {
        let path = format!("/api/v1/otlp/v1/{signal}");
        let protobuf = [("content-type", "application/x-protobuf")];
        assert_eq!(post(&service, &path, &protobuf, "").await.0, StatusCode::OK, "an empty export is one");
        assert_eq!(post(&service, &path, &protobuf, "{").await.0, StatusCode::BAD_REQUEST);
        assert_eq!(post(&service, &path, &[], "").await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    assert_eq!(service.app.queue.depth().await.unwrap(), depth);
}
