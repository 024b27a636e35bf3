//! The contract of destinations on a real Cassandra, where `MANAZIR_TEST_CQL` says where one is.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]
#![allow(clippy::print_stderr, reason = "a test that is left out says so")]

mod needs_cassandra {
    use std::collections::HashMap;
    use std::sync::Mutex;
    use std::time::{SystemTime, UNIX_EPOCH};

    use manazir_cassandra::Cassandra;
    use manazir_rollup::contract::{self, key, row, shape, text};
    use manazir_rollup::memory::InMemory;
    use manazir_rollup::{Destination as _, KeyType, Shape};
    use scylla::client::session::Session;
    use scylla::client::session_builder::SessionBuilder;

    /// A keyspace of its own in the cluster at `host:port`, which is removed at the end.
    struct Keyspace {
        session: Session,
        node: String,
        name: String,
    }

    impl Keyspace {
        /// `None`, said aloud, where there is no cluster.
        async fn make() -> Option<Self> {
            let Ok(node) = std::env::var("MANAZIR_TEST_CQL") else {
                eprintln!("LEFT OUT: MANAZIR_TEST_CQL=HOST:PORT names no Cassandra");
                return None;
            };
            let session = SessionBuilder::new().known_node(&node).build().await.unwrap();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
            let name = format!("manazir_test_{now}");
            let make = format!(
                "CREATE KEYSPACE {name} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
            );
            session.query_unpaged(make, ()).await.unwrap();
            Some(Self { session, node, name })
        }

        fn open(&self, exact: &InMemory, shape: Shape) -> Cassandra {
            let url = format!("cassandra://{}/{}", self.node, self.name);
            Cassandra::open(&url, shape, Box::new(exact.clone())).unwrap()
        }

        async fn remove(self) {
            self.session.query_unpaged(format!("DROP KEYSPACE {}", self.name), ()).await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_cassandra_keeps_the_contract() {
        let Some(keyspace) = Keyspace::make().await else { return };
        let opened: Mutex<HashMap<String, InMemory>> = Mutex::default();
        contract::check(async |shape: Shape| {
            let new = || InMemory::new(shape.clone());
            let exact = opened.lock().unwrap().entry(shape.name.clone()).or_insert_with(new).clone();
            keyspace.open(&exact, shape)
        })
        .await;
        keyspace.remove().await;
    }

    /// KP-W1, KP-W11: as older readers ask, and after an end between the two steps.
    #[tokio::test(flavor = "multi_thread")]
    async fn an_older_reader_finds_the_counters_that_it_knows() {
        let Some(keyspace) = Keyspace::make().await else { return };
        let shape = shape("karma", KeyType::Integer);
        let exact = InMemory::new(shape.clone());
        keyspace.open(&exact, shape.clone()).prepare(&[key("9", "nine")]).await.unwrap();
        exact.count(&[row(0, "9", 2, 500), row(1, "9", 0, 50)]).await.unwrap();
        let cassandra = keyspace.open(&exact, shape);
        cassandra.prepare(&[key("9", "neun")]).await.unwrap();
        assert_eq!(text(&cassandra.totals().await.unwrap()), "9 \"neun\" 2 550 [50, 0, 500, 0]\n");
        let name = &keyspace.name;
        let read = format!("SELECT minor_sum, high_sum FROM {name}.karma_distribution WHERE cs_id = 9");
        let rows = keyspace.session.query_unpaged(read, ()).await.unwrap().into_rows_result().unwrap();
        let (minor, high) = rows.single_row::<(scylla::value::Counter, scylla::value::Counter)>().unwrap();
        assert_eq!((minor.0, high.0), (50, 500));
        keyspace.remove().await;
    }
}
