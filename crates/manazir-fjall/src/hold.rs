//! Who holds the partitions: this process all of them; and how often it came to an end without getting on.

use std::sync::{Arc, Mutex, PoisonError};

use fjall::PersistMode;
use manazir_ingest::{Error, EventId, Held, Lease, PARTITIONS};
use serde::{Deserialize, Serialize};

use crate::{Keyspaces, codec};

/// What this process holds, once it has asked.
#[derive(Default)]
pub(crate) struct Holding(Mutex<Option<Arc<Held>>>);

/// Where a worker began.
#[derive(Serialize, Deserialize)]
struct Begun {
    committed: u64,
    /// Workers before it that began at the same place.
    failures: u32,
}

impl Holding {
    pub(crate) fn hold(&self, keyspaces: &Keyspaces, committed: u64) -> Result<Arc<Held>, Error> {
        let mut holding = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = &*holding {
            return Ok(Arc::clone(held));
        }
        let failures = begin(keyspaces, committed)?;
        let suspect = keyspaces.progress.get(codec::SUSPECT).map_err(Error::store)?;
        let suspect: Option<EventId> =
            suspect.map(|bytes| codec::read(&bytes, || codec::SUSPECT.to_owned())).transpose()?;
        let lease = |partition| Lease { partition, epoch: 0, failures, suspect: suspect.clone() };
        let held = Arc::new(Held { leases: (0..PARTITIONS).map(lease).collect(), asked_back: Vec::new() });
        *holding = Some(Arc::clone(&held));
        Ok(held)
    }
}

/// Notes where this worker begins; gives how many before it began there and did not end in order.
fn begin(keyspaces: &Keyspaces, committed: u64) -> Result<u32, Error> {
    let before = keyspaces.progress.get(codec::BEGUN).map_err(Error::store)?;
    let before: Option<Begun> =
        before.map(|bytes| codec::read(&bytes, || codec::BEGUN.to_owned())).transpose()?;
    let failures = match before {
        Some(begun) if begun.committed == committed => begun.failures.saturating_add(1),
        _ => 0,
    };
    note(keyspaces, codec::BEGUN, &codec::write(&Begun { committed, failures })?)?;
    Ok(failures)
}

pub(crate) fn suspect(keyspaces: &Keyspaces, id: &EventId) -> Result<(), Error> {
    note(keyspaces, codec::SUSPECT, &codec::write(id)?)
}

/// The worker has ended in order.
pub(crate) fn end(keyspaces: &Keyspaces) -> Result<(), Error> {
    let mut batch = keyspaces.database.batch().durability(Some(PersistMode::SyncData));
    batch.remove(&keyspaces.progress, codec::BEGUN);
    batch.commit().map_err(Error::store)
}

fn note(keyspaces: &Keyspaces, key: &str, value: &[u8]) -> Result<(), Error> {
    let mut batch = keyspaces.database.batch().durability(Some(PersistMode::SyncData));
    batch.insert(&keyspaces.progress, key, value);
    batch.commit().map_err(Error::store)
}
