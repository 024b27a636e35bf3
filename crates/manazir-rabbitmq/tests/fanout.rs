//! A stream that several destinations read, on a real broker.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, ExchangeDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use manazir_rabbitmq::Address;
use manazir_rabbitmq::fanout::{
    Aside, Delivery, FanoutConsumer, FanoutPublisher, Fate, Letter, PutAside, REASON, RECEIVED_MAX, dead,
    decide, waiting,
};
use manazir_testkit::rabbitmq::Rabbit;
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(300);

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(90);

fn bodies(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(|number| number.to_string().into_bytes()).collect()
}

fn numbers(deliveries: &[Delivery]) -> Vec<usize> {
    deliveries.iter().map(|delivery| String::from_utf8_lossy(&delivery.body).parse().unwrap()).collect()
}

fn names(queues: &[&str]) -> Vec<String> {
    queues.iter().map(|&queue| queue.to_owned()).collect()
}

fn aside(Delivery { receipt, body, .. }: &Delivery, reason: &str) -> PutAside {
    PutAside { receipt: *receipt, body: body.clone(), reason: reason.to_owned() }
}

async fn consumer(address: &Address, queue: &str) -> FanoutConsumer {
    FanoutConsumer::open(address, "logs", queue).await.unwrap()
}

/// Receives and acknowledges until so many different numbers came; all that came, in their order.
async fn drain(consumer: &mut FanoutConsumer, count: usize) -> Vec<usize> {
    let mut came = Vec::new();
    let all = async {
        while came.iter().collect::<BTreeSet<_>>().len() < count {
            let batch = consumer.receive(500, SHORT).await.unwrap();
            came.extend(numbers(&batch));
            if let Some(last) = batch.last() {
                consumer.acknowledge(last.receipt).await;
            }
        }
    };
    timeout(LONG, all).await.unwrap();
    came
}

async fn nothing_is_left(consumer: &mut FanoutConsumer) {
    assert_eq!(consumer.receive(10, SHORT).await.unwrap(), []);
}

/// KP-W3: what is sent before a consumer starts is kept, for each destination.
#[tokio::test(flavor = "multi_thread")]
async fn each_destination_gets_everything_from_the_first_on_needs_rabbitmq() {
    let rabbit = Rabbit::start();
    let address = Address::parse(&rabbit.vhost()).unwrap();
    let queues = names(&["mysql", "redis"]);
    let mut publisher = FanoutPublisher::open(&address, "logs", &queues).await.unwrap();
    publisher.publish(&bodies(0..2_500)).await.unwrap();
    drop(publisher);
    let mut mysql = consumer(&address, "mysql").await;
    assert_eq!(drain(&mut mysql, 2_500).await, (0..2_500).collect::<Vec<_>>());
    nothing_is_left(&mut mysql).await;
    // One that the publisher does not know of gets what comes after it.
    let mut later = consumer(&address, "later").await;
    let mut publisher = FanoutPublisher::open(&address, "logs", &queues).await.unwrap();
    publisher.publish(&bodies(2_500..2_510)).await.unwrap();
    publisher.publish(&[]).await.unwrap();
    assert_eq!(drain(&mut consumer(&address, "redis").await, 2_510).await.len(), 2_510);
    assert_eq!(drain(&mut later, 10).await, (2_500..2_510).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_of_one_queue_share_it_and_inherit_what_one_leaves_needs_rabbitmq() {
    let rabbit = Rabbit::start();
    let address = Address::parse(&rabbit.vhost()).unwrap();
    let mut publisher = FanoutPublisher::open(&address, "logs", &names(&["redis"])).await.unwrap();
    let (mut one, mut two) = (consumer(&address, "redis").await, consumer(&address, "redis").await);
    publisher.publish(&bodies(0..400)).await.unwrap();
    let first = one.receive(400, SHORT).await.unwrap();
    let second = two.receive(400, SHORT).await.unwrap();
    assert!(!first.is_empty() && !second.is_empty());
    let mut shared = [numbers(&first), numbers(&second)].concat();
    shared.sort_unstable();
    assert_eq!(shared, (0..400).collect::<Vec<_>>());

    // The first commits half of its batch and dies.
    one.acknowledge(first[first.len() / 2].receipt).await;
    two.acknowledge(second.last().unwrap().receipt).await;
    drop(one);
    let left = numbers(&first[first.len() / 2 + 1..]);
    let inherited = timeout(LONG, two.receive(left.len(), LONG)).await.unwrap().unwrap();
    assert!(inherited.iter().all(|delivery| delivery.redelivered));
    assert_eq!(numbers(&inherited), left);
    nothing_is_left(&mut two).await;
}

/// KP-W9: batches are bounded by size and time, and a consumer is not sent all there is.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_complete_by_its_size_or_by_its_time_needs_rabbitmq() {
    let rabbit = Rabbit::start();
    let address = Address::parse(&rabbit.vhost()).unwrap();
    let most = usize::from(RECEIVED_MAX);
    let mut redis = consumer(&address, "redis").await;
    let mut publisher = FanoutPublisher::open(&address, "logs", &[]).await.unwrap();
    publisher.publish(&bodies(0..2 * most + 7)).await.unwrap();
    let seven = timeout(LONG, redis.receive(7, LONG)).await.unwrap().unwrap();
    assert_eq!(numbers(&seven), (0..7).collect::<Vec<_>>());
    let batch = timeout(LONG, redis.receive(3 * most, LONG)).await.unwrap().unwrap();
    assert_eq!(batch.len(), most);
    // One more is sent while a batch is counted, and no more before it is acknowledged.
    let started = Instant::now();
    let rest = redis.receive(most, SHORT).await.unwrap();
    assert!(started.elapsed() >= SHORT, "it waits for more, but not for ever");
    assert_eq!(rest.len(), most - 7, "nothing was acknowledged");
    redis.acknowledge(seven[0].receipt).await;
    redis.acknowledge(batch[0].receipt).await;
    // Who gives up waiting loses nothing of what came meanwhile.
    assert!(timeout(SHORT, redis.receive(100, LONG)).await.is_err());
    let last = redis.receive(100, SHORT).await.unwrap();
    assert_eq!(numbers(&last), (2 * most..2 * most + 7).collect::<Vec<_>>());
    redis.acknowledge(last[6].receipt).await;
    redis.acknowledge(last[6].receipt).await;

    let large = vec![vec![b'x'; 5 << 20]; 5];
    publisher.publish(&large).await.unwrap();
    let batch = timeout(LONG, redis.receive(5, LONG)).await.unwrap().unwrap();
    assert_eq!(batch.len(), 4, "16 MiB are enough");
    assert_eq!(timeout(LONG, redis.receive(1, LONG)).await.unwrap().unwrap().len(), 1);
}

/// KP-W4, KP-W5: what cannot be used does not come again for ever, and what is early waits for its time.
#[tokio::test(flavor = "multi_thread")]
async fn messages_are_put_aside_parked_and_released_needs_rabbitmq() {
    let rabbit = Rabbit::start();
    let url = rabbit.vhost();
    let address = Address::parse(&url).unwrap();
    let mut redis = consumer(&address, "redis").await;
    let mut publisher = FanoutPublisher::open(&address, "logs", &[]).await.unwrap();
    publisher.publish(&[bodies(0..10), vec![Vec::new(), b"\xff".to_vec()]].concat()).await.unwrap();
    let batch = timeout(LONG, redis.receive(12, LONG)).await.unwrap().unwrap();
    let why = format!("é {}", "x".repeat(200_000));
    redis.put_aside(&[aside(&batch[10], &why), aside(&batch[11], &why)]).await;
    redis.park(&batch[3..9].iter().map(|early| aside(early, "unknown")).collect::<Vec<_>>()).await;
    redis.acknowledge(batch[11].receipt).await;

    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let (body, reason) = get(&channel, &dead("redis")).await.unwrap();
    assert_eq!((body, reason.chars().count(), &reason[..4]), (Vec::new(), 1_000, "é x"));
    assert_eq!(get(&channel, &dead("redis")).await.unwrap().0, b"\xff");
    assert_eq!(get(&channel, &dead("redis")).await, None);
    assert_eq!(get(&channel, &waiting("redis")).await, Some((b"3".to_vec(), "unknown".to_owned())));
    // What was looked at goes back.
    connection.close(200, "done".into()).await.unwrap();

    nothing_is_left(&mut redis).await;
    let mut other = consumer(&address, "redis").await;
    assert_eq!(redis.release().await.unwrap() + other.release().await.unwrap(), 6);
    drop(redis);
    let mut released = drain(&mut other, 6).await;
    released.sort_unstable();
    assert_eq!(released, [3, 4, 5, 6, 7, 8]);
    nothing_is_left(&mut other).await;
    assert_eq!(other.release().await.unwrap(), 0);
}

/// KP-W4: what cannot be used is looked at, mended, sent again or thrown away; the rest keeps its place.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_aside_is_seen_to_needs_rabbitmq() {
    let rabbit = Rabbit::start();
    let address = Address::parse(&rabbit.vhost()).unwrap();
    let mut redis = consumer(&address, "redis").await;
    let mut publisher = FanoutPublisher::open(&address, "logs", &[]).await.unwrap();
    publisher.publish(&bodies(0..2_500)).await.unwrap();
    for _ in 0..5 {
        let batch = timeout(LONG, redis.receive(500, LONG)).await.unwrap().unwrap();
        let why = |one: &Delivery| format!("no {}", String::from_utf8_lossy(&one.body));
        redis.put_aside(&batch.iter().map(|one| aside(one, &why(one))).collect::<Vec<_>>()).await;
        redis.acknowledge(batch.last().unwrap().receipt).await;
    }

    let look = async |aside, most| {
        let mut seen = Vec::new();
        let gone = decide(&address, "redis", aside, |letter: &Letter| {
            seen.push((letter.body.clone(), letter.reason.clone()));
            if seen.len() == most {
                ControlFlow::Break(Fate::Stay)
            } else {
                ControlFlow::Continue(Fate::Stay)
            }
        });
        assert_eq!(gone.await.unwrap(), 0);
        seen
    };
    let dead = async || look(Aside::Dead, usize::MAX).await;
    assert_eq!(
        look(Aside::Dead, 2).await,
        [(b"0".to_vec(), "no 0".to_owned()), (b"1".to_vec(), "no 1".to_owned())]
    );
    assert_eq!(look(Aside::Waiting, 2).await, []);
    assert_eq!(dead().await.len(), 2_500, "those that were looked at are there still");
    let settled = decide(&address, "redis", Aside::Dead, |letter| {
        ControlFlow::Continue(match &*letter.body {
            b"3" => Fate::Discard,
            b"5" => Fate::Send(b"50".to_vec()),
            _ => Fate::Stay,
        })
    });
    assert_eq!(settled.await.unwrap(), 2);
    assert_eq!(drain(&mut redis, 1).await, [50]);
    let left: Vec<Vec<u8>> = dead().await.into_iter().take(5).map(|(body, _)| body).collect();
    assert_eq!(left, [b"0", b"1", b"2", b"4", b"6"]);
    let all = decide(&address, "redis", Aside::Dead, |letter| {
        ControlFlow::Continue(Fate::Send(letter.body.clone()))
    });
    assert_eq!(all.await.unwrap(), 2_498);
    assert_eq!(drain(&mut redis, 2_498).await.len(), 2_498);
    assert_eq!(dead().await, []);
}

/// Body and reason of the next message; it stays unacknowledged.
async fn get(channel: &Channel, queue: &str) -> Option<(Vec<u8>, String)> {
    let got = channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap()?;
    let headers = got.delivery.properties.headers().clone().unwrap();
    let reason = headers.inner().get(REASON).unwrap().as_long_string().unwrap().to_string();
    Some((got.delivery.data, reason))
}

/// KP-W7: to ask again for what the broker refuses would go on for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_ends_the_waiting_and_an_absence_does_not_needs_rabbitmq() {
    let rabbit = Rabbit::start();
    let url = rabbit.vhost();
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let options = ExchangeDeclareOptions::default();
    channel
        .exchange_declare("logs".into(), ExchangeKind::Direct, options, FieldTable::default())
        .await
        .unwrap();
    let refused = async |address: Address| {
        let published = timeout(LONG, FanoutPublisher::open(&address, "logs", &[])).await.unwrap().map(drop);
        let consumed =
            timeout(LONG, FanoutConsumer::open(&address, "logs", "redis")).await.unwrap().map(drop);
        [published, consumed].map(|opened| format!("{:?}", opened.unwrap_err()))
    };
    for why in refused(Address::parse(&url).unwrap()).await {
        assert!(why.contains("PRECONDITION"), "{why}");
    }
    for why in refused(Address::parse(&url.replace("guest:guest", "guest:wrong")).unwrap()).await {
        assert!(why.contains("ACCESS"), "{why}");
    }
    let address = Address::parse(&url).unwrap();
    rabbit.stop_app();
    assert!(timeout(SHORT, FanoutPublisher::open(&address, "other", &[])).await.is_err());
    assert!(timeout(SHORT, FanoutConsumer::open(&address, "other", "redis")).await.is_err());
}

/// KP-10: every message arrives, whatever the broker does in between; receipts of before say nothing after.
#[tokio::test(flavor = "multi_thread")]
async fn every_message_arrives_though_the_broker_is_killed_in_the_middle_needs_rabbitmq() {
    const MESSAGES: usize = 40_000;
    let mut rabbit = Rabbit::start();
    let url = rabbit.vhost();
    let address = Address::parse(&url).unwrap();
    let queues = names(&["mysql", "redis"]);
    let mut publisher = FanoutPublisher::open(&address, "logs", &queues).await.unwrap();
    let mut stale = consumer(&address, "redis").await;
    publisher.publish(&bodies(0..100)).await.unwrap();
    let before = timeout(LONG, stale.receive(100, LONG)).await.unwrap().unwrap();

    let published = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&published);
    let publishing = tokio::spawn(async move {
        for from in (100..MESSAGES).step_by(50) {
            publisher.publish(&bodies(from..from + 50)).await.unwrap();
            counter.store(from, Ordering::Relaxed);
        }
    });
    let mut mysql = consumer(&address, "mysql").await;
    let consuming = tokio::spawn(async move { drain(&mut mysql, MESSAGES).await });
    while published.load(Ordering::Relaxed) < 2_000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rabbit.kill();
    assert!(!publishing.is_finished() && !consuming.is_finished());
    // What was on its way still comes; then nothing does, and nothing fails.
    while !timeout(LONG, stale.receive(1_000, SHORT)).await.unwrap().unwrap().is_empty() {}
    let rabbit = tokio::task::spawn_blocking(move || {
        rabbit.restart();
        rabbit
    });
    let rabbit = rabbit.await.unwrap();
    while timeout(LONG, stale.receive(100, SHORT)).await.unwrap().unwrap().is_empty() {}
    stale.acknowledge(before[99].receipt).await;
    stale.put_aside(&[aside(&before[0], "of an earlier connection")]).await;
    drop(stale);

    timeout(LONG, publishing).await.unwrap().unwrap();
    timeout(LONG, consuming).await.unwrap().unwrap();
    drain(&mut consumer(&address, "redis").await, MESSAGES).await;
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    assert_eq!(get(&connection.create_channel().await.unwrap(), &dead("redis")).await, None);
    drop(rabbit);
}
