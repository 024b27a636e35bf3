//! The contracts of the domains, on a file and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use manazir_sql::{OpenError, Truth};
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
    assert!(truth.answers().await);
}

#[tokio::test]
async fn tokens_needs_postgres() {
    let server = Postgres::start();
    let truth = Truth::open(&server.url()).await.unwrap();
    manazir_auth::contract::check(&truth).await;
    assert!(truth.answers().await);
    truth.close().await;
}

#[tokio::test]
async fn the_same_file_opens_again_and_another_scheme_is_refused() {
    let (folder, truth) = sqlite().await;
    truth.close().await;
    assert!(!truth.answers().await);
    let again = Truth::open(&format!("sqlite://{}", folder.path().join("truth.db").display())).await.unwrap();
    assert!(again.answers().await);
    let refused = Truth::open("mysql://x").await;
    assert!(matches!(refused, Err(OpenError::Scheme(_))), "{refused:?}");
}
