//! The event graph with a million events: how fast they are written, and how long a window of an hour takes.
//!
//! `cargo bench -p manazir-sql --bench graph`
//!
//! PostgreSQL, a server of its own, and SQLite wait for the disk at each commit. One event a second; one in a hundred is
//! an hour long, one in ten thousand a week.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::time::Instant;

use manazir_explain::contract::{between, dependency, event};
use manazir_explain::{EventGraphStore as _, EventQuery};
use manazir_model::{Dependency, GraphEvent};
use manazir_sql::Truth;
use manazir_testkit::postgres::Postgres;

const EVENTS: i64 = 1_000_000;
const BATCH: i64 = 1_000;
const HOUR: i64 = 3_600;

fn some(first: i64) -> Vec<GraphEvent> {
    let length = |n: i64| match n {
        n if n % 10_000 == 0 => 7 * 24 * HOUR,
        n if n % 100 == 0 => HOUR,
        n => n % 50,
    };
    (first..first + BATCH).map(|n| event(&format!("event {n}"), n, n + length(n))).collect()
}

#[tokio::main]
async fn main() {
    let server = Postgres::start_with(&["fsync=on", "shared_buffers=128MB"]);
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("truth.db").display());
    for (name, url) in [("PostgreSQL", server.url()), ("SQLite", file)] {
        let truth = Truth::open(&url).await.unwrap();
        let begun = Instant::now();
        for first in (0..EVENTS).step_by(BATCH as usize) {
            truth.add_events(&some(first)).await.unwrap();
        }
        let rate = EVENTS as f64 / begun.elapsed().as_secs_f64();
        println!("{name}: {rate:.0} new events a second, {BATCH} a call");
        let begun = Instant::now();
        for first in (0..EVENTS).step_by(EVENTS as usize / 20) {
            truth.add_events(&some(first)).await.unwrap();
        }
        let rate = (20 * BATCH) as f64 / begun.elapsed().as_secs_f64();
        println!("{name}: {rate:.0} events a second that were there already");
        for (where_, from) in
            [("at the beginning", 0), ("in the middle", EVENTS / 2), ("at the end", EVENTS - HOUR)]
        {
            let query = EventQuery { max: 5_000, ..between(from, from + HOUR) };
            let begun = Instant::now();
            let found = truth.events(&query).await.unwrap().len();
            println!("{name}: an hour {where_}, {found} events, in {:?}", begun.elapsed());
        }
        let spans = |round: i64| -> Vec<Dependency> {
            (0..BATCH).map(|n| dependency(&format!("s{n}"), "db", round * 10, round * 10 + 10)).collect()
        };
        let begun = Instant::now();
        for round in 0..50 {
            truth.add_dependencies(&spans(round)).await.unwrap();
        }
        let rate = (50 * BATCH) as f64 / begun.elapsed().as_secs_f64();
        println!("{name}: {rate:.0} dependencies a second that still hold");
    }
}
