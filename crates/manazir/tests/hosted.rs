//! A rollup inside the service: findings over HTTP and from a file, the board and its past, and its series judged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs;
use std::path::Path;

use manazir_testkit::service::Service;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

/// The example, with a series, in a folder with a configuration that hosts it.
fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/karma");
    for entry in fs::read_dir(example).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let spec = fs::read_to_string(folder.path().join("rollup.toml")).unwrap();
    let series = "\n[[series]]\nmetric = \"findings_per_day\"\nevery_seconds = 86400\nby = \"category\"\naggregate = \"count\"\n";
    fs::write(folder.path().join("rollup.toml"), spec + series).unwrap();
    fs::rename(folder.path().join("finding.csv"), folder.path().join("stream.csv")).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let config = format!(
        "[[rollups]]\nspec = {:?}\nfollow = {:?}\nsource_name = \"stream\"\n",
        path("rollup.toml"),
        path("stream.csv")
    );
    fs::write(folder.path().join("manazir.toml"), config).unwrap();
    folder
}

fn start(folder: &Path) -> Service {
    let config = folder.join("manazir.toml");
    Service::start(PROGRAM, &folder.join("data"), &["--config".to_owned(), config.display().to_string()])
}

fn of<'t>(page: &'t Value, key: &str) -> &'t Value {
    page["items"].as_array().unwrap().iter().find(|total| total["key"] == key).unwrap()
}

#[test]
fn findings_come_over_http_and_from_a_file_and_are_found_again() {
    let folder = place();
    let service = start(folder.path());
    let token = service.token().unwrap().to_owned();
    let mut client = service.client(&token);
    let board = "/api/v1/rollups/karma/totals";
    let counted = |count: u64| move |rollup: &Value| rollup["status"]["findings"] == json!(count);
    client.until("/api/v1/rollups/karma", counted(64));
    let total = client.get(board).unwrap().json();
    assert_eq!((&of(&total, "2")["sum"], &of(&total, "2")["mean"]), (&json!(7650.0), &json!(637.5)));

    // Over HTTP, twice by one key; one that waits and one that is broken.
    let lines = b"1,2026-03-11 10:00:00,1\n2,2026-03-11 10:00:00,77\n3,2026-03-11 10:00:00,x\n";
    for _ in 0..2 {
        let sent = client.call_with(
            "POST",
            "/api/v1/rollups/karma/findings",
            &[("Content-Type", "text/csv"), ("Idempotency-Key", "one")],
            lines,
        );
        let sent = sent.unwrap();
        assert_eq!((sent.status, &sent.json()["findings"]), (200, &json!(3)), "{}", sent.text());
        let lines: Vec<Value> = sent.json()["not_counted"].as_array().unwrap().clone();
        assert_eq!((&lines[0]["line"], &lines[0]["waits"]), (&json!(2), &json!(true)));
        assert_eq!((&lines[1]["line"], &lines[1]["waits"]), (&json!(3), &json!(false)));
    }
    client.until("/api/v1/rollups/karma", counted(65));

    // The table as it was, and a line that the file gains.
    let was = client.get("/api/v1/rollups/karma/totals?at=2026-03-04T23:59:59Z").unwrap().json();
    assert_eq!(of(&was, "2")["sum"], json!(4600.0));
    let mut stream = fs::read_to_string(folder.path().join("stream.csv")).unwrap();
    stream.push_str("99,2026-03-12 10:00:00,1\n");
    fs::write(folder.path().join("stream.csv"), stream).unwrap();
    client.until("/api/v1/rollups/karma", counted(66));

    // What waited counts when its table has it; what was broken is mended.
    let tables = fs::read_to_string(folder.path().join("vulnerability.csv")).unwrap();
    fs::write(folder.path().join("vulnerability.csv"), tables + "77,5,4\n").unwrap();
    client.until("/api/v1/rollups/karma", counted(67));
    let letters = client.get("/api/v1/rollups/karma/dead_letters?state=rejected").unwrap().json();
    let number = &letters["items"][0]["number"];
    let retry = format!("/api/v1/rollups/karma/dead_letters/{number}/retry");
    let mended = json!({"line": "3,2026-03-11 10:00:00,1"}).to_string();
    let json = [("Content-Type", "application/json")];
    let tried = client.call_with("POST", &retry, &json, mended.as_bytes()).unwrap();
    assert_eq!((tried.status, &tried.json()["state"]), (200, &json!("counted")), "{}", tried.text());
    client.until("/api/v1/rollups/karma", counted(68));

    // Days that are over are series that are judged.
    let series = client.until("/api/v1/series?metric=findings_per_day", |page| {
        page["items"].as_array().is_some_and(|items| items.len() == 4)
    });
    let id = series["items"][0]["id"].as_str().unwrap();
    let samples = client.get(&format!("/api/v1/series/{id}/samples")).unwrap().json();
    assert!(samples["items"].as_array().unwrap().len() >= 9, "{samples}");
    let before = client.get(board).unwrap().json();
    assert!(service.terminate());

    // A restart changes nothing, and counts nothing again.
    let again = start(folder.path());
    let mut client = again.client(&token);
    client.until("/api/v1/rollups/karma", counted(68));
    assert_eq!(client.get(board).unwrap().json(), before);
    assert!(again.terminate());
}

#[test]
fn a_rollup_that_cannot_be_is_refused_before_the_service_begins() {
    let folder = place();
    fs::remove_file(folder.path().join("severity.csv")).unwrap();
    let mut command = std::process::Command::new(PROGRAM);
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(folder.path().join("manazir.toml"));
    let output = command.arg("--data").arg(folder.path().join("data")).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("host the rollup of") && said.contains("the table `severity`"), "{said}");
}
