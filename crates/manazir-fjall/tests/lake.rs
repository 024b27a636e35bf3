//! The contract of lakes on a real directory, and what is the embedded one's own: chunks, days, retention.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use manazir_fjall::lake::EmbeddedLake;
use manazir_fjall::{Config, Embedded};
use manazir_ingest::lake::compact::CompactConfig;
use manazir_ingest::lake::contract::{self, all, at_once, key, row, text};
use manazir_ingest::lake::days::Retention;
use manazir_ingest::lake::memory::MemoryLake;
use manazir_ingest::lake::{Lake, SampleQuery, series_id};
use manazir_model::{JudgedSample, SeriesRows};
use proptest::prelude::*;

const DAY: i64 = 24 * 60;

/// A store in a directory of its own, which lives as long as the test.
fn store() -> (tempfile::TempDir, Embedded) {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&folder.path().join("store"), &Config::default()).unwrap();
    (folder, store)
}

/// Everything is due.
async fn append(lake: &impl Lake, host: &str, samples: &[JudgedSample]) {
    lake.append(&[SeriesRows { key: key("load", host), samples: samples.to_vec() }], &[]).await.unwrap();
}

async fn read(lake: &impl Lake, host: &str) -> Vec<JudgedSample> {
    lake.samples(&all(&key("load", host))).await.unwrap()
}

#[tokio::test]
async fn the_embedded_lake_keeps_the_contract() {
    let folders = std::cell::RefCell::new(Vec::new());
    contract::check(|| {
        let (folder, store) = store();
        folders.borrow_mut().push(folder);
        store.lake()
    })
    .await;
}

/// What a test does to a lake.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<JudgedSample>),
    Compact { rows_max: usize },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let sample = (0..3 * DAY, 0..50i64, 0..3u16, any::<f64>()).prop_map(|(minute, late, revision, value)| {
        JudgedSample { revision, ..row(minute, minute + late, value) }
    });
    prop_oneof![
        6 => prop::collection::vec(sample, 0..40).prop_map(Step::Append),
        3 => (1..50usize).prop_map(|rows_max| Step::Compact { rows_max }),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However rows are moved, a reader sees what a lake in memory holds.
    #[test]
    fn moving_rows_is_never_seen(steps in prop::collection::vec(step(), 1..14), from in 0..DAY, as_of in 0..3 * DAY) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let open = || Embedded::open(&folder.path().join("store"), &Config::default()).unwrap();
            let mut store = open();
            let twin = MemoryLake::default();
            for step in steps {
                match step {
                    Step::Append(samples) => {
                        append(&store.lake(), "a", &samples).await;
                        append(&twin, "a", &samples).await;
                        append(&store.lake(), "b", &samples[..samples.len() / 2]).await;
                        append(&twin, "b", &samples[..samples.len() / 2]).await;
                    }
                    Step::Compact { rows_max } => {
                        let config = CompactConfig { rows_max, ..at_once() };
                        store.lake().compact(row(0, 0, 0.0).at, &config).unwrap();
                    }
                    Step::Reopen => {
                        drop(store);
                        store = open();
                    }
                }
            }
            let lake = store.lake();
            for host in ["a", "b"] {
                assert_eq!(text(&read(&lake, host).await), text(&read(&twin, host).await));
                let query = SampleQuery {
                    from: row(from, 0, 0.0).at,
                    as_of: Some(row(as_of, 0, 0.0).at),
                    revisions: false,
                    max: 30,
                    ..all(&key("load", host))
                };
                let (one, other) = (lake.samples(&query).await.unwrap(), twin.samples(&query).await.unwrap());
                assert_eq!(text(&one), text(&other));
            }
        });
    }
}

/// Four days of minutes in chunks.
async fn four_days(lake: &EmbeddedLake) -> Vec<JudgedSample> {
    let samples: Vec<JudgedSample> =
        (0..4 * DAY).map(|minute| row(minute, minute, (minute % 60) as f64)).collect();
    append(lake, "a", &samples).await;
    append(lake, "b", &samples).await;
    let moved = lake.compact(samples[samples.len() - 1].at, &at_once()).unwrap();
    assert_eq!((moved.rows, moved.chunks), (8 * DAY as u64, 8));
    samples
}

#[tokio::test]
async fn the_oldest_days_go_first_and_it_is_said() {
    let (_folder, store) = store();
    let lake = store.lake();
    let samples = four_days(&lake).await;
    let now = samples[samples.len() - 1].at;
    let generous = Retention::default();
    assert_eq!(lake.retain(now, &generous).unwrap().days, 0);
    let three = lake.retain(now, &Retention { days: 3, ..generous }).unwrap();
    assert_eq!((three.days, three.rows, three.before), (1, 2 * DAY as u64, Some(samples[DAY as usize].at)));
    assert_eq!(text(&read(&lake, "a").await), text(&samples[DAY as usize..]));
    let bytes = lake.chunk_bytes().unwrap();
    let two = lake.retain(now, &Retention { disk_bytes_max: bytes - 1, ..generous }).unwrap();
    assert_eq!((two.days, two.bytes), (1, bytes / 3));
    let today = lake.retain(now, &Retention { disk_bytes_max: 0, ..generous }).unwrap();
    assert_eq!(today.days, 1, "today stays");
    assert_eq!(text(&read(&lake, "b").await), text(&samples[3 * DAY as usize..]));
}

#[tokio::test]
async fn a_closed_day_is_exported_once_and_again_when_it_changes() {
    let (_folder, store) = store();
    let lake = store.lake();
    let samples = four_days(&lake).await;
    let now = samples[samples.len() - 1].at;
    let due = lake.to_export(now).unwrap();
    assert_eq!(due.len(), 3, "today is not closed");
    for &(day, version) in &due {
        lake.exported(day, version).unwrap();
    }
    assert!(lake.to_export(now).unwrap().is_empty());
    append(&lake, "a", &[JudgedSample { revision: 1, ..row(DAY, 5 * DAY, 1.0) }]).await;
    lake.compact(now, &at_once()).unwrap();
    let again = lake.to_export(now).unwrap();
    assert_eq!(again.iter().map(|(day, _)| *day).collect::<Vec<_>>(), [due[1].0]);
    let chunks = lake.chunks(due[1].0, None, 100).unwrap();
    let rows: Vec<(u64, usize)> = chunks.iter().map(|chunk| (chunk.id, chunk.rows.len())).collect();
    let after = lake.chunks(due[1].0, Some((chunks[0].id, chunks[0].first)), 100).unwrap();
    assert_eq!(text(&after[0].rows), text(&chunks[1].rows));
    let mut expected =
        vec![(series_id(&key("load", "a")), DAY as usize + 1), (series_id(&key("load", "b")), DAY as usize)];
    expected.sort_unstable();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_lake_that_is_kept_keeps_the_contract() {
    let (_folder, store) = store();
    contract::check_kept(&store.lake()).await;
}
