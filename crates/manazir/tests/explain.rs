//! Why something happened, as users ask it: on files, on labelled cases, of the service.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use manazir_testkit::client::Client;
use manazir_testkit::service::Service;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env_remove("MANAZIR_DATA").output().unwrap()
}

#[track_caller]
fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn example(name: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/causes");
    examples.join(name).to_string_lossy().into_owned()
}

#[test]
fn an_anomaly_in_files_is_explained_by_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (metrics, calls, changes) = (example("metrics.csv"), example("calls.csv"), example("changes.ndjson"));
    let asked = [
        "explain",
        &metrics,
        "--metric",
        "latency_ms{service=web}",
        "--topology",
        &calls,
        "--events",
        &changes,
        "--out",
        "cause.html",
    ];
    let text = ok(folder.path(), &asked);
    assert!(text.contains("Most likely db: config change, 16 min before `latency_ms` of web"), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("web latency_spike ← api latency_spike"), "{words}");
    assert!(words.contains("← db config_change (6 min earlier)"), "{words}");
    assert!(words.contains("next What was changed at db, by whom?"), "{words}");
    let page = fs::read_to_string(folder.path().join("cause.html")).unwrap();
    assert!(page.contains("How it spread") && page.contains("<svg"), "graph");
    assert!(!page.contains("<script"));

    let told: Value = serde_json::from_str(&ok(folder.path(), &[&asked[..8], &["--json"]].concat())).unwrap();
    let first = &told["causes"][0];
    assert_eq!((first["entity"].as_str(), first["event_type"].as_str()), (Some("db"), Some("config_change")));
    assert!(first["confidence"].as_f64().unwrap() > 0.5);
    assert_eq!(
        told["charts"][0]["times"].as_array().unwrap().len(),
        told["charts"][0]["values"].as_array().unwrap().len()
    );
}

#[test]
fn what_cannot_be_explained_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let metrics = example("metrics.csv");
    let wrong = fails(&["explain", &metrics, "--metric", "nothing"]);
    assert!(wrong.contains("no anomaly of that metric and time; there are"), "{wrong}");
    let wrong = fails(&["explain", &metrics, "--at", "noon"]);
    assert!(wrong.contains("`noon` is no time"), "{wrong}");
    let wrong = fails(&["explain", &metrics, "--case", "7"]);
    assert!(wrong.contains("holds no cases"), "{wrong}");
    fs::write(folder.path().join("calls.csv"), "web,api\nweb\n").unwrap();
    let wrong = fails(&["explain", &metrics, "--topology", "calls.csv"]);
    assert!(wrong.contains("calls.csv: line 2: it names no two entities"), "{wrong}");
    fs::write(folder.path().join("events.ndjson"), "{\"id\": 1}\n").unwrap();
    let wrong = fails(&["explain", &metrics, "--events", "events.ndjson"]);
    assert!(wrong.contains("events.ndjson, line 1"), "{wrong}");
    fs::write(folder.path().join("flat.csv"), "time,load\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00Z,1\n")
        .unwrap();
    let wrong = fails(&["explain", "flat.csv"]);
    assert!(wrong.contains("nothing strange was found"), "{wrong}");
}

#[test]
fn a_labelled_case_is_explained_beside_its_label() {
    let folder = tempfile::tempdir().unwrap();
    let cases = folder.path().join("events");
    fs::create_dir(&cases).unwrap();
    let write = |name: &str, text: &str| fs::write(cases.join(name), text).unwrap();
    write("graph.csv", "caller,callee\nfront,shop\nshop,store\n");
    write(
        "rules.json",
        r#"[{"effect": "slow", "cause": "slow", "where": "callee", "same_dc": true},
        {"effect": "slow", "cause": "deploy", "where": "self", "same_dc": true}]"#,
    );
    let event = |id: u64, service: &str, kind: &str, t: f64| json!({"id": id, "service": service, "type": kind, "t": t, "dc": "a", "severity": 0.6});
    let events = [
        event(7, "store", "deploy", 30.0),
        event(1, "store", "slow", 60.0),
        event(2, "shop", "slow", 90.0),
        event(3, "front", "slow", 120.0),
    ];
    write(
        "incidents.jsonl",
        &format!("{}\n", json!({"incident": 5, "alert": 3, "now": 200, "events": events})),
    );
    write("labels.json", r#"[{"incident": 5, "root_cause": 7}]"#);
    assert!(ok(folder.path(), &["explain", "events"]).contains("1 case in the layout of `events`"));
    let text = ok(folder.path(), &["explain", "events", "--case", "5"]);
    assert!(text.contains("Most likely store: deploy (dc=a), 90 s before slow of front"), "{text}");
    assert!(text.contains("as found."), "{text}");
    let output = run(folder.path(), &["explain", "events", "--case", "6"]);
    assert!(
        String::from_utf8(output.stderr).unwrap().contains("there is no case `6`; there are 1 such as 5")
    );
}

#[test]
fn rules_are_checked_and_tested_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("rules.toml", &ok(folder.path(), &["rule", "standard"]));
    let scenario = "scenario a deploy\n\nweb -> db\n\n-60s db deploy\n-30s db error_spike 0.9\n0s web error_spike 0.7 alert\n\n";
    write("right.txt", &format!("{scenario}1. db deploy\n"));
    write("wrong.txt", &format!("{scenario}1. web error_spike\n"));
    let text = ok(folder.path(), &["rule", "check", "rules.toml", "--scenarios", "right.txt"]);
    assert!(text.contains("1 of 1 scenarios end as they should."), "{text}");
    let output = run(folder.path(), &["rule", "check", "--scenarios", "wrong.txt"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("0 of 1 scenarios") && text.contains("wrong.txt, line 1, `a deploy`"), "{text}");
    write("rules.toml", "[[type]]\nname = \"a\"\nkind = \"magic\"\n");
    let output = run(folder.path(), &["rule", "check", "rules.toml"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("line 3"), "place and reason");
}

/// A span of `caller` that calls `callee`, a minute after the epoch of the story.
fn spans(at_ns: u64) -> String {
    let resource = |service: &str, spans: Value| {
        json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
               "scopeSpans": [{"spans": spans}]})
    };
    let span = |id: &str, parent: &str| {
        json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "parentSpanId": parent, "name": "call",
               "startTimeUnixNano": at_ns.to_string(), "endTimeUnixNano": (at_ns + 20_000_000).to_string()})
    };
    json!({"resourceSpans": [resource("web", json!([span("aaa19b7ec3c1b174", "")])),
        resource("db", json!([span("bbb19b7ec3c1b174", "aaa19b7ec3c1b174")]))]})
    .to_string()
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn post(client: &mut Client, path: &str, body: &str) -> Value {
    let json = [("Content-Type", "application/json")];
    let answer = client.call_with("POST", path, &json, body.as_bytes()).unwrap();
    assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
    if answer.text().is_empty() { Value::Null } else { answer.json() }
}

#[test]
fn the_service_explains_by_what_it_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    fs::write(&rules, ok(folder.path(), &["rule", "standard"])).unwrap();
    let config = folder.path().join("service.toml");
    fs::write(&config, format!("[explanations]\nrules = {:?}\n", rules.to_str().unwrap())).unwrap();
    let data = folder.path().join("data");
    let options = ["--config".to_owned(), config.to_string_lossy().into_owned()];
    let service = Service::start(PROGRAM, &data, &options);
    let token = service.token().unwrap().to_owned();
    let mut client = service.client(&token);

    let now = jiff::Timestamp::now();
    let at = |seconds: i64| (now - jiff::SignedDuration::from_secs(seconds)).to_string();
    let nanos = u64::try_from(now.as_nanosecond()).unwrap();
    post(&mut client, "/api/v1/otlp/v1/traces", &spans(nanos));
    let alert = |service: &str, name: &str, seconds: i64| {
        json!({"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": name, "service": service},
            "startsAt": at(seconds), "endsAt": "0001-01-01T00:00:00Z", "fingerprint": format!("{service}{name}")}]})
        .to_string()
    };
    let deploy =
        json!({"source": "ci", "id": "d1", "at": at(100), "action": "deploy", "resources": ["db@5.2"]});
    post(&mut client, "/api/v1/ingest/events?wait=verdict", &deploy.to_string());
    post(&mut client, "/api/v1/ingest/alertmanager?wait=verdict", &alert("db", "HighLatency", 60));
    post(&mut client, "/api/v1/ingest/alertmanager?wait=verdict", &alert("web", "HighLatency", 30));

    // Spans tell who depends on whom; the service looks once a minute.
    let calls = |client: &mut Client| {
        let told = client.get("/api/v1/topology/dependencies").unwrap().json();
        told["items"].as_array().unwrap().iter().any(|item| item["caller"] == "web" && item["callee"] == "db")
    };
    until("the call was discovered", || calls(&mut client));
    let question = json!({"metric": "latency", "entity": "web", "at": at(30)}).to_string();
    let begun = Instant::now();
    let told = post(&mut client, "/api/v1/explanations", &question);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let first = &told["answer"]["causes"][0];
    assert_eq!(
        (first["entity"].as_str(), first["event_type"].as_str()),
        (Some("db"), Some("deploy")),
        "{told}"
    );
    assert_eq!(first["dims"]["version"], "5.2");

    // Rules that change are read again, and the answer follows by itself; those that cannot be read change nothing.
    let number = told["number"].as_u64().unwrap();
    let path = format!("/api/v1/explanations/{number}");
    fs::write(&rules, "this is no file of rules").unwrap();
    std::thread::sleep(Duration::from_millis(1_100));
    let without = "[[type]]\nname = \"latency_spike\"\nkind = \"performance\"\n";
    fs::write(&rules, without).unwrap();
    until("the answer follows the rules", || {
        let now = client.get(&path).unwrap().json();
        now["revision"].as_u64() > Some(0) && now["answer"]["causes"] == json!([])
    });
    assert!(service.terminate());

    // What was answered is there after a restart.
    let again = Service::start(PROGRAM, &data, &[]);
    let kept = again.client(&token).get(&path).unwrap();
    assert_eq!((kept.status, kept.json()["number"].as_u64()), (200, Some(number)));
    assert!(again.terminate());
}
