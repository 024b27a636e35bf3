//! One batch of many connections, with and without a process that is killed in the middle.

use std::collections::BTreeSet;
use std::time::Instant;

use manazir_testkit::client::Client;
use serde_json::json;

use crate::afterwards::{contacts, done};
use crate::filling::Filled;
use crate::plan::id;
use crate::running::Running;

/// A batch that was begun, for somebody who has just joined.
struct Begun {
    /// Where the user is.
    user: String,
    /// Where the job is.
    place: String,
    ids: BTreeSet<String>,
    at: Instant,
}

/// Connects one person to so many in one job; prints how fast.
pub(crate) fn measure(running: &Running, filled: &Filled, size: u32) {
    let mut client = running.client();
    let begun = begin(&mut client, filled, size, "batch");
    let answered = begun.at.elapsed();
    let batch = done(&mut client, &begun.place, |_| {});
    let took = begun.at.elapsed();
    assert_eq!(batch["connected"], begun.ids.len(), "{batch}");
    exact(&mut client, &begun);
    println!(
        "batch of {}: answered in {answered:.1?}, done in {took:.1?}: {:.0} edges/s",
        begun.ids.len(),
        begun.ids.len() as f64 / took.as_secs_f64()
    );
}

/// The same, and the process dies when this share of it is told to be done; started again, it is exact.
pub(crate) fn kill(running: &mut Running, filled: &Filled, size: u32, share: f64) {
    let mut client = running.client();
    let begun = begin(&mut client, filled, size, "kill");
    let until = (f64::from(size) * share) as u64;
    let mut told = 0;
    while told < until {
        let batch = client.get(&format!("{}?limit=1", begun.place)).unwrap().json()["data"].take();
        told = batch["done"].as_u64().unwrap();
    }
    running.kill();
    let again = Instant::now();
    running.start_again();
    let ready = again.elapsed();
    let mut client = running.client();
    let batch = done(&mut client, &begun.place, |_| {});
    assert_eq!((&batch["state"], &batch["connected"]), (&json!("done"), &json!(size)), "{batch}");
    exact(&mut client, &begun);
    println!(
        "batch of {size}, killed when {told} were told to be done: ready again in {ready:.1?}, done {:.1?} after the \
         start, exact",
        again.elapsed()
    );
}

fn begin(client: &mut Client, filled: &Filled, size: u32, name: &str) -> Begun {
    let run = jiff::Timestamp::now().as_microsecond();
    let body = json!({"email": format!("{name}-{run}@example.org")}).to_string();
    let headers = [("Content-Type", "application/json")];
    let made = client.call_with("POST", "/api/v1/users", &headers, body.as_bytes()).unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let user = format!("/api/v1/users/{}", made.json()["data"]["id"].as_str().unwrap());
    // Spread over all people, without those who might have no room.
    let mut contacts = vec![0; filled.people as usize + 1];
    for (one, other) in &filled.connections {
        contacts[one.0 as usize] += 1;
        contacts[other.0 as usize] += 1;
    }
    let free: Vec<u32> = (1..=filled.people).filter(|user| contacts[*user as usize] < 2_600).collect();
    let step = free.len() / size as usize;
    let ids: BTreeSet<String> =
        free.iter().step_by(step.max(1)).take(size as usize).map(|one| id(*one)).collect();
    assert_eq!(ids.len(), size as usize, "there are too few people for such a batch");
    let body = json!({"ids": ids}).to_string();
    let at = Instant::now();
    let taken = client.call_with("POST", &format!("{user}/connections/batch"), &headers, body.as_bytes());
    let taken = taken.unwrap();
    assert_eq!(taken.status, 202, "{}", taken.text());
    let place = format!("{user}/connections/batch/{}", taken.json()["data"]["job"]);
    Begun { user, place, ids, at }
}

/// Exactly those who were named are connected, seen from both sides.
fn exact(client: &mut Client, begun: &Begun) {
    assert_eq!(contacts(client, &begun.user), begun.ids);
    let own = begun.user.rsplit('/').next().unwrap_or_default();
    for other in &begun.ids {
        let answer = client.get(&format!("/api/v1/users/{other}/connections/{own}")).unwrap();
        assert_eq!(answer.json()["data"]["connected"], true, "{other}: {}", answer.text());
    }
}
