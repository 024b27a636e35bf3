//! The service as a process: started, called, killed, started again.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

struct Service {
    process: Child,
    address: String,
    token: Option<String>,
}

impl Service {
    fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_manazir"))
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        while !said.ends_with("}\n") {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it ended after: {said}");
        }
        let said: Value = serde_json::from_str(&said).unwrap();
        let address = said["listening"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        Self { process, address, token: said["token"].as_str().map(str::to_owned) }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Stops it as a container does.
    fn terminate(mut self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It is gone already unless a check failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One request; `None` if the connection broke.
fn call(address: &str, token: &str, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}

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
