//! Rollups through the router, over the twin in memory.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use common::rollup::{NOW, karma};
use common::secret;
use expect_test::{Expect, expect};
use manazir_auth::Scope;
use manazir_http::{App, Limits, router};
use manazir_rollup::history::{Aside, Status};
use manazir_rollup::hosted::{Hosted, Intake, IntakeError, Taken, Tried};
use manazir_rollup::{Destination, Error, Key, Row, Total};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Three people, of whom two have findings, on two days; two lines that do not count.
const FINDINGS: &str = "\
2023-06-01T10:00:00Z,2,minor,1.50
2023-06-01T10:20:00Z,9,high,30
2023-06-01T11:00:00Z,2,high,0.25
2023-06-02T10:00:00Z,2,minor,0.50
2023-06-02T10:00:00Z,11,minor,4
2023-06-02T10:00:00Z,2,none,4
";

async fn app() -> App {
    let app = App { rollups: [karma().await].into(), ..common::app().await };
    let (status, taken) = send(&app, Some("first"), FINDINGS).await;
    assert_eq!((status, &taken["findings"]), (StatusCode::OK, &json!(6)), "{taken}");
    app
}

async fn get(app: &App, path: &str) -> (StatusCode, Value) {
    common::ask(app, "GET", &format!("/api/v1/rollups{path}"), Scope::Read, "").await
}

async fn respond(app: &App, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let path = format!("/api/v1/rollups/karma/dead_letters{path}");
    common::ask(app, method, &path, Scope::Respond, body.to_owned()).await
}

async fn posted(app: &App, kind: &str, key: Option<&str>, body: Body) -> (StatusCode, HeaderMap, Value) {
    let mut request = Request::post("/api/v1/rollups/karma/findings")
        .header(header::AUTHORIZATION, format!("Bearer {}", secret(Scope::Ingest).reveal()))
        .header(header::CONTENT_TYPE, kind);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let response = router(app.clone()).oneshot(request.body(body).unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, headers, serde_json::from_slice(&bytes).unwrap())
}

async fn send(app: &App, key: Option<&str>, body: &str) -> (StatusCode, Value) {
    let (status, _, answer) = posted(app, "text/csv", key, body.to_owned().into()).await;
    (status, answer)
}

/// Each total as key, count, sum and mean.
async fn board(app: &App, query: &str) -> String {
    let (status, page) = get(app, &format!("/karma/totals{query}")).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let item = |item: &Value| format!("{} {} {} {}", item["key"], item["count"], item["sum"], item["mean"]);
    let items: Vec<String> = page["items"].as_array().unwrap().iter().map(item).collect();
    items.join(", ").replace('"', "")
}

fn check(found: &Value, expected: Expect) {
    expected.assert_eq(&format!("{found:#}"));
}

#[tokio::test]
async fn a_rollup_says_what_it_is_and_how_far() {
    let app = app().await;
    let (status, list) = get(&app, "").await;
    assert_eq!(status, StatusCode::OK);
    check(
        &list["items"],
        expect![[r#"
            [
              {
                "name": "karma",
                "key": "person_id",
                "key_type": "integer",
                "label": "person_name",
                "categories": [
                  "minor",
                  "high"
                ],
                "decimals": 2,
                "more": [
                  {
                    "name": "largest",
                    "aggregate": "max"
                  }
                ],
                "keeps_history": true,
                "status": {
                  "findings": 4,
                  "first_at": "2023-06-01T10:00:00Z",
                  "last_at": "2023-06-02T10:00:00Z",
                  "last_known_at": "2023-11-14T22:13:20Z",
                  "waiting": 1,
                  "rejected": 1
                }
              }
            ]"#]],
    );
    assert_eq!(get(&app, "/karma").await, (StatusCode::OK, list["items"][0].clone()));
    let (status, missing) = get(&app, "/fame").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(missing["detail"], "no rollup is called `fame`; there is `karma`");
    let (_, none) = get(&common::app().await, "/fame/totals").await;
    assert_eq!(none["detail"], "no rollup is called `fame`; this service hosts none");
}

#[tokio::test]
async fn totals_are_in_the_unit_of_the_value() {
    let app = app().await;
    let (_, one) = get(&app, "/karma/totals?key=2").await;
    check(
        &one,
        expect![[r#"
            {
              "items": [
                {
                  "key": "2",
                  "label": "Bo",
                  "count": 3,
                  "sum": 2.25,
                  "mean": 0.75,
                  "by_category": {
                    "high": 0.25,
                    "minor": 2.0
                  },
                  "more": {
                    "largest": 1.5
                  }
                }
              ]
            }"#]],
    );
    assert_eq!(board(&app, "").await, "2 3 2.25 0.75, 9 1 30.0 30.0, 10 0 0.0 null");
    assert_eq!(board(&app, "?order=sum").await, "9 1 30.0 30.0, 2 3 2.25 0.75, 10 0 0.0 null");
    assert_eq!(board(&app, "?key=11").await, "");
}

/// Keys are numbers: 10 comes after 9. Equal sums are in the order of their keys.
#[tokio::test]
async fn totals_come_page_by_page_in_either_order() {
    let app = app().await;
    send(&app, Some("second"), "2023-06-01T10:00:00Z,10,minor,-1\n2023-06-01T10:00:00Z,9,minor,-27.75\n")
        .await;
    for (order, expected) in [("key", ["2", "9", "10"]), ("sum", ["2", "9", "10"])] {
        let (mut keys, mut cursor) = (Vec::new(), String::new());
        loop {
            let (status, page) = get(&app, &format!("/karma/totals?order={order}&limit=1{cursor}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            keys.extend(page["items"].as_array().unwrap().iter().map(|item| item["key"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(keys, expected, "{order}");
    }
    // Sound digits are a place, whatever they say.
    assert_eq!(board(&app, "?order=sum&cursor=0000000000000000ff").await, "10 1 -1.0 -1.0");
}

#[tokio::test]
async fn totals_are_told_as_they_were() {
    let app = app().await;
    assert_eq!(board(&app, "?at=2023-06-01T10:30:00Z").await, "2 1 1.5 1.5, 9 1 30.0 30.0, 10 0 0.0 null");
    assert_eq!(
        board(&app, "?known_at=2023-06-03T00:00:00Z").await,
        "2 0 0.0 null, 9 0 0.0 null, 10 0 0.0 null"
    );
    assert_eq!(board(&app, &format!("?known_at={NOW}")).await, board(&app, "").await);
}

#[tokio::test]
async fn series_have_a_span_for_each_time_with_findings() {
    let app = app().await;
    let spans = async |query: &str| -> String {
        let (status, found) = get(&app, &format!("/karma/series{query}")).await;
        assert_eq!(status, StatusCode::OK, "{found}");
        let item = |item: &Value| format!("{} {} {}", item["start_at"], item["of"], item["values"]);
        let items: Vec<String> = found["items"].as_array().unwrap().iter().map(item).collect();
        format!("{} s\n{}", found["every_seconds"], items.join("\n"))
    };
    expect![[r#"
        3600 s
        "2023-06-01T10:00:00Z" null {"count":2.0,"mean":15.75,"sum":31.5}
        "2023-06-01T11:00:00Z" null {"count":1.0,"mean":0.25,"sum":0.25}
        "2023-06-02T10:00:00Z" null {"count":1.0,"mean":0.5,"sum":0.5}"#]]
    .assert_eq(&spans("").await);
    expect![[r#"
        86400 s
        "2023-06-01T00:00:00Z" "2" {"max":1.5,"p0":0.25}
        "2023-06-01T00:00:00Z" "9" {"max":30.0,"p0":30.0}
        "2023-06-02T00:00:00Z" "2" {"max":0.5,"p0":0.5}"#]]
    .assert_eq(&spans("?every=1d&by=key&aggregates=max,p0").await);
    let narrow =
        "?every=15m&by=category&key=2&since=2023-06-01T10:30:00Z&at=2023-06-01T23:00:00Z&aggregates=count";
    expect![[r#"
        900 s
        "2023-06-01T11:00:00Z" "high" {"count":1.0}"#]]
    .assert_eq(&spans(narrow).await);
    assert_eq!(spans("?known_at=2023-06-01T00:00:00Z").await, "3600 s\n");
}

#[tokio::test]
async fn too_many_spans_are_refused_with_what_to_ask_for() {
    let app = app().await;
    let line = |second: i64| {
        let at = manazir_model::Timestamp::from_seconds(1_600_000_000 + second);
        format!("{at},2,minor,1\n")
    };
    let lines: String = (0..10_001).map(line).collect();
    send(&app, None, &lines).await;
    let (status, problem) = get(&app, "/karma/series?every=1s&at=2022-01-01T00:00:00Z").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let detail =
        "there are 10001 spans, and 10000 are the most: ask for longer ones, for less time, or for one key";
    assert_eq!(problem["detail"], detail);
    let (status, found) = get(&app, "/karma/series?every=2s&at=2022-01-01T00:00:00Z").await;
    assert_eq!((status, found["items"].as_array().unwrap().len()), (StatusCode::OK, 5_001));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_so() {
    let app = app().await;
    for path in [
        "/karma/totals?cursor=no",
        "/karma/totals?cursor=0000000000000000f",
        "/karma/totals?cursor=%C3%A90000000000000000",
        "/karma/totals?limit=10001",
        "/karma/totals?order=name",
        "/karma/totals?by=key",
        "/karma/series?every=0h",
        "/karma/series?every=1000000d",
        "/karma/series?every=%C3%A9",
        "/karma/series?every=",
        "/karma/series?every=%2B1h",
        "/karma/series?aggregates=count,median",
        "/karma/series?aggregates=",
    ] {
        let (status, problem) = get(&app, path).await;
        assert_eq!((status, &problem["status"]), (StatusCode::BAD_REQUEST, &json!(400)), "{path}");
    }
    let many = vec!["p5"; 21].join(",");
    assert_eq!(get(&app, &format!("/karma/series?aggregates={many}")).await.0, StatusCode::BAD_REQUEST);
    // All that is wrong is told at once.
    let wrong = "/karma/series?every=x&since=y&at=z&known_at=w&aggregates=v,sum,u";
    assert_eq!(get(&app, wrong).await.1["errors"].as_array().unwrap().len(), 6);
    let (status, problem) = respond(&app, "GET", "?state=open&after=9223372036854775808&limit=0", "").await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (StatusCode::BAD_REQUEST, 3));
}

#[tokio::test]
async fn a_stream_that_is_sent_again_counts_once() {
    let app = app().await;
    let before = board(&app, "").await;
    let (status, again) = send(&app, Some("first"), FINDINGS).await;
    assert_eq!(status, StatusCode::OK);
    check(
        &again,
        expect![[r#"
            {
              "findings": 6,
              "not_counted": [
                {
                  "line": 5,
                  "reason": "`person` has no row whose `id` is \"11\"",
                  "waits": true
                },
                {
                  "line": 6,
                  "reason": "\"none\" is none of `rollup.categories`",
                  "waits": false
                }
              ]
            }"#]],
    );
    assert_eq!(board(&app, "").await, before);
    // It has grown.
    send(&app, Some("first"), &format!("{FINDINGS}2023-06-03T10:00:00Z,10,minor,7")).await;
    assert_eq!(board(&app, "?key=10").await, "10 1 7.0 7.0");
    // Another stream with the same lines, and one without a name.
    for (key, sum) in [(Some("other"), "10 2 14.0 7.0"), (None, "10 3 21.0 7.0"), (None, "10 4 28.0 7.0")] {
        send(&app, key, "2023-06-03T10:00:00Z,10,minor,7\r\n").await;
        assert_eq!(board(&app, "?key=10").await, sum);
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_of_a_kind() {
    let app = app().await;
    let status = async |kind: &str, key: Option<&str>, body: &str| {
        posted(&app, kind, key, body.to_owned().into()).await.0
    };
    assert_eq!(send(&app, None, "").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(&app, None, "\n").await.1["not_counted"][0]["reason"], "it is empty");
    for kind in ["text/plain; charset=utf-8", "application/x-ndjson", "application/octet-stream"] {
        assert_eq!(status(kind, None, "x").await, StatusCode::OK, "{kind}");
    }
    assert_eq!(status("image/png", None, "x").await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(status("text/csv", Some("a b"), "x").await, StatusCode::BAD_REQUEST);
    assert_eq!(status("text/csv", Some(&"k".repeat(250)), "x").await, StatusCode::OK);
    assert_eq!(status("text/csv", Some(&"k".repeat(251)), "x").await, StatusCode::BAD_REQUEST);
    let (many, long) = ("\n".repeat(100_001), "x".repeat((1 << 20) + 1));
    let (answer, problem) = send(&app, None, &many).await;
    assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["detail"], "a request holds 100000 lines at most; send them in parts");
    let (answer, problem) = send(&app, None, &format!("a\n{long}\n")).await;
    assert_eq!(answer, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["detail"], "line 2 is longer than 1048576 bytes");
    let limits = Limits { batch_bytes_max: 100, ..Limits::default() };
    let small = App { limits, ..app.clone() };
    assert_eq!(send(&small, None, FINDINGS).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_did_not_count_is_mended_or_given_up() {
    let app = app().await;
    posted(&app, "text/plain", Some("odd"), Body::from(&b"\xff,2"[..])).await;
    let (status, page) = respond(&app, "GET", "?limit=2", "").await;
    assert_eq!((status, &page["next_after"]), (StatusCode::OK, &json!(2)));
    check(
        &page["items"][1],
        expect![[r#"
            {
              "number": 2,
              "state": "rejected",
              "source": "http:first",
              "line": 6,
              "arrived_at": "2023-11-14T22:13:20Z",
              "reason": "\"none\" is none of `rollup.categories`",
              "body": "2023-06-02T10:00:00Z,2,none,4"
            }"#]],
    );
    let (_, rest) = respond(&app, "GET", "?limit=2&after=2", "").await;
    assert_eq!((&rest["items"][0]["body_hex"], &rest["next_after"]), (&json!("ff2c32"), &Value::Null));
    let (_, waiting) = respond(&app, "GET", "?state=waiting", "").await;
    assert_eq!(waiting["items"].as_array().unwrap().len(), 1);
    assert_eq!(respond(&app, "GET", "/1", "").await, (StatusCode::OK, waiting["items"][0].clone()));

    // As it came it waits still; with another line it counts, once.
    let reason = "`person` has no row whose `id` is \"11\"";
    assert_eq!(
        respond(&app, "POST", "/1/retry", "").await,
        (StatusCode::OK, json!({"state": "waiting", "reason": reason}))
    );
    let line = json!({"line": "2023-06-02T10:00:00Z,10,minor,4"}).to_string();
    assert_eq!(respond(&app, "POST", "/1/retry", &line).await, (StatusCode::OK, json!({"state": "counted"})));
    assert_eq!(board(&app, "?key=10").await, "10 1 4.0 4.0");
    let (status, problem) = respond(&app, "POST", "/1/retry", &line).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["detail"], "dead letter 1 is counted and waits no longer");

    for (body, detail) in [
        ("{}", "\"none\" is none of `rollup.categories`"),
        (r#"{"line": "a\nb"}"#, "a finding is one line of at most 1048576 bytes"),
    ] {
        let (status, problem) = respond(&app, "POST", "/2/retry", body).await;
        assert_eq!((status, &problem["detail"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(detail)));
    }
    assert_eq!(respond(&app, "DELETE", "/2", "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(respond(&app, "DELETE", "/2", "").await.0, StatusCode::CONFLICT);
    let (_, discarded) = respond(&app, "GET", "/2", "").await;
    let reason = "\"none\" is none of `rollup.categories`; given up by respond";
    assert_eq!((&discarded["state"], &discarded["reason"]), (&json!("discarded"), &json!(reason)));
}

#[tokio::test]
async fn only_what_is_there_is_tried() {
    let app = app().await;
    for path in ["/0", "/9", "/9223372036854775808", "/18446744073709551615"] {
        let (status, problem) = respond(&app, "GET", path, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
        assert_eq!(respond(&app, "DELETE", path, "").await.0, StatusCode::NOT_FOUND);
        assert_eq!(respond(&app, "POST", &format!("{path}/retry"), "").await.0, StatusCode::NOT_FOUND);
    }
    for body in ["{", "[]", r#"{"row": 1}"#, r#"{"line": 1}"#] {
        assert_eq!(respond(&app, "POST", "/1/retry", body).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
}

/// Keeps no history, and is away if it says so.
struct Plain {
    away: bool,
}

#[async_trait]
impl Destination for Plain {
    async fn prepare(&self, _: &[Key]) -> Result<(), Error> {
        Ok(())
    }

    async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
        Ok(rows.len() as u64)
    }

    async fn totals(&self) -> Result<Vec<Total>, Error> {
        if self.away {
            return Err(Error::Away("secret:5432".to_owned(), "secret".into()));
        }
        Ok(vec![Total { key: "2".to_owned(), by_category: vec![0, 0], more: vec![None], ..Total::default() }])
    }
}

/// Takes nothing in.
struct Refusing(fn() -> IntakeError);

#[async_trait]
impl Intake for Refusing {
    async fn take(&self, _: &str, _: Vec<Vec<u8>>) -> Result<Taken, IntakeError> {
        Err(self.0())
    }

    async fn retry(&self, _: Aside, _: Option<Vec<u8>>) -> Result<Tried, IntakeError> {
        Err(self.0())
    }

    async fn status(&self) -> Result<Status, IntakeError> {
        Err(self.0())
    }
}

#[tokio::test]
async fn without_a_history_there_are_the_totals_now() {
    let plain = Hosted { destination: Arc::new(Plain { away: false }), ..karma().await };
    let app = App { rollups: [plain].into(), ..common::app().await };
    let (_, list) = get(&app, "").await;
    assert_eq!(
        (&list["items"][0]["keeps_history"], &list["items"][0]["status"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(board(&app, "").await, "2 0 0.0 null");
    for path in ["/karma/totals?at=2023-06-01T10:00:00Z", "/karma/series"] {
        let (status, problem) = get(&app, path).await;
        assert_eq!(status, StatusCode::CONFLICT, "{path}");
        assert!(problem["detail"].as_str().unwrap().contains("keeps no history"), "{problem}");
    }
    assert_eq!(respond(&app, "GET", "", "").await.0, StatusCode::CONFLICT);
    assert_eq!(respond(&app, "POST", "/1/retry", "").await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_rollup_that_cannot_take_more_says_when_to_come_again() {
    type Case = (fn() -> IntakeError, StatusCode, Option<&'static str>);
    let cases: [Case; 4] = [
        (|| IntakeError::Full, StatusCode::TOO_MANY_REQUESTS, Some("1")),
        (|| IntakeError::Closed, StatusCode::SERVICE_UNAVAILABLE, Some("5")),
        (
            || IntakeError::Destination(Arc::new(Error::Away("secret:5432".to_owned(), "secret".into()))),
            StatusCode::SERVICE_UNAVAILABLE,
            Some("2"),
        ),
        (
            || {
                let (what, why) = ("a row".to_owned(), "secret".to_owned());
                IntakeError::Destination(Arc::new(Error::Damaged { what, why }))
            },
            StatusCode::INTERNAL_SERVER_ERROR,
            None,
        ),
    ];
    for (error, expected, after) in cases {
        let refusing = Hosted { intake: Arc::new(Refusing(error)), ..karma().await };
        let app = App { rollups: [refusing].into(), ..common::app().await };
        let (status, headers, problem) = posted(&app, "text/csv", None, FINDINGS.into()).await;
        assert_eq!(status, expected, "{problem}");
        assert_eq!(headers.get(header::RETRY_AFTER).map(|value| value.to_str().unwrap()), after);
        assert!(!problem.to_string().contains("secret"), "{problem}");
        // The list shows the others, and this one without its status.
        assert_eq!(get(&app, "").await.1["items"][0]["status"], Value::Null);
        assert_eq!(get(&app, "/karma").await.0, expected);
    }
    let plain = Hosted { destination: Arc::new(Plain { away: true }), ..karma().await };
    let app = App { rollups: [plain].into(), ..common::app().await };
    let (status, problem) = get(&app, "/karma/totals").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        problem["detail"],
        "the destination of the rollup cannot be reached; send the request again in a moment"
    );
}

#[tokio::test]
async fn a_token_does_what_its_scope_says() {
    let app = app().await;
    for (method, path, allowed) in [
        ("GET", "", Scope::Read),
        ("GET", "/karma", Scope::Read),
        ("GET", "/karma/totals", Scope::Read),
        ("GET", "/karma/series", Scope::Read),
        ("POST", "/karma/findings", Scope::Ingest),
        ("GET", "/karma/dead_letters", Scope::Respond),
        ("GET", "/karma/dead_letters/1", Scope::Respond),
        ("POST", "/karma/dead_letters/1/retry", Scope::Respond),
        ("DELETE", "/karma/dead_letters/1", Scope::Respond),
    ] {
        for scope in Scope::ALL {
            let (status, _) = common::ask(&app, method, &format!("/api/v1/rollups{path}"), scope, "").await;
            let is_allowed = status != StatusCode::FORBIDDEN;
            assert_eq!(is_allowed, scope == allowed || scope == Scope::Admin, "{method} {path} {scope}");
        }
    }
}
