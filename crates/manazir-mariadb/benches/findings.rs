//! What a MariaDB with its disk sync on takes: findings counted in batches, and one by one as a plain consumer does it,
//! one message, one UPDATE, one commit.
//!
//! ```console
//! cargo bench -p manazir-mariadb --bench findings
//! ```

#![allow(clippy::print_stdout, reason = "a benchmark talks to a terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::time::{Duration, Instant};

use manazir_mariadb::MariaDb;
use manazir_rollup::contract::{key, row, shape};
use manazir_rollup::{Destination as _, KeyType, Row};
use manazir_testkit::mariadb;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

const PEOPLE: u64 = 10_000;
const ROWS: u64 = 100_000;
const BATCH: usize = 5_000;

/// How long single findings are counted.
const SECONDS: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let server = mariadb::MariaDb::start_with(&["--innodb-flush-log-at-trx-commit=1"]);
    let url = server.url();
    let destination = MariaDb::open(&url, shape("findings", KeyType::Integer)).unwrap();
    let people: Vec<_> = (0..PEOPLE).map(|person| key(&person.to_string(), "someone")).collect();
    destination.prepare(&people).await.unwrap();
    let rows: Vec<Row> = (0..ROWS).map(finding).collect();
    let batched = in_batches(&destination, &rows).await;
    let repeated = in_batches(&destination, &rows).await;
    let single = one_by_one(&url, &rows).await;
    println!("| findings of {PEOPLE} people | a second | ratio |");
    println!("|---|---|---|");
    println!("| one message, one UPDATE, one commit | {single:.0} | 1 |");
    println!("| new, in batches of {BATCH} | {batched:.0} | {:.0} |", batched / single);
    println!("| delivered again, in batches of {BATCH} | {repeated:.0} | {:.0} |", repeated / single);
}

/// People come in an order that no index likes.
fn finding(position: u64) -> Row {
    let person = position.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    row(position, &(person % PEOPLE).to_string(), (person % 4) as u16, 50)
}

/// Findings a second.
async fn in_batches(destination: &MariaDb, rows: &[Row]) -> f64 {
    let began = Instant::now();
    for batch in rows.chunks(BATCH) {
        destination.count(batch).await.unwrap();
    }
    rows.len() as f64 / began.elapsed().as_secs_f64()
}

/// Findings a second: each one statement that commits by itself, and nothing remembered of it.
async fn one_by_one(url: &str, rows: &[Row]) -> f64 {
    let shape = shape("findings", KeyType::Integer);
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let began = Instant::now();
    let mut counted = 0;
    for row in rows {
        if began.elapsed() > SECONDS {
            break;
        }
        let sum = &shape.sums[usize::from(row.category)];
        let update = format!("UPDATE `{}` SET `{sum}` = `{sum}` + ? WHERE `cs_id` = ?", shape.table);
        let query = sqlx::query(AssertSqlSafe(update)).bind(row.amount).bind(row.key.parse::<i64>().unwrap());
        let done = query.execute(&mut connection).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
        counted += 1;
    }
    f64::from(counted) / began.elapsed().as_secs_f64()
}
