//! The service as a process: started, called, killed, started again.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod service;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use service::{Service, call};

fn event(id: usize) -> String {
    let role = format!("role{}", id % 7);
    json!({"RequestID": format!("r{id}"), "EventID": format!("e{id}"), "RoleID": role, "EventType": "type1",
        "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": ["asset1", "asset2"]})
    .to_string()
}

#[test]
fn the_example_of_the_contract_gets_its_verdict_and_a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path());
    let token = service.token.clone().expect("the first start tells a token");
    let (status, first) = call(&service.address, &token, "POST", "/ingest", &event(1)).unwrap();
    assert!(status == 200 || status == 201, "{status} {first}");
    assert_eq!(first["status"], "judged");
    assert_eq!(call(&service.address, "mz_wrong", "POST", "/ingest", &event(1)).unwrap().0, 401);

    // CT-W: a directory that is held, and a port that is taken, each with what to type.
    let second = |data: &Path, listen: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_manazir"))
            .args(["serve", "--listen", listen, "--data"])
            .arg(data)
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(second(folder.path(), "127.0.0.1:0").contains("choose another directory with --data DIR"));
    let other = tempfile::tempdir().unwrap();
    assert!(second(other.path(), &service.address).contains("choose another address, for instance --listen"));

    // CT-W24: SIGTERM is a way to stop.
    service.terminate();
    let again = Service::start(folder.path());
    assert_eq!(again.token, None, "the token is told once");
    let (status, stored) = call(&again.address, &token, "POST", "/ingest", &event(1)).unwrap();
    assert_eq!((status, &stored["status"]), (200, &json!("already_processed")));
    assert_eq!(stored["verdict"], first["verdict"]);
}

/// CT-W5 and CT-W7: whatever is killed when, each event is judged once, and what was acknowledged is there.
#[test]
fn killed_at_any_moment_it_loses_nothing_and_counts_nothing_twice() {
    const ROUNDS: usize = 4;
    const EVENTS: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(folder.path());
    let token = service.token.clone().unwrap();
    let mut positions = std::collections::HashMap::new();
    for round in 0..ROUNDS {
        let ids = round * EVENTS..(round + 1) * EVENTS;
        // Batches are sent while the service is killed after a moment that differs from round to round.
        let sender = {
            let (address, token, ids) = (service.address.clone(), token.clone(), ids.clone());
            std::thread::spawn(move || {
                let mut acknowledged = Vec::new();
                for batch in ids.collect::<Vec<_>>().chunks(10) {
                    let lines: Vec<String> = batch.iter().map(|&id| event(id)).collect();
                    let answer = call(&address, &token, "POST", "/api/v1/ingest/events", &lines.join("\n"));
                    if answer.is_some_and(|(status, _)| status == 202) {
                        acknowledged.extend_from_slice(batch);
                    }
                }
                acknowledged
            })
        };
        std::thread::sleep(Duration::from_millis(20 + 30 * round as u64));
        service.kill();
        let acknowledged = sender.join().unwrap();
        service = Service::start(folder.path());
        // Senders repeat what was not acknowledged; some repeat everything.
        for id in ids.clone() {
            let (_, answer) = call(&service.address, &token, "POST", "/ingest", &event(id)).unwrap();
            assert!(answer["verdict"].is_object(), "{answer}");
            if acknowledged.contains(&id) {
                assert_eq!(answer["status"], "already_processed", "event {id} was acknowledged and lost");
            }
        }
        for id in 0..ids.end {
            let path = format!("/api/v1/events/plain/e{id}");
            let (status, stored) = call(&service.address, &token, "GET", &path, "").unwrap();
            assert_eq!(status, 200, "event {id}");
            let place = (stored["partition"].clone(), stored["seq"].clone(), stored["verdict"].clone());
            assert_eq!(
                positions.entry(id).or_insert_with(|| place.clone()),
                &place,
                "event {id} was judged again"
            );
        }
    }
    service.terminate();
}
