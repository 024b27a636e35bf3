//! Messages and verdicts that nobody needs any more.

use std::sync::atomic::Ordering;

use manazir_ingest::{Error, Judged, PARTITIONS, Places};
use manazir_model::Timestamp;

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

/// Removes verdicts of events that arrived before a time, with their identities, partition by partition and the
/// oldest first; those that models have yet to be written down with stay, and those after `until`.
pub(crate) fn forget(
    keyspaces: &Keyspaces,
    before: Timestamp,
    until: Option<&Places>,
    max: usize,
) -> Result<u64, Error> {
    let mut batch = keyspaces.database.batch();
    let mut forgotten = 0;
    for partition in 0..PARTITIONS {
        let last = until.map_or(u64::MAX, |until| until.get(&partition).copied().unwrap_or(0));
        let last = written(keyspaces, partition)?.min(last);
        let places = codec::place(partition, 0)..=codec::place(partition, last);
        for entry in keyspaces.verdicts.range(places) {
            let (place, value) = entry.into_inner().map_err(Error::store)?;
            let judged: Judged = codec::read(&value, || "an old verdict".to_owned())?;
            if forgotten == max || judged.received_at >= before {
                break;
            }
            let identity = judged.id.to_bytes();
            let latest = keyspaces.identities.get(&identity).map_err(Error::store)?;
            if latest.is_some_and(|latest| latest == place) {
                batch.remove(&keyspaces.identities, identity);
            }
            batch.remove(&keyspaces.verdicts, place);
            forgotten += 1;
        }
    }
    batch.commit().map_err(Error::store)?;
    Ok(forgotten as u64)
}

/// The position up to which the models of a partition are written down.
fn written(keyspaces: &Keyspaces, partition: u16) -> Result<u64, Error> {
    let snapshot = keyspaces.snapshots.get(partition.to_be_bytes()).map_err(Error::store)?;
    Ok(snapshot.as_ref().and_then(|value| value.get(..8)).map_or(0, codec::position))
}

/// The first position that a restart may read: after the last commit, or what a partition's models have learnt
/// since they were written down.
fn needed_from(keyspaces: &Keyspaces) -> Result<u64, Error> {
    let mut needed = keyspaces.committed.load(Ordering::Acquire) + 1;
    for partition in 0..PARTITIONS {
        let since =
            codec::place(partition, written(keyspaces, partition)? + 1)..=codec::place(partition, u64::MAX);
        if let Some(first) = keyspaces.verdicts.range(since).next() {
            needed = needed.min(codec::position(&first.key().map_err(Error::store)?[2..]));
        }
    }
    Ok(needed)
}
