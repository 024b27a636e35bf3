//! The port of a durable queue.

use async_trait::async_trait;

use crate::{Error, Message};

/// Keeps messages, in their order, until a worker has judged them.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Takes messages and returns when all of them are on disk: their positions, in the same order.
    ///
    /// [`Error::Full`] if too many already wait to be written; nothing was taken then.
    async fn publish(&self, messages: Vec<Message>) -> Result<Vec<u64>, Error>;

    /// Messages that no worker has judged yet.
    fn depth(&self) -> u64;
}

/// One message on its way to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the queue; grows.
    pub position: u64,
    /// The message.
    pub message: Message,
}

/// A worker's end of a queue.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for messages and returns up to `max` of them in order, at least one; `None` after the queue was
    /// closed. What was received and not acknowledged comes again to whoever consumes next.
    async fn receive(&mut self, max: usize) -> Result<Option<Vec<Delivery>>, Error>;

    /// Everything up to this position has been committed and need not come again.
    async fn acknowledge(&mut self, position: u64) -> Result<(), Error>;
}
