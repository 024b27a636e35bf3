//! Several processes on a real RabbitMQ and a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use manazir_ingest::contract::{self, Fixture, Opened};
use manazir_ingest::{Commit, EventStore, Lease, Queue};
use manazir_rabbitmq::{Address, Config, RabbitConsumer, RabbitQueue, Stop};
use manazir_sql::{PostgresEvents, Truth};
use manazir_testkit::client::call;
use manazir_testkit::postgres::Postgres;
use manazir_testkit::rabbitmq::Rabbit;
use manazir_testkit::service::Service;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

/// A virtual host and a database of its own.
struct Shared {
    queue: String,
    truth: String,
    stop: Mutex<Option<Stop>>,
}

impl Shared {
    fn new(rabbit: &Rabbit, postgres: &Postgres) -> Self {
        Self { queue: rabbit.vhost(), truth: postgres.database(), stop: Mutex::new(None) }
    }
}

/// A worker of another process, as far as the store can tell.
async fn worker(truth: &str, lease: Duration) -> PostgresEvents {
    let truth = Truth::open(truth).await.unwrap();
    let name = format!("{:?}", Instant::now());
    PostgresEvents::new(&truth, name).unwrap().with_lease(lease)
}

impl Fixture for Shared {
    type Queue = RabbitQueue;
    type Store = PostgresEvents;
    type Consumer = RabbitConsumer;

    async fn open(&self) -> Opened<RabbitQueue, PostgresEvents, RabbitConsumer> {
        let address = Address::parse(&self.queue).unwrap();
        let (consumer, stop) = RabbitConsumer::new(&address);
        *self.stop.lock().unwrap() = Some(stop);
        Opened {
            queue: RabbitQueue::open(&address, &Config::default()).await.unwrap(),
            // A lease of no time: whoever opens next takes over at once, as if the last one were long dead.
            store: worker(&self.truth, Duration::ZERO).await,
            consumer,
        }
    }

    async fn close(&self, queue: &RabbitQueue) {
        let (queue, stop) = (queue.clone(), self.stop.lock().unwrap().clone().unwrap());
        tokio::spawn(async move {
            while queue.depth().await.unwrap() > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            stop.stop();
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_on_rabbitmq_and_postgresql_needs_rabbitmq_needs_postgres() {
    let (rabbit, postgres) = (Rabbit::start(), Postgres::start());
    contract::check(|| Shared::new(&rabbit, &postgres)).await;
}

#[tokio::test]
async fn workers_share_partitions_and_one_that_was_taken_over_changes_nothing_needs_postgres() {
    const LEASE: Duration = Duration::from_secs(1);
    let postgres = Postgres::start();
    let url = postgres.database();
    let (first, second) = (worker(&url, LEASE).await, worker(&url, LEASE).await);
    let count = async |worker: &PostgresEvents| worker.hold().await.unwrap().leases.len();
    assert_eq!(count(&first).await, 64, "alone it has all");
    assert_eq!(count(&second).await, 0, "nothing is free yet");
    let began = Instant::now();
    while (count(&first).await, count(&second).await) != (32, 32) {
        let held = first.hold().await.unwrap();
        let asked = |lease: &&Lease| held.asked_back.contains(&lease.partition);
        let given: Vec<Lease> = held.leases.iter().filter(asked).cloned().collect();
        first.release(&given).await.unwrap();
        tokio::time::sleep(LEASE / 10).await;
        assert!(began.elapsed() < 10 * LEASE, "they do not share");
    }

    // The first is silent for longer than its lease; the second takes over.
    let before = first.hold().await.unwrap();
    while count(&second).await < 64 {
        tokio::time::sleep(LEASE / 10).await;
        assert!(began.elapsed() < 20 * LEASE, "it does not take over");
    }
    let late = Commit { leases: before.leases.clone(), ..Commit::default() };
    let lost = first.commit(&late).await.unwrap();
    assert_eq!(lost.len(), 32, "what it held is another's");
    assert_eq!(count(&first).await, 0);
}

fn record(id: usize) -> Value {
    json!({"eventID": format!("e{id}"), "eventTime": "2024-05-01T10:00:00Z", "eventName": "GetObject",
        "eventSource": "s3.amazonaws.com", "awsRegion": "eu-west-1", "recipientAccountId": format!("acc{}", id % 23),
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/app/i-1"}})
}

/// Sends records in batches until each is acknowledged.
fn send(service: &Service, token: &str, ids: std::ops::Range<usize>) {
    let records: Vec<Value> = ids.map(record).collect();
    for batch in records.chunks(50) {
        let body = json!({"Records": batch}).to_string();
        let answer = || call(service.address(), token, "POST", "/api/v1/ingest/cloudtrail", &body);
        within(Duration::from_secs(60), || answer().is_some_and(|(status, _)| status == 202));
    }
}

fn within(patience: Duration, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < patience, "not within {patience:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until each event has its verdict; no two of a partition have the same place.
fn all_are_judged(service: &Service, token: &str, ids: std::ops::Range<usize>) {
    let mut places = BTreeSet::new();
    for id in ids {
        let path = format!("/api/v1/events/cloudtrail/e{id}");
        let mut place = None;
        within(Duration::from_secs(60), || {
            let (status, event) = call(service.address(), token, "GET", &path, "").unwrap();
            place = (status == 200).then(|| (event["partition"].as_u64(), event["seq"].as_u64()));
            place.is_some()
        });
        assert!(places.insert(place), "event {id} stands where another does: {place:?}");
    }
}

struct Cluster {
    rabbit: Rabbit,
    _postgres: Postgres,
    folder: tempfile::TempDir,
    queue: String,
    truth: String,
}

impl Cluster {
    fn start() -> Self {
        let (rabbit, postgres) = (Rabbit::start(), Postgres::start());
        let folder = tempfile::tempdir().unwrap();
        let config = "truth = \"${TEST_TRUTH}\"\n[worker]\nlease_seconds = 3\n";
        std::fs::write(folder.path().join("service.toml"), config).unwrap();
        let queue = format!("{}?heartbeat=1", rabbit.vhost());
        let truth = postgres.database();
        Self { rabbit, _postgres: postgres, folder, queue, truth }
    }

    /// The address of the truth comes from the environment, as one with a password would.
    fn run(&self, role: &str, name: &str) -> Service {
        let config = self.folder.path().join("service.toml");
        let options = ["--config", config.to_str().unwrap(), "--queue", &self.queue, "--role", role];
        Service::start_with(PROGRAM, &self.folder.path().join(name), &options, &[("TEST_TRUTH", &self.truth)])
    }
}

/// CT-W5, CT-W7: one worker is killed, another paused for longer than its lease and woken: nothing is lost,
/// nothing is judged twice.
#[test]
fn workers_die_pause_and_come_back_needs_rabbitmq_needs_postgres() {
    let cluster = Cluster::start();
    let api = cluster.run("api", "api");
    let token = api.token().unwrap().to_owned();
    let paused = cluster.run("worker", "one");
    send(&api, &token, 0..500);
    let mut killed = cluster.run("worker", "two");
    send(&api, &token, 500..1_000);
    assert!(paused.signal("STOP"));
    send(&api, &token, 1_000..1_500);
    killed.kill();
    let last = cluster.run("worker", "three");
    send(&api, &token, 1_500..2_000);
    all_are_judged(&api, &token, 0..2_000);
    assert!(paused.signal("CONT"));
    send(&api, &token, 0..2_500);
    all_are_judged(&api, &token, 0..2_500);
    // A caller is told by whichever worker judged, once the partitions have settled.
    let mut id = 3_000;
    within(Duration::from_secs(60), || {
        id += 1;
        let body = json!({"Records": [record(id)]}).to_string();
        let answer = call(api.address(), &token, "POST", "/api/v1/ingest/cloudtrail?wait=verdict", &body);
        answer.unwrap().1["events"][0]["status"] == "judged"
    });
    assert!(paused.terminate());
    assert!(last.terminate());
    assert!(api.terminate());
}

const SERIES: usize = 20;

/// 2026-03-01T00:00:00Z.
const START: i64 = 1_772_323_200;

/// One minute of all series: a slow wave, and at its end a spike in the first of them.
fn minute(minute: usize) -> String {
    let sample = |host: usize| {
        let wave = ((minute * 7 + host * 13) % 17) as f64;
        let spike = if host == 0 && minute == 119 { 500.0 } else { 0.0 };
        let at = START + 60 * minute as i64;
        json!({"series": "load", "labels": {"host": host.to_string()}, "at": at, "value": 50.0 + wave + spike})
            .to_string()
    };
    (0..SERIES).map(sample).collect::<Vec<_>>().join("\n")
}

/// Sends minutes one after the other until each is acknowledged.
fn send_samples(service: &Service, token: &str, minutes: std::ops::Range<usize>) {
    for number in minutes {
        let body = minute(number);
        let answer = || call(service.address(), token, "POST", "/api/v1/ingest/samples", &body);
        within(Duration::from_secs(60), || answer().is_some_and(|(status, _)| status == 202));
    }
}

/// Numbers of the series of a metric, by their labels.
fn series_of(service: &Service, token: &str, metric: &str) -> BTreeMap<String, String> {
    let path = format!("/api/v1/series?metric={metric}&limit=1000");
    let (status, page) = call(service.address(), token, "GET", &path, "").unwrap();
    assert_eq!(status, 200, "{page}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let series = page["items"].as_array().unwrap().iter();
    series.map(|series| (text(&series["name"]), text(&series["id"]))).collect()
}

/// Every revision of every sample, as text, but for when it arrived; by series.
fn samples_of(service: &Service, token: &str, metric: &str) -> BTreeMap<String, Vec<String>> {
    let rows = |id: &str| {
        let path = format!("/api/v1/series/{id}/samples?revisions=true&limit=20000");
        let (status, found) = call(service.address(), token, "GET", &path, "").unwrap();
        assert_eq!(status, 200, "{found}");
        let mut items = found["items"].as_array().unwrap().clone();
        for item in &mut items {
            item.as_object_mut().unwrap().remove("received_at");
        }
        items.iter().map(Value::to_string).collect()
    };
    series_of(service, token, metric).into_iter().map(|(name, id)| (name, rows(&id))).collect()
}

/// Samples are judged by whichever worker holds their partition, stored with their verdicts, and read by every
/// process; one worker is killed in the middle. What is told is what one process tells that nobody killed.
#[test]
fn samples_are_judged_and_kept_once_through_the_death_of_a_worker_needs_rabbitmq_needs_postgres() {
    let cluster = Cluster::start();
    let api = cluster.run("api", "api");
    let token = api.token().unwrap().to_owned();
    let one = cluster.run("worker", "one");
    let mut killed = cluster.run("worker", "two");
    send_samples(&api, &token, 0..50);
    killed.kill();
    send_samples(&api, &token, 50..100);
    let last = cluster.run("worker", "three");
    // The ones in the middle once more, as a sender does that heard no answer.
    send_samples(&api, &token, 40..120);

    let alone = Service::start(PROGRAM, &cluster.folder.path().join("alone"), &[]);
    let its_token = alone.token().unwrap().to_owned();
    send_samples(&alone, &its_token, 0..120);
    let all = |samples: &BTreeMap<String, Vec<String>>| samples.values().map(Vec::len).sum::<usize>();
    within(Duration::from_secs(60), || all(&samples_of(&alone, &its_token, "load")) == 120 * SERIES);
    within(Duration::from_secs(60), || all(&samples_of(&api, &token, "load")) >= 120 * SERIES);
    let (told, expected) = (samples_of(&api, &token, "load"), samples_of(&alone, &its_token, "load"));
    assert_eq!(told.len(), SERIES);
    for (series, rows) in &told {
        assert_eq!(rows, &expected[series], "{series}");
    }
    let spiked = told.values().flatten().filter(|row| row.contains("\"alarm\":true")).count();
    assert!(spiked > 0, "the spike is told");
    let (status, episodes) = call(api.address(), &token, "GET", "/api/v1/episodes", "").unwrap();
    let episode = &episodes["items"][0];
    assert_eq!((status, &episode["series"]["name"]), (200, &json!("load{host=0}")), "{episodes}");
    let (_, anomalies) = call(api.address(), &token, "GET", "/api/v1/anomalies?kind=series", "").unwrap();
    let found: Vec<&Value> =
        anomalies["items"].as_array().unwrap().iter().map(|item| &item["series"]).collect();
    assert_eq!(found, ["load{host=0}"], "{anomalies}");

    // A correction stands beside what it corrects.
    let late = json!({"series": "load", "labels": {"host": "1"}, "at": START + 60 * 110, "value": 1.0});
    let (status, _) =
        call(api.address(), &token, "POST", "/api/v1/ingest/samples", &late.to_string()).unwrap();
    assert_eq!(status, 202);
    within(Duration::from_secs(60), || all(&samples_of(&api, &token, "load")) == 120 * SERIES + 1);
    let corrected = &samples_of(&api, &token, "load")["load{host=1}"][111];
    assert!(corrected.contains("\"revision\":1") && corrected.contains("\"late\":true"), "{corrected}");
    assert!(last.terminate());
    assert!(one.terminate());
    assert!(api.terminate());
}

/// What events become by account and actor is there for every process, too.
#[test]
fn series_of_events_are_kept_needs_rabbitmq_needs_postgres() {
    let cluster = Cluster::start();
    let api = cluster.run("api", "api");
    let token = api.token().unwrap().to_owned();
    let workers = [cluster.run("worker", "one"), cluster.run("worker", "two")];
    let event = |number: usize| {
        let mut event = record(number);
        let minute = number / 10;
        event["eventTime"] = json!(format!("2024-05-01T10:{minute:02}:{:02}Z", 5 * (number % 10)));
        event["recipientAccountId"] = json!("1");
        event
    };
    let body = json!({"Records": (0..300).map(event).collect::<Vec<_>>()}).to_string();
    let (status, _) = call(api.address(), &token, "POST", "/api/v1/ingest/cloudtrail", &body).unwrap();
    assert_eq!(status, 202);
    // The last two minutes are not closed yet.
    within(Duration::from_secs(60), || {
        let told = samples_of(&api, &token, "events_per_minute");
        told.values().any(|rows| rows.len() >= 27)
    });
    for worker in workers {
        assert!(worker.terminate());
    }
    assert!(api.terminate());
}

/// CT-W25: the broker goes away and comes back, and nobody has to be started again.
#[test]
fn a_broker_that_restarts_is_found_again_needs_rabbitmq_needs_postgres() {
    let mut cluster = Cluster::start();
    let api = cluster.run("api", "api");
    let token = api.token().unwrap().to_owned();
    let worker = cluster.run("worker", "one");
    send(&api, &token, 0..200);
    cluster.rabbit.kill();
    let body = json!({"Records": [record(1)]}).to_string();
    let (status, problem) = call(api.address(), &token, "POST", "/api/v1/ingest/cloudtrail", &body).unwrap();
    assert_eq!(
        (status, problem["title"].as_str()),
        (503, Some("A part of the service is away")),
        "{problem}"
    );
    cluster.rabbit.restart();
    send(&api, &token, 200..400);
    all_are_judged(&api, &token, 0..400);
    assert!(worker.terminate());
    assert!(api.terminate());
}

/// Producers that publish straight to the broker and wait on an inbox of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_others_is_a_source_needs_rabbitmq() {
    use futures_util::StreamExt;
    use lapin::options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions};
    use lapin::types::FieldTable;

    let rabbit = Rabbit::start();
    let url = rabbit.vhost();
    let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    for queue in ["cloudtrail_events", "response_cloudtrail_events", "mine"] {
        let options = QueueDeclareOptions::default();
        channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("service.toml");
    let text = format!("[[sources.amqp]]\naddress = \"{url}\"\nqueue = \"cloudtrail_events\"\n");
    std::fs::write(&config, text).unwrap();
    let data = folder.path().join("data");
    let service = Service::start_with(PROGRAM, &data, &["--config", config.to_str().unwrap()], &[]);

    let event = |id: &str| {
        json!({"RequestID": "r", "EventID": id, "RoleID": "role1", "EventType": "type1",
            "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": ["a,b"]})
        .to_string()
    };
    let bodies = [event("e1"), event("e1"), "{\"EventID\": 7}".to_owned(), event("e2")];
    for (number, body) in bodies.iter().enumerate() {
        let mut properties = lapin::BasicProperties::default().with_correlation_id(number.to_string().into());
        if number < 3 {
            properties = properties.with_reply_to("mine".into());
        }
        let options = BasicPublishOptions::default();
        let sent = channel.basic_publish(
            "".into(),
            "cloudtrail_events".into(),
            options,
            body.as_bytes(),
            properties,
        );
        sent.await.unwrap();
    }
    let answers = async |queue: &str, count: usize| {
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consumer =
            channel.basic_consume(queue.into(), queue.into(), options, FieldTable::default()).await;
        let mut consumer = consumer.unwrap();
        let mut answers = std::collections::BTreeMap::new();
        while answers.len() < count {
            let answer = tokio::time::timeout(Duration::from_secs(30), consumer.next()).await;
            let answer = answer.unwrap().unwrap().unwrap();
            let correlation = answer.properties.correlation_id().clone().unwrap().to_string();
            answers.insert(correlation, serde_json::from_slice::<Value>(&answer.data).unwrap());
        }
        answers
    };
    let mine = answers("mine", 3).await;
    let codes: BTreeSet<u64> =
        [&mine["0"], &mine["1"]].map(|answer| answer["status_code"].as_u64().unwrap()).into();
    assert!(codes.contains(&200) && (codes.contains(&204) || codes.contains(&201)), "{mine:?}");
    assert_eq!(mine["2"]["status_code"], 400);
    assert!(mine["2"]["response_msg"].as_str().unwrap().contains("EventID is not a string"), "{mine:?}");
    let default = answers("response_cloudtrail_events", 1).await;
    assert!(default["3"]["response_msg"].as_str().unwrap().contains("e2"), "{default:?}");
    assert!(service.terminate());
}
