//! The service as a process: started, called, stopped, started again.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use manazir_testkit::events;
use manazir_testkit::service::Service;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

#[test]
fn the_example_of_the_contract_gets_its_verdict_and_a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let service = Service::start(PROGRAM, &data, &[]);
    let token = service.token().expect("the first start tells a token").to_owned();
    let event = events::lines([1]);
    let first = service.client(&token).post("/ingest", &event).unwrap();
    assert!(first.status == 200 || first.status == 201, "{}", first.text());
    assert_eq!(first.json()["status"], "judged");
    assert_eq!(service.client("mz_wrong").post("/ingest", &event).unwrap().status, 401);

    // A directory that is held, and a port that is taken, each with what to type.
    let second = |data: &Path, listen: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", listen, "--data"]).arg(data);
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert!(second(&data, "127.0.0.1:0").contains("choose another directory with --data DIR"));
    let other = folder.path().join("other");
    assert!(second(&other, service.address()).contains("choose another address, for instance --listen"));

    assert!(service.terminate());
    let again = Service::start(PROGRAM, &data, &[]);
    assert_eq!(again.token(), None, "the token is told once");
    let stored = again.client(&token).post("/ingest", &event).unwrap();
    assert_eq!((stored.status, &stored.json()["status"]), (200, &json!("already_processed")));
    assert_eq!(stored.json()["verdict"], first.json()["verdict"]);
}

#[test]
fn a_first_start_that_fails_takes_no_token_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut failing = Command::new(PROGRAM);
    failing.args(["serve", "--listen", &taken.local_addr().unwrap().to_string(), "--data"]).arg(&data);
    assert!(!failing.output().unwrap().status.success());
    let service = Service::start(PROGRAM, &data, &[]);
    let token = service.token().expect("the first start that works tells a token").to_owned();
    let mut client = service.client(&token);
    let tokens = client.get("/api/v1/tokens").unwrap().json();
    let [only] = tokens.as_array().unwrap().as_slice() else { panic!("{tokens}") };
    // When no administrator is let in any more, a start makes one anew.
    let path = format!("/api/v1/tokens/{}", only["id"].as_str().unwrap());
    assert_eq!(client.call("DELETE", &path, b"").unwrap().status, 204);
    assert!(service.terminate());
    let again = Service::start(PROGRAM, &data, &[]);
    assert_ne!(again.token().expect("there is no other"), token);
    assert!(again.terminate());
}

#[test]
fn a_token_is_made_where_the_service_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let new = |options: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.env_remove("MANAZIR_TRUTH").env("MANAZIR_DATA", folder.path());
        command.args(["token", "new", "--scope", "read"]).args(options).output().unwrap()
    };
    let lost = new(&[]);
    assert!(!lost.status.success());
    assert!(String::from_utf8_lossy(&lost.stderr).contains("no service has run in"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made that nobody reads");
    let truth = format!("sqlite://{}", folder.path().join("elsewhere.db").display());
    assert!(new(&["--truth", &truth]).stdout.starts_with(b"mz_"));
    // An address may hold a password.
    let wrong = new(&["--truth", "mysql://u:s3cret@h/v"]);
    assert!(
        !wrong.status.success() && !String::from_utf8_lossy(&wrong.stderr).contains("s3cret"),
        "{wrong:?}"
    );
}

/// Two hours of a load that is now and then a little other, and 20 minutes at five times as much.
fn load() -> String {
    let line = |minute: i64| {
        let value = if !(120..140).contains(&minute) { 50 + (minute * 7) % 5 } else { 250 };
        let at = jiff::Timestamp::from_second(1_772_323_200 + 60 * minute).unwrap();
        json!({"series": "load", "labels": {"host": "a"}, "at": at.to_string(), "value": value}).to_string()
    };
    (0..200).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_episode_of_a_series_is_one_anomaly_that_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(PROGRAM, &folder.path().join("data"), &[]);
    let mut client = service.client(service.token().unwrap());
    let lines = load();
    let sent = client.post("/api/v1/ingest/samples", lines.as_bytes()).unwrap();
    assert_eq!((sent.status, &sent.json()["accepted"]), (202, &json!(200)), "{}", sent.text());
    let patience = Instant::now() + Duration::from_secs(30);
    let found = loop {
        let page = client.get("/api/v1/anomalies?kind=series").unwrap().json();
        if page["items"].as_array().is_some_and(|items| items.iter().any(|item| item["ended_at"].is_string()))
        {
            break page;
        }
        assert!(Instant::now() < patience, "{page}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let [episode] = found["items"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!((&episode["series"], &episode["action"]), (&json!("load{host=a}"), &json!("load")));
    assert_eq!(episode["at"], "2026-03-01T02:00:00Z");
    assert!(episode["sentence"].as_str().unwrap().starts_with("Load (host a) was "), "{episode}");

    let number = episode["number"].to_string();
    let data = folder.path().join("data");
    let mut command = Command::new(PROGRAM);
    command.args(["anomaly", "confirm", &number, "--by", "Ada", "--json", "--data"]).arg(&data);
    let said: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!((&said["feedback"]["by"], &said["series"]), (&json!("Ada"), &json!("load{host=a}")));
    assert!(service.terminate());
}

#[test]
fn events_become_the_series_that_the_configuration_wants() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("manazir.toml");
    let series = |metric: &str, how: &str| {
        format!("[[events.series]]\nmetric = '{metric}'\nby = ['account']\nevery_seconds = 60\n{how}\n")
    };
    let text =
        series("all", "aggregate = 'count'") + &series("actors", "aggregate = 'distinct'\nof = 'actor'");
    std::fs::write(&config, text).unwrap();
    let options = ["--config".to_owned(), config.display().to_string()];
    let service = Service::start(PROGRAM, &folder.path().join("data"), &options);
    let mut client = service.client(service.token().unwrap());
    // One a second for six minutes, of which the first four are over by the end.
    let lines = events::lines((0..360).map(|second| 100 * second));
    let accepted = client.post("/api/v1/ingest/events", &lines).unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let actors = |minute: usize| {
        let text = String::from_utf8_lossy(&lines);
        let minute = text.lines().skip(60 * minute).take(60);
        let actor = |line: &str| serde_json::from_str::<Value>(line).unwrap()["RoleID"].to_string();
        minute.map(actor).collect::<BTreeSet<_>>().len() as f64
    };
    for (metric, value) in [("all", &(|_| 60.0) as &dyn Fn(usize) -> f64), ("actors", &actors)] {
        let listed = client.until(&format!("/api/v1/series?metric={metric}"), |page| {
            page["items"].as_array().is_some_and(|items| items.len() == 1)
        });
        let path = format!("/api/v1/series/{}/samples", listed["items"][0]["id"].as_str().unwrap());
        let samples =
            client.until(&path, |page| page["items"].as_array().is_some_and(|items| items.len() >= 3));
        for (minute, sample) in samples["items"].as_array().unwrap().iter().enumerate() {
            assert_eq!(sample["value"].as_f64(), Some(value(minute)), "{metric}, minute {minute}");
        }
    }
    assert!(service.terminate());
}
