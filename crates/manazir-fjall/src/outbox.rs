//! What was found and the relational truth does not show yet.

use async_trait::async_trait;
use fjall::{OwnedWriteBatch, PersistMode};
use manazir_ingest::outbox::{Entry, Outbox, Shown};
use manazir_ingest::{Commit, Error};
use tokio::sync::watch;

use crate::{Embedded, Keyspaces, codec};

/// Tells whoever waits for entries how far the outbox goes.
pub(crate) struct OutboxEnd {
    last: watch::Sender<Last>,
}

#[derive(Clone, Copy, Default)]
struct Last {
    seq: u64,
    closed: bool,
}

impl OutboxEnd {
    pub(crate) fn open(keyspaces: &Keyspaces) -> Result<Self, Error> {
        let seq = keyspaces.progress.get(codec::OUTBOX).map_err(Error::store)?;
        let seq = seq.map_or(0, |bytes| codec::position(&bytes));
        Ok(Self { last: watch::Sender::new(Last { seq, closed: false }) })
    }

    /// Adds what a commit found to its batch, and gives the number to be told once that is on disk.
    pub(crate) fn put(
        &self,
        commit: &Commit<'_>,
        batch: &mut OwnedWriteBatch,
        keyspaces: &Keyspaces,
    ) -> Result<u64, Error> {
        let mut seq = self.last.borrow().seq;
        for shown in Shown::of(commit) {
            seq += 1;
            batch.insert(&keyspaces.outbox, seq.to_be_bytes(), codec::write(&Entry { seq, shown })?);
            batch.insert(&keyspaces.progress, codec::OUTBOX, seq.to_be_bytes());
        }
        Ok(seq)
    }

    pub(crate) fn tell(&self, seq: u64) {
        self.last.send_if_modified(|last| {
            let more = last.seq < seq;
            last.seq = last.seq.max(seq);
            more
        });
    }

    pub(crate) fn close(&self) {
        self.last.send_modify(|last| last.closed = true);
    }
}

#[async_trait]
impl Outbox for Embedded {
    async fn entries(&self, after: u64, max: usize) -> Result<Vec<Entry>, Error> {
        let mut last = self.outbox.last.subscribe();
        let ready = last.wait_for(|last| last.seq > after || last.closed).await;
        drop(ready.map_err(|_| Error::Closed)?);
        let range = (after + 1).to_be_bytes()..;
        let entries = self.keyspaces.outbox.range(range).take(max);
        let entry = |entry: fjall::Guard| {
            let (key, value) = entry.into_inner().map_err(Error::store)?;
            codec::read(&value, || format!("entry {} of the outbox", codec::position(&key)))
        };
        entries.map(entry).collect()
    }

    async fn shown(&self, through: u64) -> Result<(), Error> {
        let keyspaces = &self.keyspaces;
        // It need not be on disk at once: what is shown again is known by its number.
        let mut batch = keyspaces.database.batch().durability(Some(PersistMode::Buffer));
        for entry in keyspaces.outbox.range(..=through.to_be_bytes()) {
            batch.remove(&keyspaces.outbox, entry.key().map_err(Error::store)?);
        }
        batch.commit().map_err(Error::store)
    }
}
