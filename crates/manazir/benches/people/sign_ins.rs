//! The same load while people sign in as fast as passwords can be hashed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use manazir_testkit::client::{Answer, Client};
use serde_json::{Value, json};

use crate::filling::Filled;
use crate::load::load;
use crate::running::Running;

const PASSWORD: &str = "a quiet harbor";

/// `callers` sign in one after the other all the while; see [`load`].
pub(crate) fn beside(
    running: &Running,
    filled: &Filled,
    callers: usize,
    (rate, seconds): (usize, usize),
    run: u64,
) -> bool {
    let email = |caller: usize| format!("sign-in-{run}-{caller}@example.org");
    for caller in 0..callers {
        let body =
            json!({"username": format!("s{run}-{caller}"), "email": email(caller), "password": PASSWORD});
        let made = post(&mut running.service().client(""), "/api/v1/accounts", caller, &body);
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let (stop, done, busy) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let (stop, done, busy, email) = (&stop, &done, &busy, &email);
            scope.spawn(move || {
                let mut client = running.service().client("");
                let body = json!({"email": email(caller), "password": PASSWORD, "cookies": false});
                while !stop.load(Ordering::Relaxed) {
                    let counted = match post(&mut client, "/api/v1/sessions", caller, &body).status {
                        201 => done,
                        429 => busy,
                        other => panic!("{other}"),
                    };
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let begun = Instant::now();
        println!("while {callers} sign in all the time:");
        let is_right = load(running, filled, rate, seconds, run);
        stop.store(true, Ordering::Relaxed);
        let a_second = done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
        println!("  {a_second:.1} sign in a second, {} told to come again", busy.load(Ordering::Relaxed));
        is_right
    })
}

fn post(client: &mut Client, path: &str, caller: usize, body: &Value) -> Answer {
    let place = format!("198.51.100.{caller}");
    let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", place.as_str())];
    client.call_with("POST", path, &headers, body.to_string().as_bytes()).unwrap()
}
