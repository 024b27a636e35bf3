//! Workers: from deliveries to a commit.
//!
//! A batch is a function of the models and the deliveries alone: the same in give the same commits
//! out, whatever the number of threads. What is around it, waiting for messages and sharing the partitions
//! with other workers, is [`run`].

mod batch;
mod partition;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use manazir_model::{Event, EventVerdict, GraphEvent, SeriesFinding, SeriesSamples, Timestamp};

use crate::answers::{Answer, Answers};
use crate::{
    Commit, Consumer, Delivery, Error, EventId, EventStore, Format, Held, Lease, ReplyTo, Sampled, Snapshot,
};
use batch::Buried;
use partition::Partition;

/// The models that judge the events of one partition.
pub trait Judge: Send + Sync + Sized {
    /// What a configuration says of the models.
    type Setting: std::fmt::Debug + Default + Send + Sync;

    /// Models that have seen nothing.
    fn fresh() -> Self;

    /// Models as [`Judge::save`] wrote them; why not, if the bytes are not such.
    fn load(state: &[u8]) -> Result<Self, String>;

    /// The models, fresh or loaded, as the configuration wants them. What they have learnt stays, as far as the
    /// configuration they learnt it under still holds.
    fn set(self, _setting: &Self::Setting) -> Self {
        self
    }

    /// The models as bytes.
    fn save(&self) -> Vec<u8>;

    /// Judges an event by those before it, and learns from it.
    fn update(&mut self, event: &Event<'_>) -> EventVerdict;

    /// Counts a judged event into the series that events become; models without series have none.
    fn counted(&mut self, _received_at: Timestamp, _event: &Event<'_>) -> Sampled {
        Sampled::default()
    }

    /// What a judged event is on the event graph; models that know of no such graph say nothing of it. What it says is
    /// stored with the verdict, once for each event.
    fn happened(
        &self,
        _received_at: Timestamp,
        _event: &Event<'_>,
        _verdict: &EventVerdict,
    ) -> Option<GraphEvent> {
        None
    }

    /// The same of an episode as it stands. It keeps its identity while it grows.
    fn episode(&self, _finding: &SeriesFinding) -> Option<GraphEvent> {
        None
    }

    /// Judges samples that arrived at one time; models without series take none.
    fn samples(&mut self, _received_at: Timestamp, _series: &[SeriesSamples]) -> Sampled {
        Sampled::default()
    }
}

/// Reads the body of a message; why not, for a person, if it cannot be read.
pub type Decode = for<'a> fn(Format, &'a [u8]) -> Result<Event<'a>, String>;

/// Takeovers in a row without progress after which a partition's messages are judged one by one, so that the
/// one that ends its workers is found.
const FAILURES_MAX: u32 = 3;

/// Partitions whose models are fetched between two renewals of the leases.
const TAKEN_UP_MAX: usize = 4;

/// Models written down in one commit: each may be megabytes, and callers wait for the commit.
const SNAPSHOTS_MAX: usize = 2;

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Most messages in a batch, which is one commit: more make a commit cheaper and a verdict later.
    pub batch_max: usize,
    /// Events of a partition between two snapshots of its models: what a restart has to judge again at most.
    pub snapshot_every: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { batch_max: 4_096, snapshot_every: 50_000 }
    }
}

/// Judges messages, each partition by models of its own.
#[derive(Debug)]
pub struct Worker<J: Judge> {
    decode: Decode,
    config: Config,
    setting: J::Setting,
    partitions: BTreeMap<u16, Partition<J>>,
    /// Messages that it has judged.
    seen: u64,
    /// As the store last said it.
    held: Arc<Held>,
}

impl<J: Judge> Worker<J> {
    /// A worker that holds nothing yet.
    pub fn new(decode: Decode, config: Config) -> Self {
        Self {
            decode,
            config,
            setting: J::Setting::default(),
            partitions: BTreeMap::new(),
            seen: 0,
            held: Arc::default(),
        }
    }

    /// The same, with models as a configuration wants them.
    pub fn set(self, setting: J::Setting) -> Self {
        Self { setting, ..self }
    }

    /// Takes up some of the partitions that are new to it, with the models as they were at their last commit,
    /// drops those that are no longer its own, and lets the consumer follow. True if more are to be taken up:
    /// models take a while to fetch, and in between the leases must be renewed.
    async fn take_up(&mut self, store: &dyn EventStore, consumer: &mut dyn Consumer) -> Result<bool, Error> {
        let held = store.hold().await?;
        let before = self.partitions.len();
        if !Arc::ptr_eq(&held, &self.held) {
            self.partitions.retain(|partition, known| {
                let same = |lease: &Lease| lease.partition == *partition && lease.epoch == known.lease.epoch;
                held.leases.iter().any(same)
            });
            if self.partitions.len() < before {
                // Also one that comes back at once under a new epoch: what was received of it comes again.
                consumer.follow(&self.partitions()).await?;
            }
            self.held = Arc::clone(&held);
        }
        let new = held.leases.iter().filter(|lease| !held.asked_back.contains(&lease.partition));
        let new = new.filter(|lease| !self.partitions.contains_key(&lease.partition));
        let new: Vec<&Lease> = new.take(TAKEN_UP_MAX).collect();
        for &lease in &new {
            let taken = Partition::recover(lease.clone(), store, self).await?;
            self.partitions.insert(lease.partition, taken);
        }
        if !new.is_empty() {
            consumer.follow(&self.partitions()).await?;
        }
        Ok(new.len() == TAKEN_UP_MAX)
    }

    /// The partitions that it holds.
    fn partitions(&self) -> BTreeSet<u16> {
        self.partitions.keys().copied().collect()
    }

    /// Judges and commits a batch. Deliveries of partitions that it does not hold are passed over.
    ///
    /// `buried` says of some receipts why they are not to be judged at all.
    async fn batch(
        &mut self,
        deliveries: &[&Delivery],
        buried: Buried,
        store: &dyn EventStore,
    ) -> Result<Done, Error> {
        let asked = deliveries.iter().filter(|delivery| !buried.contains_key(&delivery.receipt));
        let ids: Vec<_> = asked.map(|delivery| delivery.message.id.clone()).collect();
        let known = store.judged(&ids).await?;
        let sorted = batch::Sorted::new(deliveries, &buried, known);
        let outcomes = self.judge(&sorted.fresh, buried, store).await?;
        self.seen += outcomes.len() as u64;
        let snapshots = self.due_snapshots();
        let mut concerned: BTreeSet<u16> =
            deliveries.iter().map(|delivery| delivery.message.partition).collect();
        // Models of others, too, are written only by whoever still holds them.
        concerned.extend(snapshots.iter().map(|snapshot| snapshot.partition));
        let leases = concerned.iter().filter_map(|partition| self.partitions.get(partition));
        let messages = batch::judged_messages(&sorted.fresh, &outcomes);
        let answers = sorted.answers(&outcomes);
        let batch::Parts { judged, dead, sampled, happened } = batch::split(outcomes);
        let commit = Commit {
            messages,
            leases: leases.map(|partition| partition.lease.clone()).collect(),
            receipt: deliveries.iter().map(|delivery| delivery.receipt).max(),
            judged,
            dead,
            sampled,
            happened,
            snapshots,
        };
        let lost = store.commit(&commit).await?;
        for partition in &lost {
            self.partitions.remove(partition);
        }
        Ok(Done { answers, lost })
    }

    /// True if workers have ended again and again where this message is next.
    fn is_careful(&self, delivery: &Delivery) -> bool {
        let partition = self.partitions.get(&delivery.message.partition);
        partition.is_some_and(|partition| partition.lease.failures >= FAILURES_MAX)
    }

    /// Why a message that is about to be judged alone is not to be judged at all; if it is, the store remembers it,
    /// should the worker die of it.
    async fn buried_or_suspected(
        &self,
        delivery: &Delivery,
        store: &dyn EventStore,
    ) -> Result<Buried, Error> {
        let mut buried: Buried = unfit(delivery).map(|why| (delivery.receipt, why)).into_iter().collect();
        let Some(partition) = self.partitions.get(&delivery.message.partition) else { return Ok(buried) };
        if !buried.is_empty() || !self.is_careful(delivery) {
            return Ok(buried);
        }
        if partition.lease.suspect.as_ref() == Some(&delivery.message.id) {
            buried.insert(delivery.receipt, "each worker that judged it came to an end".to_owned());
        } else {
            store.suspect(&partition.lease, &delivery.message.id).await?;
        }
        Ok(buried)
    }

    /// Models that are to be written down.
    fn due_snapshots(&mut self) -> Vec<Snapshot> {
        let (seen, every) = (self.seen, self.config.snapshot_every);
        let due = self
            .partitions
            .values_mut()
            .filter_map(|partition| partition.is_due(seen, every).then_some(partition));
        due.take(SNAPSHOTS_MAX).map(Partition::snapshot).collect()
    }

    /// Writes the models of these partitions down, as far as they have changed.
    async fn write_down(&mut self, partitions: &[u16], store: &dyn EventStore) -> Result<(), Error> {
        for number in partitions {
            let Some(partition) = self.partitions.get_mut(number) else { continue };
            if partition.since_snapshot == 0 {
                continue;
            }
            let leases = vec![partition.lease.clone()];
            let snapshots = vec![partition.snapshot()];
            // Whoever has taken it over has the models from the last snapshot and what came after.
            store.commit(&Commit { leases, snapshots, ..Commit::default() }).await?;
        }
        Ok(())
    }

    /// Gives partitions away, their models written down.
    async fn give_back(&mut self, partitions: &[u16], store: &dyn EventStore) -> Result<(), Error> {
        self.write_down(partitions, store).await?;
        self.partitions.retain(|partition, _| !partitions.contains(partition));
        let given = self.held.leases.iter().filter(|lease| partitions.contains(&lease.partition));
        store.release(&given.cloned().collect::<Vec<_>>()).await
    }
}

/// What became of a batch.
#[derive(Debug, Default)]
struct Done {
    /// By receipt.
    answers: Vec<(u64, Answer)>,
    /// Partitions that another worker has.
    lost: Vec<u16>,
}

/// Receives, judges, commits, acknowledges and tells, until the queue is closed; then writes the models down
/// and gives the partitions back.
///
/// An error of the store or the queue ends it with nothing lost: what was not committed comes again. It
/// judges on the thread that polls it, for milliseconds at a time: give it a thread of its own.
pub async fn run<J: Judge>(
    mut worker: Worker<J>,
    consumer: &mut dyn Consumer,
    store: &dyn EventStore,
    answers: &dyn Answers,
) -> Result<(), Error> {
    loop {
        let more = worker.take_up(store, consumer).await?;
        let asked_back = worker.held.asked_back.clone();
        if !asked_back.is_empty() {
            // First what was received and not judged goes back, so that the next worker finds it in its order.
            let staying = worker.partitions().into_iter().filter(|partition| !asked_back.contains(partition));
            consumer.follow(&staying.collect()).await?;
            // Those that it had not taken up yet, too: they are not to wait for it.
            worker.give_back(&asked_back, store).await?;
        }
        if more {
            continue;
        }
        let Some(deliveries) = consumer.receive(worker.config.batch_max).await? else { break };
        work(&mut worker, &deliveries, consumer, store, answers).await?;
    }
    let all: Vec<u16> = worker.held.leases.iter().map(|lease| lease.partition).collect();
    worker.give_back(&all, store).await
}

/// One batch. If it holds messages of a partition whose last workers ended without progress, it is judged one
/// message at a time, in their order: a commit says of a store that is one with its queue that all before it is done.
async fn work<J: Judge>(
    worker: &mut Worker<J>,
    deliveries: &[Delivery],
    consumer: &mut dyn Consumer,
    store: &dyn EventStore,
    answers: &dyn Answers,
) -> Result<(), Error> {
    let own: Vec<&Delivery> = deliveries
        .iter()
        .filter(|delivery| worker.partitions.contains_key(&delivery.message.partition))
        .collect();
    if own.iter().any(|delivery| worker.is_careful(delivery)) {
        for delivery in own {
            let buried = worker.buried_or_suspected(delivery, store).await?;
            let done = worker.batch(&[delivery], buried, store).await?;
            finish(worker, &[delivery], done, consumer, answers).await?;
        }
    } else if !own.is_empty() {
        let buried = own.iter().filter_map(|delivery| Some((delivery.receipt, unfit(delivery)?))).collect();
        let done = worker.batch(&own, buried, store).await?;
        finish(worker, &own, done, consumer, answers).await?;
    }
    for delivery in deliveries {
        if let Some(partition) = worker.partitions.get_mut(&delivery.message.partition) {
            partition.lease.failures = 0;
            partition.lease.suspect = None;
        }
    }
    Ok(())
}

/// Why a message cannot be judged, whatever it says: its decoder has refused it long ago, but an older version or
/// another program may have put it there.
fn unfit(delivery: &Delivery) -> Option<String> {
    let EventId { source, id } = &delivery.message.id;
    delivery.unreadable.clone().or_else(|| EventId::fault(source, id))
}

/// Acknowledges what was committed, then tells the callers.
async fn finish<J: Judge>(
    worker: &Worker<J>,
    deliveries: &[&Delivery],
    done: Done,
    consumer: &mut dyn Consumer,
    answers: &dyn Answers,
) -> Result<(), Error> {
    let kept = || deliveries.iter().filter(|delivery| !done.lost.contains(&delivery.message.partition));
    let last: BTreeMap<u16, u64> =
        kept().map(|delivery| (delivery.message.partition, delivery.receipt)).collect();
    let callers: BTreeMap<u64, &ReplyTo> =
        kept().filter_map(|delivery| Some((delivery.receipt, delivery.message.reply_to.as_ref()?))).collect();
    let told = done.answers.into_iter();
    let told: Vec<(ReplyTo, Answer)> = told
        .filter_map(|(receipt, answer)| callers.get(&receipt).map(|&caller| (caller.clone(), answer)))
        .collect();
    for (partition, receipt) in last {
        consumer.acknowledge(partition, receipt).await?;
    }
    if !done.lost.is_empty() {
        consumer.follow(&worker.partitions()).await?;
    }
    if !told.is_empty() {
        answers.tell(told).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
