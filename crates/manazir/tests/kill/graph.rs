//! The event graph in the truth, against the events that were judged.

use std::time::{Duration, Instant};

use manazir_sql::Truth;
use manazir_testkit::events;

/// Each deployment among the events stands there once, and nothing else does. The truth of one process follows its
/// store: what is not there yet must come.
pub(crate) fn check(truth: &str, judged: &[u64]) {
    let mut expected: Vec<String> =
        judged.iter().copied().filter(|event| deploys(*event)).map(graph_id).collect();
    expected.sort();
    assert!(!expected.is_empty(), "some of the events are deployments");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let stored = runtime.block_on(stored(truth));
        if stored == expected {
            return;
        }
        assert!(stored.len() <= expected.len(), "{} of {} events", stored.len(), expected.len());
        assert!(
            Instant::now() < until,
            "{} of {} events of the graph are there",
            stored.len(),
            expected.len()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn graph_id(event: u64) -> String {
    format!("plain/{}", events::id(event))
}

/// True for what changes something of the service `deploy`.
fn deploys(event: u64) -> bool {
    let line = String::from_utf8(events::lines([event])).unwrap();
    ["deploy:Put", "deploy:Update", "deploy:Delete"].iter().any(|deed| line.contains(deed))
}

async fn stored(truth: &str) -> Vec<String> {
    const SELECT: &str = "SELECT id FROM graph_events ORDER BY id";
    let truth = Truth::connect(truth).await.unwrap();
    let rows: Vec<(String,)> = match &truth {
        Truth::Sqlite { reader, .. } => sqlx::query_as(SELECT).fetch_all(reader).await.unwrap(),
        Truth::Postgres(pool) => sqlx::query_as(SELECT).fetch_all(pool).await.unwrap(),
    };
    truth.close().await;
    let mut ids: Vec<String> = rows.into_iter().map(|row| row.0).collect();
    // A database may sort texts otherwise.
    ids.sort();
    ids
}
