//! The contract on the twin in memory, and what holds for the worker alone.

use futures_executor::block_on;
use proptest::prelude::*;

use crate::answers::Answer;
use crate::contract::{self, Counting, Fixture, Opened, decode, message};
use crate::memory::{InMemory, InMemoryConsumer};
use crate::worker::{Config, Worker};
use crate::{Delivery, EventStore, Message, Queue};

#[derive(Default)]
struct Twin(InMemory);

impl Fixture for Twin {
    type Queue = InMemory;
    type Store = InMemory;
    type Consumer = InMemoryConsumer;

    async fn open(&self) -> Opened<InMemory, InMemory, InMemoryConsumer> {
        self.0.open();
        Opened { queue: self.0.clone(), store: self.0.clone(), consumer: self.0.consumer() }
    }

    async fn close(&self, queue: &InMemory) {
        queue.close();
    }
}

#[test]
fn the_twin_in_memory_keeps_the_contract() {
    block_on(contract::check(Twin::default));
}

/// Verdicts of messages in batches of `batch` on `threads`, with the models written and read at each `saves`.
fn verdicts(actors: &[u8], batch: usize, threads: usize, saves: bool) -> Vec<String> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let store = InMemory::default();
    let messages: Vec<Message> = actors
        .iter()
        .enumerate()
        .map(|(id, actor)| message(&id.to_string(), &"abc"[..usize::from(actor % 4)]))
        .collect();
    block_on(store.publish(messages.clone())).unwrap();
    let config = Config { batch_max: batch, snapshot_every: if saves { 3 } else { usize::MAX } };
    let mut worker = Worker::<Counting>::new(decode, config);
    let mut said = Vec::new();
    for (first, messages) in messages.chunks(batch).enumerate() {
        let place = |(index, message): (usize, &Message)| Delivery {
            position: (first * batch + index + 1) as u64,
            message: message.clone(),
        };
        let deliveries: Vec<Delivery> = messages.iter().enumerate().map(place).collect();
        let (commit, mut answers) = pool.install(|| worker.apply(&deliveries, &vec![None; deliveries.len()]));
        block_on(store.commit(&commit)).unwrap();
        answers.sort_by_key(|(position, _)| *position);
        said.extend(answers.into_iter().map(|(position, answer)| format!("{position} {answer:?}")));
        if saves {
            worker = block_on(Worker::recover(&store, decode, config)).unwrap();
        }
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn verdicts_depend_on_the_order_of_the_events_alone(
        actors in prop::collection::vec(any::<u8>(), 1..60),
        batch in 1..20usize,
        threads in 1..5usize,
        saves: bool,
    ) {
        prop_assert_eq!(verdicts(&actors, batch, threads, saves), verdicts(&actors, usize::MAX, 1, false));
    }
}

#[test]
fn an_event_twice_in_one_batch_gets_one_verdict() {
    let mut worker = Worker::<Counting>::new(decode, Config::default());
    let deliveries: Vec<Delivery> = ["1", "2", "1"]
        .into_iter()
        .zip(1..)
        .map(|(id, position)| Delivery { position, message: message(id, "ann") })
        .collect();
    let (commit, mut answers) = worker.apply(&deliveries, &[None, None, None]);
    answers.sort_by_key(|(position, _)| *position);
    assert_eq!(commit.judged.len(), 2);
    assert_eq!(commit.position, 3);
    let scores: Vec<(bool, f64)> = answers
        .into_iter()
        .map(|(_, answer)| match answer {
            Answer::New(verdict) => (true, verdict.score),
            Answer::Known(verdict) => (false, verdict.score),
            Answer::Dead(reason) => panic!("{reason}"),
        })
        .collect();
    assert_eq!(scores, [(true, 1.0), (true, 2.0), (false, 1.0)]);
}
