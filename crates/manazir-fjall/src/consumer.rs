//! A worker's end of the embedded queue.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use manazir_ingest::{Consumer, Delivery, Error};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::Keyspaces;
use crate::codec;
use crate::publisher::Written;

/// How long a worker waits for messages before it sees to other things.
const PATIENCE: Duration = Duration::from_secs(1);

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
    async fn follow(&mut self, _partitions: &BTreeSet<u16>) -> Result<(), Error> {
        // One process holds the directory, and with it every partition.
        Ok(())
    }

    async fn receive(&mut self, max: usize) -> Result<Option<Vec<Delivery>>, Error> {
        let received = self.received;
        let ready = |written: &Written| written.position > received || written.closed;
        let Ok(written) = timeout(PATIENCE, self.written.wait_for(ready)).await else {
            return Ok(Some(Vec::new()));
        };
        let written = *written.map_err(|_| Error::Closed)?;
        if written.position <= received {
            return Ok(None);
        }
        let deliveries = messages(&self.keyspaces, received, written.position, max)?;
        self.received = deliveries.last().map_or(written.position, |last| last.receipt);
        Ok(Some(deliveries))
    }

    async fn acknowledge(&mut self, _partition: u16, _receipt: u64) -> Result<(), Error> {
        // The commit said it already: queue and store are one tree.
        Ok(())
    }
}

/// Messages after one position and up to another, at most `max`.
fn messages(keyspaces: &Keyspaces, after: u64, until: u64, max: usize) -> Result<Vec<Delivery>, Error> {
    let range = (after + 1).to_be_bytes()..=until.to_be_bytes();
    let (mut deliveries, mut bytes) = (Vec::new(), 0);
    for entry in keyspaces.messages.range(range).take(max) {
        let (key, value) = entry.into_inner().map_err(Error::store)?;
        let receipt = codec::position(&key);
        // What cannot be read names no partition; any will do.
        deliveries.push(Delivery::read(receipt, Some(receipt), 0, &value));
        bytes += value.len();
        if Delivery::enough(bytes) {
            break;
        }
    }
    Ok(deliveries)
}
