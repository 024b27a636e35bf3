//! Whatever is killed when: nothing that was acknowledged is lost, and nothing is counted twice.
//!
//! A round starts senders on a running service, ends its processes the hard way at a moment drawn from the
//! seed, starts them again (and at times kills them while they start), and lets the senders repeat what was not
//! acknowledged, and some of what was. Then every event has exactly one verdict at a place of its own, and what
//! was told of it before is what is stored.
//!
//! Counting twice would not show in the verdict of the event that was counted twice, but in those after it. So at
//! the end the same events go in the same order into a service that nobody kills: if one of them had been learnt
//! twice, or not at all, the verdicts would differ.
//!
//! What of them is an event of the graph stands in the truth once, too.
//!
//! A few rounds are an everyday test; `cargo xtask soak --only kill --rounds 200` is the long form.

#![allow(clippy::print_stderr, reason = "the long form says what it did")]
#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod graph;
mod ledger;
mod system;

use std::time::Duration;

use ledger::Ledger;
use manazir_model::Random;
use manazir_testkit::client::Client;
use manazir_testkit::events;
use system::{Embedded, Machines, System};

/// Rounds of the everyday form: on one machine, and on several, where each takes much longer.
const ROUNDS: u64 = 5;
const ROUNDS_OF_MACHINES: u64 = 3;

/// Rounds after which a fresh directory begins.
const ROUNDS_A_DIRECTORY: u64 = 10;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn embedded_killed_at_any_moment_it_loses_nothing_and_counts_nothing_twice() {
    rounds("embedded", ROUNDS, Embedded::start);
}

/// Whichever process it is: one that answers, one that judges, the broker, the database.
#[test]
fn machines_killed_at_any_moment_lose_nothing_and_count_nothing_twice_needs_rabbitmq_needs_postgres() {
    rounds("machines", ROUNDS_OF_MACHINES, Machines::start);
}

/// CT-W5 and CT-W7.
fn rounds<S: System>(name: &str, everyday: u64, start: impl Fn() -> S) {
    let rounds = setting("MANAZIR_KILL_ROUNDS", everyday);
    let seed = setting("MANAZIR_KILL_SEED", 4);
    let mut events = 0;
    let mut acknowledged_before_kills = 0;
    for first in (0..rounds).step_by(ROUNDS_A_DIRECTORY as usize) {
        let mut system = start();
        let mut ledger = Ledger::default();
        for round in first..rounds.min(first + ROUNDS_A_DIRECTORY) {
            let mut random = Random::new(seed ^ round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            acknowledged_before_kills += one_round(&mut system, &mut ledger, &mut random);
        }
        let order = ledger.check(&mut system.client());
        graph::check(&system.truth(), &order);
        drop(system);
        same_without_kills(&start(), &ledger, &order);
        events += order.len();
    }
    // Read by `cargo xtask soak`.
    eprintln!(
        "{name}: {rounds} rounds, {events} events, {acknowledged_before_kills} of them acknowledged before a kill: \
         0 lost, 0 counted twice"
    );
}

/// Returns how many events were acknowledged before the kill.
fn one_round<S: System>(system: &mut S, ledger: &mut Ledger, random: &mut Random) -> usize {
    let senders = 2 + random.below(4);
    let shares: Vec<Vec<u64>> = (0..senders).map(|_| ledger.new_events(100 + random.below(300))).collect();
    let seeds: Vec<u64> = shares.iter().map(|_| random.next_u64()).collect();
    let clients: Vec<Client> = shares.iter().map(|_| system.client()).collect();
    // From the first request to well after the last: early moments are likelier than late ones.
    let moment = Duration::from_secs_f64(0.002 * 400f64.powf(random.uniform()));
    let sent: Vec<Sent> = std::thread::scope(|scope| {
        let senders: Vec<_> = std::iter::zip(std::iter::zip(&shares, seeds), clients)
            .map(|((share, seed), mut client)| {
                scope.spawn(move || send(&mut client, share, &mut Random::new(seed), true))
            })
            .collect();
        std::thread::sleep(moment);
        system.kill(random);
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    system.start_again(random);
    let acknowledged = sent.iter().map(|sent| sent.acknowledged.len()).sum();
    sent.into_iter().for_each(|sent| ledger.acknowledged(sent));
    // Whoever was not answered repeats; so do some who were, for they cannot know.
    let repeated: Vec<u64> = shares
        .into_iter()
        .flatten()
        .filter(|event| !ledger.is_acknowledged(*event) || random.below(5) == 0)
        .collect();
    let again = send(&mut system.client(), &repeated, random, false);
    assert_eq!(again.acknowledged.len(), repeated.len(), "a service that runs takes everything");
    ledger.acknowledged(again);
    if random.below(4) == 0 {
        // A service that is stopped in order writes its models down; the next kill finds others on the disk.
        system.stop_in_order();
    }
    acknowledged
}

/// What a sender knows.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Events that the service said it has.
    pub(crate) acknowledged: Vec<u64>,
    /// What it said of some of them.
    pub(crate) told: Vec<(u64, serde_json::Value)>,
}

/// Sends events singly and in batches, at times waiting for the verdict, until they are all sent or, if the
/// service `may_die`, until it does not answer.
fn send(client: &mut Client, events: &[u64], random: &mut Random, may_die: bool) -> Sent {
    let mut sent = Sent::default();
    let mut left = events;
    while !left.is_empty() {
        let size = if random.below(3) == 0 { 1 } else { (1 + random.below(120)).min(left.len()) };
        let (batch, rest) = left.split_at(size);
        let wait = random.below(3) == 0;
        let path = match (size, wait) {
            (1, true) => "/ingest",
            (_, true) => "/api/v1/ingest/events?wait=verdict",
            (_, false) => "/api/v1/ingest/events",
        };
        let answer = match client.post(path, &events::lines(batch.iter().copied())) {
            Ok(answer) => answer,
            Err(_) if may_die => return sent,
            Err(error) => panic!("{path}: {error}"),
        };
        match answer.status {
            200..=202 => {}
            // Too much waits already, or nobody can say yet: the sender's turn comes again.
            429 | 503 => {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            _ => panic!("{path}: {} {}", answer.status, answer.text()),
        }
        sent.acknowledged.extend_from_slice(batch);
        let answer = answer.json();
        let answers = answer["events"].as_array().cloned().unwrap_or_else(|| vec![answer]);
        for (&event, answer) in batch.iter().zip(answers) {
            if answer["verdict"].is_object() {
                assert_eq!(answer["id"], events::id(event), "an answer is that of the event");
                sent.told.push((event, answer["verdict"].clone()));
            }
        }
        left = rest;
    }
    sent
}

/// The events in the order in which they were judged, sent to a service that nobody kills, get the same verdicts.
fn same_without_kills<S: System>(system: &S, ledger: &Ledger, order: &[u64]) {
    let mut client = system.client();
    for batch in order.chunks(500) {
        let answer = client
            .post("/api/v1/ingest/events?wait=verdict", &events::lines(batch.iter().copied()))
            .unwrap()
            .json();
        let answers = answer["events"].as_array().unwrap();
        for (&event, answer) in batch.iter().zip(answers) {
            assert_eq!(Some(&answer["verdict"]), ledger.verdict(event), "event {event}");
        }
    }
}

/// The test of the test: one event more, and some later verdict is another.
#[test]
fn an_event_that_is_counted_twice_shows_in_later_verdicts() {
    let verdicts = |events: &[u64], other_id: bool| {
        let system = Embedded::start();
        let mut lines = events::lines(events.iter().copied());
        if other_id {
            let again = String::from_utf8(events::lines([0])).unwrap().replace(&events::id(0), "another");
            lines.splice(0..0, again.into_bytes());
        }
        let answer = system.client().post("/api/v1/ingest/events?wait=verdict", &lines).unwrap().json();
        let answers = answer["events"].as_array().unwrap().clone();
        answers
            .into_iter()
            .skip(usize::from(other_id))
            .map(|answer| answer["verdict"].clone())
            .collect::<Vec<_>>()
    };
    let events: Vec<u64> = (0..1_000).collect();
    let once = verdicts(&events, false);
    assert_eq!(once, verdicts(&events, false));
    assert_ne!(once, verdicts(&events, true));
}
