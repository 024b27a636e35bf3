//! Rows per second of a full read: `cargo bench -p manazir-catalog`.
//!
//! The files are made at the start: 2,000,000 rows of `timestamp,host,value,latency_ms`, about 75 MB as text.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::array::{Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use divan::counter::{BytesCount, ItemsCount};
use manazir_catalog::{Batch, FileSource, Keys, Limits, Rejects, SourceReader, unwatched};

const ROWS: i64 = 2_000_000;
const START: i64 = 1_700_000_000;

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for the files"));

fn main() {
    divan::main();
}

fn row(row: i64) -> (i64, usize, f64, f64) {
    let wave = (row as f64 / 300.0).sin();
    (
        START + row / 4 * 10,
        (row % 4) as usize,
        (100.0 + 20.0 * wave).mul_add(1e4, 0.0).round() / 1e4,
        (row % 977) as f64,
    )
}

const HOSTS: [&str; 4] = ["web-1", "web-2", "db-1", "db-2"];

fn text() -> PathBuf {
    let path = FOLDER.path().join("rows.csv");
    if !path.exists() {
        let mut text = "timestamp,host,value,latency_ms\n".to_owned();
        for (at, host, value, latency) in (0..ROWS).map(row) {
            let at = manazir_model::Timestamp::from_seconds(at).to_string();
            text += &format!(
                "{},{},{value},{latency}\n",
                at.trim_end_matches('Z').replace('T', " "),
                HOSTS[host]
            );
        }
        std::fs::write(&path, text).expect("room for the file");
    }
    path
}

fn gzip() -> PathBuf {
    let path = FOLDER.path().join("rows.csv.gz");
    let bytes = std::fs::read(text()).expect("the text was written");
    let file = std::fs::File::create(&path).expect("room for the file");
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &bytes).expect("room for the file");
    encoder.finish().expect("room for the file");
    path
}

fn ndjson() -> PathBuf {
    let path = FOLDER.path().join("rows.ndjson");
    let mut text = String::new();
    for (at, host, value, latency) in (0..ROWS).map(row) {
        let host = HOSTS[host];
        text += &format!(
            "{{\"timestamp\":{at},\"host\":\"{host}\",\"value\":{value},\"latency_ms\":{latency}}}\n"
        );
    }
    std::fs::write(&path, text).expect("room for the file");
    path
}

fn parquet() -> PathBuf {
    let path = FOLDER.path().join("rows.parquet");
    let rows: Vec<_> = (0..ROWS).map(row).collect();
    let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.0 * 1_000_000));
    let batch = RecordBatch::try_from_iter([
        ("timestamp", Arc::new(times.with_timezone("UTC")) as _),
        ("host", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| HOSTS[row.1]))) as _),
        ("value", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.2))) as _),
        ("latency_ms", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.3))) as _),
    ])
    .expect("columns of one length");
    let file = std::fs::File::create(&path).expect("room for the file");
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).expect("a plain schema");
    writer.write(&batch).expect("room for the file");
    writer.close().expect("room for the file");
    path
}

/// Reads all rows and drops the samples, as a sink that is faster than the reader would.
fn read(bencher: divan::Bencher<'_, '_>, path: &Path) {
    let source = FileSource::new([path.to_str().expect("a plain path")], Limits::default());
    let catalog = source.discover(&mut unwatched).expect("the file was written");
    let bytes = catalog.tables[0].bytes();
    bencher.counter(ItemsCount::new(ROWS as u64)).counter(BytesCount::new(bytes)).bench_local(|| {
        let mut rejects = Rejects::in_memory(1);
        let mut nowhere = |batch: &Batch, _: &Keys| {
            divan::black_box(batch);
            ControlFlow::Continue(())
        };
        let outcome = source.read(&catalog.tables[0], &mut nowhere, &mut rejects, &mut unwatched);
        assert_eq!(outcome.expect("the file is there").rows, ROWS as u64);
    });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn csv(bencher: divan::Bencher<'_, '_>) {
    read(bencher, &text());
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn csv_gz(bencher: divan::Bencher<'_, '_>) {
    read(bencher, &gzip());
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn ndjson_lines(bencher: divan::Bencher<'_, '_>) {
    read(bencher, &ndjson());
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn parquet_file(bencher: divan::Bencher<'_, '_>) {
    read(bencher, &parquet());
}
