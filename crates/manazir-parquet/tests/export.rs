//! Days out, and in again.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use arrow::array::{AsArray, RecordBatch};
use manazir_ingest::lake::contract::{key, row, text};
use manazir_ingest::lake::series_id;
use manazir_ingest::{EventId, Judged, Places, Stored};
use manazir_model::{EventVerdict, JudgedSample, Reason, SeriesKey, Timestamp};
use manazir_parquet::{Error, Folder, Kind, Manifest, ManifestFile};
use manazir_testkit::s3::S3;

/// 2026-03-01, the day of [`row`].
const DAY: i64 = 20_513;

fn folder() -> (tempfile::TempDir, Folder) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::new(temporary.path().join("lake"));
    (temporary, folder)
}

/// A day of minutes of two series, some without a number, a rate or a verdict.
fn chunks() -> Vec<(u64, SeriesKey, Vec<JudgedSample>)> {
    let mut chunks: Vec<_> = ["a", "b"]
        .map(|host| {
            let mut rows: Vec<JudgedSample> =
                (0..1_440).map(|minute| row(minute, minute, minute as f64 / 10.0)).collect();
            rows[3] = JudgedSample::unjudged(rows[3].at, f64::NAN, rows[3].received_at);
            rows[4].rate = 0.125;
            rows.insert(6, JudgedSample { revision: 1, ..row(5, 900, 77.0) });
            (series_id(&key("load", host)), key("load", host), rows)
        })
        .into();
    chunks.sort_by_key(|(id, ..)| *id);
    chunks
}

fn rows_of(chunks: &[(u64, SeriesKey, Vec<JudgedSample>)]) -> Vec<(SeriesKey, JudgedSample)> {
    let of = |(_, key, rows): &(u64, SeriesKey, Vec<JudgedSample>)| {
        rows.iter().map(|row| (key.clone(), row.clone())).collect::<Vec<_>>()
    };
    chunks.iter().flat_map(of).collect()
}

fn written(rows: &[(SeriesKey, JudgedSample)]) -> String {
    let keys: Vec<String> = rows.iter().map(|(key, _)| key.to_string()).collect();
    keys.join("\n") + &text(&rows.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>())
}

#[test]
fn a_day_comes_back_as_it_went_out() {
    let (_temporary, folder) = folder();
    let files = folder.samples(DAY, chunks().into_iter().map(Ok)).unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].path, "samples/day=2026-03-01/part-0001-0000.parquet");
    assert_eq!((files[0].rows, files[0].min_at), (2 * 1_441, row(0, 0, 0.0).at.micros()));
    assert_eq!(files[0].max_at, row(1_439, 0, 0.0).at.micros());
    assert_eq!(folder.manifest().unwrap().files, files);
    assert_eq!(written(&folder.read_samples(DAY).unwrap()), written(&rows_of(&chunks())));
}

#[test]
fn a_day_that_is_exported_again_takes_the_place_of_the_first() {
    let (temporary, folder) = folder();
    let first = folder.samples(DAY, chunks().into_iter().map(Ok)).unwrap();
    let other = folder.samples(DAY + 1, chunks().into_iter().map(Ok)).unwrap();
    let second = folder.samples(DAY, chunks().into_iter().take(1).map(Ok)).unwrap();
    assert_eq!(second[0].version, 2);
    assert_eq!(folder.manifest().unwrap().files, [second.clone(), other.clone()].concat());
    let there = |path: &str| temporary.path().join("lake").join(path).exists();
    assert!(!there(&first[0].path) && there(&second[0].path) && there(&other[0].path));
    folder.drop_day(Kind::Samples, DAY + 1).unwrap();
    assert!(!there(&other[0].path));
    assert_eq!(folder.manifest().unwrap().files, second);
}

#[test]
fn an_export_that_fails_leaves_what_was_there() {
    let (_temporary, folder) = folder();
    let before = folder.samples(DAY, chunks().into_iter().map(Ok)).unwrap();
    let broken = chunks().into_iter().map(Ok).chain([Err(manazir_ingest::Error::Closed)]);
    assert!(matches!(folder.samples(DAY, broken), Err(Error::Lake(_))));
    assert_eq!(folder.manifest().unwrap().files, before);
    assert_eq!(written(&folder.read_samples(DAY).unwrap()), written(&rows_of(&chunks())));
}

#[test]
fn a_file_that_was_changed_is_not_believed() {
    let (temporary, folder) = folder();
    let files = folder.samples(DAY, chunks().into_iter().map(Ok)).unwrap();
    let path = temporary.path().join("lake").join(&files[0].path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(folder.read_samples(DAY), Err(Error::Changed(_))));
    std::fs::write(temporary.path().join("lake/manifest.json"), "{\"schema_version\": 9, \"files\": []}")
        .unwrap();
    assert!(matches!(folder.manifest(), Err(Error::Version(9))));
}

fn judged(seq: u64, day: i64) -> Judged {
    Judged {
        id: EventId::new("cloudtrail", seq.to_string()),
        partition: 7,
        seq,
        received_at: Timestamp::from_seconds(day * 86_400 + seq as i64),
        event: Stored { at: Timestamp::from_seconds(1_772_323_200), ..Stored::default() },
        verdict: EventVerdict {
            score: 9.5,
            anomaly: true,
            reasons: vec![Reason { detector: "action".to_owned(), surprise: 5.0, text: "new".to_owned() }],
        },
    }
}

fn paths(files: &[ManifestFile]) -> Vec<(&str, u64)> {
    files.iter().map(|file| (&*file.path, file.rows)).collect()
}

fn ids(folder: &Folder, day: i64) -> Vec<String> {
    let batches = folder.read_events(day).unwrap();
    let of = |batch: &RecordBatch| -> Vec<String> {
        let ids = batch.column_by_name("id").unwrap().as_string::<i32>();
        ids.iter().flatten().map(str::to_owned).collect()
    };
    batches.iter().flat_map(of).collect()
}

#[test]
fn events_are_added_to_the_day_on_which_they_arrived_and_none_twice() {
    let (_temporary, folder) = folder();
    let add = |store: &str, events: Vec<Judged>| folder.events(store, [Ok(events)].into_iter()).unwrap();
    let first = add("one", vec![judged(1, DAY), judged(2, DAY), judged(3, DAY + 1)]);
    assert_eq!(
        paths(&first),
        [
            ("events/day=2026-03-01/part-0001-0000.parquet", 2),
            ("events/day=2026-03-02/part-0001-0000.parquet", 1)
        ]
    );
    assert_eq!(folder.events_until("one").unwrap(), Places::from([(7, 3)]));
    // What is sent once more is left out, a message of samples is none of them, and the late one has its own file.
    let of_samples =
        Judged { event: Stored { at: judged(4, DAY).received_at, ..Stored::default() }, ..judged(4, DAY) };
    let second = add("one", vec![judged(3, DAY + 1), of_samples, judged(5, DAY)]);
    assert_eq!(paths(&second), [("events/day=2026-03-01/part-0002-0000.parquet", 1)]);
    assert_eq!(ids(&folder, DAY), ["1", "2", "5"]);
    assert_eq!(add("one", vec![judged(5, DAY)]), []);
    // Another store has places of its own.
    assert_eq!(folder.events_until("two").unwrap(), Places::new());
    add("two", vec![judged(1, DAY)]);
    assert_eq!(ids(&folder, DAY), ["1", "2", "5", "1"]);
    assert_eq!(folder.events_until("two").unwrap(), Places::from([(7, 1)]));
}

#[test]
fn events_that_cannot_be_read_are_asked_for_again() {
    let (_temporary, folder) = folder();
    let broken = [Ok(vec![judged(1, DAY)]), Err(manazir_ingest::Error::Closed)];
    assert!(matches!(folder.events("one", broken.into_iter()), Err(Error::Lake(_))));
    assert_eq!(folder.manifest().unwrap().files, []);
    assert_eq!(folder.events_until("one").unwrap(), Places::new());
}

#[test]
fn a_bucket_holds_what_a_folder_holds_needs_s3() {
    let mut server = S3::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let spool = tempfile::tempdir().unwrap();
    let open = |address: &str| {
        Folder::open(address, spool.path(), server.variables().into_iter(), runtime.handle()).unwrap()
    };
    let folder = open("s3://bucket/lake/ours");
    assert_eq!(folder.manifest().unwrap(), Manifest::default());
    let first = folder.samples(DAY, chunks().into_iter().map(Ok)).unwrap();
    assert_eq!(written(&folder.read_samples(DAY).unwrap()), written(&rows_of(&chunks())));
    let second = folder.samples(DAY, chunks().into_iter().take(1).map(Ok)).unwrap();
    assert_ne!(first, second);
    folder.events("one", [Ok(vec![judged(1, DAY)])].into_iter()).unwrap();
    assert_eq!(ids(&folder, DAY), ["1"]);
    assert_eq!(
        server.keys(),
        [
            "lake/ours/events/day=2026-03-01/part-0001-0000.parquet",
            "lake/ours/manifest.json",
            "lake/ours/samples/day=2026-03-01/part-0002-0000.parquet"
        ]
    );
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "nothing stays behind on disk");
    // Beside it, at the bucket's root, is another folder.
    assert_eq!(open("s3://bucket").manifest().unwrap(), Manifest::default());
    let nameless = Folder::open("s3:///x", spool.path(), std::iter::empty(), runtime.handle()).unwrap_err();
    assert_eq!(
        nameless.to_string(),
        "s3:///x names no bucket: it is to be s3://bucket or s3://bucket/prefix"
    );
    server.kill();
    let failed = folder.samples(DAY, chunks().into_iter().map(Ok)).unwrap_err();
    assert_eq!(failed.to_string(), "the export to s3://bucket/lake/ours failed");
}
