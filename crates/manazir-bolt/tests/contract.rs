//! The event graph on a real graph database: ArcadeDB, or whatever `MANAZIR_TEST_BOLT_URL` names. Everything in that one
//! is deleted.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::error::Error as _;

use manazir_bolt::BoltGraph;
use manazir_explain::contract::{self, all_events, dependency, event, sorted_dependencies};
use manazir_explain::memory::InMemoryGraph;
use manazir_explain::mirror::{EventGraphCopy as _, Place, follow};
use manazir_explain::{Error, EventGraphStore};
use manazir_testkit::arcadedb::ArcadeDb;
use neo4rs::query;

use crate::client::client;
use crate::server::Server;

#[path = "bolt/client.rs"]
mod client;
#[path = "bolt/server.rs"]
mod server;

/// A graph in which nothing is.
async fn graph(server: &Server) -> BoltGraph {
    BoltGraph::open(&server.empty().await).await.unwrap()
}

#[tokio::test]
async fn the_event_graph_needs_arcadedb() {
    let server = Server::start();
    contract::check_event_graph(async || graph(&server).await).await;
}

#[tokio::test]
async fn copies_need_arcadedb_needs_arcadedb() {
    let server = Server::start();
    contract::check_copy(async || graph(&server).await).await;
}

/// What people see who look with a client of their own.
#[tokio::test]
async fn the_graph_is_one_of_nodes_and_relationships_needs_arcadedb() {
    let server = Server::start();
    let url = server.empty().await;
    let graph = BoltGraph::open(&url).await.unwrap();
    let names = |id: &str, entity: &str, target: Option<&str>| manazir_model::GraphEvent {
        entity: entity.to_owned(),
        target: target.map(str::to_owned),
        ..event(id, 10, 20)
    };
    graph.add_events(&[names("slow", "shop", None), names("deploy", "ci", Some("db"))]).await.unwrap();
    graph
        .add_events(&[manazir_model::GraphEvent { severity: 1.0, ..names("slow", "shop", None) }])
        .await
        .unwrap();
    graph
        .add_dependencies(&[dependency("shop", "db", 0, i64::MAX), dependency("shop", "db", -9, -5)])
        .await
        .unwrap();
    // The question of the reference.
    let page = include_str!("../../../docs/reference/event-graph.md");
    let question = page.split("```cypher\n").nth(1).unwrap().split("```").next().unwrap();
    let client = client(&url);
    let ask = async |event: &str| {
        let mut rows = client.execute(query(question).param("event", event)).await.unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().await.unwrap() {
            found.push((
                row.get::<String>("cause.name").unwrap(),
                row.get::<String>("change.sentence").unwrap(),
            ));
        }
        found
    };
    assert_eq!(ask("slow").await, [("db".to_owned(), "deploy is slow".to_owned())]);
    assert_eq!(ask("deploy").await, []);
    // Each is there once, also what was seen twice.
    let count = query("MATCH (:Event {id: 'slow', severity: 1.0})-[r]->(:Entity) RETURN count(r) AS links");
    let row = client.execute(count).await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(row.get::<i64>("links").unwrap(), 1);
    // What is forgotten leaves no entities behind.
    graph.end_dependency("shop", "db", "given", manazir_model::Timestamp(0)).await.unwrap();
    while graph.forget(manazir_model::Timestamp::from_seconds(100), 10).await.unwrap() > 0 {}
    let mut left = client.execute(query("MATCH (n) RETURN labels(n)[0] AS label")).await.unwrap();
    assert_eq!(left.next().await.unwrap().unwrap().get::<String>("label").unwrap(), "ManazirCopy");
    assert!(left.next().await.unwrap().is_none());
}

/// Several writers at once: whoever loses begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn several_may_write_needs_arcadedb() {
    let server = Server::start();
    let url = server.empty().await;
    let writers: Vec<_> = (0..3_i64)
        .map(|writer| {
            let url = url.clone();
            tokio::spawn(async move {
                let graph = BoltGraph::open(&url).await.unwrap();
                for round in 0..8 {
                    let events = [event(&format!("{writer} {round}"), 1, 2), event("all", 0, round)];
                    // One who lost too often is told that the same again may work.
                    while let Err(error) = graph.add_events(&events).await {
                        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let graph = BoltGraph::open(&url).await.unwrap();
    let all = all_events(&graph).await;
    assert_eq!(all.len(), 25);
    assert_eq!(all[0].until, manazir_model::Timestamp::from_seconds(7));
}

#[tokio::test]
async fn a_server_that_was_away_comes_back_needs_arcadedb() {
    let mut server = ArcadeDb::start();
    let (truth, copy) = (InMemoryGraph::default(), BoltGraph::open(&server.url()).await.unwrap());
    truth.add_events(&[event("a", 1, 2)]).await.unwrap();
    assert_eq!(follow(&truth, &copy, 100).await.unwrap(), 1);
    server.kill();
    truth.add_events(&[event("a", 1, 3), event("b", 2, 3)]).await.unwrap();
    truth.add_dependencies(&[dependency("a", "b", 0, 9)]).await.unwrap();
    for _ in 0..3 {
        let away = follow(&truth, &copy, 100).await.unwrap_err();
        assert!(matches!(away, Error::Unreachable { what: "graph database", .. }), "{away:?}");
    }
    // Whoever begins now begins without it.
    let begun = BoltGraph::new(&server.url()).unwrap();
    assert!(matches!(begun.place().await, Err(Error::Unreachable { .. })));
    assert!(matches!(BoltGraph::open(&server.url()).await, Err(Error::Unreachable { .. })));
    server.restart();
    assert_eq!(copy.place().await.unwrap(), Place { events: 1, dependencies: 0 });
    assert_eq!(follow(&truth, &copy, 100).await.unwrap(), 3);
    assert_eq!(all_events(&begun).await, all_events(&truth).await);
    assert_eq!(sorted_dependencies(&begun).await, sorted_dependencies(&truth).await);
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such_needs_arcadedb() {
    let server = ArcadeDb::start();
    let refused = BoltGraph::open(&server.url_as("s3cr3t")).await.unwrap_err();
    assert!(matches!(refused, Error::Store(_)), "{refused:?}");
    let why = refused.source().unwrap().to_string();
    assert!(why.starts_with("graph database at 127.0.0.1:"), "{why}");
    assert!(why.contains(" refuses the name or the password: "), "{why}");
    assert!(!format!("{refused:?}").contains("s3cr3t"));
    let graph = BoltGraph::new(&server.url_as("s3cr3t")).unwrap();
    assert!(!format!("{graph:?}").contains("s3cr3t"));
    // A database that is not there is none that is away.
    let other = server.url().replace("/manazir", "/nowhere");
    let missing = BoltGraph::open(&other).await.unwrap_err();
    assert!(matches!(missing, Error::Store(_)), "{missing:?}");
}
