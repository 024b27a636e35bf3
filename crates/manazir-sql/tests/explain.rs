//! The event graph and explanations, on a file and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::sync::atomic::{AtomicU32, Ordering};

use manazir_explain::contract::{self, all_events, event, sorted_dependencies};
use manazir_explain::mirror::EventGraphLog as _;
use manazir_explain::{EventGraphStore as _, Explanations as _};
use manazir_sql::Truth;
use manazir_testkit::postgres::Postgres;
use tempfile::TempDir;

/// A file in the folder that is another one each time; the files of one that was closed are fewer.
async fn sqlite(folder: &TempDir) -> Truth {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let file = folder.path().join(format!("{}.db", OPENED.fetch_add(1, Ordering::Relaxed)));
    Truth::open(&format!("sqlite://{}", file.display())).await.unwrap()
}

#[tokio::test]
async fn the_event_graph_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    contract::check_event_graph(async || sqlite(&folder).await).await;
    contract::check_log(async || sqlite(&folder).await).await;
}

#[tokio::test]
async fn explanations_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    contract::check_explanations(async || sqlite(&folder).await).await;
}

#[tokio::test]
async fn the_event_graph_needs_postgres() {
    let server = Postgres::start();
    contract::check_event_graph(async || Truth::open(&server.database()).await.unwrap()).await;
    contract::check_log(async || Truth::open(&server.database()).await.unwrap()).await;
}

#[tokio::test]
async fn explanations_needs_postgres() {
    let server = Postgres::start();
    contract::check_explanations(async || Truth::open(&server.database()).await.unwrap()).await;
}

/// Several machines write at once: nobody is refused, and no number is seen after a larger one was.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_several_writers_are_seen_in_their_order_needs_postgres() {
    let server = Postgres::start();
    let url = server.url();
    let truth = Truth::open(&url).await.unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer: i64| {
            let url = url.clone();
            tokio::spawn(async move {
                let truth = Truth::connect(&url).await.unwrap();
                for round in 0..20 {
                    let own = event(&format!("{writer}-{round}"), round, round);
                    truth.add_events(&[own, event("shared", 0, writer * 20 + round)]).await.unwrap();
                    let own = contract::dependency("a", "b", round * 10 + writer, round * 10 + writer + 1);
                    truth.add_dependencies(&[own]).await.unwrap();
                }
            })
        })
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut last = 0;
    let mut running = true;
    while running {
        running = writers.iter().any(|writer| !writer.is_finished());
        for (seq, event) in truth.events_after(last, 7).await.unwrap() {
            last = seq;
            seen.insert(event.id);
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let rest = truth.events_after(last, 1_000).await.unwrap();
    seen.extend(rest.into_iter().map(|(_, event)| event.id));
    let all = all_events(&truth).await;
    assert_eq!(all.len(), 81);
    assert!(all.iter().all(|event| seen.contains(&event.id)), "a follower missed some");
    // Twenty spans of four seconds, told by four.
    assert_eq!(sorted_dependencies(&truth).await.len(), 20);
}

/// The tables came after others of a larger number: a database that has those gets these.
#[tokio::test]
async fn an_older_database_gets_the_tables_needs_postgres() {
    let server = Postgres::start();
    let truth = Truth::open(&server.url()).await.unwrap();
    let Truth::Postgres(pool) = &truth else { unreachable!("it is one") };
    sqlx::raw_sql(
        "DELETE FROM _sqlx_migrations WHERE version = 4; \
         DROP TABLE graph_events, graph_dependencies, explanation_verdicts, explanation_answers, explanations; \
         DELETE FROM counters WHERE name IN \
         ('graph_events', 'graph_dependencies', 'explanations', 'explanation_verdicts')",
    )
    .execute(pool)
    .await
    .unwrap();
    assert!(truth.verdicts(1).await.is_err());
    let truth = Truth::open(&server.url()).await.unwrap();
    truth.add_events(&[event("e", 1, 2)]).await.unwrap();
    assert_eq!(truth.verdicts(1).await.unwrap(), []);
}
