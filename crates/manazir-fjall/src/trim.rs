//! Messages that nobody needs any more.

use std::sync::atomic::Ordering;

use manazir_ingest::{Error, PARTITIONS};

use crate::{Embedded, Keyspaces, codec};

/// Messages that are removed in one batch.
const REMOVED_MAX: usize = 10_000;

impl Embedded {
    /// Removes messages that were judged and that no models need to be brought up to date, the oldest first, at
    /// most `max` of them; how many went. Verdicts and identities stay.
    pub fn trim(&self, max: usize) -> Result<u64, Error> {
        let keyspaces = &*self.keyspaces;
        let needed = needed_from(keyspaces)?;
        let mut removed = 0;
        while removed < max {
            let mut batch = keyspaces.database.batch();
            let old = keyspaces.messages.range(..needed.to_be_bytes());
            for entry in old.take(REMOVED_MAX.min(max - removed)) {
                batch.remove(&keyspaces.messages, entry.key().map_err(Error::store)?);
            }
            if batch.is_empty() {
                break;
            }
            removed += batch.len();
            batch.commit().map_err(Error::store)?;
        }
        Ok(removed as u64)
    }
}

/// The first position that a restart may read: after the last commit, or what a partition's models have learnt
/// since they were written down.
fn needed_from(keyspaces: &Keyspaces) -> Result<u64, Error> {
    let mut needed = keyspaces.committed.load(Ordering::Acquire) + 1;
    for partition in 0..PARTITIONS {
        let snapshot = keyspaces.snapshots.get(partition.to_be_bytes()).map_err(Error::store)?;
        let written = snapshot.as_ref().and_then(|value| value.get(..8)).map_or(0, codec::position);
        let since = codec::place(partition, written + 1)..=codec::place(partition, u64::MAX);
        if let Some(first) = keyspaces.verdicts.range(since).next() {
            needed = needed.min(codec::position(&first.key().map_err(Error::store)?[2..]));
        }
    }
    Ok(needed)
}
