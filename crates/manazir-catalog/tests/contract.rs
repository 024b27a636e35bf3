//! What every [`SourceReader`] promises, tried on files and on tables in memory.

#![allow(clippy::unwrap_used, reason = "what a test sets up may panic")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use manazir_catalog::{
    Batch, FileSource, Keys, Limits, MemorySource, MemoryTable, Rejects, SourceReader, Value, collect,
    rate_per_second, survey, unwatched,
};
use manazir_model::{Grain, Series, SeriesKind, Timestamp};

const ROWS: i64 = 20_000;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "timestamp,host,load,hits_total\n".to_owned();
    for row in 0..ROWS {
        let at = 1_700_000_000 + row / 2 * 60;
        text += &format!("{at},{},{},{row}\n", ["a", "b"][(row % 2) as usize], row % 13);
    }
    std::fs::write(folder.path().join("load.csv"), text).unwrap();
    folder
}

fn files(folder: &tempfile::TempDir, limits: Limits) -> FileSource {
    FileSource::new([folder.path().to_str().unwrap()], limits)
}

fn memory(limits: Limits) -> MemorySource {
    let row = |row: i64| {
        let at = Timestamp::from_seconds(1_700_000_000 + row / 2 * 60);
        let host = Value::Text(["a", "b"][(row % 2) as usize].to_owned());
        vec![Value::Instant(at), host, Value::Float((row % 13) as f64), Value::Int(row)]
    };
    let columns = ["timestamp", "host", "load", "hits_total"].map(str::to_owned).to_vec();
    let table = MemoryTable { name: "load".to_owned(), columns, rows: (0..ROWS).map(row).collect() };
    MemorySource::new(vec![table], limits)
}

/// All promises of the port.
fn keeps_its_promises(source: &dyn SourceReader) {
    let catalog = source.discover(&mut unwatched).unwrap();
    assert_eq!(catalog, source.discover(&mut unwatched).unwrap(), "discovery is the same each time");
    let table = &catalog.tables[0];

    let mut samples: BTreeMap<String, Vec<(Timestamp, f64)>> = BTreeMap::new();
    let mut sink = |batch: &Batch, keys: &Keys| {
        assert!(batch.series.len() == batch.at.len() && batch.at.len() == batch.values.len());
        for ((&series, &at), &value) in batch.series.iter().zip(&batch.at).zip(&batch.values) {
            samples.entry(keys.key(series).to_string()).or_default().push((at, value));
        }
        ControlFlow::Continue(())
    };
    let mut rejects = Rejects::in_memory(10);
    let mut looks = 0;
    let mut watch = |progress: &manazir_catalog::Progress| {
        looks += 1;
        assert!(progress.bytes_done <= progress.bytes_total);
        ControlFlow::Continue(())
    };
    let outcome = source.read(table, &mut sink, &mut rejects, &mut watch).unwrap();
    assert!(looks >= 2, "the watch is told while it reads");
    assert_eq!((outcome.rows, outcome.rejects, outcome.interrupted), (ROWS as u64, 0, false));
    let names: Vec<_> = samples.keys().map(String::as_str).collect();
    assert_eq!(names, ["hits_total{host=a}", "hits_total{host=b}", "load{host=a}", "load{host=b}"]);
    assert!(samples.values().all(|samples| samples.len() == ROWS as usize / 2));
    assert_eq!(samples["load{host=b}"][1], (Timestamp::from_seconds(1_700_000_060), 3.0));
    assert!(outcome.series.iter().all(|facts| facts.quality.grain == Some(Grain::MINUTE)));
    let counters = outcome.series.iter().filter(|facts| facts.kind.value == SeriesKind::Counter).count();
    assert_eq!(counters, 2);

    let mut stop = |_: &manazir_catalog::Progress| ControlFlow::Break(());
    let mut nowhere = |_: &Batch, _: &Keys| ControlFlow::Continue(());
    let stopped = source.read(table, &mut nowhere, &mut rejects, &mut stop).unwrap();
    assert!(stopped.interrupted && stopped.rows < ROWS as u64);
    let mut full = |_: &Batch, _: &Keys| ControlFlow::Break(());
    assert!(source.read(table, &mut full, &mut rejects, &mut unwatched).unwrap().interrupted);
}

#[test]
fn files_keep_the_promises() {
    keeps_its_promises(&files(&folder(), Limits::default()));
}

#[test]
fn memory_keeps_the_promises() {
    keeps_its_promises(&memory(Limits::default()));
}

#[test]
fn both_collect_the_same() {
    let mut rejects = Rejects::in_memory(10);
    let folder = folder();
    let of_files = collect(&files(&folder, Limits::default()), &mut rejects, &mut unwatched).unwrap();
    let of_memory = collect(&memory(Limits::default()), &mut rejects, &mut unwatched).unwrap();
    assert_eq!(of_files.series, of_memory.series);
    assert_eq!(of_files.groups, of_memory.groups);
    assert_eq!(of_files.groups[0].series, [2, 0]);
}

#[test]
fn series_beyond_the_limit_are_counted_and_the_rest_is_read() {
    let limits = Limits { series_max: 2, ..Limits::default() };
    for source in [&files(&folder(), limits.clone()) as &dyn SourceReader, &memory(limits)] {
        let mut rejects = Rejects::in_memory(10);
        let collection = collect(source, &mut rejects, &mut unwatched).unwrap();
        assert_eq!(collection.series.len(), 2);
        assert_eq!(collection.outcomes[0].outcome.rows_beyond_series_limit, ROWS as u64 / 2);
        assert_eq!(rejects.total(), ROWS as u64 / 2);
        assert_eq!(rejects.by_reason().next().unwrap().reason, "series_limit");
    }
}

#[test]
fn a_survey_keeps_no_sample_and_serialises() {
    let mut rejects = Rejects::in_memory(10);
    let folder = folder();
    let report = survey(&files(&folder, Limits::default()), &mut rejects, &mut unwatched).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    let table = &json["tables"][0];
    assert_eq!(table["name"], "load");
    assert_eq!(table["rows"], ROWS);
    assert_eq!(table["quality"]["series"], 4);
    assert_eq!(table["columns"][1]["role"]["value"], "dimension");
    assert_eq!(table["time"]["value"]["axis"], "column");
    assert_eq!(table["series"][0]["kind"]["value"], "counter");
}

#[test]
fn the_rate_of_a_counter_survives_resets_and_empty_slots() {
    let seconds = [0, 10, 20, 30, 40, 60];
    let counter = Series {
        unit: Some("bytes".to_owned()),
        kind: SeriesKind::Counter,
        at: seconds.map(Timestamp::from_seconds).to_vec(),
        values: vec![100.0, 150.0, 20.0, f64::NAN, 60.0, 60.0],
        ..Series::default()
    };
    let rate = rate_per_second(&counter);
    assert_eq!(rate.kind, SeriesKind::Gauge);
    assert_eq!(rate.unit.as_deref(), Some("bytes/s"));
    assert_eq!(
        rate.at,
        seconds[1..].iter().map(|&second| Timestamp::from_seconds(second)).collect::<Vec<_>>()
    );
    assert_eq!(format!("{:?}", rate.values), "[5.0, 2.0, NaN, 2.0, 0.0]");
}
