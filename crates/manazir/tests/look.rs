//! The commands that look at what the service found, as processes, on a truth with something in it.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::path::Path;
use std::process::Command;

use manazir::service::open_truth;
use manazir_ingest::Format;
use manazir_ingest::dead_letters::{DeadLetters, NewDeadLetter};
use manazir_ingest::findings::{FindingKind, NewFinding, sentence};
use manazir_ingest::projection::Projection;
use manazir_model::{Reason, Timestamp};
use manazir_sql::Keeping;
use manazir_testkit::service::Service;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

/// Runs a command; its standard output, its standard error, its exit code.
fn manazir(data: &Path, arguments: &[&str]) -> (String, String, i32) {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env("MANAZIR_DATA", data)
        .env("USER", "ann")
        .env_remove("MANAZIR_TOKEN")
        .env_remove("MANAZIR_SERVER")
        .env_remove("MANAZIR_TRUTH")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn json_of(data: &Path, arguments: &[&str]) -> Value {
    let (out, err, code) = manazir(data, &[arguments, &["--json"]].concat());
    assert_eq!(code, 0, "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

fn finding(role: &str, seconds: i64, score: f64) -> NewFinding {
    let at = Timestamp::from_seconds(1_700_000_000 + seconds);
    let reasons = vec![Reason {
        detector: "action".to_owned(),
        surprise: 4.0,
        text: format!("{role} never called iam:CreateUser in 10 days"),
    }];
    NewFinding {
        kind: FindingKind::Event,
        source: "plain".to_owned(),
        event_id: format!("e{seconds}"),
        request_id: "r".to_owned(),
        actor: role.to_owned(),
        action: "iam:CreateUser".to_owned(),
        resources: vec!["a,b".to_owned(), "100%".to_owned()],
        at,
        ended_at: None,
        first_seen_at: at,
        received_at: at,
        score,
        sentence: sentence("iam:CreateUser", &reasons),
        reasons,
        series: None,
    }
}

fn event(id: &str) -> String {
    json!({"RequestID": "r", "EventID": id, "RoleID": "role1", "EventType": "t",
        "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": []})
    .to_string()
}

/// Two findings and three letters, one of which can be read.
fn fill(data: &Path) {
    std::fs::create_dir_all(data).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let truth = open_truth(data).await.unwrap();
        let keeping = Keeping::new(truth.clone());
        let found = [finding("role/app", 1, 3.5), finding("role/ci", 2, 9.25)];
        keeping.apply("look", 0, 2, &found, &[], &[]).await.unwrap();
        let letter = |body: &str| NewDeadLetter {
            source: "plain".to_owned(),
            id: String::new(),
            format: Format::Plain,
            body: body.as_bytes().to_owned(),
            reason: "RoleID is missing".to_owned(),
            received_at: Timestamp::from_seconds(1_700_000_000),
        };
        keeping.add(&[letter("{}"), letter(&event("sound")), letter("nothing")]).await.unwrap();
        truth.close().await;
    });
}

#[test]
fn a_directory_without_a_service_says_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    for command in [["anomaly", "list"], ["dead-letter", "list"], ["job", "list"]] {
        let (_, err, code) = manazir(folder.path(), &command);
        assert_eq!(code, 1);
        assert!(err.contains("start one there with `manazir serve --data"), "{err}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "looking makes nothing");
    }
}

#[test]
fn anomalies_are_listed_shown_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    fill(data);
    let (out, _, _) = manazir(data, &["anomaly", "list"]);
    let expected = "\
number  at                    role      event type      score  verdict  why
     2  2023-11-14T22:13:22Z  role/ci   iam:CreateUser   9.25           role/ci never called iam:Cr…
     1  2023-11-14T22:13:21Z  role/app  iam:CreateUser    3.5           role/app never called iam:C…
`manazir anomaly show NUMBER` says all of one
";
    assert_eq!(out, expected);
    for (filter, numbers) in [
        (vec!["--role", "role/app"], vec![1]),
        (vec!["--role", "role"], vec![]),
        (vec!["--asset", "a,b", "--min-score", "9"], vec![2]),
        (vec!["--since", "2023-11-14T22:13:22Z"], vec![2]),
        (vec!["--until", "2023-11-14T22:13:22Z"], vec![1]),
        (vec!["--since", "1d"], vec![]),
        (vec!["--words", "ROLE/APP never", "--feedback", "none"], vec![1]),
        (vec!["--before", "2", "--limit", "1"], vec![1]),
    ] {
        let listed = json_of(data, &[vec!["anomaly", "list"], filter.clone()].concat());
        let found: Vec<u64> = listed["anomalies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|anomaly| anomaly["number"].as_u64().unwrap())
            .collect();
        assert_eq!(found, numbers, "{filter:?}");
    }
    let (out, _, _) = manazir(data, &["anomaly", "list", "--role", "nobody"]);
    assert!(out.starts_with("No anomaly is like that"), "{out}");
    let confirmed = json_of(data, &["anomaly", "confirm", "2", "--comment", "a drill, 100 %"]);
    let said = &confirmed["feedback"];
    assert_eq!(
        (&said["verdict"], &said["comment"], &said["by"]),
        (&json!("confirmed"), &json!("a drill, 100 %"), &json!("ann"))
    );
    let (out, _, _) = manazir(data, &["anomaly", "show", "2"]);
    assert!(out.contains("affected assets  a,b, 100%") && out.contains("confirmed        by ann"), "{out}");
    assert_eq!(json_of(data, &["anomaly", "undo", "2"]).get("feedback"), None);
    for command in ["show", "confirm", "reject", "undo"] {
        let (_, err, code) = manazir(data, &["anomaly", command, "9"]);
        assert_eq!(code, 1);
        assert!(err.contains("there is no anomaly 9; `manazir anomaly list`"), "{err}");
    }
}

#[test]
fn dead_letters_are_repaired_and_replayed_through_the_running_service() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    fill(data);
    let (out, _, _) = manazir(data, &["dead-letter", "list"]);
    assert_eq!(out.lines().filter(|line| line.contains("RoleID is missing")).count(), 3, "{out}");
    let (_, err, code) = manazir(data, &["dead-letter", "replay", "2"]);
    assert_eq!(code, 1);
    assert!(err.contains("no service runs in"), "{err}");

    let service = Service::start(PROGRAM, data, &[]);
    let (_, err, _) = manazir(data, &["dead-letter", "replay", "2"]);
    assert!(err.contains("manazir token new --scope respond"), "{err}");
    let token = manazir(data, &["token", "new", "--scope", "respond"]).0;
    let token = token.trim();
    let (out, err, code) = manazir(data, &["dead-letter", "replay", "1", "2", "--token", token]);
    assert_eq!(code, 1, "{err}");
    assert!(
        out.contains("1: The dead letter still cannot be read") && out.contains("RoleID is missing"),
        "{out}"
    );
    assert!(out.contains("2: sent, its verdict will be at /api/v1/events/plain/sound"), "{out}");
    std::fs::write(data.join("one.json"), event("repaired")).unwrap();
    let path = data.join("one.json");
    json_of(data, &["dead-letter", "repair", "1", "--body", path.to_str().unwrap()]);
    assert_eq!(json_of(data, &["dead-letter", "show", "1"])["body"], event("repaired"));
    let job = json_of(data, &["dead-letter", "replay", "--all", "--token", token]);
    let id = job["id"].to_string();
    let ended = loop {
        let job = json_of(data, &["job", "show", &id]);
        if job["state"] != "queued" && job["state"] != "running" {
            break job;
        }
    };
    assert_eq!((&ended["state"], &ended["result"]), (&json!("done"), &json!({"replayed": 1, "failed": 1})));
    json_of(data, &["dead-letter", "discard", "3"]);
    let (out, _, _) = manazir(data, &["dead-letter", "list"]);
    assert!(out.starts_with("No dead letter is like that"), "{out}");
    let all = json_of(data, &["dead-letter", "list", "--state", "all"]);
    let states: Vec<&str> = all["dead_letters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|letter| letter["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["discarded", "replayed", "replayed"]);
    assert!(service.terminate());
    assert!(!data.join("server.json").exists(), "it is gone when the service is");
}

fn record(minute: usize, name: &str) -> String {
    let (day, hour, minute_of_hour) = (1 + minute / 1_440, minute / 60 % 24, minute % 60);
    json!({"eventID": minute.to_string(), "eventTime": format!("2024-05-{day:02}T{hour:02}:{minute_of_hour:02}:00Z"),
        "eventName": name, "eventSource": "s3.amazonaws.com", "awsRegion": "eu-west-1",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/app/i-1"}})
    .to_string()
}

/// From an event to what people see of it, across a restart.
#[test]
fn what_is_strange_is_listed_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let service = Service::start(PROGRAM, data, &[]);
    let (out, _, _) = manazir(data, &["anomaly", "list"]);
    assert!(out.starts_with("Nothing strange was found yet"), "{out}");
    let token = manazir(data, &["token", "new", "--scope", "ingest"]).0;
    let content: Value = serde_json::from_slice(&std::fs::read(data.join("server.json")).unwrap()).unwrap();
    let usual = (0..10 * 144).map(|step| record(step * 10, ["GetObject", "ListBucket"][step % 2]));
    let lines: Vec<String> = usual.chain([record(10 * 1_440 + 5, "PutBucketPolicy")]).collect();
    let url = format!("{}/api/v1/ingest/cloudtrail?wait=verdict", content["url"].as_str().unwrap());
    // The same twice: it counts once.
    for _ in 0..2 {
        let sent = ureq::post(&url)
            .header("Authorization", format!("Bearer {}", token.trim()))
            .header("Content-Type", "application/x-ndjson")
            .send(lines.join("\n"))
            .unwrap();
        assert_eq!(sent.status().as_u16(), 202);
    }
    let policy = ["anomaly", "list", "--action", "s3:PutBucketPolicy"];
    let begun = std::time::Instant::now();
    while json_of(data, &policy)["anomalies"].as_array().unwrap().is_empty() {
        assert!(begun.elapsed().as_secs() < 60, "it is not shown");
    }
    let shown = json_of(data, &["anomaly", "list"]);
    assert!(service.terminate());
    assert!(Service::start(PROGRAM, data, &[]).terminate());
    assert_eq!(json_of(data, &["anomaly", "list"]), shown);
    let strange = &json_of(data, &policy)["anomalies"];
    assert_eq!(strange.as_array().unwrap().len(), 1);
    let sentence = strange[0]["sentence"].as_str().unwrap();
    let expected = "s3:PutBucketPolicy: assumed-role/app never called s3:PutBucketPolicy in 10 days";
    assert!(sentence.starts_with(expected), "{sentence}");
}
