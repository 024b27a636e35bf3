//! The contract of queues and stores, on a real directory.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::path::PathBuf;

use manazir_fjall::{Config, Embedded, EmbeddedConsumer, OpenError};
use manazir_ingest::contract::{self, Fixture, Opened, message};
use manazir_ingest::{Consumer, Error, Queue};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("store")
    }
}

impl Fixture for Folder {
    type Queue = Embedded;
    type Store = Embedded;
    type Consumer = EmbeddedConsumer;

    async fn open(&self) -> Opened<Embedded, Embedded, EmbeddedConsumer> {
        let store = Embedded::open(&self.path(), &Config::default()).unwrap();
        Opened { queue: store.clone(), consumer: store.consumer(), store }
    }

    async fn close(&self, queue: &Embedded) {
        queue.close();
    }
}

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    contract::check(Folder::new).await;
    contract::check_outbox(&Folder::new()).await;
}

#[test]
fn a_directory_is_held_by_one_process() {
    let folder = Folder::new();
    let first = Embedded::open(&folder.path(), &Config::default()).unwrap();
    let second = Embedded::open(&folder.path(), &Config::default());
    assert!(matches!(second, Err(OpenError::Held(_))), "{second:?}");
    drop(first);
    Embedded::open(&folder.path(), &Config::default()).unwrap();
}

#[tokio::test]
async fn a_full_queue_says_so_and_takes_nothing() {
    let folder = Folder::new();
    let config = Config { publications_max: 1, ..Config::default() };
    let store = Embedded::open(&folder.path(), &config).unwrap();
    let large = || (0..2_000).map(|id| message(&id.to_string(), &"a".repeat(2_000))).collect::<Vec<_>>();
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.publish(large()).await })
        })
        .collect();
    let mut taken = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(()) => taken += 2_000,
            Err(error) => assert!(matches!(error, Error::Full { .. }), "{error:?}"),
        }
    }
    assert_eq!(store.depth().await.unwrap(), taken, "what was refused is not there");
}

#[tokio::test]
async fn a_closed_queue_takes_nothing_and_ends_its_consumers() {
    let folder = Folder::new();
    let store = Embedded::open(&folder.path(), &Config::default()).unwrap();
    store.publish(vec![message("1", "a")]).await.unwrap();
    store.close();
    assert!(matches!(store.publish(vec![message("2", "a")]).await, Err(Error::Closed)));
    let mut consumer = store.consumer();
    assert_eq!(consumer.receive(10).await.unwrap().unwrap().len(), 1);
    assert_eq!(consumer.receive(10).await.unwrap(), None);
}
