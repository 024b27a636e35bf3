//! The port of a durable queue.

use std::collections::BTreeSet;
use std::time::SystemTime;

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::{Error, Message};

/// Keeps messages, each partition in its order, until a worker has judged them.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes messages and returns when all of them are on disk.
    ///
    /// [`Error::Full`] if too many already wait to be written, [`Error::Unreachable`] if the broker is away:
    /// nothing was taken then, or, if a connection broke in between, all may be taken: send them again, an
    /// event is known by its identity.
    async fn publish(&self, messages: Vec<Message>) -> Result<(), Error>;

    /// Messages that no worker has judged yet.
    async fn depth(&self) -> Result<u64, Error>;
}

/// One message on its way to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The consumer's own number for it, which grows: what [`Consumer::acknowledge`] takes.
    pub receipt: u64,
    /// Its place among the messages of its partition, if the queue numbers them as the store does; if not,
    /// the worker counts.
    pub seq: Option<u64>,
    /// The message.
    pub message: Message,
    /// Why what stood in the queue is no message, if it is none; see [`Message::unreadable`].
    pub unreadable: Option<String>,
}

impl Delivery {
    /// A message as [`Message::to_bytes`] wrote it. Bytes that are no message are delivered, too, for the worker to
    /// put them aside: they are not to stop those behind them.
    pub fn read(receipt: u64, seq: Option<u64>, partition: u16, bytes: &[u8]) -> Self {
        let (message, unreadable) = match Message::from_bytes(bytes) {
            Ok(message) => (message, None),
            Err(error) => (Message::unreadable(partition, now(), bytes), Some(error.to_string())),
        };
        Self { receipt, seq, message, unreadable }
    }

    /// True once a batch holds so many bytes that no more is to be added to it: what is judged together is in
    /// memory together, several times over.
    pub fn enough(bytes: usize) -> bool {
        const BATCH_BYTES_MAX: usize = 16 << 20;
        bytes >= BATCH_BYTES_MAX
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A worker's end of a queue.
#[async_trait]
pub trait Consumer: Send {
    /// Reads these partitions from now on, and no others. What was received of the others and not
    /// acknowledged goes back and comes to whoever reads them next.
    async fn follow(&mut self, partitions: &BTreeSet<u16>) -> Result<(), Error>;

    /// Up to `max` messages, fewer if they are [large](Delivery::enough), those of a partition in their order; none if none came for about a second, so
    /// that a worker can see to other things; `None` after the queue was closed. What was received and not
    /// acknowledged comes again to whoever consumes next.
    async fn receive(&mut self, max: usize) -> Result<Option<Vec<Delivery>>, Error>;

    /// What this partition gave up to this receipt has been committed and need not come again. It may, with
    /// others that it was published with and that are not acknowledged yet: events are known by their identity.
    async fn acknowledge(&mut self, partition: u16, receipt: u64) -> Result<(), Error>;
}
