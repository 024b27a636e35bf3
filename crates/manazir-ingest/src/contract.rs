//! What every queue with its store must do. An adapter calls [`check`] in its tests.

#![allow(clippy::unwrap_used, reason = "a suite of tests, which ends at the first surprise")]

use std::collections::BTreeMap;
use std::sync::Arc;

use manazir_model::{Event, EventVerdict, GraphEvent, Reason, Timestamp};

use crate::answers::{Answer, Waiting};
use crate::outbox::{Entry, Outbox, Shown};
use crate::worker::{Config, Judge, Worker, run};
use crate::{
    Archive, Commit, Consumer, Delivery, EventId, EventStore, Format, Judged, Lease, Message, PARTITIONS,
    Places, Queue, Snapshot, Standing, Stored, partition_of,
};

/// A queue and a store as one process sees them.
#[derive(Debug)]
pub struct Opened<Q, S, C> {
    /// Where messages are put.
    pub queue: Q,
    /// Where verdicts are kept.
    pub store: S,
    /// A consumer that begins after the last commit.
    pub consumer: C,
}

/// The implementation under test.
#[expect(async_fn_in_trait, reason = "tests call it from one task")]
pub trait Fixture {
    /// Its queue.
    type Queue: Queue;
    /// Its store.
    type Store: EventStore + Archive;
    /// Its consumer.
    type Consumer: Consumer;

    /// Opens what an earlier call left, empty the first time.
    async fn open(&self) -> Opened<Self::Queue, Self::Store, Self::Consumer>;

    /// Closes the queue, so that a consumer ends when it has received what is there.
    async fn close(&self, queue: &Self::Queue);
}

/// Counts the events of each actor; every tenth of an actor is an anomaly, and what `cem` does stands on the event graph.
#[derive(Debug)]
pub struct Counting(BTreeMap<String, u32>);

impl Judge for Counting {
    type Setting = ();

    fn fresh() -> Self {
        Self(BTreeMap::new())
    }

    fn load(state: &[u8]) -> Result<Self, String> {
        postcard::from_bytes(state).map(Self).map_err(|error| error.to_string())
    }

    fn save(&self) -> Vec<u8> {
        postcard::to_extend(&self.0, Vec::new()).expect("a map of numbers is writable")
    }

    fn update(&mut self, event: &Event<'_>) -> EventVerdict {
        let count = self.0.entry(event.actor.to_string()).or_default();
        *count += 1;
        EventVerdict { score: f64::from(*count), anomaly: count.is_multiple_of(10), reasons: Vec::new() }
    }

    fn happened(
        &self,
        received_at: Timestamp,
        event: &Event<'_>,
        _verdict: &EventVerdict,
    ) -> Option<GraphEvent> {
        (event.actor == "cem").then(|| GraphEvent {
            id: format!("cem {}", self.0["cem"]),
            received_at,
            ..GraphEvent::default()
        })
    }
}

/// The body is the actor; an empty one is broken.
pub fn decode(_: Format, body: &[u8]) -> Result<Event<'_>, String> {
    let actor = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    if actor.is_empty() {
        return Err("nobody did it".to_owned());
    }
    Ok(Event { actor: actor.into(), ..Event::default() })
}

/// A message of an actor.
pub fn message(id: &str, actor: &str) -> Message {
    Message {
        format: Format::Plain,
        partition: partition_of(actor),
        id: EventId::new("test", id),
        received_at: Timestamp::from_seconds(1),
        reply_to: None,
        body: actor.as_bytes().to_owned(),
    }
}

/// Runs every check; each opens a fixture of its own.
pub async fn check<F: Fixture>(fixture: impl Fn() -> F) {
    messages_come_in_order_and_whole(&fixture()).await;
    what_was_not_committed_comes_again(&fixture()).await;
    a_commit_is_kept_whole(&fixture()).await;
    models_are_kept_by_partition(&fixture()).await;
    each_event_is_judged_once_through_restarts(&fixture()).await;
    old_events_are_forgotten_and_what_a_restart_needs_is_not(&fixture()).await;
    a_message_that_ends_its_workers_is_put_aside(&fixture()).await;
    a_message_whose_judging_panics_is_put_aside(&fixture()).await;
    a_message_without_a_usable_identity_is_put_aside(&fixture()).await;
}

/// All leases of whoever has just opened the store.
async fn leases(store: &impl EventStore) -> Vec<Lease> {
    let held = store.hold().await.unwrap();
    assert_eq!(held.leases.len(), usize::from(PARTITIONS), "one worker alone holds everything");
    held.leases.clone()
}

/// Waits until so many messages have come.
async fn receive(consumer: &mut impl Consumer, count: usize) -> Vec<Delivery> {
    let mut received: Vec<Delivery> = Vec::new();
    while received.len() < count {
        let batch = consumer.receive((count - received.len()).min(64)).await.unwrap().unwrap();
        assert!(batch.len() <= 64);
        received.extend(batch);
    }
    received
}

async fn messages_come_in_order_and_whole<F: Fixture>(fixture: &F) {
    let mut opened = fixture.open().await;
    opened.consumer.follow(&(0..PARTITIONS).collect()).await.unwrap();
    let sent: Vec<Message> = (0..500).map(|id| message(&id.to_string(), "ü,\"{}\0")).collect();
    opened.queue.publish(sent[..1].to_vec()).await.unwrap();
    opened.queue.publish(sent[1..].to_vec()).await.unwrap();
    let received = receive(&mut opened.consumer, sent.len()).await;
    assert!(received.is_sorted_by_key(|delivery| delivery.receipt), "receipts grow");
    let messages: Vec<Message> = received.into_iter().map(|delivery| delivery.message).collect();
    assert_eq!(messages, sent);
}

async fn what_was_not_committed_comes_again<F: Fixture>(fixture: &F) {
    let mut opened = fixture.open().await;
    let leases = leases(&opened.store).await;
    opened.consumer.follow(&(0..PARTITIONS).collect()).await.unwrap();
    // One by one: what is published together may come again together.
    for id in 0..10 {
        opened.queue.publish(vec![message(&id.to_string(), "a")]).await.unwrap();
    }
    let batch = receive(&mut opened.consumer, 4).await;
    let last = &batch[batch.len() - 1];
    let commit = Commit { leases, receipt: Some(last.receipt), ..Commit::default() };
    assert_eq!(opened.store.commit(&commit).await.unwrap(), [0; 0]);
    opened.consumer.acknowledge(last.message.partition, last.receipt).await.unwrap();
    receive(&mut opened.consumer, 3).await;
    drop(opened);
    let mut again = fixture.open().await;
    again.consumer.follow(&(0..PARTITIONS).collect()).await.unwrap();
    let batch = receive(&mut again.consumer, 6).await;
    let ids: Vec<&str> = batch.iter().map(|delivery| delivery.message.id.id.as_str()).collect();
    assert_eq!(ids, ["4", "5", "6", "7", "8", "9"]);
}

fn judged(of: &Delivery, seq: u64) -> Judged {
    Judged {
        id: of.message.id.clone(),
        partition: of.message.partition,
        seq,
        received_at: of.message.received_at,
        event: Stored { resources: vec!["a,b".to_owned(), "\"{ü}".to_owned()], ..Stored::default() },
        verdict: EventVerdict {
            score: seq as f64,
            anomaly: seq.is_multiple_of(2),
            reasons: vec![Reason { detector: "d".to_owned(), surprise: 1.5, text: "t".to_owned() }],
        },
    }
}

async fn a_commit_is_kept_whole<F: Fixture>(fixture: &F) {
    let mut opened = fixture.open().await;
    let leases = leases(&opened.store).await;
    opened.consumer.follow(&(0..PARTITIONS).collect()).await.unwrap();
    let sent: Vec<Message> = (1..=5).map(|id| message(&id.to_string(), "a")).collect();
    opened.queue.publish(sent).await.unwrap();
    let received = receive(&mut opened.consumer, 5).await;
    let seqs: Vec<u64> =
        received.iter().zip(1..).map(|(delivery, count)| delivery.seq.unwrap_or(count)).collect();
    let of = |index: usize| judged(&received[index], seqs[index]);
    let commit = Commit {
        leases,
        receipt: Some(received[2].receipt),
        judged: vec![of(0), of(2)],
        messages: vec![&received[0].message, &received[2].message],
        ..Commit::default()
    };
    // The same once more, as after a failed acknowledgement.
    for _ in 0..2 {
        assert_eq!(opened.store.commit(&commit).await.unwrap(), [0; 0]);
    }
    let ids = [EventId::new("test", "3"), EventId::new("tes", "t3"), EventId::new("test", "1")];
    let found = opened.store.judged(&ids).await.unwrap();
    assert_eq!(found, [Some(of(2)), None, Some(of(0))]);
    let partition = received[0].message.partition;
    drop(opened);
    let again = fixture.open().await;
    assert_eq!(again.store.judged(&ids).await.unwrap(), found);
    assert_eq!(again.store.standing(partition).await.unwrap().seq, seqs[2]);
    let replayed = again.store.replay(partition, 0, 10).await.unwrap();
    let expected = [0, 2].map(|index| (seqs[index], received[index].message.clone()));
    assert_eq!(replayed, expected, "only what was judged at its place");
    assert_eq!(again.store.replay(partition, seqs[0], 1).await.unwrap(), expected[1..]);
}

async fn models_are_kept_by_partition<F: Fixture>(fixture: &F) {
    let opened = fixture.open().await;
    let leases = leases(&opened.store).await;
    assert_eq!(opened.store.standing(2).await.unwrap(), Standing::default());
    let models = |partition, seq, byte| Snapshot { partition, seq, state: vec![byte; 70_000] };
    for snapshots in [vec![models(1, 3, 1), models(2, 3, 2)], vec![models(2, 9, 3), models(63, 0, 4)]] {
        let commit = Commit { leases: leases.clone(), snapshots, ..Commit::default() };
        assert_eq!(opened.store.commit(&commit).await.unwrap(), [0; 0]);
    }
    drop(opened);
    let store = fixture.open().await.store;
    for (partition, kept) in
        [(1, Some(models(1, 3, 1))), (2, Some(models(2, 9, 3))), (63, Some(models(63, 0, 4))), (0, None)]
    {
        assert_eq!(store.standing(partition).await.unwrap().snapshot, kept);
    }
}

/// Lets a worker work until everything that was sent is judged.
async fn work_off<F: Fixture, J: Judge>(
    fixture: &F,
    opened: &mut Opened<F::Queue, F::Store, F::Consumer>,
    config: Config,
    waiting: &Arc<Waiting>,
) {
    fixture.close(&opened.queue).await;
    let worker = Worker::<J>::new(decode, config);
    run(worker, &mut opened.consumer, &opened.store, &**waiting).await.unwrap();
}

/// Sends events, some twice and some broken, through workers that end and begin anew.
async fn each_event_is_judged_once_through_restarts<F: Fixture>(fixture: &F) {
    const ROUNDS: usize = 4;
    let config = Config { batch_max: 7, snapshot_every: 20 };
    let mut answers = Vec::new();
    for round in 0..ROUNDS {
        let mut opened = fixture.open().await;
        let waiting = Arc::new(Waiting::new(round.to_string()));
        // From the second round on, events of the round before come once more.
        let ids = (round * 50).saturating_sub(10)..round * 50 + 50;
        let actor = |id: usize| if id % 17 == 5 { "" } else { ["ann", "bob", "cem"][id % 3] };
        let mut sent: Vec<Message> = ids.map(|id| message(&id.to_string(), actor(id))).collect();
        let mut callers: Vec<_> = sent.iter().map(|_| waiting.register()).collect();
        for (message, caller) in sent.iter_mut().zip(&callers) {
            message.reply_to = Some(caller.reply_to());
        }
        opened.queue.publish(sent).await.unwrap();
        work_off::<F, Counting>(fixture, &mut opened, config, &waiting).await;
        for caller in &mut callers {
            answers.push(caller.answer().await.expect("each caller is told"));
        }
        assert_eq!(opened.queue.depth().await.unwrap(), 0);
    }
    let opened = fixture.open().await;
    let ids: Vec<EventId> = (0..ROUNDS * 50).map(|id| EventId::new("test", id.to_string())).collect();
    let found = opened.store.judged(&ids).await.unwrap();
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for (id, judged) in found.iter().enumerate() {
        let Some(judged) = judged else {
            assert_eq!(id % 17, 5, "event {id} was not judged");
            continue;
        };
        let count = counts.entry(judged.event.actor.as_str()).or_default();
        *count += 1.0;
        assert_eq!(judged.verdict.score, *count, "event {id}: the models went on where they were");
    }
    let count = |wanted: fn(&Answer) -> bool| answers.iter().filter(|answer| wanted(answer)).count();
    let judged = found.iter().flatten().count();
    assert_eq!(count(|answer| matches!(answer, Answer::New(_))), judged);
    assert!(count(|answer| matches!(answer, Answer::Known(_))) > 20);
    assert!(count(|answer| matches!(answer, Answer::Dead(_))) >= ROUNDS * 50 - judged);
}

async fn old_events_are_forgotten_and_what_a_restart_needs_is_not<F: Fixture>(fixture: &F) {
    let waiting = Arc::new(Waiting::new("here"));
    // Ten events, of which the models of the first eight are written down.
    let config = Config { batch_max: 4, snapshot_every: 4 };
    let mut opened = fixture.open().await;
    for id in 0..8 {
        opened.queue.publish(vec![message(&id.to_string(), "ann")]).await.unwrap();
    }
    work_off::<F, Counting>(fixture, &mut opened, config, &waiting).await;
    drop(opened);
    let mut opened = fixture.open().await;
    let leases = leases(&opened.store).await;
    opened.consumer.follow(&(0..PARTITIONS).collect()).await.unwrap();
    let sent: Vec<Message> = ["8", "9"].map(|id| message(id, "ann")).into();
    opened.queue.publish(sent).await.unwrap();
    let received = receive(&mut opened.consumer, 2).await;
    let partition = received[0].message.partition;
    let last = opened.store.standing(partition).await.unwrap().seq;
    let seq = |index: usize| received[index].seq.unwrap_or(last + 1 + index as u64);
    let commit = Commit {
        leases,
        receipt: Some(received[1].receipt),
        judged: vec![judged(&received[0], seq(0)), judged(&received[1], seq(1))],
        messages: vec![&received[0].message, &received[1].message],
        ..Commit::default()
    };
    opened.store.commit(&commit).await.unwrap();

    let known = async |store: &F::Store| -> Vec<bool> {
        let ids: Vec<EventId> = (0..10).map(|id: u32| EventId::new("test", id.to_string())).collect();
        store.judged(&ids).await.unwrap().iter().map(Option::is_some).collect()
    };
    let arrived = received[0].message.received_at;
    let read = opened.store.events(partition, 0, 6).await.unwrap();
    let rest = opened.store.events(partition, read[5].seq, 100).await.unwrap();
    let ids: Vec<&str> = read.iter().chain(&rest).map(|judged| &*judged.id.id).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "page by page, in their order");
    assert_eq!(rest[3], judged(&received[1], seq(1)), "as it was stored");
    assert!(opened.store.events(partition, rest[3].seq, 100).await.unwrap().is_empty());

    let forget =
        async |before, until: Option<&Places>, max| opened.store.forget(before, until, max).await.unwrap();
    assert_eq!(forget(arrived, None, 100).await, 0, "none is that old");
    let later = Timestamp(arrived.micros() + 1);
    assert_eq!(forget(later, Some(&Places::new()), 100).await, 0, "none was exported");
    assert_eq!(known(&opened.store).await, [true; 10]);
    let until = Places::from([(partition, read[4].seq)]);
    assert_eq!(forget(later, Some(&until), 3).await, 3, "no more than asked for");
    assert_eq!(forget(later, Some(&until), 100).await, 2, "the other three were not exported");
    assert_eq!(forget(later, None, 100).await, 3);
    let mut left = [false; 10];
    left[8..].fill(true);
    assert_eq!(known(&opened.store).await, left, "the models have not learnt these two for good");
    let name = opened.store.store_name().await.unwrap();
    drop(opened);

    // The models go on where they were, and what was forgotten is a new event.
    let mut opened = fixture.open().await;
    assert_eq!(opened.store.store_name().await.unwrap(), name);
    opened.queue.publish(vec![message("0", "ann")]).await.unwrap();
    work_off::<F, Counting>(fixture, &mut opened, config, &waiting).await;
    let found = opened.store.judged(&[EventId::new("test", "0")]).await.unwrap();
    assert_eq!(found[0].as_ref().map(|judged| judged.verdict.score), Some(11.0));
}

/// A worker that dies of a message, again and again, is found out by what it left behind.
async fn a_message_that_ends_its_workers_is_put_aside<F: Fixture>(fixture: &F) {
    const DEATHS: usize = 5;
    let deadly = EventId::new("test", "1");
    for death in 0..DEATHS {
        let mut opened = fixture.open().await;
        if death == 0 {
            let sent = (0..4).map(|id| message(&id.to_string(), "ann")).collect();
            opened.queue.publish(sent).await.unwrap();
        }
        let lease = leases(&opened.store).await.swap_remove(usize::from(partition_of("ann")));
        assert_eq!(lease.failures as usize, death);
        opened.consumer.follow(&[lease.partition].into()).await.unwrap();
        receive(&mut opened.consumer, 1).await;
        if death == DEATHS - 1 {
            // What a careful worker does before it judges: and now it dies.
            opened.store.suspect(&lease, &deadly).await.unwrap();
        }
    }
    let mut opened = fixture.open().await;
    let waiting = Arc::new(Waiting::new("here"));
    work_off::<F, Counting>(fixture, &mut opened, Config::default(), &waiting).await;
    let ids = ["0", "1", "2", "3"].map(|id| EventId::new("test", id));
    let found = opened.store.judged(&ids).await.unwrap();
    let judged: Vec<bool> = found.iter().map(Option::is_some).collect();
    assert_eq!(judged, [true, false, true, true]);
    drop(opened);
    let lease = leases(&fixture.open().await.store).await.swap_remove(0);
    assert_eq!((lease.failures, lease.suspect), (0, None), "a worker that ended in order is no failure");
}

/// Panics at the actor `mal`, after it has counted him.
struct Panicking(Counting);

impl Judge for Panicking {
    type Setting = ();

    fn fresh() -> Self {
        Self(Counting::fresh())
    }

    fn load(state: &[u8]) -> Result<Self, String> {
        Counting::load(state).map(Self)
    }

    fn save(&self) -> Vec<u8> {
        self.0.save()
    }

    fn update(&mut self, event: &Event<'_>) -> EventVerdict {
        let verdict = self.0.update(event);
        assert!(event.actor != "mal", "what is {}?", event.actor);
        verdict
    }
}

async fn a_message_whose_judging_panics_is_put_aside<F: Fixture>(fixture: &F) {
    let mut opened = fixture.open().await;
    let waiting = Arc::new(Waiting::new("here"));
    let partition = partition_of("mal");
    let mut bad = message("bad", "mal");
    let mut caller = waiting.register();
    bad.reply_to = Some(caller.reply_to());
    let good = |id: &str| Message { partition, ..message(id, "ann") };
    let sent = vec![good("1"), good("2"), bad, good("3")];
    opened.queue.publish(sent).await.unwrap();
    work_off::<F, Panicking>(fixture, &mut opened, Config::default(), &waiting).await;
    let ids = ["1", "2", "3", "bad"].map(|id| EventId::new("test", id));
    let found = opened.store.judged(&ids).await.unwrap();
    let scores: Vec<Option<f64>> =
        found.into_iter().map(|judged| judged.map(|judged| judged.verdict.score)).collect();
    assert_eq!(scores, [Some(1.0), Some(2.0), Some(3.0), None], "each was learnt once");
    assert_eq!(caller.answer().await, Some(Answer::Dead("judging it failed: what is mal?".to_owned())));
}

/// Longer than any store can look up, or with a character that one of them cannot.
async fn a_message_without_a_usable_identity_is_put_aside<F: Fixture>(fixture: &F) {
    let mut opened = fixture.open().await;
    let waiting = Arc::new(Waiting::new("here"));
    let mut caller = waiting.register();
    let reply_to = Some(caller.reply_to());
    let long = Message { reply_to, ..message(&"x".repeat(70_000), "ann") };
    let sent = vec![message("1", "ann"), long, message("n\0l", "ann"), message("2", "ann")];
    opened.queue.publish(sent).await.unwrap();
    work_off::<F, Counting>(fixture, &mut opened, Config::default(), &waiting).await;
    let ids = ["1", "2"].map(|id| EventId::new("test", id));
    let found = opened.store.judged(&ids).await.unwrap();
    let scores: Vec<Option<f64>> =
        found.into_iter().map(|judged| judged.map(|judged| judged.verdict.score)).collect();
    assert_eq!(scores, [Some(1.0), Some(2.0)]);
    let why = "its identity has 70000 characters, more than 384".to_owned();
    assert_eq!(caller.answer().await, Some(Answer::Dead(why)));
}

/// For a store that is no database: what it found waits, in order, until the truth has it.
pub async fn check_outbox<F: Fixture>(fixture: &F)
where
    F::Store: Outbox,
{
    let mut opened = fixture.open().await;
    let waiting = Arc::new(Waiting::new("here"));
    let actors = ["ann"; 10].into_iter().chain([""]).chain(["bob"; 20]).chain(["cem"]);
    let sent = actors.zip(0..).map(|(actor, id)| message(&id.to_string(), actor)).collect();
    opened.queue.publish(sent).await.unwrap();
    work_off::<F, Counting>(fixture, &mut opened, Config { batch_max: 4, snapshot_every: 9 }, &waiting).await;
    drop(opened);
    let ids = |entries: &[Entry]| -> Vec<String> {
        let id = |entry: &Entry| match &entry.shown {
            Shown::Finding(judged) => judged.id.id.clone(),
            Shown::Dead(dead) => format!("{} {:?}", dead.id.id, dead.body),
            Shown::Episode(episode) => episode.sentence.clone(),
            Shown::Happened(event) => event.id.clone(),
        };
        entries.iter().map(id).collect()
    };
    let store = fixture.open().await.store;
    let entries = store.entries(0, 100).await.unwrap();
    assert_eq!(ids(&entries), ["9", "10 []", "20", "30", "cem 1"]);
    assert!(entries.is_sorted_by(|a, b| a.seq < b.seq));
    assert_eq!(store.entries(entries[1].seq, 1).await.unwrap(), entries[2..3]);
    store.shown(entries[1].seq).await.unwrap();
    assert_eq!(store.entries(0, 100).await.unwrap(), entries[2..]);
}
