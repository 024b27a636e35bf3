//! Verdicts, identities and models.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use fjall::PersistMode;
use manazir_ingest::{
    Archive, Commit, Error, EventId, EventStore, Held, Judged, Lease, Message, Places, Snapshot, Standing,
};
use manazir_model::Timestamp;

use crate::{Embedded, Keyspaces, codec, hold, trim};

#[async_trait]
impl EventStore for Embedded {
    async fn hold(&self) -> Result<Arc<Held>, Error> {
        self.holding.hold(&self.keyspaces, self.keyspaces.committed.load(Ordering::Acquire))
    }

    async fn release(&self, _leases: &[Lease]) -> Result<(), Error> {
        hold::end(&self.keyspaces)
    }

    async fn suspect(&self, _lease: &Lease, id: &EventId) -> Result<(), Error> {
        hold::suspect(&self.keyspaces, id)
    }

    async fn commit(&self, commit: &Commit<'_>) -> Result<Vec<u16>, Error> {
        let keyspaces = &*self.keyspaces;
        let mut batch = keyspaces.database.batch().durability(Some(PersistMode::SyncData));
        for judged in &commit.judged {
            let place = codec::place(judged.partition, judged.seq);
            batch.insert(&keyspaces.identities, judged.id.to_bytes(), place);
            batch.insert(&keyspaces.verdicts, place, codec::write(judged)?);
        }
        for Snapshot { partition, seq, state } in &commit.snapshots {
            let mut value = Vec::with_capacity(8 + state.len());
            value.extend_from_slice(&seq.to_be_bytes());
            value.extend_from_slice(state);
            batch.insert(&keyspaces.snapshots, partition.to_be_bytes(), value);
        }
        for sampled in commit.sampled.values() {
            keyspaces.lake.append(&mut batch, &sampled.rows, &sampled.findings)?;
        }
        let found = self.outbox.put(commit, &mut batch, keyspaces)?;
        batch.remove(&keyspaces.progress, codec::SUSPECT);
        let before = keyspaces.committed.load(Ordering::Acquire);
        let committed = commit.receipt.map_or(before, |receipt| receipt.max(before));
        batch.insert(&keyspaces.progress, codec::COMMITTED, committed.to_be_bytes());
        batch.commit().map_err(Error::store)?;
        keyspaces.committed.store(committed, Ordering::Release);
        self.outbox.tell(found);
        Ok(Vec::new())
    }

    async fn judged(&self, ids: &[EventId]) -> Result<Vec<Option<Judged>>, Error> {
        ids.iter().map(|id| judged(&self.keyspaces, id)).collect()
    }

    async fn standing(&self, partition: u16) -> Result<Standing, Error> {
        let places = codec::place(partition, 0)..=codec::place(partition, u64::MAX);
        let last = self.keyspaces.verdicts.range(places).next_back();
        let last = last.map(fjall::Guard::key).transpose().map_err(Error::store)?;
        let snapshot = self.keyspaces.snapshots.get(partition.to_be_bytes()).map_err(Error::store)?;
        let snapshot = snapshot
            .as_ref()
            .and_then(|value| value.split_at_checked(8))
            .map(|(seq, state)| Snapshot { partition, seq: codec::position(seq), state: state.to_vec() });
        Ok(Standing { seq: last.map_or(0, |key| codec::position(&key[2..])), snapshot })
    }

    async fn replay(&self, partition: u16, after: u64, max: usize) -> Result<Vec<(u64, Message)>, Error> {
        let keyspaces = &*self.keyspaces;
        let places = codec::place(partition, after + 1)..=codec::place(partition, u64::MAX);
        let mut found = Vec::new();
        for entry in keyspaces.verdicts.range(places).take(max) {
            let key = entry.key().map_err(Error::store)?;
            let position = codec::position(&key[2..]);
            let bytes = keyspaces.messages.get(position.to_be_bytes()).map_err(Error::store)?;
            let missing = || Error::Damaged {
                what: format!("the message at {position}"),
                why: "it was judged and is gone".to_owned(),
            };
            found.push((position, Message::from_bytes(&bytes.ok_or_else(missing)?)?));
        }
        Ok(found)
    }
}

#[async_trait]
impl Archive for Embedded {
    async fn store_name(&self) -> Result<String, Error> {
        // A new one as soon as the store was put back to an earlier state: its places are taken a second time.
        Ok(self.outbox.name().clone())
    }

    async fn events(&self, partition: u16, after: u64, max: usize) -> Result<Vec<Judged>, Error> {
        let places = codec::place(partition, after + 1)..=codec::place(partition, u64::MAX);
        let read = |entry: fjall::Guard| {
            let value = entry.value().map_err(Error::store)?;
            codec::read(&value, || format!("a verdict of partition {partition}"))
        };
        self.keyspaces.verdicts.range(places).take(max).map(read).collect()
    }

    async fn forget(&self, before: Timestamp, until: Option<&Places>, max: usize) -> Result<u64, Error> {
        trim::forget(&self.keyspaces, before, until, max)
    }
}

fn judged(keyspaces: &Keyspaces, id: &EventId) -> Result<Option<Judged>, Error> {
    let Some(place) = keyspaces.identities.get(id.to_bytes()).map_err(Error::store)? else { return Ok(None) };
    let verdict = keyspaces.verdicts.get(&place).map_err(Error::store)?;
    verdict.map(|bytes| codec::read(&bytes, || format!("the verdict of {}", id.id))).transpose()
}
