//! What a MariaDB with its disk sync on takes: findings counted in batches, and one by one as a plain consumer does it,
//! one message, one UPDATE, one commit.
//!
//! `cargo bench -p manazir-mariadb --bench findings`

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use manazir_mariadb::MariaDb;
use manazir_rollup::KeyType;
use manazir_rollup::contract::{load, shape};
use manazir_testkit::mariadb;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

#[tokio::main]
async fn main() {
    let server = mariadb::MariaDb::start_with(&["--innodb-flush-log-at-trx-commit=1"]);
    let url = server.url();
    let shape = shape("findings", KeyType::Integer);
    let batches = load::in_batches(&MariaDb::open(&url, shape.clone()).unwrap()).await;
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    let single = load::one_by_one(async |row| {
        let sum = &shape.sums[usize::from(row.category)];
        let update = format!("UPDATE `{}` SET `{sum}` = `{sum}` + ? WHERE `cs_id` = ?", shape.table);
        let query = sqlx::query(AssertSqlSafe(update)).bind(row.amount).bind(row.key.parse::<i64>().unwrap());
        let done = query.execute(&mut connection).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    });
    println!("{}", load::line("MariaDB", batches, single.await));
}
