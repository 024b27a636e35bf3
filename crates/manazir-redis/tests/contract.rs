//! A real Redis keeps the contract of destinations, and what older readers and failing machines expect.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod needs_redis {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use manazir_redis::Redis;
    use manazir_rollup::contract::{self, key, row, shape, text};
    use manazir_rollup::memory::InMemory;
    use manazir_rollup::{AMOUNT_MAX, Destination, Error, KeyType, Row, Shape};
    use manazir_testkit::redis::Redis as Server;
    use redis::FromRedisValue;

    /// What the server itself says, as another client of it sees it.
    async fn ask<T: FromRedisValue>(server: &Server, command: &str) -> T {
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let (name, rest) = command.split_once(' ').unwrap();
        let words: Vec<&str> = rest.split(' ').collect();
        redis::cmd(name).arg(words).query_async(&mut connection).await.unwrap()
    }

    /// A hash, in the order of its fields.
    async fn hash(server: &Server, name: &str) -> String {
        let fields: BTreeMap<String, String> = ask(server, &format!("HGETALL {name}")).await;
        fields.iter().map(|(field, value)| format!("{field}={value} ")).collect()
    }

    /// The shape of the original's table.
    fn output() -> Shape {
        Shape { table: "output".to_owned(), ..shape("karma", KeyType::Integer) }
    }

    async fn open(server: &Server, shape: Shape) -> Redis {
        Redis::open(&server.url(), shape).await.unwrap()
    }

    /// Numbers that are the same in each run: Knuth's generator, of which the high bits are mixed best.
    fn random(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state >> 32
            };
            next() << 32 | next()
        }
    }

    /// All that an error says, its sources included.
    fn said(error: &Error) -> String {
        let mut said = format!("{error} {error:?}");
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            said += &format!(" {error} {error:?}");
            source = error.source();
        }
        said
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_redis_keeps_the_contract() {
        let server = Server::start();
        contract::check(async |shape| open(&server, shape).await).await;
        contract::check_adopt(async |shape| open(&server, shape).await).await;
        let extremes = contract::with_extremes("extremes");
        contract::check_more(extremes, async |shape| open(&server, shape).await).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_processes_count_each_finding_once() {
        let server = Server::start();
        let spawn = |counting| {
            let task = tokio::spawn(counting);
            async { task.await.unwrap() }
        };
        contract::check_at_once(async |shape| open(&server, shape).await, spawn).await;
        contract::check_adopt_at_once(async |shape| open(&server, shape).await, spawn).await;
    }

    /// KP-W2: what the original had counted goes on, whoever starts how often.
    #[tokio::test]
    async fn an_older_reader_finds_its_hash_and_no_start_sets_it_back() {
        let server = Server::start();
        ask::<()>(&server, "HSET output 1_minor 150 1_high 500 2_minor 0").await;
        for _ in 0..2 {
            let redis = open(&server, output()).await;
            redis.prepare(&[key("1", "Ann"), key("2", "Ben")]).await.unwrap();
            redis.count(&[row(0, "1", 0, 50), row(1, "3", 3, 1_000), row(2, "1", 2, 500)]).await.unwrap();
        }
        let expected = "1_critical=0 1_high=1000 1_medium=0 1_minor=200 \
            2_critical=0 2_high=0 2_medium=0 2_minor=0 \
            3_critical=1000 3_high=0 3_medium=0 3_minor=0 ";
        assert_eq!(hash(&server, "output").await, expected);
        let totals = "1_hits=2 1_karma=550 1_karma_average=275.000000 2_hits=0 2_karma=0 \
            3_hits=1 3_karma=1000 3_karma_average=1000.000000 ";
        assert_eq!(hash(&server, "karma_totals").await, totals);
        assert_eq!(hash(&server, "output:cs_name").await, "1=Ann 2=Ben ");
    }

    #[tokio::test]
    async fn many_keys_and_findings_take_eight_bytes_each() {
        let server = Server::start();
        let redis = open(&server, output()).await;
        let rows: Vec<Row> = (0..20_480).map(|at| row(at, &(at % 2_500).to_string(), 0, 1)).collect();
        assert_eq!(redis.count(&rows).await.unwrap(), 20_480);
        let totals = redis.totals().await.unwrap();
        assert_eq!(totals.len(), 2_500);
        assert!(totals.iter().zip(0..).all(|(total, at)| total.key == at.to_string()));
        for block in 0..20 {
            let seen = format!("STRLEN manazir:rollup:karma:seen:{block}:stream");
            assert_eq!(ask::<u64>(&server, &seen).await, 8 * 1_024);
        }
        assert_eq!(ask::<Vec<String>>(&server, "KEYS manazir:*").await.len(), 20 + 3);
    }

    /// KP-W9: no round trip for each message.
    #[tokio::test]
    async fn a_batch_takes_few_round_trips() {
        let server = Server::start();
        let redis = open(&server, output()).await;
        let rows: Vec<Row> = (0..10_000).map(|at| row(at, &(at % 53).to_string(), 0, 1)).collect();
        redis.count(&rows[..1]).await.unwrap();
        let reads = async || -> u64 {
            let said: String = ask(&server, "INFO stats").await;
            let line = said.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
            line.unwrap().trim().parse().unwrap()
        };
        let before = reads().await;
        assert_eq!(redis.count(&rows).await.unwrap(), 9_999);
        // The server reads what is sent together in pieces of 16 KiB; a finding takes 22 bytes.
        let reads = reads().await - before;
        assert!(reads < 100, "{reads}");
    }

    #[tokio::test]
    async fn extremes_stand_in_fields_and_what_needs_more_is_refused() {
        let server = Server::start();
        let shape = contract::with_extremes("karma");
        let redis = open(&server, shape.clone()).await;
        redis.prepare(&[key("1", "Ann"), key("2", "Ben")]).await.unwrap();
        let largest = [row(0, "1", 0, AMOUNT_MAX), row(1, "1", 1, -AMOUNT_MAX), row(2, "3", 0, 0)];
        redis.count(&largest).await.unwrap();
        redis.count(&[row(3, "1", 0, 5), row(4, "3", 0, 5)]).await.unwrap();
        let all = hash(&server, "karma_totals").await;
        let extremes: Vec<&str> =
            all.split(' ').filter(|field| field.contains("_min") || field.contains("_max")).collect();
        let expected =
            ["1_karma_max=1000000000000", "1_karma_min=-1000000000000", "3_karma_max=5", "3_karma_min=0"];
        assert_eq!(extremes, expected);

        ask::<()>(&server, "HSET karma_totals 1_karma_max many").await;
        let error = redis.count(&[row(5, "1", 0, 5)]).await.unwrap_err();
        assert!(said(&error).contains("1_karma_max is no whole number"), "{}", said(&error));

        let error = Redis::open(&server.url(), contract::with_sketches("karma")).await.unwrap_err();
        let expected = "karma_median is p50, and of further columns Redis keeps min and max alone; SQLite, \
            PostgreSQL and MariaDB keep all";
        assert!(matches!(error, Error::Refused(..)) && said(&error).contains(expected), "{}", said(&error));
    }

    /// Older readers find the one or the other under the names that they know, and nothing is left of what is gone.
    #[tokio::test]
    async fn what_takes_the_place_has_the_names_of_what_was_there() {
        let server = Server::start();
        let shape = output();
        let (live, staged) = (open(&server, shape.clone()).await, open(&server, shape.staged()).await);
        let far = |at: u64, amount| row(at * 1_024, &at.to_string(), 0, amount);
        let rows: Vec<Row> = (0..200).map(|at| far(at, 1)).collect();
        live.count(&rows).await.unwrap();
        let other = Row { content: 99, ..far(7, 1) };
        live.count(std::slice::from_ref(&other)).await.unwrap();
        let anew: Vec<Row> = (0..201).rev().map(|at| far(at, 2)).collect();
        // At the same place the other one counts first.
        staged.prepare(&[key("7", "seven")]).await.unwrap();
        staged.count(&anew[..100]).await.unwrap();
        assert!(!live.adopt(&shape.staged()).await.unwrap());
        staged.count(std::slice::from_ref(&Row { amount: 2, ..other.clone() })).await.unwrap();
        staged.count(&anew).await.unwrap();
        assert!(live.adopt(&shape.staged()).await.unwrap());
        let names: Vec<String> = ask(&server, "KEYS *").await;
        assert!(!names.iter().any(|name| name.contains("_next")), "{names:?}");
        assert_eq!(hash(&server, "output:cs_name").await, "7=seven ");
        let seven: i64 = ask(&server, "HGET output 7_minor").await;
        assert_eq!(seven, 4);
        assert_eq!(live.count(&[&rows[..], &[other]].concat()).await.unwrap(), 0);
        assert_eq!(live.totals().await.unwrap().len(), 201);
    }

    #[tokio::test]
    async fn who_may_not_do_all_of_it_takes_no_place() {
        let server = Server::start();
        let shape = output();
        for forbidden in ["rename", "unlink", "zadd"] {
            let url = server.url().replace("redis://", "redis://ann:secret@");
            ask::<()>(&server, "ACL SETUSER ann on >secret allkeys +@all").await;
            let live = Redis::open(&url, shape.clone()).await.unwrap();
            let staged = Redis::open(&url, shape.staged()).await.unwrap();
            live.count(&[row(0, "1", 0, 50)]).await.unwrap();
            staged.count(&[row(0, "1", 0, 7)]).await.unwrap();
            let before = everything(&server).await;
            ask::<()>(&server, &format!("ACL SETUSER ann -{forbidden}")).await;
            let error = live.adopt(&shape.staged()).await.unwrap_err();
            let expected = format!("{} is forbidden", forbidden.to_uppercase());
            assert!(
                matches!(error, Error::Refused(..)) && said(&error).contains(&expected),
                "{}",
                said(&error)
            );
            assert_eq!(everything(&server).await, before);
        }
        // A server without memory is asked again.
        ask::<()>(&server, "ACL SETUSER ann +@all").await;
        let live = open(&server, shape.clone()).await;
        let before = everything(&server).await;
        ask::<()>(&server, "CONFIG SET maxmemory 1").await;
        let error = live.adopt(&shape.staged()).await.unwrap_err();
        assert!(matches!(error, Error::Away(..)), "{}", said(&error));
        assert_eq!(everything(&server).await, before);
        ask::<()>(&server, "CONFIG SET maxmemory 0").await;
        assert!(live.adopt(&shape.staged()).await.unwrap());
        assert_eq!(hash(&server, "output").await, "1_critical=0 1_high=0 1_medium=0 1_minor=7 ");
    }

    /// Six digits, half away from zero, also where a sum has more digits than a double.
    fn mean(sum: i128, count: i128) -> String {
        let scaled = (2 * sum.abs() * 1_000_000 + count) / (2 * count);
        let sign = if sum < 0 && scaled > 0 { "-" } else { "" };
        format!("{sign}{}.{:06}", scaled / 1_000_000, scaled % 1_000_000)
    }

    #[tokio::test]
    async fn sums_and_means_are_exact_up_to_the_largest() {
        let server = Server::start();
        let redis = open(&server, output()).await;
        let mut random = random(7);
        let mut there = vec![(9_007_199_254_740_993, 1), (-1, 2_999_999), (1, 1), (-1_999_999, 1_999_999)];
        there.extend((4..600).map(|_| {
            let sum = random() as i64 / 1_004 * 1_000;
            let count = random() as i64 % 4_499_999_999 + 4_499_999_999;
            (sum >> (random() % 60), 1 + (count >> (random() % 33)))
        }));
        let mut rows = Vec::new();
        for (position, (sum, count)) in (0..).zip(&there) {
            let fields = format!("{position}_hits {count} {position}_karma {sum}");
            ask::<()>(&server, &format!("HSET karma_totals {fields}")).await;
            ask::<()>(&server, &format!("HSET output {position}_minor {sum}")).await;
            let amount = AMOUNT_MAX - (random() % 1_000) as i64;
            rows.push(row(position, &position.to_string(), 0, if position % 2 == 0 { amount } else { 1 }));
        }
        assert_eq!(redis.count(&rows).await.unwrap(), 600);
        let totals = redis.totals().await.unwrap();
        for ((position, (sum, count)), (row, total)) in
            (0..).zip(there).zip(rows.iter().zip(&totals)).map(|(at, rows): ((u64, _), _)| (at, rows))
        {
            let (sum, count) = (sum + row.amount, count + 1);
            assert_eq!((total.sum, total.by_category[0], total.count), (sum, sum, count as u64));
            let kept: String = ask(&server, &format!("HGET karma_totals {position}_karma_average")).await;
            assert_eq!(kept, mean(sum.into(), count.into()), "{sum} / {count}");
        }
    }

    /// KP-W7: the server dies five times in the middle; nothing that was acknowledged is lost, nothing is counted twice.
    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn a_server_that_is_killed_loses_nothing_and_counts_nothing_twice() {
        const BATCHES: usize = 120;
        let mut server = Server::start();
        let rows: Vec<Row> =
            (0..6_000).map(|at| row(at, &(at % 97).to_string(), (at % 4) as u16, 50 << (at % 4))).collect();
        let done = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for seed in 0..2 {
            let redis = open(&server, output()).await;
            let mut rows = rows.clone();
            let mut random = random(seed);
            rows.sort_by_cached_key(|row| (row.position / 10) ^ (random() & 0x1f));
            let done = Arc::clone(&done);
            tasks.push(tokio::spawn(async move {
                for batch in rows.chunks(100) {
                    while let Err(error) = redis.count(batch).await {
                        assert!(matches!(error, Error::Away(..)), "{}", said(&error));
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        for kill in 1..=5 {
            while done.load(Ordering::Relaxed) < kill * BATCHES / 6 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            server.kill();
            server.restart();
        }
        for task in tasks {
            task.await.unwrap();
        }
        let expected = InMemory::new(output());
        expected.count(&rows).await.unwrap();
        let redis = open(&server, output()).await;
        assert_eq!(text(&redis.totals().await.unwrap()), text(&expected.totals().await.unwrap()));
        assert_eq!(redis.count(&rows).await.unwrap(), 0);
    }

    /// All of the server's data, to be compared.
    async fn everything(server: &Server) -> Vec<(String, Vec<u8>)> {
        let mut keys: Vec<String> = ask(server, "KEYS *").await;
        keys.sort();
        let mut all = Vec::new();
        for key in keys {
            let content = ask(server, &format!("DUMP {key}")).await;
            all.push((key, content));
        }
        all
    }

    #[tokio::test]
    async fn a_chunk_that_cannot_be_counted_is_not_half_counted() {
        let server = Server::start();
        let redis = open(&server, output()).await;
        redis.prepare(&[key("1", "Ann")]).await.unwrap();
        let again = Row { content: 99, ..row(0, "1", 0, 1) };
        redis.count(&[row(0, "1", 0, 1), again]).await.unwrap();
        let rows: Vec<Row> = (0..50).map(|at| Row { content: 7, ..row(at, &at.to_string(), 0, 5) }).collect();
        let spoilt = [
            ("SET output x", "DEL output", "WRONGTYPE"),
            ("SET karma_totals x", "DEL karma_totals", "WRONGTYPE"),
            ("SET manazir:rollup:karma:keys x", "DEL manazir:rollup:karma:keys", "WRONGTYPE"),
            (
                "HSET manazir:rollup:karma:seen:0:stream a b",
                "DEL manazir:rollup:karma:seen:0:stream",
                "WRONGTYPE",
            ),
            (
                "SET manazir:rollup:karma:more:0:stream x",
                "DEL manazir:rollup:karma:more:0:stream",
                "WRONGTYPE",
            ),
            ("SET manazir:rollup:karma:blocks x", "DEL manazir:rollup:karma:blocks", "WRONGTYPE"),
            ("SET manazir:rollup:karma:changes x", "DEL manazir:rollup:karma:changes", "not an integer"),
            ("HSET output 49_minor 007", "HDEL output 49_minor", "output 49_minor is no whole number"),
            ("HSET output 49_minor 1.5", "HDEL output 49_minor", "no whole number"),
            ("HSET output 49_minor 9223372036854775807", "HDEL output 49_minor", "too large"),
            ("HSET karma_totals 49_karma -9223372036854775807", "HDEL karma_totals 49_karma", "too large"),
            ("HSET karma_totals 49_hits 99999999999", "HDEL karma_totals 49_hits", "too large"),
        ];
        for (spoil, mend, why) in spoilt {
            let whole = everything(&server).await;
            let name = spoil.split(' ').nth(1).unwrap();
            if spoil.starts_with("SET ") || spoil.contains(" a b") {
                ask::<()>(&server, &format!("COPY {name} aside")).await;
                ask::<()>(&server, &format!("DEL {name}")).await;
            }
            ask::<()>(&server, spoil).await;
            let before = everything(&server).await;
            let error = redis.count(&rows).await.unwrap_err();
            assert!(matches!(error, Error::Refused(..)) && said(&error).contains(why), "{}", said(&error));
            assert_eq!(everything(&server).await, before, "{spoil}");
            ask::<()>(&server, mend).await;
            let _: i64 = ask(&server, &format!("COPY aside {name}")).await;
            let _: i64 = ask(&server, "DEL aside").await;
            assert_eq!(everything(&server).await, whole, "{mend}");
        }
        assert_eq!(redis.count(&rows).await.unwrap(), 50);
    }

    /// KP-W7: what mends itself is left to who asked, who tries again; nothing here does, so that nothing goes on for
    /// ever.
    #[tokio::test]
    async fn a_server_without_memory_may_be_tried_again() {
        let server = Server::start();
        let redis = open(&server, output()).await;
        let rows: Vec<Row> = (0..3_000).map(|at| row(at, &at.to_string(), 0, 5)).collect();
        ask::<()>(&server, "CONFIG SET maxmemory 1").await;
        let error = redis.count(&rows).await.unwrap_err();
        assert!(matches!(error, Error::Away(..)) && said(&error).contains("OOM"), "{}", said(&error));
        assert!(matches!(redis.prepare(&[key("1", "Ann")]).await, Err(Error::Away(..))));
        assert_eq!(everything(&server).await, []);
        ask::<()>(&server, "CONFIG SET maxmemory 0").await;
        ask::<()>(&server, "SCRIPT FLUSH").await;
        assert_eq!(redis.count(&rows).await.unwrap(), 3_000);
    }

    #[tokio::test]
    async fn what_is_too_long_or_no_number_is_refused_before_anything_changes() {
        let server = Server::start();
        let redis = open(&server, output()).await;
        let long = Row { source: "s".repeat(256).into(), ..row(1, "1", 0, 1) };
        for bad in [long, row(1, "29abc", 0, 1), row(1, "1", 4, 1)] {
            assert!(matches!(redis.count(&[row(0, "1", 0, 1), bad]).await, Err(Error::Refused(..))));
        }
        let keys = [key("1", "Ann"), key("two", "Ben")];
        let error = redis.prepare(&keys).await.unwrap_err();
        assert!(said(&error).contains("\"two\" is no whole number"), "{}", said(&error));
        assert_eq!(everything(&server).await, []);
    }

    #[tokio::test]
    async fn a_total_that_is_no_number_is_damage() {
        let server = Server::start();
        let redis = open(&server, output()).await;
        redis.prepare(&[key("1", "Ann")]).await.unwrap();
        ask::<()>(&server, "HSET output 1_high many").await;
        let error = redis.totals().await.unwrap_err();
        let expected = "what is kept of \"1\" cannot be read: \"many\" is no whole number";
        assert_eq!(error.to_string(), expected);
    }

    #[tokio::test]
    async fn no_message_shows_the_password() {
        let mut server = Server::start_with(&["--requirepass", "open sesame"]);
        let with = |login: &str| server.url().replace("redis://", &format!("redis://{login}@"));
        let right = with(":open%20sesame");
        let redis = Redis::open(&right, output()).await.unwrap();
        let mut shown = format!("{redis:?}");
        assert!(shown.starts_with("Redis at 127.0.0.1:"), "{shown}");
        for (url, why) in [
            (with(":close%20sesame"), "authentication failed"),
            (with("sesame:sesame"), "authentication failed"),
            (server.url(), "NOAUTH"),
            (right.replace("/0", "/99"), "refused to switch database"),
            (right.replace("/0", "/sesame"), "no address of a Redis"),
        ] {
            let error = Redis::open(&url, output()).await.unwrap_err();
            assert!(matches!(error, Error::Refused(..)) && said(&error).contains(why), "{}", said(&error));
            shown += &said(&error);
        }
        server.kill();
        let error = Redis::open(&right, output()).await.unwrap_err();
        assert!(matches!(error, Error::Away(..)), "{}", said(&error));
        let error = redis.totals().await.unwrap_err();
        assert!(matches!(error, Error::Away(..)), "{}", said(&error));
        assert!(!(shown + &said(&error)).contains("sesame"));
    }

    #[tokio::test]
    async fn who_may_not_do_all_of_it_is_told_so_at_the_start() {
        let server = Server::start();
        ask::<()>(&server, "ACL SETUSER ann on >secret allkeys +@all -sadd").await;
        let url = server.url().replace("redis://", "redis://ann:secret@");
        let error = Redis::open(&url, output()).await.unwrap_err();
        assert!(
            matches!(error, Error::Refused(..)) && said(&error).contains("SADD is forbidden"),
            "{}",
            said(&error)
        );
        assert_eq!(everything(&server).await, []);
        // Who may not ask for the settings may count.
        ask::<()>(&server, "ACL SETUSER ann +sadd -config").await;
        let redis = Redis::open(&url, output()).await.unwrap();
        assert_eq!(redis.count(&[row(0, "1", 0, 1)]).await.unwrap(), 1);
        // Neither may anybody who is kept from a key, and then nothing is counted.
        let kept = everything(&server).await;
        ask::<()>(&server, "ACL SETUSER ann resetkeys ~output ~manazir:*").await;
        let error = redis.count(&[row(1, "1", 0, 1)]).await.unwrap_err();
        assert!(matches!(error, Error::Refused(..)), "{}", said(&error));
        assert_eq!(everything(&server).await, kept);
    }
}
