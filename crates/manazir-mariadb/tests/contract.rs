//! The contract of destinations on a real MariaDB, and what is its own: tables that an older reader reads, servers that
//! die, locks that others hold, and what is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::error::Error as _;

use manazir_mariadb::MariaDb;
use manazir_rollup::contract::shape;
use manazir_rollup::{Error, KeyType, Shape};

/// An error and all that it comes from, which must not show a password.
fn all_of(error: &Error) -> String {
    let mut said = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(deeper) = source {
        said.push_str(&format!(": {deeper}"));
        source = deeper.source();
    }
    said
}

#[test]
fn bad_names_are_refused_before_they_stand_in_a_statement() {
    let refused = |change: fn(&mut Shape)| {
        let mut shape = shape("names", KeyType::Integer);
        change(&mut shape);
        let error = MariaDb::open("mysql://ann:s3cr3t@db/karma", shape).unwrap_err();
        assert!(matches!(error, Error::Refused(..)), "{error:?}");
        let said = all_of(&error);
        assert!(!said.contains("s3cr3t"), "{said}");
        said
    };
    assert!(refused(|shape| shape.table = "x`; DROP TABLE y; --".to_owned()).contains("is no name"));
    assert!(refused(|shape| shape.key = String::new()).contains("is no name"));
    assert!(refused(|shape| shape.label = Some("größe".to_owned())).contains("is no name"));
    assert!(refused(|shape| shape.sums[3] = "a b".to_owned()).contains("is no name"));
    assert!(refused(|shape| shape.sums[0] = "x".repeat(65)).contains("is no name"));
    assert!(refused(|shape| shape.totals.as_mut().unwrap().mean = "a.b".to_owned()).contains("is no name"));
    assert!(refused(|shape| shape.table = "NAMES_TOTALS".to_owned()).contains("two tables"));
    assert!(refused(|shape| shape.table = "manazir_rollup_seen".to_owned()).contains("two tables"));
    assert!(refused(|shape| drop(shape.sums.pop())).contains("4 categories have 3 columns"));
    assert!(refused(|shape| shape.name = "x".repeat(256)).contains("256 bytes"));
}

mod needs_mariadb {
    use std::net::TcpStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use manazir_mariadb::MariaDb;
    use manazir_rollup::contract::{self, key, row, shape, text};
    use manazir_rollup::{Destination as _, Error, KeyType, Row, Shape};
    use manazir_testkit::mariadb::MariaDb as Server;
    use sqlx::{AssertSqlSafe, Column, Connection as _, Executor as _, MySqlConnection, Row as _};
    use tokio::task::block_in_place;

    use super::all_of;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_tables_keep_the_contract() {
        let server = Server::start();
        let url = server.url();
        let open = async |shape: Shape| MariaDb::open(&url, shape).unwrap();
        contract::check(&open).await;
        contract::check_adopt(&open).await;
        contract::check_more(contract::with_extremes("extremes"), &open).await;
        contract::check_more(contract::with_sketches("sketches"), &open).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_count_each_finding_once() {
        let server = Server::start();
        let url = server.url();
        let spawn = |counting| {
            let task = tokio::spawn(counting);
            async { task.await.unwrap() }
        };
        let open = async |shape: Shape| MariaDb::open(&url, shape).unwrap();
        contract::check_at_once(&open, spawn).await;
        contract::check_adopt_at_once(&open, spawn).await;
    }

    async fn fresh(server: &Server, name: &str) -> (MariaDb, MySqlConnection) {
        let url = server.url();
        let destination = MariaDb::open(&url, shape(name, KeyType::Integer)).unwrap();
        destination.prepare(&[key("2", "two"), key("1", "one")]).await.unwrap();
        (destination, MySqlConnection::connect(&url).await.unwrap())
    }

    #[tokio::test]
    async fn an_older_reader_sees_the_table_that_it_knows() {
        let server = Server::start();
        let (destination, mut reader) = fresh(&server, "cs").await;
        let rows = [row(0, "1", 0, 50), row(1, "1", 3, 400), row(2, "1", 0, -51), row(3, "3", 1, 100)];
        assert_eq!(destination.count(&rows).await.unwrap(), 4);

        let rows = reader.fetch_all("SELECT * FROM cs_distribution").await.unwrap();
        let columns: Vec<_> = rows[0].columns().iter().map(Column::name).collect();
        assert_eq!(columns, ["cs_id", "cs_name", "minor_sum", "medium_sum", "high_sum", "critical_sum"]);
        let read: Vec<(i64, String, Vec<i64>)> = rows
            .iter()
            .map(|row| (row.get(0), row.get(1), (2..6).map(|column| row.get(column)).collect()))
            .collect();
        let expected = [(1, "one", vec![-1, 0, 0, 400]), (2, "two", vec![0; 4]), (3, "", vec![0, 100, 0, 0])];
        assert_eq!(read, expected.map(|(id, name, sums)| (id, name.to_owned(), sums)));

        let means = "SELECT cs_id, hits, karma, CAST(karma_average AS CHAR) FROM cs_totals ORDER BY cs_id";
        let means: Vec<(i64, i64, i64, Option<String>)> =
            sqlx::query_as(means).fetch_all(&mut reader).await.unwrap();
        // 399 / 3, and nothing for whom there is nothing to divide by.
        let mean = |text: &str| Some(text.to_owned());
        assert_eq!(
            means,
            [(1, 3, 399, mean("133.000000")), (2, 0, 0, None), (3, 1, 100, mean("100.000000"))]
        );
        assert_eq!(destination.count(&[row(9, "3", 0, 0), row(10, "3", 0, 100)]).await.unwrap(), 2);
        let mean = "SELECT CAST(karma_average AS CHAR) FROM cs_totals WHERE cs_id = 3";
        let mean: String = sqlx::query_scalar(mean).fetch_one(&mut reader).await.unwrap();
        assert_eq!(mean, "66.666667");
    }

    #[tokio::test]
    async fn further_columns_are_columns() {
        let server = Server::start();
        let url = server.url();
        let destination = MariaDb::open(&url, contract::with_sketches("cs")).unwrap();
        destination.prepare(&[key("2", "two"), key("1", "one")]).await.unwrap();
        // More keys than are read at a time.
        let rows: Vec<Row> =
            (0..1_000).map(|at| row(at, &(at % 300).to_string(), 0, at as i64 - 500)).collect();
        for rows in rows.chunks(700) {
            destination.count(rows).await.unwrap();
        }
        let mut reader = MySqlConnection::connect(&url).await.unwrap();
        let read = "SELECT cs_id, karma_min, karma_max, karma_median, things FROM cs_totals WHERE cs_id < 2";
        let read = reader.fetch_all(read).await.unwrap();
        let columns = |row: usize| [1, 2, 3, 4].map(|column| read[row].get::<Option<f64>, _>(column));
        for (at, [min, max, median, things]) in [(0.0, columns(0)), (1.0, columns(1))] {
            assert_eq!([min, max, things], [Some(at - 500.0), Some(at + 400.0), Some(0.0)]);
            assert!(median.is_some_and(|median| (-202.0..=102.0).contains(&median)), "{median:?}");
        }
        let cells: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM manazir_rollup_cell WHERE rollup = 'cs'")
            .fetch_one(&mut reader)
            .await
            .unwrap();
        assert_eq!(cells, 300);
    }

    /// As whoever dies at the wrong moment would leave it: everything is taken over, and the tables are still there.
    #[tokio::test]
    async fn tables_that_could_not_be_dropped_hurt_nobody() {
        let server = Server::start();
        let url = server.url();
        let login = format!("manazir:{}@", Server::password());
        let mut root = MySqlConnection::connect(&url.replace(&login, "root@")).await.unwrap();
        root.execute("CREATE USER ann@'127.0.0.1' IDENTIFIED BY 'secret'").await.unwrap();
        let grant = "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON *.* TO ann@'127.0.0.1'";
        root.execute(grant).await.unwrap();
        let shape = contract::with_extremes("kept");
        let open = |shape| MariaDb::open(&url.replace(&login, "ann:secret@"), shape).unwrap();
        let (live, staged) = (open(shape.clone()), open(shape.staged()));
        let anew = [row(0, "1", 0, 7), row(1, "1", 0, 8)];
        for destination in [&live, &staged] {
            destination.prepare(&[key("1", "one")]).await.unwrap();
        }
        live.count(&[row(0, "1", 0, 50)]).await.unwrap();
        staged.count(&anew).await.unwrap();
        assert!(live.adopt(&shape.staged()).await.unwrap());
        for table in ["kept_distribution_next", "kept_totals_next"] {
            let count = format!("SELECT COUNT(*) FROM {table}");
            let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(count)).fetch_one(&mut root).await;
            assert_eq!(count.unwrap(), 0, "{table}");
        }
        let expected = "1 \"one\" 2 15 [15, 0, 0, 0] [Some(7.0), Some(8.0)]\n";
        assert_eq!(text(&live.totals().await.unwrap()), expected);
        assert!(!live.adopt(&shape.staged()).await.unwrap(), "another was faster");
        assert_eq!(text(&live.totals().await.unwrap()), expected);
        let error = staged.count(&anew).await.unwrap_err();
        assert!(all_of(&error).contains("`kept_next` is not prepared"), "{}", all_of(&error));

        staged.prepare(&[]).await.unwrap();
        assert_eq!(text(&staged.totals().await.unwrap()), "");
        assert!(!live.adopt(&shape.staged()).await.unwrap());
        staged.count(&[row(0, "1", 0, 1), row(1, "1", 0, 2)]).await.unwrap();
        // Somebody who may drop them.
        let live = MariaDb::open(&url, shape.clone()).unwrap();
        assert!(live.adopt(&shape.staged()).await.unwrap());
        let left = "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'kept%next%'";
        assert_eq!(sqlx::query_scalar::<_, i64>(left).fetch_one(&mut root).await.unwrap(), 0);
        assert_eq!(live.totals().await.unwrap()[0].sum, 3);
    }

    /// KP-W9: no round trip for each message.
    #[tokio::test]
    async fn a_batch_takes_few_statements() {
        let server = Server::start();
        let (destination, mut other) = fresh(&server, "few").await;
        let rows: Vec<Row> = (0..5_000).map(|at| row(at, &(at % 53).to_string(), 0, 10)).collect();
        destination.count(&rows[..1]).await.unwrap();
        let mut statements = async || -> u64 {
            let status = "SHOW GLOBAL STATUS LIKE 'Questions'";
            let (_, number): (String, String) = sqlx::query_as(status).fetch_one(&mut other).await.unwrap();
            number.parse().unwrap()
        };
        let before = statements().await;
        assert_eq!(destination.count(&rows).await.unwrap(), 4_999);
        let statements = statements().await - before;
        assert!(statements < 40, "{statements}");
    }

    /// KP-W7: what others are in the way of is tried again a few times, and then left to who asked; the errors are
    /// those of this store.
    #[tokio::test]
    async fn attempts_come_to_an_end() {
        let server = Server::start();
        let (destination, mut other) = fresh(&server, "ends").await;
        other.execute("CREATE TABLE attempt (number INT) ENGINE=MyISAM").await.unwrap();
        for (state, number, expected) in [("40001", 1213, 5), ("HY000", 1205, 5), ("45000", 1644, 1)] {
            let trigger = format!(
                "CREATE OR REPLACE TRIGGER ends BEFORE INSERT ON ends_distribution FOR EACH ROW BEGIN \
                 INSERT INTO attempt VALUES (1); SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number}; END"
            );
            other.execute(AssertSqlSafe(trigger)).await.unwrap();
            other.execute("TRUNCATE attempt").await.unwrap();
            let error = destination.count(&[row(0, "1", 0, 50)]).await.unwrap_err();
            let passes = matches!(error, Error::Away(..));
            assert!(passes == (expected > 1) && all_of(&error).contains(&number.to_string()), "{error:?}");
            let attempts = "SELECT COUNT(*) FROM attempt";
            assert_eq!(sqlx::query_scalar::<_, i64>(attempts).fetch_one(&mut other).await.unwrap(), expected);
        }
        other.execute("DROP TRIGGER ends").await.unwrap();
        assert_eq!(destination.count(&[row(0, "1", 0, 50)]).await.unwrap(), 1);
    }

    /// Counts all of it, again and again until it is told to stop, however often the server goes away; how often that
    /// was.
    async fn patiently(destination: &MariaDb, rows: &[Row], stop: &AtomicBool) -> u64 {
        let mut away = 0;
        loop {
            let last = stop.load(Ordering::Relaxed);
            for batch in rows.chunks(50) {
                while let Err(error) = destination.count(batch).await {
                    assert!(matches!(error, Error::Away(..)), "{error:?}");
                    away += 1;
                }
            }
            if last {
                return away;
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_is_killed_while_two_count_has_counted_each_finding_once() {
        let mut server = Server::start();
        let (one, _) = fresh(&server, "killed").await;
        let (one, stop) = (Arc::new(one), Arc::new(AtomicBool::new(false)));
        let rows: Arc<[Row]> =
            (0..30_000).map(|at| row(at, &(at % 53).to_string(), (at % 4) as u16, 10)).collect();
        let tasks = [0, 10_000].map(|from| {
            let (destination, rows, stop) = (Arc::clone(&one), Arc::clone(&rows), Arc::clone(&stop));
            tokio::spawn(async move { patiently(&destination, &rows[from..from + 20_000], &stop).await })
        });
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            block_in_place(|| server.restart());
        }
        stop.store(true, Ordering::Relaxed);
        let mut away = 0;
        for task in tasks {
            away += task.await.unwrap();
        }
        assert!(away > 0);
        let totals = one.totals().await.unwrap();
        assert_eq!(totals.iter().map(|total| total.count).sum::<u64>(), 30_000);
        assert_eq!(totals.iter().map(|total| total.sum).sum::<i64>(), 300_000);
        let all: i64 = totals.iter().flat_map(|total| &total.by_category).sum();
        assert_eq!(all, 300_000);
        assert_eq!(totals[7].count, (0..30_000).filter(|at| at % 53 == 7).count() as u64);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_away_is_told_from_what_refuses_and_neither_shows_the_password() {
        let mut server = Server::start_with(&["--max-connections=10"]);
        let url = server.url();
        let open = |url: &str| MariaDb::open(url, shape("errors", KeyType::Integer)).unwrap();
        let port = url.split([':', '/']).rev().nth(1).unwrap().to_owned();

        // One refuses who has not the password, or names a database that is not there.
        for wrong in [url.replace(Server::password(), "0ther"), format!("{url}0")] {
            let error = open(&wrong).prepare(&[]).await.unwrap_err();
            let said = all_of(&error);
            assert!(matches!(error, Error::Refused(..)), "{said}");
            assert!(!said.contains("0ther") && !said.contains(Server::password()), "{said}");
        }

        // As many as there is room for, and those that the server keeps for its administrator.
        let strangers: Vec<_> =
            (0..12).map(|_| TcpStream::connect(format!("127.0.0.1:{port}")).unwrap()).collect();
        let destination = open(&url);
        assert_eq!(format!("{destination:?}"), format!("`errors` in MariaDB at 127.0.0.1:{port}"));
        let error = destination.prepare(&[]).await.unwrap_err();
        assert!(matches!(error, Error::Away(..)) && all_of(&error).contains("1040"), "{}", all_of(&error));
        drop(strangers);

        block_in_place(|| server.kill());
        let error = destination.prepare(&[]).await.unwrap_err();
        let said = all_of(&error);
        assert!(matches!(error, Error::Away(..)), "{said}");
        assert!(said.contains(&port) && !said.contains(Server::password()), "{said}");
        block_in_place(|| server.restart());
        destination.prepare(&[]).await.unwrap();
    }

    #[tokio::test]
    async fn what_fits_into_no_column_is_refused_and_changes_nothing() {
        let server = Server::start();
        let (destination, _) = fresh(&server, "refused").await;
        let good = row(0, "1", 0, i64::MAX - 1);
        destination.count(std::slice::from_ref(&good)).await.unwrap();
        let before = text(&destination.totals().await.unwrap());
        let refused = async |row: Row, why: &str| {
            // The first row of the batch is a good one.
            let error = destination.count(&[contract::row(7, "2", 1, 1), row]).await.unwrap_err();
            assert!(matches!(error, Error::Refused(..)) && all_of(&error).contains(why), "{error:?}");
            assert_eq!(text(&destination.totals().await.unwrap()), before);
        };
        refused(row(1, "29abc", 0, 1), "`29abc` is no whole number").await;
        refused(row(1, "9223372036854775808", 0, 1), "is no whole number").await;
        refused(row(1, "", 0, 1), "is no whole number").await;
        refused(row(1, "1", 4, 1), "no category 4").await;
        refused(row(1, "2", 1, i64::MAX), "more than a whole number of 64 bits").await;
        refused(row(1, "1", 0, 2), "out of range").await;
        refused(Row { source: "é".repeat(128).into(), ..good }, "a source of 256 bytes").await;
        let error = destination.prepare(&[key("x", "")]).await.unwrap_err();
        assert!(matches!(error, Error::Refused(..)), "{error:?}");

        let texts = MariaDb::open(&server.url(), shape("texts", KeyType::Text)).unwrap();
        texts.prepare(&[]).await.unwrap();
        let error = texts.count(&[row(0, &"k".repeat(256), 0, 1)]).await.unwrap_err();
        assert!(all_of(&error).contains("a key of 256 bytes"), "{error:?}");
        let longest = "\u{1f600}".repeat(63) + "abc";
        assert_eq!(texts.count(&[row(0, &longest, 0, 1)]).await.unwrap(), 1);
        assert_eq!(texts.totals().await.unwrap()[0].key, longest);
    }

    #[tokio::test]
    async fn a_table_that_cannot_be_counted_in_is_refused() {
        let server = Server::start();
        let url = server.url();
        let mut admin = MySqlConnection::connect(&url).await.unwrap();
        let sums = "minor_sum BIGINT, medium_sum BIGINT, high_sum BIGINT, critical_sum BIGINT";
        for (name, table, key_type) in [
            ("engine", "cs_id INT PRIMARY KEY) ENGINE=MyISAM", KeyType::Integer),
            ("no_key", "cs_id INT)", KeyType::Integer),
            ("half_key", "cs_id INT, x INT, PRIMARY KEY (cs_id, x))", KeyType::Integer),
            ("more_keys", "cs_id INT PRIMARY KEY, x INT UNIQUE)", KeyType::Integer),
            ("text", "cs_id VARCHAR(9) PRIMARY KEY)", KeyType::Integer),
            ("folded", "cs_id VARCHAR(255) PRIMARY KEY) CHARACTER SET utf8mb4", KeyType::Text),
        ] {
            let create = format!("CREATE TABLE {name}_distribution (cs_name TEXT, {sums}, {table}");
            admin.execute(AssertSqlSafe(create)).await.unwrap();
            let error = MariaDb::open(&url, shape(name, key_type)).unwrap().prepare(&[]).await.unwrap_err();
            assert!(all_of(&error).contains("was there before"), "{name}: {error:?}");
        }
        // One that fits, of whatever width.
        let create =
            format!("CREATE TABLE old_distribution (cs_id INT PRIMARY KEY, cs_name VARCHAR(50), {sums})");
        admin.execute(AssertSqlSafe(create)).await.unwrap();
        admin.execute("INSERT INTO old_distribution VALUES (1, NULL, 5, 0, 0, 0)").await.unwrap();
        let old = MariaDb::open(&url, shape("old", KeyType::Integer)).unwrap();
        old.prepare(&[key("1", "one"), key("2", "two")]).await.unwrap();
        assert_eq!(old.count(&[row(0, "1", 0, 50), row(1, "2", 0, 50)]).await.unwrap(), 2);
        assert_eq!(
            text(&old.totals().await.unwrap()),
            "1 \"one\" 1 50 [55, 0, 0, 0]\n2 \"two\" 1 50 [50, 0, 0, 0]\n"
        );
    }

    /// Waits until a transaction waits for a lock.
    async fn somebody_waits(connection: &mut MySqlConnection) {
        let waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *connection).await.unwrap() == 0 {
            // The server answers from what it remembers until nobody has asked for a tenth of a second.
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_deadlock_is_tried_again() {
        let server = Server::start();
        let (destination, mut other) = fresh(&server, "dead").await;
        let destination = Arc::new(destination);
        // Who has changed more rows is not the one that is ended.
        other.execute("BEGIN").await.unwrap();
        other.execute("INSERT INTO dead_distribution (cs_id) SELECT seq FROM seq_100_to_999").await.unwrap();
        other
            .execute("UPDATE dead_distribution SET minor_sum = minor_sum + 1 WHERE cs_id = 2")
            .await
            .unwrap();
        let counting = tokio::spawn({
            let destination = Arc::clone(&destination);
            async move { destination.count(&[row(0, "1", 0, 50), row(1, "2", 0, 50)]).await }
        });
        somebody_waits(&mut other).await;
        other
            .execute("UPDATE dead_distribution SET minor_sum = minor_sum + 1 WHERE cs_id = 1")
            .await
            .unwrap();
        other.execute("COMMIT").await.unwrap();
        assert_eq!(counting.await.unwrap().unwrap(), 2);
        let totals = destination.totals().await.unwrap();
        assert!(text(&totals).starts_with("1 \"one\" 1 50 [51, 0, 0, 0]\n2 \"two\" 1 50 [51, 0, 0, 0]\n"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_is_not_waited_for_leaves_no_lock_behind() {
        let server = Server::start();
        let (destination, mut other) = fresh(&server, "left").await;
        let rows: Vec<Row> = (0..3_000).map(|at| row(at, &(at % 997).to_string(), 0, 10)).collect();
        let mut counted = 0;
        for micros in 0..40 {
            let given_up = Duration::from_micros(200 * micros);
            if let Ok(done) = tokio::time::timeout(given_up, destination.count(&rows)).await {
                counted += done.unwrap();
            }
        }
        other.execute("BEGIN").await.unwrap();
        other.execute("SELECT * FROM left_distribution FOR UPDATE").await.unwrap();
        other.execute("ROLLBACK").await.unwrap();
        counted += destination.count(&rows).await.unwrap();
        assert!(counted <= 3_000, "what was committed unseen is not counted again");
        let totals = destination.totals().await.unwrap();
        assert_eq!(totals.iter().map(|total| total.count).sum::<u64>(), 3_000);
        assert_eq!(totals.iter().map(|total| total.sum).sum::<i64>(), 30_000);
    }
}
