//! Totals of a rollup on a file and on a real PostgreSQL: the contract of destinations, the tables as others see them,
//! and what happens when the database goes away.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use manazir_model::Random;
use manazir_rollup::contract::{self, key, row, shape, text};
use manazir_rollup::{AMOUNT_MAX, Destination, Error, KeyType, Row, Shape};
use manazir_sql::{RollupTable, Truth};
use manazir_testkit::postgres::Postgres;
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow};
use sqlx::{Connection as _, FromRow, PgConnection};

/// A file that does not exist yet.
fn file() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("totals.db").display());
    (folder, url)
}

/// As another process opens it.
async fn open(url: &str, shape: &Shape) -> RollupTable {
    RollupTable::new(&Truth::connect(url).await.unwrap(), shape).unwrap()
}

/// One that is ready to count.
async fn prepared(url: &str, shape: &Shape) -> RollupTable {
    let table = open(url, shape).await;
    table.prepare(&[]).await.unwrap();
    table
}

async fn check(url: &str) {
    contract::check(async |shape| open(url, &shape).await).await;
    let spawn = |counting| {
        let task = tokio::spawn(counting);
        async { task.await.unwrap() }
    };
    contract::check_at_once(async |shape| open(url, &shape).await, spawn).await;
    contract::check_adopt(async |shape| open(url, &shape).await).await;
    contract::check_adopt_at_once(async |shape| open(url, &shape).await, spawn).await;
    for shape in [contract::with_extremes("extremes"), contract::with_sketches("sketches")] {
        contract::check_more(shape, async |shape| open(url, &shape).await).await;
    }
    contract::history::check(async |shape| open(url, &shape).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_keep_the_contract_on_sqlite() {
    let (_folder, url) = file();
    check(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_keep_the_contract_needs_postgres() {
    let server = Postgres::start();
    check(&server.database()).await;
}

/// Rows of whatever is asked.
async fn asked<R>(url: &str, question: &'static str) -> Vec<R>
where
    R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    match Truth::connect(url).await.unwrap() {
        Truth::Sqlite { reader, .. } => sqlx::query_as(question).fetch_all(&reader).await.unwrap(),
        Truth::Postgres(pool) => sqlx::query_as(question).fetch_all(&pool).await.unwrap(),
    }
}

/// What a reader who was there before knows: six columns in their order.
type Six = (i64, String, i64, i64, i64, i64);

/// Means are rounded to six decimals, halves upwards. A database of somebody else gets no other table.
async fn tables_are_as_readers_expect(url: &str, tables: &'static str) {
    let table = open(url, &shape("karma", KeyType::Integer)).await;
    table.prepare(&[key("1", "R1"), key("2", "R2"), key("4", "R4")]).await.unwrap();
    let mut rows = vec![row(0, "1", 0, 50), row(1, "1", 2, 500), row(2, "1", 3, 1_000), row(3, "3", 1, -100)];
    rows.extend((4..132).map(|position| row(position, "4", 0, i64::from(position == 4))));
    assert_eq!(table.count(&rows).await.unwrap(), 132);
    let six: Vec<Six> = asked(url, "SELECT * FROM karma_distribution ORDER BY cs_id").await;
    let name = |name: &str| name.to_owned();
    let expected = [
        (1, name("R1"), 50, 0, 500, 1_000),
        (2, name("R2"), 0, 0, 0, 0),
        (3, name(""), 0, -100, 0, 0),
        (4, name("R4"), 1, 0, 0, 0),
    ];
    assert_eq!(six, expected);
    let totals: Vec<(i64, i64, i64, Option<f64>)> =
        asked(url, "SELECT * FROM karma_totals ORDER BY cs_id").await;
    let expected = [
        (1, 3, 1_550, Some(516.666_667)),
        (2, 0, 0, None),
        (3, 1, -100, Some(-100.0)),
        (4, 128, 1, Some(0.007_813)),
    ];
    assert_eq!(totals, expected);
    let tables: Vec<(String,)> = asked(url, tables).await;
    let tables: Vec<&str> = tables.iter().map(|(table,)| table.as_str()).collect();
    assert_eq!(
        tables,
        [
            "karma_distribution",
            "karma_totals",
            "manazir_rollup",
            "manazir_rollup_aside",
            "manazir_rollup_cell",
            "manazir_rollup_label",
            "manazir_rollup_seen",
            "manazir_rollup_segment"
        ]
    );
}

#[tokio::test]
async fn older_readers_find_their_six_columns_on_sqlite() {
    let (_folder, url) = file();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    tables_are_as_readers_expect(&url, tables).await;
}

#[tokio::test]
async fn older_readers_find_their_six_columns_needs_postgres() {
    let server = Postgres::start();
    let tables = "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename";
    tables_are_as_readers_expect(&server.database(), tables).await;
}

/// NUL, what stands for it, sources and keys as long as may be: each is itself, and they are sorted by their bytes.
async fn texts_are_kept_whole(url: &str) {
    let table = prepared(url, &shape("texts", KeyType::Text)).await;
    let longest = "\0".repeat(255);
    let keys = ["", "\0", &longest, "\u{1}", "\u{1a}", "\u{1a}0", "0"];
    let rows: Vec<Row> = keys.iter().map(|key| Row { source: (*key).into(), ..row(0, key, 0, 1) }).collect();
    assert_eq!(table.count(&rows).await.unwrap(), 7);
    assert_eq!(table.count(&rows).await.unwrap(), 0);
    table.prepare(&[key("\0", "a\0b"), key("\0", "c\0d\u{1a}")]).await.unwrap();
    let totals = table.totals().await.unwrap();
    assert_eq!(totals.iter().map(|total| total.key.as_str()).collect::<Vec<_>>(), keys);
    assert_eq!(totals[1].label, "c\0d\u{1a}", "the last one counts");
    assert!(totals.iter().all(|total| (total.count, total.sum) == (1, 1)));
}

#[tokio::test]
async fn texts_are_kept_whole_on_sqlite() {
    let (_folder, url) = file();
    texts_are_kept_whole(&url).await;
}

#[tokio::test]
async fn texts_are_kept_whole_needs_postgres() {
    let server = Postgres::start();
    texts_are_kept_whole(&server.url()).await;
}

/// More keys, blocks and sources than one statement takes.
async fn large_batches_are_counted(url: &str) {
    let table = prepared(url, &shape("large", KeyType::Integer)).await;
    let spread = |position: u64| row(position * 1_024, &position.to_string(), 0, 1);
    let rows: Vec<Row> = (0..600).map(spread).chain((0..25_000).map(|at| row(at, "7", 1, 2))).collect();
    let many: Vec<Row> = (0..12_000).map(|at| row(1_000_000 + at, &at.to_string(), 2, AMOUNT_MAX)).collect();
    let expected = 25_600 - 25;
    assert_eq!(table.count(&rows).await.unwrap(), expected, "25 places are told twice");
    assert_eq!(table.count(&many).await.unwrap(), 12_000);
    assert_eq!(table.count(&rows).await.unwrap() + table.count(&many).await.unwrap(), 0);
    let totals = table.totals().await.unwrap();
    assert_eq!(totals.len(), 12_000);
    assert_eq!(totals.iter().map(|total| total.count).sum::<u64>(), expected + 12_000);
    assert_eq!(totals[11_999].sum, AMOUNT_MAX);
}

#[tokio::test]
async fn large_batches_are_counted_on_sqlite() {
    let (_folder, url) = file();
    large_batches_are_counted(&url).await;
}

#[tokio::test]
async fn large_batches_are_counted_needs_postgres() {
    let server = Postgres::start();
    large_batches_are_counted(&server.url()).await;
}

#[track_caller]
fn refused<T>(result: Result<T, Error>, why: &str) {
    let Err(Error::Refused(_, said)) = result else { panic!("it is not refused") };
    assert!(said.to_string().contains(why), "{said}");
}

/// A batch of which one row is bad changes nothing.
async fn bad_rows_are_refused(url: &str) {
    let table = prepared(url, &shape("numbers", KeyType::Integer)).await;
    for bad in ["29abc", "", " 1", "007", "+7", "-0", "1.0", "9223372036854775808"] {
        refused(table.count(&[row(0, "1", 0, 1), row(1, bad, 0, 1)]).await, "no whole number of 64 bits");
        refused(table.prepare(&[key("1", ""), key(bad, "")]).await, "no whole number of 64 bits");
    }
    let long = "é".repeat(128);
    let from_long = Row { source: long.as_str().into(), ..row(1, "1", 0, 1) };
    refused(table.count(&[row(0, "1", 0, 1), from_long]).await, "has 256 bytes, more than 255");
    refused(table.count(&[row(0, "1", 0, 1), row(1, "1", 4, 1)]).await, "no category 4 among 4");
    refused(table.count(&[row(0, "1", 0, AMOUNT_MAX + 1)]).await, "more than 1000000000000");
    assert_eq!(table.totals().await.unwrap(), []);
    let ends = [i64::MIN, -1, i64::MAX].map(|end| end.to_string());
    table.count(&[row(0, &ends[2], 0, 1), row(1, &ends[0], 0, 1), row(2, &ends[1], 0, 1)]).await.unwrap();
    let totals = table.totals().await.unwrap();
    assert_eq!(totals.into_iter().map(|total| total.key).collect::<Vec<_>>(), ends);

    let texts = prepared(url, &shape("texts", KeyType::Text)).await;
    refused(texts.count(&[row(0, "a", 0, 1), row(1, &long, 0, 1)]).await, "the key \"éé");
    assert_eq!(texts.totals().await.unwrap(), []);
}

#[tokio::test]
async fn bad_rows_are_refused_on_sqlite() {
    let (_folder, url) = file();
    bad_rows_are_refused(&url).await;
}

#[tokio::test]
async fn bad_rows_are_refused_needs_postgres() {
    let server = Postgres::start();
    bad_rows_are_refused(&server.url()).await;
}

#[tokio::test]
async fn bad_names_are_refused() {
    let (_folder, url) = file();
    let truth = Truth::connect(&url).await.unwrap();
    let check = |change: fn(&mut Shape), why: &str| {
        let mut changed = shape("karma", KeyType::Integer);
        change(&mut changed);
        refused(RollupTable::new(&truth, &changed), why);
    };
    check(|shape| shape.table = "x\"; DROP TABLE tokens; --".to_owned(), "is no name");
    check(|shape| shape.name = String::new(), "is no name");
    check(|shape| shape.key = "cs id".to_owned(), "is no name");
    check(|shape| shape.label = Some("na.me".to_owned()), "is no name");
    check(|shape| shape.sums[1] = "größe".to_owned(), "is no name");
    check(|shape| shape.totals.as_mut().unwrap().mean = "x".repeat(64), "is no name");
    check(|shape| shape.sums[1] = "MINOR_SUM".to_owned(), "the name of two");
    check(|shape| shape.table = "manazir_rollup_seen".to_owned(), "the name of two");
    check(|shape| shape.totals.as_mut().unwrap().table.clone_from(&shape.table), "the name of two");
    check(|shape| drop(shape.sums.pop()), "3 columns of sums for 4 categories");
    check(|shape| (shape.sums, shape.categories) = Default::default(), "0 columns");
}

#[tokio::test]
async fn a_table_that_is_another_one_is_refused_and_a_broken_block_is_damaged() {
    let (_folder, url) = file();
    let table = prepared(&url, &shape("karma", KeyType::Integer)).await;
    table.count(&[row(0, "1", 0, 1)]).await.unwrap();
    let Truth::Sqlite { writer, .. } = Truth::connect(&url).await.unwrap() else { unreachable!() };
    sqlx::query("UPDATE manazir_rollup_seen SET seen = X'00'").execute(&writer).await.unwrap();
    let broken = table.count(&[row(1, "1", 0, 1)]).await;
    assert!(matches!(broken, Err(Error::Damaged { .. })), "{broken:?}");
    sqlx::query("DROP TABLE karma_totals").execute(&writer).await.unwrap();
    sqlx::query("CREATE TABLE karma_totals (x TEXT)").execute(&writer).await.unwrap();
    refused(table.prepare(&[key("1", "")]).await, "karma_totals");
}

/// Another process that keeps the file for itself.
#[tokio::test]
async fn a_file_that_is_busy_is_away() {
    let (_folder, url) = file();
    let shape = shape("karma", KeyType::Integer);
    let other = Truth::connect(&url).await.unwrap();
    RollupTable::new(&other, &shape).unwrap().prepare(&[]).await.unwrap();
    let Truth::Sqlite { writer, .. } = other else { unreachable!() };
    let options: SqliteConnectOptions = url.parse().unwrap();
    let pool = SqlitePoolOptions::new().connect_with(options.busy_timeout(Duration::ZERO)).await.unwrap();
    let table = RollupTable::new(&Truth::Sqlite { writer: pool.clone(), reader: pool }, &shape).unwrap();
    let keeping = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let away = table.count(&[row(0, "1", 0, 1)]).await;
    assert!(matches!(away, Err(Error::Away(..))), "{away:?}");
    keeping.rollback().await.unwrap();
    assert_eq!(table.count(&[row(0, "1", 0, 1)]).await.unwrap(), 1);
}

/// Somebody else changes the rows of the table in another order, and PostgreSQL ends our transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_deadlock_is_tried_again_needs_postgres() {
    const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    const LOST: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let server = Postgres::start();
    let table = open(&server.url(), &shape("karma", KeyType::Integer)).await;
    table.prepare(&[key("1", ""), key("2", "")]).await.unwrap();
    let mut other = PgConnection::connect(&server.url()).await.unwrap();
    // Whoever looks for deadlocks first is the one that loses.
    sqlx::query("SET deadlock_timeout = '1h'").execute(&mut other).await.unwrap();
    let mut watching = PgConnection::connect(&server.url()).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    let change = "UPDATE karma_distribution SET high_sum = high_sum + 1 WHERE cs_id = $1";
    sqlx::query(change).bind(2_i64).execute(&mut *transaction).await.unwrap();
    let counting =
        tokio::spawn(async move { (table.count(&[row(0, "1", 0, 1), row(1, "2", 0, 1)]).await, table) });
    while sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut watching).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    sqlx::query(change).bind(1_i64).execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    let (counted, table) = counting.await.unwrap();
    assert_eq!(counted.unwrap(), 2);
    let expected = "1 \"\" 1 1 [1, 0, 1, 0]\n2 \"\" 1 1 [1, 0, 1, 0]\n";
    assert_eq!(text(&table.totals().await.unwrap()), expected);
    // The server tells its numbers a moment later.
    while sqlx::query_scalar::<_, i64>(LOST).fetch_one(&mut watching).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
}

/// Counts all batches, however often the database is away; `done` are those that it has counted.
async fn count_whatever_happens(table: RollupTable, rows: Vec<Row>, done: Arc<AtomicUsize>) -> usize {
    let mut away = 0;
    for batch in rows.chunks(50) {
        loop {
            match table.count(batch).await {
                Ok(_) => break,
                Err(Error::Away(..)) => away += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    away
}

/// KP-W1: an answer that was lost is asked for again, and nothing counts twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_while_two_count_leaves_an_exact_table_needs_postgres() {
    let mut server = Postgres::start();
    let url = server.database();
    let shape = shape("karma", KeyType::Integer);
    let rows: Vec<Row> =
        (0..20_000).map(|at| row(at, &(at % 101).to_string(), (at % 4) as u16, at as i64)).collect();
    let (done, mut tasks) = (Arc::new(AtomicUsize::new(0)), Vec::new());
    for worker in 0..2 {
        let mut rows = rows.clone();
        let mut random = Random::new(worker);
        rows.sort_by_cached_key(|row| (row.position / 1_000, random.next_u64()));
        let table = prepared(&url, &shape).await;
        tasks.push(tokio::spawn(count_whatever_happens(table, rows, Arc::clone(&done))));
    }
    for round in 1..=3 {
        while done.load(Ordering::Relaxed) < round * 150 {
            tokio::task::yield_now().await;
        }
        tokio::task::block_in_place(|| server.restart());
    }
    let mut away = 0;
    for task in tasks {
        away += task.await.unwrap();
    }
    assert!(away > 0, "they noticed nothing");
    let (_folder, twin) = file();
    let twin = prepared(&twin, &shape).await;
    assert_eq!(twin.count(&rows).await.unwrap(), 20_000);
    let totals = open(&url, &shape).await.totals().await.unwrap();
    assert_eq!(text(&totals), text(&twin.totals().await.unwrap()));
}
