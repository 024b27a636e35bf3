//! People and the connections between them, on a file and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

#[path = "people/races.rs"]
mod races;
#[path = "people/twin.rs"]
mod twin;

use manazir_model::Timestamp;
use manazir_people::{
    Action, Change, ConnectionLog as _, Error, Following, GraphStore as _, Limits, PeopleStore as _,
    PersonState, UserId, contract,
};
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

/// Runs a statement that no port has.
async fn execute(truth: &Truth, sql: &str) -> Result<u64, sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    match truth {
        Truth::Sqlite { writer, .. } => Ok(sqlx::query(sql).execute(writer).await?.rows_affected()),
        Truth::Postgres(pool) => Ok(sqlx::query(sql).execute(pool).await?.rows_affected()),
    }
}

async fn count(truth: &Truth, sql: &str) -> i64 {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    match truth {
        Truth::Sqlite { reader, .. } => sqlx::query_scalar(sql).fetch_one(reader).await.unwrap(),
        Truth::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap(),
    }
}

/// Many join in one statement, past the log: to be quick, where nobody follows it.
async fn crowd(people: &SqlPeople, count: u32) {
    let crowd = format!(
        "WITH RECURSIVE numbers (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM numbers WHERE id < {count}) \
         INSERT INTO people (id, public_id, sorted, state, joined_at, changed_at) \
         SELECT id, 'somebody ' || id, '', 0, 0, 0 FROM numbers"
    );
    assert_eq!(execute(&people.truth, &crowd).await.unwrap(), u64::from(count));
}

/// Runs a test of a truth with these limits on both databases.
async fn on_both(limits: Limits, test: impl AsyncFn(SqlPeople)) {
    let folder = tempfile::tempdir().unwrap();
    test(file(&folder, limits).await).await;
    let server = Postgres::start();
    test(database(&server, limits).await).await;
}

/// CM-W1, CM-W11: whoever writes to the tables past the service cannot connect anyone with themselves, either.
#[tokio::test]
async fn nobody_can_be_connected_with_themselves_needs_postgres() {
    on_both(Limits::default(), async |people| {
        contract::join(&people, 2).await;
        let connect = async |pair| {
            execute(&people.truth, &format!("INSERT INTO connections (one, other) VALUES {pair}")).await
        };
        assert!(connect("(1, 1)").await.is_err());
        assert!(connect("(1, 2)").await.is_ok());
        let tie = "INSERT INTO ties (kind, from_user, to_user, at) VALUES (0, 2, 2, 0)";
        assert!(execute(&people.truth, tie).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_log_has_an_end_and_says_so_needs_postgres() {
    on_both(Limits::default(), async |people| {
        let people = SqlPeople { changes_max: 3, ..people };
        contract::join(&people, 5).await;
        let changes = people.changes_after(2, 10).await.unwrap();
        assert!(changes.iter().map(|one| one.seq).eq(3..=5));
        assert_eq!(count(&people.truth, "SELECT count(*) FROM people_changes").await, 3);
        for seq in [0, 1] {
            let forgotten = people.changes_after(seq, 10).await;
            assert!(matches!(forgotten, Err(Error::Forgotten(2))), "{forgotten:?}");
        }
        // A batch of more than it keeps.
        let acts: Vec<_> = (2..=5).map(|to| contract::act(1, Action::Connect, to)).collect();
        people.write(&acts).await.unwrap();
        assert!(matches!(people.changes_after(5, 10).await, Err(Error::Forgotten(6))));
        let silent = SqlPeople { changes_max: 0, ..people };
        contract::does(&silent, 2, Action::Connect, 3).await.unwrap();
        assert!(matches!(silent.changes_after(9, 10).await, Err(Error::Forgotten(10))));
        assert!(silent.changes_after(10, 10).await.unwrap().is_empty());
    })
    .await;
}

/// What an erased person was called is in no column of any table, and whoever they knew has nothing left of it.
#[tokio::test]
async fn nothing_of_the_erased_is_in_any_row_needs_postgres() {
    on_both(Limits::default(), async |people| {
        contract::join(&people, 3).await;
        for (by, action, to) in [(1, Action::Connect, 2), (1, Action::Ask, 3), (3, Action::Dismiss, 1)] {
            contract::does(&people, by, action, to).await.unwrap();
        }
        people.set_state(UserId(1), PersonState::Erased, Timestamp(9)).await.unwrap();
        let named = "SELECT count(*) FROM people WHERE id = 1 AND (username IS NOT NULL OR username_folded IS NOT NULL \
            OR name IS NOT NULL OR name_folded IS NOT NULL OR sorted <> '' OR email IS NOT NULL \
            OR affiliation IS NOT NULL)";
        assert_eq!(count(&people.truth, named).await, 0);
        if let Truth::Sqlite { .. } = people.truth {
            let found = "SELECT count(*) FROM people_search WHERE people_search MATCH '\"user1\"'";
            assert_eq!(count(&people.truth, found).await, 0);
            let found = "SELECT count(*) FROM people_search WHERE people_search MATCH '\"user2\"'";
            assert_eq!(count(&people.truth, found).await, 1);
        }
        let tied = "SELECT (SELECT count(*) FROM connections WHERE one = 1 OR other = 1) \
            + (SELECT count(*) FROM ties WHERE from_user = 1 OR to_user = 1) \
            + (SELECT count(*) FROM people WHERE contacts + asked + asked_by + blocked + dismissed <> 0)";
        assert_eq!(count(&people.truth, tied).await, 0);
        let last = people.last_change().await.unwrap();
        let change = people.changes_after(last - 1, 1).await.unwrap()[0].change;
        assert_eq!(change, Change::Person { user: UserId(1), state: PersonState::Erased });
    })
    .await;
}
