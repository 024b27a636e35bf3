//! How long others wait while people sign in as fast as passwords can be hashed.
//!
//! ```console
//! cargo bench -p manazir --bench sign_in -- --seconds 20
//! ```
//!
//! One process on SQLite, everything embedded. Callers sign in one after the other, each from a place of its own, until
//! every place in front of the hashing is taken; meanwhile others ask at a fixed rate who they are, and for their
//! sessions. The callers run on the same machine and are counted in.

#![allow(clippy::print_stdout, reason = "a benchmark talks to a terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use manazir_testkit::client::{Answer, Client};
use manazir_testkit::service::Service;
use serde_json::{Value, json};

const PASSWORD: &str = "a quiet harbor";
/// Connections that share the rate.
const CONNECTIONS: usize = 10;

#[derive(Debug, Parser)]
struct Options {
    /// People who sign in at the same time.
    #[arg(long, default_value_t = 32)]
    callers: usize,
    /// Requests a second of everybody else.
    #[arg(long, default_value_t = 200)]
    rate: usize,
    /// How long each figure takes.
    #[arg(long, default_value_t = 10)]
    seconds: usize,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn post(client: &mut Client, path: &str, place: usize, body: &Value) -> Answer {
    let place = format!("198.51.100.{place}");
    let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", place.as_str())];
    client.call_with("POST", path, &headers, body.to_string().as_bytes()).unwrap()
}

fn sign_in(client: &mut Client, number: usize) -> Answer {
    let body = json!({"email": format!("p{number}@example.org"), "password": PASSWORD, "cookies": false});
    post(client, "/api/v1/sessions", number, &body)
}

/// Milliseconds of others' requests at a fixed rate, each counted from its moment, sorted.
fn others(service: &Service, token: &str, options: &Options) -> Vec<f64> {
    let requests = options.rate * options.seconds;
    let begin = Instant::now() + Duration::from_millis(200);
    let pause = Duration::from_secs(1).div_f64(options.rate as f64);
    let mut millis: Vec<f64> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CONNECTIONS)
            .map(|caller| {
                scope.spawn(move || {
                    let mut client = service.client(token);
                    let mut millis = Vec::new();
                    for request in (caller..requests).step_by(CONNECTIONS) {
                        let due = begin + pause * request as u32;
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        let path = ["/api/v1/accounts/me", "/api/v1/sessions"][request / CONNECTIONS % 2];
                        assert_eq!(client.get(path).unwrap().status, 200);
                        millis.push(due.elapsed().as_secs_f64() * 1e3);
                    }
                    millis
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    millis.sort_unstable_by(f64::total_cmp);
    millis
}

fn told(what: &str, millis: &[f64]) {
    let at = |share: f64| millis[((millis.len() - 1) as f64 * share) as usize];
    println!(
        "{what}: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms of {} requests",
        at(0.5),
        at(0.99),
        at(1.0),
        millis.len()
    );
}

fn main() {
    let options = Options::parse();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("service.toml");
    std::fs::write(&config, "[accounts]\nregistration = 'open'\nproxies = ['127.0.0.1']\n").unwrap();
    let arguments = ["--config".to_owned(), config.to_str().unwrap().to_owned()];
    let service = Service::start(env!("CARGO_BIN_EXE_manazir"), &folder.path().join("data"), &arguments);
    let mut client = service.client("");
    for number in 0..=options.callers {
        let email = format!("p{number}@example.org");
        let body = json!({"username": format!("p{number}"), "email": email, "password": PASSWORD});
        let made = post(&mut client, "/api/v1/accounts", number, &body);
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let token = sign_in(&mut client, options.callers).json()["access_token"].as_str().unwrap().to_owned();
    told("nobody signs in", &others(&service, &token, &options));
    let (stop, done, busy) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let began = Instant::now();
    let millis = std::thread::scope(|scope| {
        for number in 0..options.callers {
            let (service, stop, done, busy) = (&service, &stop, &done, &busy);
            scope.spawn(move || {
                let mut client = service.client("");
                while !stop.load(Ordering::Relaxed) {
                    let counted = match sign_in(&mut client, number).status {
                        201 => done,
                        429 => busy,
                        other => panic!("{other}"),
                    };
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let millis = others(&service, &token, &options);
        stop.store(true, Ordering::Relaxed);
        millis
    });
    let a_second = done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    let what = format!(
        "{} sign in all the time, {a_second:.1} a second, {} told to come again",
        options.callers,
        busy.load(Ordering::Relaxed)
    );
    told(&what, &millis);
    assert!(service.terminate());
}
