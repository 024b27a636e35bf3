//! Findings a second that a real Redis counts, with each change on its disk before it answers: ours, and one message at
//! a time as the original did it.
//!
//! `cargo bench -p manazir-redis --bench findings`

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use manazir_redis::Redis;
use manazir_rollup::KeyType;
use manazir_rollup::contract::{load, shape};
use manazir_testkit::redis::Redis as Server;
use redis::AsyncCommands as _;

#[tokio::main]
async fn main() {
    let server = Server::start();
    let destination = Redis::open(&server.url(), shape("findings", KeyType::Integer)).await.unwrap();
    let batches = load::in_batches(&destination).await;
    let mut connection =
        redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    for id in 0..load::PEOPLE {
        let () = connection.hset("vulnerability_cs", id, id).await.unwrap();
        let () = connection.hset("vulnerability_sev", id, id % 4).await.unwrap();
    }
    for (id, points) in [50, 100, 500, 1_000].into_iter().enumerate() {
        let () = connection.hset("severity", id, points).await.unwrap();
    }
    // Three questions and one addition a message, each awaited.
    let single = load::one_by_one(async |row| {
        let person: u64 = connection.hget("vulnerability_cs", &*row.key).await.unwrap();
        let severity: u64 = connection.hget("vulnerability_sev", &*row.key).await.unwrap();
        let points: i64 = connection.hget("severity", severity).await.unwrap();
        let _: i64 = connection.hincr("output", format!("{person}_{severity}"), points).await.unwrap();
    });
    println!("{}", load::line("Redis", batches, single.await));
}
