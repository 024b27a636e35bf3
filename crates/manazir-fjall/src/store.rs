//! Verdicts, identities, dead letters and models.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use fjall::{Keyspace, PersistMode};
use manazir_ingest::{Commit, DeadLetter, Delivery, Error, EventId, EventStore, Judged, Models, Snapshot};

use crate::consumer::messages;
use crate::{Embedded, Keyspaces, codec};

#[async_trait]
impl EventStore for Embedded {
    async fn commit(&self, commit: &Commit) -> Result<(), Error> {
        let keyspaces = &*self.keyspaces;
        let mut batch = keyspaces.database.batch().durability(Some(PersistMode::SyncData));
        for judged in &commit.judged {
            let position = judged.position.to_be_bytes();
            batch.insert(&keyspaces.identities, judged.id.to_bytes(), position);
            batch.insert(&keyspaces.verdicts, position, codec::write(judged)?);
            if judged.verdict.anomaly {
                batch.insert(&keyspaces.anomalies, position, []);
            }
        }
        for dead in &commit.dead {
            batch.insert(&keyspaces.dead_letters, dead.position.to_be_bytes(), codec::write(dead)?);
        }
        for models in commit.snapshot.iter().flat_map(|snapshot| &snapshot.models) {
            batch.insert(&keyspaces.models, models.partition.to_be_bytes(), models.state.as_slice());
        }
        if let Some(snapshot) = &commit.snapshot {
            batch.insert(&keyspaces.progress, codec::SNAPSHOT, snapshot.position.to_be_bytes());
        }
        let committed = commit.position.max(keyspaces.committed.load(Ordering::Acquire));
        batch.insert(&keyspaces.progress, codec::COMMITTED, committed.to_be_bytes());
        batch.commit().map_err(Error::store)?;
        keyspaces.committed.store(committed, Ordering::Release);
        Ok(())
    }

    async fn judged(&self, ids: &[EventId]) -> Result<Vec<Option<Judged>>, Error> {
        ids.iter().map(|id| judged(&self.keyspaces, id)).collect()
    }

    async fn position(&self) -> Result<u64, Error> {
        Ok(self.keyspaces.committed.load(Ordering::Acquire))
    }

    async fn snapshot(&self) -> Result<Snapshot, Error> {
        let position = self.keyspaces.progress.get(codec::SNAPSHOT).map_err(Error::store)?;
        let models = self.keyspaces.models.iter().map(|entry| {
            let (key, state) = entry.into_inner().map_err(Error::store)?;
            let partition = key[..].try_into().map(u16::from_be_bytes).unwrap_or_default();
            Ok(Models { partition, state: state.to_vec() })
        });
        Ok(Snapshot {
            position: position.map_or(0, |bytes| codec::position(&bytes)),
            models: models.collect::<Result<_, Error>>()?,
        })
    }

    async fn replay(&self, after: u64, max: usize) -> Result<Vec<Delivery>, Error> {
        let keyspaces = &*self.keyspaces;
        let committed = keyspaces.committed.load(Ordering::Acquire);
        let mut after = after;
        let mut found = Vec::new();
        while found.len() < max {
            let deliveries = messages(keyspaces, after, committed, max)?;
            let Some(last) = deliveries.last() else { break };
            after = last.position;
            for delivery in deliveries {
                if keyspaces.verdicts.contains_key(delivery.position.to_be_bytes()).map_err(Error::store)? {
                    found.push(delivery);
                }
            }
        }
        found.truncate(max);
        Ok(found)
    }

    async fn anomalies(&self, before: Option<u64>, max: usize) -> Result<Vec<Judged>, Error> {
        let positions = newest(&self.keyspaces.anomalies, before, max, |key, _| Ok(codec::position(key)))?;
        let stored = positions.into_iter().map(|position| at(&self.keyspaces, position));
        Ok(stored.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    async fn dead_letters(&self, before: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, Error> {
        newest(&self.keyspaces.dead_letters, before, max, |key, value| {
            codec::read(value, || format!("the dead letter at {}", codec::position(key)))
        })
    }
}

fn judged(keyspaces: &Keyspaces, id: &EventId) -> Result<Option<Judged>, Error> {
    let position = keyspaces.identities.get(id.to_bytes()).map_err(Error::store)?;
    position.map_or(Ok(None), |position| at(keyspaces, codec::position(&position)))
}

fn at(keyspaces: &Keyspaces, position: u64) -> Result<Option<Judged>, Error> {
    let verdict = keyspaces.verdicts.get(position.to_be_bytes()).map_err(Error::store)?;
    verdict.map(|bytes| codec::read(&bytes, || format!("the verdict at {position}"))).transpose()
}

/// The last entries of a keyspace before a position.
fn newest<T>(
    keyspace: &Keyspace,
    before: Option<u64>,
    max: usize,
    read: impl Fn(&[u8], &[u8]) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let range = ..before.unwrap_or(u64::MAX).to_be_bytes();
    let entries = keyspace.range(range).rev().take(max);
    entries
        .map(|entry| {
            let (key, value) = entry.into_inner().map_err(Error::store)?;
            read(&key, &value)
        })
        .collect()
}
