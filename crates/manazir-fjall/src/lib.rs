//! The embedded queue and store of events: one LSM tree, so that a batch over both is one commit.
//!
//! | keyspace | key | value |
//! |---|---|---|
//! | `messages` | position | the message as it came; stays after it was judged, for replay |
//! | `identities` | source and id of an event | the place at which it was judged |
//! | `verdicts` | place | the event with its verdict |
//! | `snapshots` | partition | its models, and the position after which they were so |
//! | `outbox` | number | what the relational truth has not shown yet |
//! | `progress` | name | see the module `codec` |
//!
//! A position counts messages; a place is a partition and a position. Numbers are written with their big end
//! first, so that the tree's order is theirs.

mod codec;
mod consumer;
mod hold;
pub mod lake;
mod outbox;
mod publisher;
mod store;
mod trim;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use manazir_ingest::{Error, Message, Queue};

pub use consumer::EmbeddedConsumer;
use hold::Holding;
use outbox::OutboxEnd;
use publisher::Publisher;

/// How the store is opened.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Bytes of blocks that are kept in memory for reading.
    pub cache_bytes: u64,
    /// Bytes of each keyspace that wait in memory to be sorted onto the disk.
    pub write_buffer_bytes: u64,
    /// Publications, each of any number of messages, that may wait to be written; more are refused.
    pub publications_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { cache_bytes: 16 << 20, write_buffer_bytes: 16 << 20, publications_max: 4_096 }
    }
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the directory.
    #[error("{0} is held by another process")]
    Held(PathBuf),
    /// The disk failed, or what is there is no store.
    #[error("the store in {0} cannot be opened")]
    Failed(PathBuf, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Queue and store in one; clones share it.
#[derive(Clone)]
pub struct Embedded {
    keyspaces: Arc<Keyspaces>,
    publisher: Arc<Publisher>,
    holding: Arc<Holding>,
    outbox: Arc<OutboxEnd>,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

/// The tree and its parts; see the table above.
struct Keyspaces {
    database: Database,
    messages: Keyspace,
    identities: Keyspace,
    verdicts: Keyspace,
    snapshots: Keyspace,
    outbox: Keyspace,
    progress: Keyspace,
    lake: Arc<lake::Parts>,
    /// Position up to which batches were committed.
    committed: AtomicU64,
}

impl Embedded {
    /// Opens the store in a directory, which is made if it is not there. One process at a time may hold it.
    pub fn open(folder: &Path, config: &Config) -> Result<Self, OpenError> {
        let keyspaces = Keyspaces::open(folder, config).map_err(|error| match error {
            fjall::Error::Locked => OpenError::Held(folder.to_owned()),
            other => OpenError::Failed(folder.to_owned(), other.into()),
        })?;
        let keyspaces = Arc::new(keyspaces);
        let publisher = Publisher::start(Arc::clone(&keyspaces), config.publications_max)
            .map_err(|error| OpenError::Failed(folder.to_owned(), error.into()))?;
        let outbox = OutboxEnd::open(&keyspaces)
            .map_err(|error| OpenError::Failed(folder.to_owned(), error.into()))?;
        Ok(Self {
            keyspaces,
            publisher: Arc::new(publisher),
            holding: Arc::default(),
            outbox: Arc::new(outbox),
        })
    }

    /// A consumer that begins after the last commit.
    pub fn consumer(&self) -> EmbeddedConsumer {
        let received = self.keyspaces.committed.load(Ordering::Acquire);
        EmbeddedConsumer::new(Arc::clone(&self.keyspaces), self.publisher.written(), received)
    }

    /// The lake in the same tree.
    pub fn lake(&self) -> lake::EmbeddedLake {
        lake::EmbeddedLake::new(self.keyspaces.database.clone(), Arc::clone(&self.keyspaces.lake))
    }

    /// Takes no more messages. What was taken is written; consumers end when they have received it.
    pub fn close(&self) {
        self.publisher.close();
    }

    /// Whoever waits for entries of the outbox waits for no more: the worker has ended.
    pub fn close_outbox(&self) {
        self.outbox.close();
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> Result<u64, Error> {
        self.keyspaces.database.disk_space().map_err(Error::store)
    }
}

impl Keyspaces {
    fn open(folder: &Path, config: &Config) -> fjall::Result<Self> {
        let database = Database::builder(folder).cache_size(config.cache_bytes).open()?;
        let keyspace = |name: &str| {
            database.keyspace(name, || {
                KeyspaceCreateOptions::default().max_memtable_size(config.write_buffer_bytes)
            })
        };
        let progress = keyspace("progress")?;
        let committed = progress.get(codec::COMMITTED)?.map_or(0, |bytes| codec::position(&bytes));
        Ok(Self {
            messages: keyspace("messages")?,
            identities: keyspace("identities")?,
            verdicts: keyspace("verdicts")?,
            snapshots: keyspace("snapshots")?,
            outbox: keyspace("outbox")?,
            progress,
            lake: Arc::new(lake::Parts::open(keyspace)?),
            committed: AtomicU64::new(committed),
            database,
        })
    }
}

#[async_trait]
impl Queue for Embedded {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), Error> {
        self.publisher.publish(messages).await
    }

    async fn depth(&self) -> Result<u64, Error> {
        let written = self.publisher.written().borrow().position;
        Ok(written.saturating_sub(self.keyspaces.committed.load(Ordering::Acquire)))
    }
}
