//! Workers: from deliveries to a commit.
//!
//! [`Worker::apply`] is a function of the models and the batch alone: the same batches in give the same
//! commits out, whatever the number of threads. What is around it, waiting for messages and storing, is
//! [`run`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use manazir_model::{Event, EventVerdict};
use rayon::prelude::*;

use crate::answers::{Answer, Waiting};
use crate::{
    Commit, Consumer, DeadLetter, Delivery, Error, EventId, EventStore, Format, Judged, Models, Snapshot,
    Stored,
};

/// The models that judge the events of one partition.
pub trait Judge: Send + Sync + Sized {
    /// Models that have seen nothing.
    fn fresh() -> Self;

    /// Models as [`Judge::save`] wrote them; why not, if the bytes are not such.
    fn load(state: &[u8]) -> Result<Self, String>;

    /// The models as bytes.
    fn save(&self) -> Vec<u8>;

    /// Judges an event by those before it, and learns from it.
    fn update(&mut self, event: &Event<'_>) -> EventVerdict;
}

/// Reads the body of a message; why not, for a person, if it cannot be read.
pub type Decode = for<'a> fn(Format, &'a [u8]) -> Result<Event<'a>, String>;

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Most messages in a batch, which is one commit: more make a commit cheaper and a verdict later.
    pub batch_max: usize,
    /// Events between two snapshots of the models: what a restart has to judge again at most.
    pub snapshot_every: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { batch_max: 4_096, snapshot_every: 100_000 }
    }
}

/// Judges messages, each partition by models of its own.
#[derive(Debug)]
pub struct Worker<J> {
    decode: Decode,
    config: Config,
    judges: BTreeMap<u16, J>,
    /// Partitions whose models have learnt something since the last snapshot.
    changed: BTreeSet<u16>,
    since_snapshot: usize,
}

impl<J: Judge> Worker<J> {
    /// A worker whose models have seen nothing.
    pub fn new(decode: Decode, config: Config) -> Self {
        Self { decode, config, judges: BTreeMap::new(), changed: BTreeSet::new(), since_snapshot: 0 }
    }

    /// A worker with the models as they were at the last commit: the snapshot, and what came after it judged
    /// once more. Those verdicts are stored already and are dropped here.
    pub async fn recover(store: &dyn EventStore, decode: Decode, config: Config) -> Result<Self, Error> {
        let mut worker = Self::new(decode, config);
        let Snapshot { position, models } = store.snapshot().await?;
        for Models { partition, state } in models {
            let damaged = |why| Error::Damaged { what: format!("the models of partition {partition}"), why };
            worker.judges.insert(partition, J::load(&state).map_err(damaged)?);
        }
        let mut after = position;
        loop {
            let missed = store.replay(after, config.batch_max).await?;
            let Some(last) = missed.last() else { return Ok(worker) };
            after = last.position;
            worker.judge_all(missed.iter().collect());
        }
    }

    /// Judges a batch. `known` holds the stored verdict of each delivery's event, if there is one.
    ///
    /// Returns what is to be stored, and what the callers of each position are to be told once it is.
    pub fn apply(
        &mut self,
        deliveries: &[Delivery],
        known: &[Option<Judged>],
    ) -> (Commit, Vec<(u64, Answer)>) {
        let (fresh, mut answers, repeated) = sorted_out(deliveries, known);
        let outcomes = self.judge_all(fresh);
        let mut told: HashMap<u64, Answer> =
            outcomes.iter().map(|outcome| (outcome.position(), outcome.answer())).collect();
        answers
            .extend(repeated.into_iter().map(|(position, first)| (position, told[&first].clone().again())));
        answers.extend(told.drain());
        let mut commit =
            Commit { position: deliveries.last().map_or(0, |last| last.position), ..Commit::default() };
        for outcome in outcomes {
            match outcome {
                Outcome::Judged(judged) => commit.judged.push(*judged),
                Outcome::Dead(dead) => commit.dead.push(dead),
            }
        }
        if self.since_snapshot >= self.config.snapshot_every {
            commit.snapshot = Some(self.snapshot(commit.position));
        }
        (commit, answers)
    }

    /// Writes down the models that have changed since they were last written, as they are after `position`.
    pub fn snapshot(&mut self, position: u64) -> Snapshot {
        self.since_snapshot = 0;
        let write = |partition| Models { partition, state: self.judges[&partition].save() };
        Snapshot { position, models: std::mem::take(&mut self.changed).into_iter().map(write).collect() }
    }

    /// Partitions side by side, the events of each in their order; the outcomes in the order of the queue.
    fn judge_all(&mut self, deliveries: Vec<&Delivery>) -> Vec<Outcome> {
        self.since_snapshot += deliveries.len();
        let mut partitions: BTreeMap<u16, Vec<&Delivery>> = BTreeMap::new();
        for delivery in deliveries {
            partitions.entry(delivery.message.partition).or_default().push(delivery);
        }
        self.changed.extend(partitions.keys());
        let take = |(partition, deliveries)| {
            (partition, self.judges.remove(&partition).unwrap_or_else(J::fresh), deliveries)
        };
        let mut work: Vec<(u16, J, Vec<&Delivery>)> = partitions.into_iter().map(take).collect();
        let decode = self.decode;
        let judge = |(_, judge, deliveries): &mut (u16, J, Vec<&Delivery>)| -> Vec<Outcome> {
            deliveries.iter().map(|delivery| outcome(decode, judge, delivery)).collect()
        };
        let mut outcomes: Vec<Outcome> = work.par_iter_mut().flat_map_iter(judge).collect();
        self.judges.extend(work.into_iter().map(|(partition, judge, _)| (partition, judge)));
        outcomes.sort_by_key(Outcome::position);
        outcomes
    }
}

/// What a message came to.
enum Outcome {
    Judged(Box<Judged>),
    Dead(DeadLetter),
}

impl Outcome {
    fn position(&self) -> u64 {
        match self {
            Self::Judged(judged) => judged.position,
            Self::Dead(dead) => dead.position,
        }
    }

    fn answer(&self) -> Answer {
        match self {
            Self::Judged(judged) => Answer::New(judged.verdict.clone()),
            Self::Dead(dead) => Answer::Dead(dead.reason.clone()),
        }
    }
}

/// A delivery's position and that of the first of the same event.
type Repeated = Vec<(u64, u64)>;

/// Deliveries of new events; the answers to those that are known; and the repetitions within the batch.
fn sorted_out<'d>(
    deliveries: &'d [Delivery],
    known: &[Option<Judged>],
) -> (Vec<&'d Delivery>, Vec<(u64, Answer)>, Repeated) {
    let mut first: HashMap<&EventId, u64> = HashMap::with_capacity(deliveries.len());
    let (mut fresh, mut answers, mut repeated) =
        (Vec::with_capacity(deliveries.len()), Vec::new(), Vec::new());
    for (delivery, known) in deliveries.iter().zip(known) {
        let position = delivery.position;
        if let Some(known) = known {
            answers.push((position, Answer::Known(known.verdict.clone())));
        } else if let Some(&first) = first.get(&delivery.message.id) {
            repeated.push((position, first));
        } else {
            first.insert(&delivery.message.id, position);
            fresh.push(delivery);
        }
    }
    (fresh, answers, repeated)
}

fn outcome<J: Judge>(decode: Decode, judge: &mut J, delivery: &Delivery) -> Outcome {
    let Delivery { position, message } = delivery;
    match decode(message.format, &message.body) {
        Ok(event) => Outcome::Judged(Box::new(Judged {
            id: message.id.clone(),
            position: *position,
            received_at: message.received_at,
            verdict: judge.update(&event),
            event: Stored {
                at: event.at,
                request_id: event.request.into_owned(),
                actor: event.actor.into_owned(),
                action: event.action.into_owned(),
                resources: event.resources.into_iter().map(std::borrow::Cow::into_owned).collect(),
            },
        })),
        Err(reason) => Outcome::Dead(DeadLetter {
            id: message.id.clone(),
            position: *position,
            reason,
            received_at: message.received_at,
        }),
    }
}

/// Receives, judges, commits, acknowledges and tells, until the queue is closed; then writes the models down.
///
/// An error of the store ends it with nothing lost: what was not committed comes again. It judges on the
/// thread that polls it, for milliseconds at a time: give it a thread of its own.
pub async fn run<J: Judge>(
    mut worker: Worker<J>,
    consumer: &mut dyn Consumer,
    store: &dyn EventStore,
    waiting: &Waiting,
) -> Result<(), Error> {
    let mut position = store.position().await?;
    while let Some(deliveries) = consumer.receive(worker.config.batch_max).await? {
        let ids: Vec<EventId> = deliveries.iter().map(|delivery| delivery.message.id.clone()).collect();
        let known = store.judged(&ids).await?;
        let (commit, answers) = worker.apply(&deliveries, &known);
        store.commit(&commit).await?;
        position = commit.position;
        consumer.acknowledge(position).await?;
        waiting.tell(answers);
    }
    let snapshot = Some(worker.snapshot(position));
    store.commit(&Commit { position, snapshot, ..Commit::default() }).await
}
