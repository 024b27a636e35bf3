//! What holds for the worker alone.

use std::sync::Mutex;

use async_trait::async_trait;
use futures_executor::block_on;
use proptest::prelude::*;

use crate::answers::{Answer, Answers};
use crate::contract::{Counting, decode, message};
use crate::memory::InMemory;
use crate::worker::batch::Buried;
use crate::worker::{Config, Worker, work};
use crate::{Consumer, Delivery, Error, Message, Queue, ReplyTo};

/// A worker of its own for a store, which takes up what is there.
fn worker(store: &InMemory, config: Config) -> Worker<Counting> {
    store.open();
    let mut worker = Worker::new(decode, config);
    while block_on(worker.take_up(store, &mut store.consumer())).unwrap() {}
    worker
}

/// Verdicts of messages in batches of `batch` on `threads`, with the models written and read at each `saves`.
fn verdicts(actors: &[u8], batch: usize, threads: usize, saves: bool) -> Vec<String> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let store = InMemory::default();
    let actor = |actor: &u8| &"abc"[..usize::from(actor % 4)];
    let messages: Vec<Message> =
        actors.iter().zip(0..).map(|(which, id)| message(&id.to_string(), actor(which))).collect();
    block_on(store.publish(messages)).unwrap();
    let config = Config { batch_max: batch, snapshot_every: if saves { 3 } else { usize::MAX } };
    let mut judging = worker(&store, config);
    let mut consumer = store.consumer();
    let mut said = Vec::new();
    while said.len() < actors.len() {
        let deliveries = block_on(consumer.receive(batch)).unwrap().unwrap();
        let together: Vec<&Delivery> = deliveries.iter().collect();
        let done = pool.install(|| block_on(judging.batch(&together, Buried::new(), &store))).unwrap();
        let mut answers = done.answers;
        answers.sort_by_key(|(receipt, _)| *receipt);
        said.extend(answers.into_iter().map(|(receipt, answer)| format!("{receipt} {answer:?}")));
        if saves {
            judging = worker(&store, config);
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
    let store = InMemory::default();
    let mut judging = worker(&store, Config::default());
    let messages = ["1", "2", "1"].map(|id| message(id, "ann")).to_vec();
    block_on(store.publish(messages)).unwrap();
    let deliveries = block_on(store.consumer().receive(9)).unwrap().unwrap();
    let together: Vec<&Delivery> = deliveries.iter().collect();
    let mut answers = block_on(judging.batch(&together, Buried::new(), &store)).unwrap().answers;
    answers.sort_by_key(|(receipt, _)| *receipt);
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

/// Callers in the order in which they are told.
#[derive(Default)]
struct Told(Mutex<Vec<u64>>);

#[async_trait]
impl Answers for Told {
    async fn tell(&self, answers: Vec<(ReplyTo, Answer)>) -> Result<(), Error> {
        self.0.lock().unwrap().extend(answers.into_iter().map(|(caller, _)| caller.number));
        Ok(())
    }
}

/// A commit of the second would say that the first is done.
#[test]
fn a_message_that_is_judged_with_care_is_not_overtaken() {
    let store = InMemory::default();
    for _ in 0..5 {
        store.open();
    }
    let called = |id: u64, actor| {
        let reply_to = Some(ReplyTo { inbox: "here".to_owned(), number: id });
        Message { reply_to, ..message(&id.to_string(), actor) }
    };
    let mut judging = worker(&store, Config::default());
    let (mut consumer, told) = (store.consumer(), Told::default());
    for messages in [vec![called(1, "ann")], vec![called(2, "bob"), called(3, "ann")]] {
        block_on(store.publish(messages)).unwrap();
        let deliveries = block_on(consumer.receive(9)).unwrap().unwrap();
        let usual = deliveries.iter().filter(|delivery| !judging.is_careful(delivery)).count();
        assert_eq!(usual, deliveries.len() - 1, "each batch has one of a partition that made no progress");
        block_on(work(&mut judging, &deliveries, &mut consumer, &store, &told)).unwrap();
    }
    assert_eq!(*told.0.lock().unwrap(), [1, 2, 3]);
}
