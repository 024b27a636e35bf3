//! Samples from the queue to the lake, as the service takes them, on a real directory.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::path::Path;

use manazir::partition::Partition;
use manazir_detect::Random;
use manazir_fjall::{Config as StoreConfig, Embedded};
use manazir_ingest::answers::Waiting;
use manazir_ingest::lake::{Lake, SampleQuery, SeriesFilter};
use manazir_ingest::worker::{Config, Worker, run};
use manazir_ingest::{EventId, Format, Message, Queue, decode};
use manazir_model::{Sample, SeriesKey, SeriesKind, SeriesSamples, Timestamp};

/// 2026-03-01T00:00:00Z.
const START: i64 = 1_772_323_200;

/// One minute of five series: noise, and at the end three spikes in the first.
fn minute(minute: i64) -> Message {
    let at = Timestamp::from_seconds(START + 60 * minute);
    let series = |index: u64| {
        let mut random = Random::new(1_000 * minute as u64 + index);
        let spike = if index == 0 && minute >= 397 { 80.0 } else { 0.0 };
        SeriesSamples {
            key: SeriesKey::new("load", [("host".to_owned(), index.to_string())]),
            kind: Some(SeriesKind::Gauge),
            samples: vec![Sample { at, value: 50.0 + 2.0 * random.normal() + spike }],
        }
    };
    let series: Vec<SeriesSamples> = (0..5).map(series).collect();
    Message {
        format: Format::Samples,
        partition: 3,
        id: EventId::new("samples", minute.to_string()),
        received_at: at,
        reply_to: None,
        body: postcard::to_allocvec(&series).unwrap(),
    }
}

/// A process that takes these messages, judges them, and stops.
async fn service(folder: &Path, messages: Vec<Message>) -> Embedded {
    let store = Embedded::open(folder, &StoreConfig::default()).unwrap();
    store.publish(messages).await.unwrap();
    store.close();
    let worker = Worker::<Partition>::new(decode::event, Config { batch_max: 100, snapshot_every: 700 });
    run(worker, &mut store.consumer(), &store, &Waiting::new("here")).await.unwrap();
    store
}

/// All that the lake holds, as text.
async fn told(store: &Embedded) -> String {
    let lake = store.lake();
    let mut told = String::new();
    for series in lake.series(&SeriesFilter::default(), None, 100).await.unwrap() {
        let query = SampleQuery {
            series: series.id,
            from: Timestamp(i64::MIN),
            until: Timestamp(i64::MAX),
            as_of: None,
            revisions: true,
            max: usize::MAX,
        };
        told.push_str(&format!("{} {:#?}\n", series.key, lake.samples(&query).await.unwrap()));
    }
    told + &format!("{:#?}", lake.episodes(None, 100).await.unwrap())
}

#[tokio::test]
async fn samples_are_judged_once_stored_and_a_restart_is_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let whole = service(&folder.path().join("whole"), (0..400).map(minute).collect()).await;
    let episodes = whole.lake().episodes(None, 10).await.unwrap();
    let spiked: Vec<_> = episodes
        .iter()
        .filter(|episode| episode.peak_at >= Timestamp::from_seconds(START + 60 * 397))
        .collect();
    assert!(spiked.iter().any(|episode| episode.series.labels[0].1 == "0"), "{episodes:#?}");
    let parts = folder.path().join("parts");
    // The second process is sent some of what the first has judged once more.
    drop(service(&parts, (0..150).map(minute).collect()).await);
    drop(service(&parts, (120..301).map(minute).collect()).await);
    let last = service(&parts, (301..400).map(minute).collect()).await;
    assert_eq!(told(&last).await, told(&whole).await);
}

#[tokio::test]
async fn a_message_that_holds_no_samples_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Message { id: EventId::new("samples", "broken"), body: vec![0xff; 30], ..minute(1) };
    let store = service(&folder.path().join("store"), vec![minute(0), broken, minute(2)]).await;
    assert_eq!(store.lake().series(&SeriesFilter::default(), None, 100).await.unwrap().len(), 5);
    assert_eq!(told(&store).await.matches("received_at").count(), 10);
}
