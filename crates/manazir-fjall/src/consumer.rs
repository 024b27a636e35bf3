//! A worker's end of the embedded queue.

use std::sync::Arc;

use async_trait::async_trait;
use manazir_ingest::{Consumer, Delivery, Error, Message};
use tokio::sync::watch;

use crate::Keyspaces;
use crate::codec;
use crate::publisher::Written;

/// Reads messages in their order, each once, from after the last commit on.
pub struct EmbeddedConsumer {
    keyspaces: Arc<Keyspaces>,
    written: watch::Receiver<Written>,
    received: u64,
}

impl std::fmt::Debug for EmbeddedConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedConsumer").field("received", &self.received).finish_non_exhaustive()
    }
}

impl EmbeddedConsumer {
    pub(crate) fn new(keyspaces: Arc<Keyspaces>, written: watch::Receiver<Written>, received: u64) -> Self {
        Self { keyspaces, written, received }
    }
}

#[async_trait]
impl Consumer for EmbeddedConsumer {
    async fn receive(&mut self, max: usize) -> Result<Option<Vec<Delivery>>, Error> {
        let received = self.received;
        let ready = |written: &Written| written.position > received || written.closed;
        let written = *self.written.wait_for(ready).await.map_err(|_| Error::Closed)?;
        if written.position <= received {
            return Ok(None);
        }
        let deliveries = messages(&self.keyspaces, received, written.position, max)?;
        self.received = deliveries.last().map_or(written.position, |last| last.position);
        Ok(Some(deliveries))
    }

    async fn acknowledge(&mut self, _position: u64) -> Result<(), Error> {
        // The commit said it already: queue and store are one tree.
        Ok(())
    }
}

/// Messages after one position and up to another, at most `max`.
pub(crate) fn messages(
    keyspaces: &Keyspaces,
    after: u64,
    until: u64,
    max: usize,
) -> Result<Vec<Delivery>, Error> {
    let range = (after + 1).to_be_bytes()..=until.to_be_bytes();
    let entries = keyspaces.messages.range(range).take(max);
    let delivery = |entry: fjall::Guard| {
        let (key, value) = entry.into_inner().map_err(Error::store)?;
        Ok(Delivery { position: codec::position(&key), message: Message::from_bytes(&value)? })
    };
    entries.map(delivery).collect()
}
