//! The lake on a real PostgreSQL: the contract, and what is its own: chunks, days, who keeps it, and batches of
//! workers.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::collections::BTreeMap;

use manazir_ingest::lake::compact::CompactConfig;
use manazir_ingest::lake::contract::{self, all, at_once, finding, key, row, text};
use manazir_ingest::lake::days::{Retention, day_of};
use manazir_ingest::lake::keep::{Keeping, KeptLake};
use manazir_ingest::lake::memory::MemoryLake;
use manazir_ingest::lake::{Lake, SampleQuery, SeriesFilter, series_id};
use manazir_ingest::{
    Commit, EventId, EventStore, Format, Judged, Lease, Message, Sampled, Snapshot, Stored,
};
use manazir_model::{EpisodeState, EventVerdict, JudgedSample, Random, SeriesKey, SeriesRows, Timestamp};
use manazir_sql::{PostgresEvents, PostgresLake, Truth};
use manazir_testkit::postgres::Postgres;

const DAY: i64 = 24 * 60;

/// A lake in a database of its own.
async fn fresh(server: &Postgres) -> PostgresLake {
    PostgresLake::new(&Truth::open(&server.database()).await.unwrap()).unwrap()
}

/// Everything is due.
fn load(host: &str, samples: &[JudgedSample]) -> SeriesRows {
    SeriesRows { key: key("load", host), samples: samples.to_vec() }
}

async fn append(lake: &impl Lake, host: &str, samples: &[JudgedSample]) {
    lake.append(&[load(host, samples)], &[]).await.unwrap();
}

async fn read(lake: &impl Lake, host: &str) -> Vec<JudgedSample> {
    lake.samples(&all(&key("load", host))).await.unwrap()
}

async fn keep(lake: &PostgresLake) -> Box<dyn Keeping> {
    loop {
        // The server sees the end of an earlier keeper's connection a moment later.
        if let Some(keeping) = lake.keep().await.unwrap() {
            return keeping;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lake_keeps_the_contract_needs_postgres() {
    let server = Postgres::start();
    let open = || {
        let opened = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| opened.block_on(fresh(&server)))
    };
    contract::check(open).await;
}

/// Any rows of three days, with corrections and repetitions.
fn any_rows(random: &mut Random) -> Vec<JudgedSample> {
    let sample = |random: &mut Random| {
        let minute = random.below(3 * DAY as usize) as i64;
        let late = random.below(50) as i64;
        let sample =
            JudgedSample { revision: random.below(3) as u16, ..row(minute, minute + late, random.normal()) };
        // Forgotten by its series: it may be one that came before.
        if random.below(5) == 0 {
            let unjudged = JudgedSample::unjudged(sample.at, random.below(2) as f64, sample.received_at);
            return JudgedSample { late: true, ..unjudged };
        }
        sample
    };
    (0..random.below(60)).map(|_| sample(random)).collect()
}

/// However rows are moved, a reader sees what a lake in memory holds.
#[tokio::test]
async fn moving_rows_is_never_seen_needs_postgres() {
    let server = Postgres::start();
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let (lake, twin) = (fresh(&server).await, MemoryLake::default());
        for _ in 0..10 {
            if random.below(3) == 0 {
                let rows_max = 1 + random.below(40);
                let config = CompactConfig { rows_max, ..at_once() };
                keep(&lake).await.compact(row(0, 0, 0.0).at, &config).await.unwrap();
                continue;
            }
            let rows = any_rows(&mut random);
            for rows in [load("a", &rows), load("b", &rows[..rows.len() / 2])] {
                lake.append(std::slice::from_ref(&rows), &[]).await.unwrap();
                twin.append(&[rows], &[]).await.unwrap();
            }
        }
        for host in ["a", "b"] {
            assert_eq!(text(&read(&lake, host).await), text(&read(&twin, host).await), "seed {seed}");
            let query = SampleQuery {
                from: row(random.below(DAY as usize) as i64, 0, 0.0).at,
                as_of: Some(row(random.below(3 * DAY as usize) as i64, 0, 0.0).at),
                revisions: false,
                max: 30,
                ..all(&key("load", host))
            };
            let (one, other) = (lake.samples(&query).await.unwrap(), twin.samples(&query).await.unwrap());
            assert_eq!(text(&one), text(&other), "seed {seed}");
        }
    }
}

/// Four days of minutes in chunks.
async fn four_days(lake: &PostgresLake, keeping: &mut dyn Keeping) -> Vec<JudgedSample> {
    let samples: Vec<JudgedSample> =
        (0..4 * DAY).map(|minute| row(minute, minute, (minute % 60) as f64)).collect();
    append(lake, "a", &samples).await;
    append(lake, "b", &samples).await;
    let moved = keeping.compact(samples[samples.len() - 1].at, &at_once()).await.unwrap();
    assert_eq!((moved.rows, moved.chunks), (8 * DAY as u64, 8));
    samples
}

#[tokio::test]
async fn days_go_and_are_exported_as_those_of_the_embedded_lake_needs_postgres() {
    let server = Postgres::start();
    let lake = fresh(&server).await;
    let mut keeping = keep(&lake).await;
    let samples = four_days(&lake, &mut *keeping).await;
    let now = samples[samples.len() - 1].at;
    assert_eq!(keeping.compact(now, &at_once()).await.unwrap().rows, 0, "nothing is moved twice");

    let due = keeping.to_export(now).await.unwrap();
    assert_eq!(due.len(), 3, "today is not closed");
    for &(day, version) in &due {
        keeping.exported(day, version).await.unwrap();
    }
    assert!(keeping.to_export(now).await.unwrap().is_empty());
    append(&lake, "a", &[JudgedSample { revision: 1, ..row(DAY, 5 * DAY, 1.0) }]).await;
    keeping.compact(now, &at_once()).await.unwrap();
    let again = keeping.to_export(now).await.unwrap();
    assert_eq!(again.iter().map(|(day, _)| *day).collect::<Vec<_>>(), [day_of(samples[DAY as usize].at)]);
    let chunks = keeping.chunks(due[1].0, None, 100).await.unwrap();
    let rows: Vec<(u64, usize)> = chunks.iter().map(|chunk| (chunk.id, chunk.rows.len())).collect();
    let mut expected =
        vec![(series_id(&key("load", "a")), DAY as usize + 1), (series_id(&key("load", "b")), DAY as usize)];
    expected.sort_unstable();
    assert_eq!(rows, expected);
    let first = Some((chunks[0].id, chunks[0].first));
    let after = keeping.chunks(due[1].0, first, 100).await.unwrap();
    assert_eq!(after.iter().map(|chunk| text(&chunk.rows)).collect::<Vec<_>>(), [text(&chunks[1].rows)]);

    let three = keeping.retain(now, &Retention { days: 3, ..Retention::default() }).await.unwrap();
    assert_eq!((three.days, three.rows, three.before), (1, 2 * DAY as u64, Some(samples[DAY as usize].at)));
    assert_eq!(text(&read(&lake, "b").await), text(&samples[DAY as usize..]));
    let none = Retention { disk_bytes_max: 0, ..Retention::default() };
    assert_eq!(keeping.retain(now, &none).await.unwrap().days, 2, "today stays");
    assert_eq!(text(&read(&lake, "b").await), text(&samples[3 * DAY as usize..]));
}

#[tokio::test]
async fn a_lake_that_is_kept_keeps_the_contract_needs_postgres() {
    let server = Postgres::start();
    contract::check_kept(&fresh(&server).await).await;
}

/// A worker with the first two of its partitions.
async fn worker(url: &str, name: &str) -> (PostgresEvents, [Lease; 2]) {
    let truth = Truth::open(url).await.unwrap();
    let store = PostgresEvents::new(&truth, name).unwrap();
    let held = store.hold().await.unwrap();
    let leases = [held.leases[0].clone(), held.leases[1].clone()];
    (store, leases)
}

fn message(partition: u16, seq: u64) -> Message {
    Message {
        format: Format::Samples,
        partition,
        id: EventId::new("samples", format!("{seq}/{partition}")),
        received_at: Timestamp(7),
        reply_to: None,
        body: vec![1, 2, 3],
    }
}

fn judged(message: &Message, seq: u64) -> Judged {
    Judged::new(message, seq, Stored::default(), EventVerdict::default())
}

/// Samples are stored with the batch that judged them: once, and not for partitions that are another's.
#[tokio::test]
async fn samples_of_a_batch_are_stored_with_it_and_once_needs_postgres() {
    let server = Postgres::start();
    let (store, [lease, lost]) = worker(&server.url(), "worker").await;
    let sampled = |host: &str| Sampled {
        rows: vec![load(host, &[row(0, 0, 1.0), row(1, 1, 2.0)])],
        findings: vec![finding(&key("load", host), 1, EpisodeState::Opened)],
    };
    let message = message(lease.partition, 1);
    let commit = Commit {
        leases: vec![lease.clone(), Lease { epoch: lost.epoch + 1, ..lost.clone() }],
        judged: vec![judged(&message, 1)],
        messages: vec![&message],
        sampled: BTreeMap::from([(lease.partition, sampled("kept")), (lost.partition, sampled("lost"))]),
        ..Commit::default()
    };
    for _ in 0..2 {
        assert_eq!(store.commit(&commit).await.unwrap(), [lost.partition]);
    }
    let lake = store.lake();
    assert_eq!(text(&read(&lake, "kept").await), text(&[row(0, 0, 1.0), row(1, 1, 2.0)]));
    assert!(read(&lake, "lost").await.is_empty());
    assert_eq!(lake.episodes(None, 10).await.unwrap(), sampled("kept").findings);
}

/// What models hold that were written down is in the lake too: a body is kept until then, and no longer.
#[tokio::test]
async fn bodies_of_samples_go_once_no_restart_needs_them_needs_postgres() {
    let server = Postgres::start();
    let (store, [lease, _]) = worker(&server.url(), "worker").await;
    let messages: Vec<Message> = (1..=5).map(|seq| message(lease.partition, seq)).collect();
    let event = Message { format: Format::Plain, ..message(lease.partition, 6) };
    let messages: Vec<&Message> = messages.iter().chain([&event]).collect();
    let commit = Commit {
        leases: vec![lease.clone()],
        judged: messages.iter().zip(1..).map(|(message, seq)| judged(message, seq)).collect(),
        messages: messages.clone(),
        ..Commit::default()
    };
    store.commit(&commit).await.unwrap();
    assert_eq!(store.trim(10).await.unwrap(), 0, "no models were written down");
    let snapshot = |seq| Snapshot { partition: lease.partition, seq, state: Vec::new() };
    let written =
        |seq| Commit { leases: vec![lease.clone()], snapshots: vec![snapshot(seq)], ..Commit::default() };
    store.commit(&written(3)).await.unwrap();
    assert_eq!((store.trim(2).await.unwrap(), store.trim(10).await.unwrap()), (2, 1));
    let bodies = async |after: u64| -> Vec<usize> {
        let replayed = store.replay(lease.partition, after, 10).await.unwrap();
        replayed.iter().map(|(_, message)| message.body.len()).collect()
    };
    assert_eq!(bodies(0).await, [0, 0, 0, 3, 3, 3]);
    store.commit(&written(6)).await.unwrap();
    assert_eq!(store.trim(10).await.unwrap(), 2);
    assert_eq!(bodies(3).await, [0, 0, 3], "events keep theirs");
    let known = store.judged(&[messages[0].id.clone()]).await.unwrap();
    assert!(known[0].is_some(), "sent again it is known");
}

/// Several workers meet the same new series at once, and each other's after that.
#[tokio::test(flavor = "multi_thread")]
async fn workers_agree_on_the_numbers_of_series_needs_postgres() {
    let server = Postgres::start();
    let url = server.database();
    let mut workers = Vec::new();
    for worker in 0..4 {
        let lake = PostgresLake::new(&Truth::open(&url).await.unwrap()).unwrap();
        workers.push(tokio::spawn(async move {
            let rows: Vec<SeriesRows> =
                (0..500).map(|host| load(&host.to_string(), &[row(worker, worker, 1.0)])).collect();
            lake.append(&rows, &[]).await.unwrap();
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let lake = PostgresLake::new(&Truth::open(&url).await.unwrap()).unwrap();
    assert_eq!(lake.series(&SeriesFilter::default(), None, 1_000).await.unwrap().len(), 500);
    assert_eq!(read(&lake, "499").await.len(), 4);
    let odd = SeriesKey::new("a\0b", [("\u{1a}".to_owned(), "x".repeat(5_000))]);
    append_key(&lake, &odd).await;
    let filter = SeriesFilter { metric: None, labels: odd.labels.clone() };
    assert_eq!(lake.series(&filter, None, 10).await.unwrap()[0].key, odd);
}

async fn append_key(lake: &PostgresLake, key: &SeriesKey) {
    lake.append(&[SeriesRows { key: key.clone(), samples: vec![row(0, 0, 1.0)] }], &[]).await.unwrap();
}
