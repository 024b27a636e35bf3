//! Connections a second in batches and one at a time, and how long questions about them take.
//!
//! `cargo bench -p manazir-sql --bench connections`
//!
//! PostgreSQL, a server of its own, and SQLite wait for the disk at each commit. A batch connects one person with 5,000;
//! all questions are answered from SQL, of a population that is as uneven as people are.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::time::{Duration, Instant};

use manazir_model::{Random, Timestamp};
use manazir_people::contract::population::Population;
use manazir_people::{
    Act, Action, ConnectionLog as _, GraphStore as _, List, NewProfile, Page, PeopleStore as _,
    SuggestionQuery, UserId,
};
use manazir_sql::{SqlPeople, Truth};
use manazir_testkit::postgres::Postgres;

const PEOPLE: u32 = 10_000;

/// Contacts of one person, connected in one call.
const BATCH: u32 = 5_000;

/// People of whom each gets a batch.
const BATCHES: u32 = 6;

/// How long single connections are made.
const LOOK: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let server = Postgres::start_with(&["fsync=on", "shared_buffers=128MB"]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    let urls =
        [("PostgreSQL", server.database(), server.database()), ("SQLite", file("one.db"), file("two.db"))];
    for (name, writes, reads) in urls {
        let people = joined(name, &writes).await;
        write(name, &people).await;
        people.truth.close().await;
        let people = joined(name, &reads).await;
        ask(name, &people).await;
        people.truth.close().await;
    }
}

async fn joined(name: &str, url: &str) -> SqlPeople {
    let people = SqlPeople::new(Truth::open(url).await.unwrap());
    let begun = Instant::now();
    for number in 1..=u128::from(PEOPLE) {
        let public_id = uuid::Uuid::from_u128(number);
        let email = format!("user{number}@example.com");
        let (username, at) = (Some(format!("user{number}")), Timestamp(0));
        let new = NewProfile { public_id, username, name: None, email, affiliation: None, at };
        people.create(&new).await.unwrap();
    }
    println!(
        "{name}: {:.0} people join a second, one at a time",
        f64::from(PEOPLE) / begun.elapsed().as_secs_f64()
    );
    people
}

fn connect(by: u32, to: u32) -> Act {
    Act { by: UserId(by), to: UserId(to), action: Action::Connect, at: Timestamp(0) }
}

async fn write(name: &str, people: &SqlPeople) {
    let mut slowest = Duration::ZERO;
    let begun = Instant::now();
    for by in 1..=BATCHES {
        let acts: Vec<Act> = (0..BATCH).map(|n| connect(by, PEOPLE - BATCH + n + 1)).collect();
        let call = Instant::now();
        assert!(people.write(&acts).await.unwrap().iter().all(Result::is_ok));
        slowest = slowest.max(call.elapsed());
    }
    let batches = f64::from(BATCHES * BATCH) / begun.elapsed().as_secs_f64();
    let (mut random, mut made) = (Random::new(1), 0);
    let begun = Instant::now();
    while begun.elapsed() < LOOK {
        let (by, to) = (1 + random.below(4_000) as u32, 4_001 + random.below(1_000) as u32);
        made += u32::from(people.write(&[connect(by, to)]).await.unwrap()[0].is_ok());
    }
    let single = f64::from(made) / begun.elapsed().as_secs_f64();
    println!(
        "{name}: {batches:.0} connections/s in batches of {BATCH} of one person (slowest batch {slowest:.0?}), \
         {single:.0} one at a time, {:.0} times as many",
        batches / single
    );
}

async fn ask(name: &str, people: &SqlPeople) {
    let population = Population {
        people: PEOPLE as usize,
        mean_contacts: 100.0,
        hubs: 5,
        contacts_max: 2_000,
        ..Population::default()
    };
    let connections = population.connections();
    let begun = Instant::now();
    for some in connections.chunks(10_000) {
        let acts: Vec<Act> = some.iter().map(|(one, other)| connect(one.0, other.0)).collect();
        people.write(&acts).await.unwrap();
    }
    let rate = connections.len() as f64 / begun.elapsed().as_secs_f64();
    println!("{name}: {rate:.0} connections/s of a population of {PEOPLE}, {} of them", connections.len());
    let begun = Instant::now();
    let mut after = None;
    loop {
        let part = people.snapshot_after(after, 10_000).await.unwrap();
        let Some(last) = part.last() else { break };
        after = Some(*last);
    }
    println!("{name}: a snapshot of all that is read in {:?}", begun.elapsed());
    let (page, query) = (Page::default(), SuggestionQuery { max: 10, ..SuggestionQuery::default() });
    let mut random = Random::new(7);
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..500 {
        let (one, other) = (UserId(1 + random.below(9_999) as u32), UserId(1 + random.below(9_999) as u32));
        let begun = Instant::now();
        people.relation(one, other).await.unwrap();
        let relation = begun.elapsed();
        people.list(one, List::Contacts, &page).await.unwrap();
        let list = begun.elapsed();
        people.mutual(one, other, &page).await.unwrap();
        let mutual = begun.elapsed();
        people.suggestions(one, &query).await.unwrap();
        let all = [relation, list - relation, mutual - list, begun.elapsed() - mutual];
        times.iter_mut().zip(all).for_each(|(times, took)| times.push(took));
    }
    for (what, mut times) in
        ["relation", "page of contacts", "mutual contacts", "suggestions"].iter().zip(times)
    {
        times.sort_unstable();
        let [p50, p99] = [50, 99].map(|percent| times[times.len() * percent / 100]);
        println!("{name}: {what}: p50 {p50:.1?}, p99 {p99:.1?}");
    }
}
