//! The judging of a batch: which deliveries are new, what each came to, and who is told what.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use manazir_model::{EventVerdict, GraphEvent, SeriesSamples};
use rayon::prelude::*;

use crate::answers::Answer;
use crate::worker::partition::Partition;
use crate::worker::{Decode, Judge, Worker};
use crate::{DeadLetter, Delivery, Error, EventId, EventStore, Format, Judged, Message, Sampled, Stored};

/// Why some messages, by receipt, are not judged.
pub(super) type Buried = BTreeMap<u64, String>;

/// Deliveries told apart.
pub(super) struct Sorted<'d> {
    /// Of events that were never judged.
    pub(super) fresh: Vec<&'d Delivery>,
    /// Answers to those that were, by receipt.
    known: Vec<(u64, Answer)>,
    /// Receipts of repetitions within the batch, with that of the first.
    repeated: Vec<(u64, u64)>,
}

impl<'d> Sorted<'d> {
    /// `known` are the verdicts of those that are not buried, in their order.
    pub(super) fn new(deliveries: &[&'d Delivery], buried: &Buried, known: Vec<Option<Judged>>) -> Self {
        let mut known = known.into_iter();
        let mut first: HashMap<&EventId, u64> = HashMap::with_capacity(deliveries.len());
        let mut sorted =
            Self { fresh: Vec::with_capacity(deliveries.len()), known: Vec::new(), repeated: Vec::new() };
        for &delivery in deliveries {
            let receipt = delivery.receipt;
            let known = if buried.contains_key(&receipt) { None } else { known.next().flatten() };
            if let Some(known) = known {
                sorted.known.push((receipt, Answer::Known(known.verdict)));
            } else if let Some(&first) = first.get(&delivery.message.id) {
                sorted.repeated.push((receipt, first));
            } else {
                first.insert(&delivery.message.id, receipt);
                sorted.fresh.push(delivery);
            }
        }
        sorted
    }

    /// What the caller of each receipt is to be told.
    pub(super) fn answers(self, outcomes: &[(u64, Outcome)]) -> Vec<(u64, Answer)> {
        let mut answers = self.known;
        let new: HashMap<u64, Answer> =
            outcomes.iter().map(|(receipt, outcome)| (*receipt, outcome.answer())).collect();
        let again = |(receipt, first): &(u64, u64)| Some((*receipt, new.get(first)?.clone().again()));
        answers.extend(self.repeated.iter().filter_map(again));
        answers.extend(new);
        answers
    }
}

/// What a message came to.
pub(super) enum Outcome {
    /// An event, or a message of samples, whose verdict is empty; the samples that were judged by it; and what all of
    /// that is on the event graph.
    Judged(Box<Judged>, Sampled, Vec<GraphEvent>),
    Dead(DeadLetter),
}

impl Outcome {
    /// What it taught the models: one event, or so many samples.
    fn learnt(&self) -> usize {
        match self {
            Self::Judged(_, sampled, _) => sampled.len().max(1),
            Self::Dead(_) => 1,
        }
    }

    fn answer(&self) -> Answer {
        match self {
            Self::Judged(judged, ..) => Answer::New(judged.verdict.clone()),
            Self::Dead(dead) => Answer::Dead(dead.reason.clone()),
        }
    }
}

/// The messages of the events that were judged; both come in the order of receipts.
pub(super) fn judged_messages<'d>(fresh: &[&'d Delivery], outcomes: &[(u64, Outcome)]) -> Vec<&'d Message> {
    let judged = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Judged(..)));
    let mut fresh = fresh.iter();
    judged
        .filter_map(|(receipt, _)| fresh.find(|delivery| delivery.receipt == *receipt))
        .map(|delivery| &delivery.message)
        .collect()
}

/// What a batch came to, each for its own part of the commit.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) judged: Vec<Judged>,
    pub(super) dead: Vec<DeadLetter>,
    pub(super) sampled: BTreeMap<u16, Sampled>,
    pub(super) happened: BTreeMap<u16, Vec<GraphEvent>>,
}

/// Takes outcomes apart.
pub(super) fn split(outcomes: Vec<(u64, Outcome)>) -> Parts {
    let mut parts = Parts { judged: Vec::with_capacity(outcomes.len()), ..Parts::default() };
    for (_, outcome) in outcomes {
        match outcome {
            Outcome::Judged(one, samples, happened) => {
                if !samples.is_empty() {
                    parts.sampled.entry(one.partition).or_default().extend(samples);
                }
                if !happened.is_empty() {
                    parts.happened.entry(one.partition).or_default().extend(happened);
                }
                parts.judged.push(*one);
            }
            Outcome::Dead(one) => parts.dead.push(one),
        }
    }
    parts
}

/// The outcomes of a partition, or the receipt of the message whose judging panicked, and what it said.
type Tried = Result<Vec<(u64, Outcome)>, (u64, String)>;

impl<J: Judge> Worker<J> {
    /// Partitions side by side, the events of each in their order; the outcomes in the order of receipts.
    ///
    /// A message whose judging panics becomes a dead letter: the models, which may be half changed, are
    /// fetched anew, and the other messages of its partition are judged once more.
    pub(super) async fn judge(
        &mut self,
        fresh: &[&Delivery],
        mut buried: Buried,
        store: &dyn EventStore,
    ) -> Result<Vec<(u64, Outcome)>, Error> {
        let mut partitions: BTreeMap<u16, Vec<&Delivery>> = BTreeMap::new();
        for delivery in fresh {
            partitions.entry(delivery.message.partition).or_default().push(delivery);
        }
        let mut outcomes = Vec::with_capacity(fresh.len());
        while !partitions.is_empty() {
            let tried = self.try_judging(std::mem::take(&mut partitions), &buried);
            for (partition, deliveries, tried) in tried {
                match tried {
                    Ok(of_partition) => outcomes.extend(of_partition),
                    Err((receipt, why)) => {
                        buried.insert(receipt, format!("judging it failed: {why}"));
                        self.fetch_anew(partition, store).await?;
                        partitions.insert(partition, deliveries);
                    }
                }
            }
        }
        outcomes.sort_by_key(|(receipt, _)| *receipt);
        Ok(outcomes)
    }

    fn try_judging<'d>(
        &mut self,
        partitions: BTreeMap<u16, Vec<&'d Delivery>>,
        buried: &Buried,
    ) -> Vec<(u16, Vec<&'d Delivery>, Tried)> {
        let take = |(number, deliveries)| Some((self.partitions.remove(&number)?, deliveries));
        let mut work: Vec<(Partition<J>, Vec<&Delivery>)> = partitions.into_iter().filter_map(take).collect();
        let decode = self.decode;
        let tried: Vec<Tried> = work
            .par_iter_mut()
            .map(|(partition, deliveries)| judge_partition(partition, deliveries, decode, buried))
            .collect();
        let mut said = Vec::with_capacity(work.len());
        for ((partition, deliveries), tried) in work.into_iter().zip(tried) {
            let number = partition.lease.partition;
            self.partitions.insert(number, partition);
            said.push((number, deliveries, tried));
        }
        said
    }

    async fn fetch_anew(&mut self, partition: u16, store: &dyn EventStore) -> Result<(), Error> {
        if let Some(broken) = self.partitions.remove(&partition) {
            let fetched = Partition::recover(broken.lease, store, self).await?;
            self.partitions.insert(partition, fetched);
        }
        Ok(())
    }
}

fn judge_partition<J: Judge>(
    partition: &mut Partition<J>,
    deliveries: &[&Delivery],
    decode: Decode,
    buried: &Buried,
) -> Tried {
    let mut outcomes = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        partition.seq = delivery.seq.unwrap_or(partition.seq + 1);
        let seq = partition.seq;
        let outcome = match buried.get(&delivery.receipt) {
            Some(reason) => dead(delivery, seq, reason.clone()),
            // Models that panicked are not used again, so that it does not matter how they were left.
            None => catch_unwind(AssertUnwindSafe(|| outcome(&mut partition.judge, delivery, seq, decode)))
                .map_err(|panic| (delivery.receipt, words(&*panic)))?,
        };
        partition.since_snapshot += outcome.learnt();
        outcomes.push((delivery.receipt, outcome));
    }
    Ok(outcomes)
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

fn outcome<J: Judge>(judge: &mut J, delivery: &Delivery, seq: u64, decode: Decode) -> Outcome {
    let message = &delivery.message;
    if message.format == Format::Samples {
        return match taught(judge, message, decode) {
            Ok(sampled) => {
                let event = Stored { at: message.received_at, ..Stored::default() };
                let judged = Judged::new(message, seq, event, EventVerdict::default());
                let happened = episodes(judge, &sampled);
                Outcome::Judged(Box::new(judged), sampled, happened)
            }
            Err(reason) => dead(delivery, seq, reason),
        };
    }
    let event = match decode(message.format, &message.body) {
        Ok(event) => event,
        Err(reason) => return dead(delivery, seq, reason),
    };
    let verdict = judge.update(&event);
    let sampled = judge.counted(message.received_at, &event);
    let happened = judge.happened(message.received_at, &event, &verdict);
    let mut happened: Vec<GraphEvent> = happened.into_iter().collect();
    happened.extend(episodes(judge, &sampled));
    let event = Stored {
        at: event.at,
        request_id: event.request.into_owned(),
        actor: event.actor.into_owned(),
        action: event.action.into_owned(),
        resources: event.resources.into_iter().map(std::borrow::Cow::into_owned).collect(),
    };
    let judged = Judged::new(message, seq, event, verdict);
    Outcome::Judged(Box::new(judged), sampled, happened)
}

/// What the episodes of some samples are on the event graph.
fn episodes<J: Judge>(judge: &J, sampled: &Sampled) -> Vec<GraphEvent> {
    sampled.findings.iter().filter_map(|finding| judge.episode(finding)).collect()
}

/// Teaches the models a message, of events or of samples; the samples that were judged by it.
pub(super) fn taught<J: Judge>(judge: &mut J, message: &Message, decode: Decode) -> Result<Sampled, String> {
    if message.format == Format::Samples {
        let series: Vec<SeriesSamples> = postcard::from_bytes(&message.body)
            .map_err(|error| format!("its samples cannot be read: {error}"))?;
        return Ok(judge.samples(message.received_at, &series));
    }
    let event = decode(message.format, &message.body)?;
    judge.update(&event);
    Ok(judge.counted(message.received_at, &event))
}

fn dead(delivery: &Delivery, seq: u64, reason: String) -> Outcome {
    let message = &delivery.message;
    Outcome::Dead(DeadLetter {
        id: message.id.clone(),
        partition: message.partition,
        seq,
        reason,
        received_at: message.received_at,
        format: message.format,
        body: message.body.clone(),
    })
}
