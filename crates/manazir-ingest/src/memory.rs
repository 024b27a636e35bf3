//! A queue and a store in memory: the twin of the real ones that tests use, and the shortest description of
//! what they must do.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    Commit, Consumer, DeadLetter, Delivery, Error, EventId, EventStore, Judged, Message, Models, Queue,
    Snapshot,
};

#[derive(Debug, Default)]
struct Inside {
    messages: Vec<Message>,
    closed: bool,
    position: u64,
    judged: BTreeMap<u64, Judged>,
    position_of: HashMap<EventId, u64>,
    dead: BTreeMap<u64, DeadLetter>,
    snapshot_position: u64,
    models: BTreeMap<u16, Models>,
}

/// Queue and store in one; clones share their content.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    inside: Arc<(Mutex<Inside>, Condvar)>,
}

impl InMemory {
    /// A consumer that begins after the last commit.
    pub fn consumer(&self) -> InMemoryConsumer {
        InMemoryConsumer { received: self.lock().position, queue: self.clone() }
    }

    /// Takes messages again.
    pub fn open(&self) {
        self.lock().closed = false;
    }

    /// Nothing is taken any more; consumers end when they have received what is there.
    pub fn close(&self) {
        self.lock().closed = true;
        self.inside.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for InMemory {
    async fn publish(&self, messages: Vec<Message>) -> Result<Vec<u64>, Error> {
        let mut inside = self.lock();
        if inside.closed {
            return Err(Error::Closed);
        }
        let first = inside.messages.len() as u64 + 1;
        inside.messages.extend(messages);
        let end = inside.messages.len() as u64;
        self.inside.1.notify_all();
        Ok((first..=end).collect())
    }

    fn depth(&self) -> u64 {
        let inside = self.lock();
        inside.messages.len() as u64 - inside.position
    }
}

/// See [`InMemory::consumer`]. Waiting blocks the thread: it is a twin for tests.
#[derive(Debug)]
pub struct InMemoryConsumer {
    queue: InMemory,
    received: u64,
}

#[async_trait]
impl Consumer for InMemoryConsumer {
    async fn receive(&mut self, max: usize) -> Result<Option<Vec<Delivery>>, Error> {
        let (lock, changed) = &*self.queue.inside;
        let inside = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let inside = changed
            .wait_while(inside, |inside| !inside.closed && inside.messages.len() as u64 <= self.received)
            .unwrap_or_else(PoisonError::into_inner);
        let new = inside.messages.iter().enumerate().skip(self.received as usize).take(max);
        let deliveries: Vec<Delivery> = new
            .map(|(index, message)| Delivery { position: index as u64 + 1, message: message.clone() })
            .collect();
        self.received = deliveries.last().map_or(self.received, |last| last.position);
        Ok((!deliveries.is_empty()).then_some(deliveries))
    }

    async fn acknowledge(&mut self, _position: u64) -> Result<(), Error> {
        // The commit said it already: queue and store are one.
        Ok(())
    }
}

#[async_trait]
impl EventStore for InMemory {
    async fn commit(&self, commit: &Commit) -> Result<(), Error> {
        let mut inside = self.lock();
        inside.position = inside.position.max(commit.position);
        for judged in &commit.judged {
            inside.position_of.insert(judged.id.clone(), judged.position);
            inside.judged.insert(judged.position, judged.clone());
        }
        inside.dead.extend(commit.dead.iter().map(|dead| (dead.position, dead.clone())));
        if let Some(snapshot) = &commit.snapshot {
            inside.snapshot_position = snapshot.position;
            inside.models.extend(snapshot.models.iter().map(|models| (models.partition, models.clone())));
        }
        Ok(())
    }

    async fn judged(&self, ids: &[EventId]) -> Result<Vec<Option<Judged>>, Error> {
        let inside = self.lock();
        let find = |id| inside.position_of.get(id).and_then(|position| inside.judged.get(position)).cloned();
        Ok(ids.iter().map(find).collect())
    }

    async fn position(&self) -> Result<u64, Error> {
        Ok(self.lock().position)
    }

    async fn snapshot(&self) -> Result<Snapshot, Error> {
        let inside = self.lock();
        Ok(Snapshot { position: inside.snapshot_position, models: inside.models.values().cloned().collect() })
    }

    async fn replay(&self, after: u64, max: usize) -> Result<Vec<Delivery>, Error> {
        let inside = self.lock();
        let delivery = |(&position, _): (&u64, &Judged)| Delivery {
            position,
            message: inside.messages[position as usize - 1].clone(),
        };
        Ok(inside.judged.range(after + 1..).take(max).map(delivery).collect())
    }

    async fn anomalies(&self, before: Option<u64>, max: usize) -> Result<Vec<Judged>, Error> {
        let inside = self.lock();
        let newest = inside.judged.range(..before.unwrap_or(u64::MAX)).rev();
        Ok(newest
            .map(|(_, judged)| judged)
            .filter(|judged| judged.verdict.anomaly)
            .take(max)
            .cloned()
            .collect())
    }

    async fn dead_letters(&self, before: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, Error> {
        let inside = self.lock();
        let newest = inside.dead.range(..before.unwrap_or(u64::MAX)).rev();
        Ok(newest.map(|(_, dead)| dead).take(max).cloned().collect())
    }
}
