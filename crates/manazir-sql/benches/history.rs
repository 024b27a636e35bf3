//! How fast findings go into a table with its history, and how long the table as of a time takes.
//!
//! ```text
//! cargo bench -p manazir-sql --bench history            # 10,000,000 findings of 10,000 people, on SQLite
//! cargo bench -p manazir-sql --bench history -- 1000000 postgres
//! ```
//!
//! One finding in twenty happened up to a day earlier than its place says. Each table is asked for at times drawn from all
//! of the stream.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::time::{Duration, Instant};

use manazir_model::{Random, Timestamp};
use manazir_rollup::contract::{key, load, row, shape};
use manazir_rollup::{AsOf, Destination as _, History as _, Key, KeyType, Raw, Row};
use manazir_sql::{RollupTable, Truth};
use manazir_testkit::postgres::Postgres;

const BATCH: u64 = 50_000;
const ASKED: usize = 40;

/// A finding every three seconds, as a line of the example.
fn finding(random: &mut Random, position: u64) -> Row {
    let late = if random.below(20) == 0 { random.below(86_400) as i64 } else { 0 };
    let (at, person) = (1_700_000_000 + 3 * position as i64, random.below(load::PEOPLE as usize));
    let line = format!("{position},2026-03-02 01:23:45,{}", random.below(20_000));
    Row {
        at: Timestamp::from_seconds(at - late),
        known_at: Timestamp::from_seconds(at),
        raw: Raw::Line(line.as_bytes().into()),
        ..row(position, &person.to_string(), random.below(4) as u16, 50)
    }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let findings: u64 = arguments.next().map_or(10_000_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let server = arguments.next().map(|_| Postgres::start_with(&["fsync=on", "shared_buffers=128MB"]));
    let file = format!("sqlite://{}", folder.path().join("totals.db").display());
    let url = server.as_ref().map_or(file, Postgres::url);
    let table =
        RollupTable::new(&Truth::connect(&url).await.unwrap(), &shape("karma", KeyType::Integer)).unwrap();
    let people: Vec<Key> = (0..load::PEOPLE).map(|id| key(&id.to_string(), "somebody")).collect();
    table.prepare(&people).await.unwrap();
    table.name(&people, Timestamp::from_seconds(0)).await.unwrap();

    let mut random = Random::new(2028);
    let mut spent = Duration::ZERO;
    for first in (0..findings).step_by(BATCH as usize) {
        let rows: Vec<Row> =
            (first..(first + BATCH).min(findings)).map(|position| finding(&mut random, position)).collect();
        let begun = Instant::now();
        table.count(&rows).await.unwrap();
        spent += begun.elapsed();
    }
    println!("counted: {:.0} findings/s in batches of {BATCH}", findings as f64 / spent.as_secs_f64());
    if server.is_none() {
        let bytes = std::fs::metadata(folder.path().join("totals.db")).unwrap().len();
        println!("on disk: {:.1} bytes a finding", bytes as f64 / findings as f64);
    }
    let end = 1_700_000_000 + 3 * findings as usize;
    for clock in ["at", "known_at", "both"] {
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..ASKED {
            let time =
                Some(Timestamp::from_seconds(1_700_000_000 + random.below(end - 1_700_000_000) as i64));
            let as_of =
                AsOf { at: time.filter(|_| clock != "known_at"), known_at: time.filter(|_| clock != "at") };
            let begun = Instant::now();
            assert!(table.as_of(as_of).await.unwrap().len() >= load::PEOPLE as usize);
            took.push(begun.elapsed());
        }
        took.sort();
        let millis = |index: usize| took[index].as_secs_f64() * 1e3;
        println!(
            "table of {} people as of a time ({clock}): median {:.1} ms, longest {:.1} ms",
            load::PEOPLE,
            millis(ASKED / 2),
            millis(ASKED - 1)
        );
    }
}
