//! Findings a second into the tables of a rollup: batches as [`RollupTable`] counts them, against one message, one
//! `UPDATE`, one commit.
//!
//! `cargo bench -p manazir-sql --bench findings`
//!
//! PostgreSQL, a server of its own, and SQLite wait for the disk at each commit. Batches count each finding once; single
//! updates do not know what they counted.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::time::{Duration, Instant};

use manazir_model::Random;
use manazir_rollup::contract::{key, row, shape};
use manazir_rollup::{Destination, Key, KeyType, Row};
use manazir_sql::{RollupTable, Truth};
use manazir_testkit::postgres::Postgres;

const PEOPLE: usize = 10_000;
const FINDINGS: u64 = 100_000;
const BATCH: usize = 5_000;

/// How long single updates are counted.
const SINGLE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let server = Postgres::start_with(&["fsync=on", "shared_buffers=128MB"]);
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("totals.db").display());
    println!("{FINDINGS} findings of {PEOPLE} people, batches of {BATCH}; findings a second");
    println!("{:<12}{:>10}{:>10}{:>8}", "", "batches", "single", "ratio");
    for (name, url) in [("PostgreSQL", server.url()), ("SQLite", file)] {
        let truth = Truth::connect(&url).await.unwrap();
        let (batches, single) = (in_batches(&truth).await, one_by_one(&truth).await);
        println!("{name:<12}{batches:>10.0}{single:>10.0}{:>8.0}", batches / single);
    }
}

fn findings() -> Vec<Row> {
    let mut random = Random::new(1);
    (0..FINDINGS).map(|at| row(at, &random.below(PEOPLE).to_string(), random.below(4) as u16, 50)).collect()
}

async fn in_batches(truth: &Truth) -> f64 {
    let table = RollupTable::new(truth, &shape("karma", KeyType::Integer)).unwrap();
    let people: Vec<Key> = (0..PEOPLE).map(|id| key(&id.to_string(), "somebody")).collect();
    table.prepare(&people).await.unwrap();
    let findings = findings();
    let begun = Instant::now();
    for batch in findings.chunks(BATCH) {
        table.count(batch).await.unwrap();
    }
    FINDINGS as f64 / begun.elapsed().as_secs_f64()
}

async fn one_by_one(truth: &Truth) -> f64 {
    let mut random = Random::new(2);
    let begun = Instant::now();
    let mut updates = 0.0;
    while begun.elapsed() < SINGLE {
        update(truth, random.below(PEOPLE) as i64).await.unwrap();
        updates += 1.0;
    }
    updates / begun.elapsed().as_secs_f64()
}

async fn update(truth: &Truth, person: i64) -> sqlx::Result<()> {
    const UPDATE: &str = "UPDATE karma_distribution SET minor_sum = minor_sum + 50 WHERE cs_id = $1";
    match truth {
        Truth::Sqlite { writer, .. } => sqlx::query(UPDATE).bind(person).execute(writer).await.map(drop),
        Truth::Postgres(pool) => sqlx::query(UPDATE).bind(person).execute(pool).await.map(drop),
    }
}
