//! What every queue with its store must do. An adapter calls [`check`] in its tests.

#![allow(clippy::unwrap_used, reason = "a suite of tests, which ends at the first surprise")]

use std::collections::BTreeMap;

use manazir_model::{Event, EventVerdict, Timestamp};

use crate::answers::{Answer, Waiting};
use crate::worker::{Config, Judge, Worker, run};
use crate::{
    Commit, Consumer, DeadLetter, Delivery, EventId, EventStore, Format, Judged, Message, Models, Queue,
    Snapshot, Stored, partition_of,
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
    type Store: EventStore;
    /// Its consumer.
    type Consumer: Consumer;

    /// Opens what an earlier call left, empty the first time.
    async fn open(&self) -> Opened<Self::Queue, Self::Store, Self::Consumer>;

    /// Closes the queue, so that a consumer ends when it has received what is there.
    async fn close(&self, queue: &Self::Queue);
}

/// Counts the events of each actor; every tenth of an actor is an anomaly.
#[derive(Debug)]
pub struct Counting(BTreeMap<String, u32>);

impl Judge for Counting {
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
        body: actor.as_bytes().to_owned(),
    }
}

/// Runs every check; each opens a fixture of its own.
pub async fn check<F: Fixture>(fixture: impl Fn() -> F) {
    messages_come_in_order_and_whole(&fixture()).await;
    what_was_not_committed_comes_again(&fixture()).await;
    a_commit_is_kept_whole(&fixture()).await;
    models_are_kept_by_partition(&fixture()).await;
    anomalies_and_dead_letters_come_newest_first(&fixture()).await;
    each_event_is_judged_once_through_restarts(&fixture()).await;
}

async fn messages_come_in_order_and_whole<F: Fixture>(fixture: &F) {
    let mut opened = fixture.open().await;
    let sent: Vec<Message> = (0..500).map(|id| message(&id.to_string(), "ü,\"{}\0")).collect();
    let mut positions = opened.queue.publish(sent[..1].to_vec()).await.unwrap();
    positions.extend(opened.queue.publish(sent[1..].to_vec()).await.unwrap());
    assert!(positions.is_sorted_by(|a, b| a < b), "positions grow: {positions:?}");
    assert_eq!(opened.queue.depth(), 500);
    let mut received: Vec<Delivery> = Vec::new();
    while received.len() < sent.len() {
        let batch = opened.consumer.receive(64).await.unwrap().unwrap();
        assert!(!batch.is_empty() && batch.len() <= 64);
        received.extend(batch);
    }
    let (places, messages): (Vec<u64>, Vec<Message>) =
        received.into_iter().map(|delivery| (delivery.position, delivery.message)).unzip();
    assert_eq!(places, positions);
    assert_eq!(messages, sent);
}

async fn what_was_not_committed_comes_again<F: Fixture>(fixture: &F) {
    let opened = fixture.open().await;
    let sent: Vec<Message> = (0..10).map(|id| message(&id.to_string(), "a")).collect();
    opened.queue.publish(sent).await.unwrap();
    let mut consumer = opened.consumer;
    let batch = consumer.receive(4).await.unwrap().unwrap();
    let position = batch[batch.len() - 1].position;
    opened.store.commit(&Commit { position, ..Commit::default() }).await.unwrap();
    consumer.acknowledge(position).await.unwrap();
    consumer.receive(3).await.unwrap().unwrap();
    drop((consumer, opened.queue, opened.store));
    let mut again = fixture.open().await;
    let batch = again.consumer.receive(100).await.unwrap().unwrap();
    assert_eq!(again.store.position().await.unwrap(), position);
    assert_eq!(again.queue.depth(), 10 - 4);
    assert_eq!(batch[0].message.id.id, "4");
}

fn judged(position: u64, anomaly: bool) -> Judged {
    Judged {
        id: EventId::new("test", position.to_string()),
        position,
        received_at: Timestamp(7),
        event: Stored { resources: vec!["a,b".to_owned(), "\"{ü}".to_owned()], ..Stored::default() },
        verdict: EventVerdict { score: position as f64, anomaly, reasons: Vec::new() },
    }
}

async fn a_commit_is_kept_whole<F: Fixture>(fixture: &F) {
    let opened = fixture.open().await;
    let sent: Vec<Message> = (1..=5).map(|id| message(&id.to_string(), "a")).collect();
    let positions = opened.queue.publish(sent).await.unwrap();
    let of = |index: usize| Judged {
        id: EventId::new("test", (index + 1).to_string()),
        ..judged(positions[index], false)
    };
    let commit = Commit { position: positions[2], judged: vec![of(0), of(2)], ..Commit::default() };
    // The same once more, as after a failed acknowledgement.
    for _ in 0..2 {
        opened.store.commit(&commit).await.unwrap();
    }
    let ids = [EventId::new("test", "3"), EventId::new("tes", "t3"), EventId::new("test", "1")];
    let found = opened.store.judged(&ids).await.unwrap();
    assert_eq!(found, [Some(of(2)), None, Some(of(0))]);
    drop(opened);
    let again = fixture.open().await;
    assert_eq!(again.store.judged(&ids).await.unwrap(), found);
    let replayed = again.store.replay(0, 10).await.unwrap();
    let places: Vec<u64> = replayed.iter().map(|delivery| delivery.position).collect();
    assert_eq!(places, [positions[0], positions[2]], "only what was judged at its place");
    assert_eq!(again.store.replay(positions[0], 1).await.unwrap().len(), 1);
}

async fn models_are_kept_by_partition<F: Fixture>(fixture: &F) {
    let opened = fixture.open().await;
    assert_eq!(opened.store.snapshot().await.unwrap(), Snapshot::default());
    let models = |partition, byte| Models { partition, state: vec![byte; 70_000] };
    let commit = |position, models: Vec<Models>| Commit {
        position,
        snapshot: Some(Snapshot { position, models }),
        ..Commit::default()
    };
    opened.store.commit(&commit(3, vec![models(1, 1), models(2, 2)])).await.unwrap();
    opened.store.commit(&commit(9, vec![models(2, 3), models(63, 4)])).await.unwrap();
    drop(opened);
    let kept = fixture.open().await.store.snapshot().await.unwrap();
    assert_eq!(kept, Snapshot { position: 9, models: vec![models(1, 1), models(2, 3), models(63, 4)] });
}

async fn anomalies_and_dead_letters_come_newest_first<F: Fixture>(fixture: &F) {
    let opened = fixture.open().await;
    let dead = |position| DeadLetter {
        id: EventId::new("test", "x"),
        position,
        reason: "nobody did it".to_owned(),
        received_at: Timestamp(0),
    };
    let commit = Commit {
        position: 40,
        judged: (1..=30).map(|position| judged(position, position % 3 == 0)).collect(),
        dead: (31..=40).map(dead).collect(),
        snapshot: None,
    };
    opened.store.commit(&commit).await.unwrap();
    let places = |found: Vec<Judged>| found.into_iter().map(|judged| judged.position).collect::<Vec<_>>();
    assert_eq!(places(opened.store.anomalies(None, 3).await.unwrap()), [30, 27, 24]);
    assert_eq!(places(opened.store.anomalies(Some(24), 2).await.unwrap()), [21, 18]);
    assert_eq!(places(opened.store.anomalies(Some(3), 2).await.unwrap()), [0; 0]);
    let letters = opened.store.dead_letters(Some(40), 2).await.unwrap();
    assert_eq!(letters, [dead(39), dead(38)]);
}

/// Sends events, some twice and some broken, through workers that end and begin anew.
async fn each_event_is_judged_once_through_restarts<F: Fixture>(fixture: &F) {
    const ROUNDS: usize = 4;
    let config = Config { batch_max: 7, snapshot_every: 20 };
    let mut answers = Vec::new();
    for round in 0..ROUNDS {
        let mut opened = fixture.open().await;
        // From the second round on, events of the round before come once more.
        let ids = (round * 50).saturating_sub(10)..round * 50 + 50;
        let actor = |id: usize| if id % 17 == 5 { "" } else { ["ann", "bob", "cem"][id % 3] };
        let sent: Vec<Message> = ids.map(|id| message(&id.to_string(), actor(id))).collect();
        let positions = opened.queue.publish(sent).await.unwrap();
        let waiting = Waiting::default();
        let callers: Vec<_> = positions.iter().map(|&position| waiting.register(position)).collect();
        fixture.close(&opened.queue).await;
        let worker = Worker::<Counting>::recover(&opened.store, decode, config).await.unwrap();
        run(worker, &mut opened.consumer, &opened.store, &waiting).await.unwrap();
        for caller in callers {
            answers.push(caller.await.expect("each caller is told"));
        }
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
    assert_eq!(opened.queue.depth(), 0);
}
