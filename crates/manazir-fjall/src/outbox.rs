//! What was found and the relational truth does not show yet.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fjall::{OwnedWriteBatch, PersistMode};
use manazir_ingest::outbox::{Entry, Outbox, Shown};
use manazir_ingest::{Commit, Error};
use tokio::sync::watch;

use crate::{Embedded, Keyspaces, codec};

/// Tells whoever waits for entries how far the outbox goes.
pub(crate) struct OutboxEnd {
    last: watch::Sender<Last>,
    name: Mutex<String>,
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
        let name = keyspaces.progress.get(codec::OUTBOX_NAME).map_err(Error::store)?;
        let name = match name {
            Some(name) => String::from_utf8_lossy(&name).into_owned(),
            None => new_name(keyspaces)?,
        };
        Ok(Self { last: watch::Sender::new(Last { seq, closed: false }), name: Mutex::new(name) })
    }

    pub(crate) fn name(&self) -> MutexGuard<'_, String> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Gives the outbox a name that none has or had; on disk before an entry is shown under it.
fn new_name(keyspaces: &Keyspaces) -> Result<String, Error> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(Error::store)?;
    let name = format!("{:032x}", u128::from_be_bytes(entropy));
    let mut batch = keyspaces.database.batch().durability(Some(PersistMode::SyncData));
    batch.insert(&keyspaces.progress, codec::OUTBOX_NAME, &name);
    batch.commit().map_err(Error::store)?;
    Ok(name)
}

/// Entries after a number, in order.
fn entries(keyspaces: &Keyspaces, after: u64, max: usize) -> Result<Vec<Entry>, Error> {
    let entries = keyspaces.outbox.range(after.saturating_add(1).to_be_bytes()..).take(max);
    let entry = |entry: fjall::Guard| {
        let (key, value) = entry.into_inner().map_err(Error::store)?;
        codec::read(&value, || format!("entry {} of the outbox", codec::position(&key)))
    };
    entries.map(entry).collect()
}

#[async_trait]
impl Outbox for Embedded {
    fn name(&self) -> String {
        self.outbox.name().clone()
    }

    fn last(&self) -> u64 {
        self.outbox.last.borrow().seq
    }

    async fn rename(&self) -> Result<(), Error> {
        let name = new_name(&self.keyspaces)?;
        *self.outbox.name() = name;
        Ok(())
    }

    async fn entries(&self, after: u64, max: usize) -> Result<Vec<Entry>, Error> {
        let mut last = self.outbox.last.subscribe();
        let mut seen = after;
        loop {
            let Last { seq, closed } =
                *last.wait_for(|last| last.seq > seen || last.closed).await.map_err(|_| Error::Closed)?;
            let found = entries(&self.keyspaces, after, max)?;
            if closed || !found.is_empty() {
                return Ok(found);
            }
            // What there was is gone: another truth has shown it. It goes on with what comes.
            seen = seq;
        }
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
