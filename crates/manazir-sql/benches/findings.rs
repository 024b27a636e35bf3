//! Findings a second into the tables of a rollup: batches as [`RollupTable`] counts them, against one message, one
//! `UPDATE`, one commit.
//!
//! `cargo bench -p manazir-sql --bench findings`
//!
//! PostgreSQL, a server of its own, and SQLite wait for the disk at each commit. Batches count each finding once; single
//! updates do not know what they counted.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use manazir_rollup::contract::{load, shape};
use manazir_rollup::{KeyType, Row};
use manazir_sql::{RollupTable, Truth};
use manazir_testkit::postgres::Postgres;

#[tokio::main]
async fn main() {
    let server = Postgres::start_with(&["fsync=on", "shared_buffers=128MB"]);
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("totals.db").display());
    for (name, url) in [("PostgreSQL", server.url()), ("SQLite", file)] {
        let truth = Truth::connect(&url).await.unwrap();
        let table = RollupTable::new(&truth, &shape("karma", KeyType::Integer)).unwrap();
        let batches = load::in_batches(&table).await;
        let single = load::one_by_one(async |row| update(&truth, &row).await.unwrap()).await;
        println!("{}", load::line(name, batches, single));
    }
}

async fn update(truth: &Truth, row: &Row) -> sqlx::Result<()> {
    const UPDATE: &str = "UPDATE karma_distribution SET minor_sum = minor_sum + 50 WHERE cs_id = $1";
    let person = row.key.parse::<i64>().unwrap();
    match truth {
        Truth::Sqlite { writer, .. } => sqlx::query(UPDATE).bind(person).execute(writer).await.map(drop),
        Truth::Postgres(pool) => sqlx::query(UPDATE).bind(person).execute(pool).await.map(drop),
    }
}
