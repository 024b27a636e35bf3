//! The contracts of the domains, on a file and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::collections::BTreeMap;

use manazir_auth::TokenStore as _;
use manazir_explain::contract::all_events;
use manazir_ingest::dead_letters::{DeadLetterFilter, DeadLetters};
use manazir_ingest::findings::{Feedback, FindingFilter, Findings, NewFinding, Opinion};
use manazir_ingest::projection::Projection;
use manazir_ingest::truth::contract;
use manazir_ingest::{Commit, DeadLetter, EventId, EventStore, Format, Judged, Lease, Message, Stored};
use manazir_model::{EventVerdict, Timestamp};
use manazir_sql::{Keeping, OpenError, PostgresEvents, Truth};
use manazir_testkit::postgres::Postgres;

async fn sqlite() -> (tempfile::TempDir, Truth) {
    let folder = tempfile::tempdir().unwrap();
    let truth = Truth::open(&format!("sqlite://{}", folder.path().join("truth.db").display())).await.unwrap();
    (folder, truth)
}

#[tokio::test]
async fn tokens_on_sqlite() {
    let (_folder, truth) = sqlite().await;
    manazir_auth::contract::check(&truth).await;
    assert!(truth.list().await.is_ok());
}

#[tokio::test]
async fn tokens_needs_postgres() {
    let server = Postgres::start();
    let truth = Truth::open(&server.url()).await.unwrap();
    manazir_auth::contract::check(&truth).await;
    assert!(truth.list().await.is_ok());
    truth.close().await;
}

#[tokio::test]
async fn what_people_look_at_on_sqlite() {
    let (_findings, truth) = sqlite().await;
    contract::check_findings(&Keeping::new(truth)).await;
    let (_letters, truth) = sqlite().await;
    contract::check_dead_letters(&Keeping::new(truth)).await;
    let (_bounds, truth) = sqlite().await;
    contract::check_bounds(&Keeping { truth, kept: contract::KEPT }).await;
    let (_projection, truth) = sqlite().await;
    let keeping = Keeping::new(truth.clone());
    contract::check_projection(&keeping, async || all_events(&truth).await).await;
    let (_jobs, truth) = sqlite().await;
    contract::check_jobs(&truth).await;
}

#[tokio::test]
async fn what_people_look_at_needs_postgres() {
    let server = Postgres::start();
    let fresh = async || Truth::open(&server.database()).await.unwrap();
    contract::check_findings(&Keeping::new(fresh().await)).await;
    contract::check_dead_letters(&Keeping::new(fresh().await)).await;
    contract::check_bounds(&Keeping { truth: fresh().await, kept: contract::KEPT }).await;
    let truth = fresh().await;
    let keeping = Keeping::new(truth.clone());
    contract::check_projection(&keeping, async || all_events(&truth).await).await;
    contract::check_jobs(&fresh().await).await;
}

/// A row of the view as a database client shows it.
type Shown = (i64, String, String, String, String, f64, String, Option<String>, Option<String>);

/// For people with a database client: the same words and times on both.
async fn the_view(truth: Truth) -> Vec<Shown> {
    const SELECT: &str = "SELECT number, at, role, event_type, affected_assets, score, reason, feedback, ended_at \
        FROM anomalies ORDER BY number";
    let keeping = Keeping::new(truth.clone());
    let before_1970 = NewFinding { at: Timestamp(-1), ended_at: Some(Timestamp(1)), ..contract::finding(2) };
    keeping.apply(contract::OUTBOX, 0, 2, &[contract::finding(1), before_1970], &[], &[]).await.unwrap();
    let feedback = Feedback {
        verdict: Opinion::Confirmed,
        comment: String::new(),
        by: "ann".to_owned(),
        at: Timestamp(0),
    };
    keeping.set_feedback(1, Some(&feedback)).await.unwrap();
    match truth {
        Truth::Sqlite { reader, .. } => sqlx::query_as(SELECT).fetch_all(&reader).await.unwrap(),
        Truth::Postgres(pool) => sqlx::query_as(SELECT).fetch_all(&pool).await.unwrap(),
    }
}

#[tokio::test]
async fn the_view_for_people_needs_postgres() {
    let (_folder, truth) = sqlite().await;
    let rows = the_view(truth).await;
    expect_test::expect![[r#"
        [
            (
                1,
                "2023-11-14T22:13:21.000000Z",
                "role1",
                "iam:CreateUser",
                "[\"asset1\",\"asset\"]",
                1.1,
                "iam:CreateUser: Role-1 never did 50% of \"it\".",
                Some(
                    "confirmed",
                ),
                None,
            ),
            (
                2,
                "1969-12-31T23:59:59.999999Z",
                "role2",
                "iam:CreateUser",
                "[\"asset2\",\"a,b\"]",
                2.1,
                "iam:CreateUser: Role-2 never did 50% of \"it\".",
                None,
                Some(
                    "1970-01-01T00:00:00.000001Z",
                ),
            ),
        ]
    "#]]
    .assert_debug_eq(&rows);
    let server = Postgres::start();
    assert_eq!(the_view(Truth::open(&server.url()).await.unwrap()).await, rows);
}

/// Events and what people see of them are one transaction: the same commit again shows nothing twice, and one
/// under a lease that is lost shows nothing.
#[tokio::test]
async fn a_commit_shows_what_it_found_once_needs_postgres() {
    let server = Postgres::start();
    let truth = Truth::open(&server.url()).await.unwrap();
    let store = PostgresEvents::new(&truth, "worker").unwrap();
    let held = store.hold().await.unwrap();
    let lease = held.leases[0].clone();
    let event = |seq: u64, anomaly: bool| Judged {
        id: EventId::new("test", seq.to_string()),
        partition: lease.partition,
        seq,
        received_at: Timestamp(7),
        event: Stored::default(),
        verdict: EventVerdict { score: 1.0, anomaly, reasons: Vec::new() },
    };
    let dead = DeadLetter {
        id: EventId::new("test", "3"),
        partition: lease.partition,
        seq: 3,
        reason: "nobody did it".to_owned(),
        received_at: Timestamp(7),
        format: Format::Plain,
        body: b"{".to_vec(),
    };
    let message = Message {
        format: Format::Plain,
        partition: lease.partition,
        id: EventId::new("test", "1"),
        received_at: Timestamp(7),
        reply_to: None,
        body: Vec::new(),
    };
    let commit = Commit {
        leases: vec![lease.clone()],
        judged: vec![event(1, true), event(2, false)],
        messages: vec![&message, &message],
        dead: vec![dead],
        happened: BTreeMap::from([(lease.partition, vec![contract::graph_event("web", 5)])]),
        ..Commit::default()
    };
    let lost = Lease { epoch: lease.epoch + 1, ..lease.clone() };
    let late = Commit { leases: vec![lost], ..commit.clone() };
    assert_eq!(store.commit(&late).await.unwrap(), [lease.partition]);
    assert_eq!(all_events(&truth).await, []);
    for _ in 0..2 {
        assert_eq!(store.commit(&commit).await.unwrap(), [0; 0]);
    }
    assert_eq!(all_events(&truth).await, [contract::graph_event("web", 5)]);
    let found = Findings::page(&truth, &FindingFilter::default(), None, 9).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|finding| finding.what.event_id.as_str()).collect();
    assert_eq!(ids, ["1"]);
    let letters = Keeping::new(truth);
    let letters = DeadLetters::page(&letters, &DeadLetterFilter::default(), None, 9).await.unwrap();
    assert_eq!((letters.len(), letters[0].id.as_str()), (1, "3"));
}

#[tokio::test]
async fn the_same_file_opens_again_and_another_scheme_is_refused() {
    let (folder, truth) = sqlite().await;
    truth.close().await;
    assert!(truth.list().await.is_err());
    let again = Truth::open(&format!("sqlite://{}", folder.path().join("truth.db").display())).await.unwrap();
    assert!(again.list().await.is_ok());
    let refused = Truth::open("mysql://x").await;
    assert!(matches!(refused, Err(OpenError::Scheme)), "{refused:?}");
}
