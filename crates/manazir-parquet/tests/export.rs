//! Days out, and in again.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use manazir_ingest::lake::contract::{key, row, text};
use manazir_ingest::lake::series_id;
use manazir_ingest::{EventId, Judged, Stored};
use manazir_model::{EventVerdict, JudgedSample, Reason, SeriesKey, Timestamp};
use manazir_parquet::{Error, Folder, Kind};

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

#[test]
fn events_of_a_day_are_written_in_their_order() {
    let (_temporary, folder) = folder();
    let judged = |seq: u64| Judged {
        id: EventId::new("cloudtrail", seq.to_string()),
        partition: 7,
        seq,
        received_at: Timestamp::from_seconds(1_772_323_300),
        event: Stored { at: Timestamp::from_seconds(1_772_323_200), ..Stored::default() },
        verdict: EventVerdict {
            score: 9.5,
            anomaly: true,
            reasons: vec![Reason { detector: "action".to_owned(), surprise: 5.0, text: "new".to_owned() }],
        },
    };
    let files =
        folder.events(DAY, [Ok(vec![judged(1), judged(2)]), Ok(vec![judged(3)])].into_iter()).unwrap();
    assert_eq!((files[0].path.as_str(), files[0].rows), ("events/day=2026-03-01/part-0001-0000.parquet", 3));
}
