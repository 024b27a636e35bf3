//! Findings a second that a real Redis counts, with each change on its disk before it answers: ours, and one message at
//! a time as the original did it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends at the first surprise"
)]

use std::time::{Duration, Instant};

use manazir_redis::Redis;
use manazir_rollup::contract::{key, row, shape};
use manazir_rollup::{Destination, Key, KeyType, Row};
use manazir_testkit::redis::Redis as Server;
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;

const PEOPLE: u64 = 10_000;
const FINDINGS: u64 = 200_000;
const BATCH: usize = 5_000;
/// How long the original's way is looked at.
const LOOK: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let server = Server::start();
    let mut connection =
        redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let ours = batches(&server).await;
    let memory: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap();
    let memory = memory.lines().find_map(|line| line.strip_prefix("used_memory_human:")).unwrap().to_owned();
    let original = one_by_one(&mut connection).await;
    println!("{:<34}{:>12}", "", "findings/s");
    println!("{:<34}{ours:>12.0}", format!("batches of {BATCH}, {PEOPLE} people"));
    println!("{:<34}{original:>12.0}", "one at a time, as the original");
    println!("{:<34}{:>12.1}", "ratio", ours / original);
    println!("{:<34}{memory:>12}", format!("memory after {FINDINGS} findings"));
}

/// Findings a second, prepared before and checked after.
async fn batches(server: &Server) -> f64 {
    let redis = Redis::open(&server.url(), shape("findings", KeyType::Integer)).await.unwrap();
    let people: Vec<Key> = (0..PEOPLE).map(|id| key(&id.to_string(), &format!("person {id}"))).collect();
    redis.prepare(&people).await.unwrap();
    // Whoever finds is spread over all people: no key comes twice in a batch more often than by chance.
    let person = |at: u64| at.wrapping_mul(0x9E37_79B9_7F4A_7C15) % PEOPLE;
    let rows: Vec<Row> =
        (0..FINDINGS).map(|at| row(at, &person(at).to_string(), (at % 4) as u16, 50)).collect();
    let began = Instant::now();
    for batch in rows.chunks(BATCH) {
        redis.count(batch).await.unwrap();
    }
    let took = began.elapsed();
    let counted: u64 = redis.totals().await.unwrap().iter().map(|total| total.count).sum();
    assert_eq!(counted, FINDINGS);
    FINDINGS as f64 / took.as_secs_f64()
}

/// Three questions and one addition a message, each awaited.
async fn one_by_one(connection: &mut MultiplexedConnection) -> f64 {
    for id in 0..PEOPLE {
        let () = connection.hset("vulnerability_cs", id, id).await.unwrap();
        let () = connection.hset("vulnerability_sev", id, id % 4).await.unwrap();
    }
    for (id, points) in [50, 100, 500, 1_000].into_iter().enumerate() {
        let () = connection.hset("severity", id, points).await.unwrap();
    }
    let began = Instant::now();
    let mut counted = 0;
    while began.elapsed() < LOOK {
        let vulnerability = counted % PEOPLE;
        let person: u64 = connection.hget("vulnerability_cs", vulnerability).await.unwrap();
        let severity: u64 = connection.hget("vulnerability_sev", vulnerability).await.unwrap();
        let points: i64 = connection.hget("severity", severity).await.unwrap();
        let _: i64 = connection.hincr("output", format!("{person}_{severity}"), points).await.unwrap();
        counted += 1;
    }
    counted as f64 / began.elapsed().as_secs_f64()
}
