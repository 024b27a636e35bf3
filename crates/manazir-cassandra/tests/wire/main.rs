//! What goes over the wire, by the real client to a node within the process: the contract, the bytes that an older
//! reader finds, answers that are lost, and what is refused. That Cassandra does with it what the node does is not shown
//! by this.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod node;

use std::collections::HashMap;
use std::sync::Mutex;

use manazir_cassandra::Cassandra;
use manazir_rollup::contract::{self, key, row, shape, text};
use manazir_rollup::memory::InMemory;
use manazir_rollup::{Destination, Error, KeyType, Shape};

use node::{Fate, Node, PASSWORD};

fn open(node: &Node, exact: &InMemory, shape: Shape) -> Cassandra {
    Cassandra::open(&node.url(), shape, Box::new(exact.clone())).unwrap()
}

fn fresh(node: &Node) -> (InMemory, Cassandra) {
    let shape = shape("karma", KeyType::Integer);
    let exact = InMemory::new(shape.clone());
    let cassandra = open(node, &exact, shape);
    (exact, cassandra)
}

/// An error and all that it comes from.
fn all_of(error: &Error) -> String {
    let mut said = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(deeper) = source {
        said.push_str(&format!(": {deeper}"));
        source = deeper.source();
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept_over_the_wire() {
    let node = Node::start();
    let opened: Mutex<HashMap<String, InMemory>> = Mutex::default();
    contract::check(async |shape: Shape| {
        let new = || InMemory::new(shape.clone());
        let exact = opened.lock().unwrap().entry(shape.name.clone()).or_insert_with(new).clone();
        open(&node, &exact, shape)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_reader_finds_the_counters_that_it_knows() {
    let node = Node::start();
    let (_, cassandra) = fresh(&node);
    cassandra.prepare(&[key("2", "two"), key("1", "R1'; DROP")]).await.unwrap();
    let rows = [row(0, "1", 0, 50), row(1, "1", 3, 400), row(2, "1", 0, -51), row(3, "3", 1, 100)];
    assert_eq!(cassandra.count(&rows).await.unwrap(), 4);
    assert_eq!(
        node.rows("karma_distribution"),
        [
            "1 critical_sum=400 high_sum=0 medium_sum=0 minor_sum=-1",
            "2 critical_sum=0 high_sum=0 medium_sum=0 minor_sum=0",
            "3 critical_sum=0 high_sum=0 medium_sum=100 minor_sum=0",
        ]
    );
    assert_eq!(node.rows("karma_totals"), ["1 hits=3 karma=399", "2 hits=0 karma=0", "3 hits=1 karma=100"]);
    assert_eq!(node.rows("karma_distribution_names"), ["1 cs_name=\"R1'; DROP\"", "2 cs_name=\"two\""]);
    // KP-W11: a rename splits nobody.
    cassandra.prepare(&[key("2", "zwei")]).await.unwrap();
    assert_eq!(node.rows("karma_distribution_names")[1], "2 cs_name=\"zwei\"");
    assert_eq!(node.rows("karma_distribution").len(), 3);
    // Quorum, always.
    assert!(node.levels().iter().all(|level| *level == 4));
    // Nothing is added where nothing is lacking.
    node.additions();
    assert_eq!(cassandra.count(&rows).await.unwrap(), 0);
    assert_eq!(node.additions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn within_one_data_centre_its_majority_is_enough() {
    let node = Node::start();
    let shape = shape("karma", KeyType::Integer);
    let url = node.url() + "?datacenter=tests";
    let cassandra = Cassandra::open(&url, shape.clone(), Box::new(InMemory::new(shape))).unwrap();
    cassandra.prepare(&[key("1", "one")]).await.unwrap();
    assert!(node.levels().iter().all(|level| *level == 6));
}

/// The client must not send an addition again by itself, and whoever repeats the batch must not add twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_addition_whose_answer_is_lost_is_made_once() {
    for fate in [Fate::MadeButTimedOut, Fate::TimedOut, Fate::Unavailable, Fate::MadeButDropped] {
        let node = Node::start();
        let (exact, cassandra) = fresh(&node);
        cassandra.prepare(&[]).await.unwrap();
        node.additions();
        node.fates(&[fate]);
        let rows = [row(0, "1", 0, 50)];
        let error = cassandra.count(&rows).await.unwrap_err();
        assert!(matches!(error, Error::Away(..)), "{fate:?}: {}", all_of(&error));
        // One for each table of counters; after the connection ended the second cannot be sent.
        assert!(node.additions() <= 2, "{fate:?}");
        let told = loop {
            match cassandra.count(&rows).await {
                Ok(told) => break told,
                Err(error) => assert!(matches!(error, Error::Away(..)), "{fate:?}: {}", all_of(&error)),
            }
        };
        assert_eq!(told, 1, "{fate:?}");
        let totals = cassandra.totals().await.unwrap();
        assert_eq!(text(&totals), text(&exact.totals().await.unwrap()), "{fate:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_shown_to_the_cluster_and_to_nobody_else() {
    let node = Node::start_with_login();
    let shape = shape("karma", KeyType::Integer);
    let open = |login: &str| {
        let url = node.url().replace("//", &format!("//{login}"));
        Cassandra::open(&url, shape.clone(), Box::new(InMemory::new(shape.clone()))).unwrap()
    };
    let right = open(&format!("ann:{PASSWORD}@"));
    right.prepare(&[key("1", "one")]).await.unwrap();
    assert!(format!("{right:?}").starts_with("`karma` in Cassandra at 127.0.0.1:"), "{right:?}");
    for login in ["", &format!("ann:{PASSWORD}x@"), &format!("ben:{PASSWORD}@")] {
        let error = open(login).prepare(&[]).await.unwrap_err();
        let said = all_of(&error);
        assert!(matches!(error, Error::Refused(..)), "{said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_form_is_refused_at_the_start() {
    let node = Node::start();
    node.make("karma_distribution");
    let (exact, cassandra) = fresh(&node);
    let error = cassandra.prepare(&[key("1", "one")]).await.unwrap_err();
    assert!(matches!(error, Error::Refused(..)) && all_of(&error).contains("Undefined column"), "{error:?}");
    assert!(node.rows("karma_distribution").is_empty());
    drop(exact);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_away_is_waited_for() {
    // A port that nobody listens to.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let shape = shape("karma", KeyType::Integer);
    let url = format!("cassandra://ann:{PASSWORD}@127.0.0.1:{port}/karma");
    let cassandra = Cassandra::open(&url, shape.clone(), Box::new(InMemory::new(shape))).unwrap();
    let error = cassandra.prepare(&[]).await.unwrap_err();
    assert!(matches!(error, Error::Away(..)) && !all_of(&error).contains(PASSWORD), "{}", all_of(&error));
}
