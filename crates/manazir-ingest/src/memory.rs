//! A queue and a store in memory: the twin of the real ones that tests use, and the shortest description of
//! what they must do.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::outbox::{Entry, Outbox, Shown};
use crate::{
    Archive, Commit, Consumer, Delivery, Error, EventId, EventStore, Held, Judged, Lease, Message,
    PARTITIONS, Places, Queue, Snapshot, Standing,
};

/// How long a consumer waits before it lets its worker see to other things.
const PATIENCE: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Inside {
    messages: Vec<Message>,
    closed: bool,
    /// Receipt of the last message that was committed.
    committed: u64,
    judged: BTreeMap<(u16, u64), Judged>,
    place_of: HashMap<EventId, (u16, u64)>,
    last_seq: BTreeMap<u16, u64>,
    snapshots: BTreeMap<u16, Snapshot>,
    outbox: Vec<Entry>,
    /// Number of its last entry, removed or not.
    shown_last: u64,
    held: Arc<Held>,
    /// Where the last worker began, unless it ended in order; how many before it did no better.
    begun: Option<(u64, u32)>,
    suspect: Option<EventId>,
}

/// Queue and store in one; clones share their content.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    inside: Arc<(Mutex<Inside>, Condvar)>,
}

impl InMemory {
    /// A consumer that begins after the last commit.
    pub fn consumer(&self) -> InMemoryConsumer {
        InMemoryConsumer { received: self.lock().committed, queue: self.clone() }
    }

    /// Begins anew, as a process does: takes messages again, and counts how often it came no further.
    pub fn open(&self) {
        let mut inside = self.lock();
        inside.closed = false;
        let failures = match inside.begun {
            Some((committed, failures)) if committed == inside.committed => failures + 1,
            _ => 0,
        };
        inside.begun = Some((inside.committed, failures));
        let suspect = inside.suspect.take();
        let lease = |partition| Lease { partition, epoch: 0, failures, suspect: suspect.clone() };
        inside.held = Arc::new(Held { leases: (0..PARTITIONS).map(lease).collect(), asked_back: Vec::new() });
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
    async fn publish(&self, messages: Vec<Message>) -> Result<(), Error> {
        let mut inside = self.lock();
        if inside.closed {
            return Err(Error::Closed);
        }
        inside.messages.extend(messages);
        self.inside.1.notify_all();
        Ok(())
    }

    async fn depth(&self) -> Result<u64, Error> {
        let inside = self.lock();
        Ok(inside.messages.len() as u64 - inside.committed)
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
    async fn follow(&mut self, _partitions: &BTreeSet<u16>) -> Result<(), Error> {
        // One worker holds all partitions.
        Ok(())
    }

    async fn receive(&mut self, max: usize) -> Result<Option<Vec<Delivery>>, Error> {
        let (lock, changed) = &*self.queue.inside;
        let inside = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = |inside: &mut Inside| !inside.closed && inside.messages.len() as u64 <= self.received;
        let (inside, _) =
            changed.wait_timeout_while(inside, PATIENCE, nothing).unwrap_or_else(PoisonError::into_inner);
        let new = inside.messages.iter().zip(1..).skip(self.received as usize).take(max);
        let deliveries: Vec<Delivery> = new
            .map(|(message, receipt)| Delivery {
                receipt,
                seq: Some(receipt),
                message: message.clone(),
                unreadable: None,
            })
            .collect();
        self.received = deliveries.last().map_or(self.received, |last| last.receipt);
        Ok((!deliveries.is_empty() || !inside.closed).then_some(deliveries))
    }

    async fn acknowledge(&mut self, _partition: u16, _receipt: u64) -> Result<(), Error> {
        // The commit said it already: queue and store are one.
        Ok(())
    }
}

#[async_trait]
impl EventStore for InMemory {
    async fn hold(&self) -> Result<Arc<Held>, Error> {
        let held = Arc::clone(&self.lock().held);
        if held.leases.is_empty() {
            self.open();
            return Ok(Arc::clone(&self.lock().held));
        }
        Ok(held)
    }

    async fn release(&self, _leases: &[Lease]) -> Result<(), Error> {
        self.lock().begun = None;
        Ok(())
    }

    async fn suspect(&self, _lease: &Lease, id: &EventId) -> Result<(), Error> {
        self.lock().suspect = Some(id.clone());
        Ok(())
    }

    async fn commit(&self, commit: &Commit<'_>) -> Result<Vec<u16>, Error> {
        let mut inside = self.lock();
        inside.committed = inside.committed.max(commit.receipt.unwrap_or(0));
        inside.suspect = None;
        let mut shown = Vec::new();
        for judged in &commit.judged {
            let place = (judged.partition, judged.seq);
            inside.place_of.insert(judged.id.clone(), place);
            inside.last_seq.insert(place.0, place.1);
            if inside.judged.insert(place, judged.clone()).is_none() && judged.verdict.anomaly {
                shown.push(Shown::Finding(judged.clone()));
            }
        }
        for dead in &commit.dead {
            let last = inside.last_seq.entry(dead.partition).or_default();
            *last = (*last).max(dead.seq);
            shown.push(Shown::Dead(dead.clone()));
        }
        let episodes = commit.sampled.values().flat_map(|sampled| &sampled.findings);
        shown.extend(episodes.map(|episode| Shown::Episode(episode.clone())));
        shown.extend(commit.happened.values().flatten().map(|event| Shown::Happened(event.clone())));
        for shown in shown {
            inside.shown_last += 1;
            let seq = inside.shown_last;
            inside.outbox.push(Entry { seq, shown });
        }
        let snapshots = commit.snapshots.iter().map(|snapshot| (snapshot.partition, snapshot.clone()));
        inside.snapshots.extend(snapshots);
        Ok(Vec::new())
    }

    async fn judged(&self, ids: &[EventId]) -> Result<Vec<Option<Judged>>, Error> {
        let inside = self.lock();
        let find = |id| inside.place_of.get(id).and_then(|place| inside.judged.get(place)).cloned();
        Ok(ids.iter().map(find).collect())
    }

    async fn standing(&self, partition: u16) -> Result<Standing, Error> {
        let inside = self.lock();
        Ok(Standing {
            seq: inside.last_seq.get(&partition).copied().unwrap_or(0),
            snapshot: inside.snapshots.get(&partition).cloned(),
        })
    }

    async fn replay(&self, partition: u16, after: u64, max: usize) -> Result<Vec<(u64, Message)>, Error> {
        let inside = self.lock();
        let after = inside.judged.range((partition, after + 1)..=(partition, u64::MAX)).take(max);
        Ok(after.map(|(&(_, seq), _)| (seq, inside.messages[seq as usize - 1].clone())).collect())
    }
}

#[async_trait]
impl Archive for InMemory {
    async fn store_name(&self) -> Result<String, Error> {
        Ok("memory".to_owned())
    }

    async fn events(&self, partition: u16, after: u64, max: usize) -> Result<Vec<Judged>, Error> {
        let inside = self.lock();
        let after = inside.judged.range((partition, after + 1)..=(partition, u64::MAX)).take(max);
        Ok(after.map(|(_, judged)| judged.clone()).collect())
    }

    async fn forget(&self, before: Timestamp, until: Option<&Places>, max: usize) -> Result<u64, Error> {
        let mut inside = self.lock();
        let written = |partition: u16| inside.snapshots.get(&partition).map_or(0, |snapshot| snapshot.seq);
        let last =
            |partition: u16| until.map_or(u64::MAX, |until| until.get(&partition).copied().unwrap_or(0));
        let old = |(place, judged): &(&(u16, u64), &Judged)| {
            judged.received_at < before && place.1 <= written(place.0).min(last(place.0))
        };
        let old: Vec<_> = inside.judged.iter().filter(old).take(max).map(|(place, _)| *place).collect();
        for place in &old {
            inside.judged.remove(place);
            inside.place_of.retain(|_, known| known != place);
        }
        Ok(old.len() as u64)
    }
}

#[async_trait]
impl Outbox for InMemory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn last(&self) -> u64 {
        self.lock().shown_last
    }

    async fn rename(&self) -> Result<(), Error> {
        // It is never put back to an earlier state.
        Ok(())
    }

    async fn entries(&self, after: u64, max: usize) -> Result<Vec<Entry>, Error> {
        let inside = self.lock();
        Ok(inside.outbox.iter().filter(|entry| entry.seq > after).take(max).cloned().collect())
    }

    async fn shown(&self, through: u64) -> Result<(), Error> {
        self.lock().outbox.retain(|entry| entry.seq > through);
        Ok(())
    }
}
