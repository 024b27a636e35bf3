//! People and the connections between them, on a file and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use manazir_people::{Following, Limits, contract};
use manazir_sql::{SqlPeople, Truth};
use manazir_testkit::postgres::Postgres;

/// A file in memory would not be one that several connections share.
async fn file(folder: &tempfile::TempDir, limits: Limits) -> SqlPeople {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("people{}.db", NEXT.fetch_add(1, Ordering::Relaxed));
    let truth = Truth::open(&format!("sqlite://{}", folder.path().join(name).display())).await.unwrap();
    SqlPeople { limits, ..SqlPeople::new(truth) }
}

async fn database(server: &Postgres, limits: Limits) -> SqlPeople {
    SqlPeople { limits, ..SqlPeople::new(Truth::open(&server.database()).await.unwrap()) }
}

#[tokio::test]
async fn a_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    contract::check(async |limits| file(&folder, limits).await).await;
    contract::check_log(async |limits| file(&folder, limits).await).await;
}

#[tokio::test]
async fn a_copy_that_follows_a_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    contract::check(async |limits| Following::load(file(&folder, limits).await).await.unwrap()).await;
}

#[tokio::test]
async fn a_server_keeps_the_contract_needs_postgres() {
    let server = Postgres::start();
    contract::check(async |limits| database(&server, limits).await).await;
    contract::check_log(async |limits| database(&server, limits).await).await;
}

/// Its log always forgets what the copy has not seen yet, but for the last change.
#[tokio::test]
async fn a_copy_that_follows_a_server_keeps_the_contract_needs_postgres() {
    let server = Postgres::start();
    let open = async |limits| {
        let people = SqlPeople { changes_max: 1, ..database(&server, limits).await };
        Following::load(people).await.unwrap()
    };
    contract::check(open).await;
}
