//! A table gives the same series whatever the format it was written in, and in whatever order its rows come.

#![allow(clippy::unwrap_used, reason = "what a test sets up may panic")]

mod common;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use manazir_model::Series;
use proptest::prelude::*;

/// Rows of `(minute, host, load, temperature)`.
#[derive(Clone, Debug)]
struct Made(Vec<(i64, u8, f64, Option<f64>)>);

const START: i64 = 1_700_000_000;

fn made() -> impl Strategy<Value = Made> {
    let value = prop_oneof![8 => -1e6..1e6_f64, 1 => Just(0.1 + 0.2), 1 => Just(1e-300)];
    let empty = prop_oneof![9 => value.clone().prop_map(Some), 1 => Just(None)];
    let minute = (value, empty);
    let hosts = 2..4_u8;
    (hosts, 12..40_usize).prop_flat_map(move |(hosts, minutes)| {
        let rows = proptest::collection::vec(minute.clone(), minutes * usize::from(hosts));
        rows.prop_map(move |rows| {
            let place = |(index, (load, temperature)): (usize, (f64, Option<f64>))| {
                let index = index as i64;
                (index / i64::from(hosts), (index % i64::from(hosts)) as u8, load, temperature)
            };
            Made(rows.into_iter().enumerate().map(place).collect())
        })
    })
}

impl Made {
    fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["time", "host", "load", "temperature_celsius"]).unwrap();
        for (minute, host, load, temperature) in &self.0 {
            let at = manazir_model::Timestamp::from_seconds(START + minute * 60).to_string();
            let temperature = temperature.map_or(String::new(), |value| value.to_string());
            writer.write_record([at, name(*host), load.to_string(), temperature]).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    }

    fn objects(&self) -> Vec<String> {
        let object = |(minute, host, load, temperature): &(i64, u8, f64, Option<f64>)| {
            let at = (START + minute * 60) * 1_000;
            serde_json::json!({"time": at, "host": name(*host), "load": load, "temperature_celsius": temperature})
                .to_string()
        };
        self.0.iter().map(object).collect()
    }

    fn columns(&self) -> String {
        let rows = &self.0;
        serde_json::json!({
            "time": rows.iter().map(|row| START + row.0 * 60).collect::<Vec<_>>(),
            "host": rows.iter().map(|row| name(row.1)).collect::<Vec<_>>(),
            "load": rows.iter().map(|row| row.2).collect::<Vec<_>>(),
            "temperature_celsius": rows.iter().map(|row| row.3).collect::<Vec<_>>(),
        })
        .to_string()
    }

    fn parquet(&self) -> Vec<u8> {
        let rows = &self.0;
        let times = rows.iter().map(|row| (START + row.0 * 60) * 1_000_000);
        let batch = RecordBatch::try_from_iter([
            ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")) as _),
            ("host", Arc::new(StringArray::from_iter_values(rows.iter().map(|row| name(row.1)))) as _),
            ("load", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.2))) as _),
            ("temperature_celsius", Arc::new(rows.iter().map(|row| row.3).collect::<Float64Array>()) as _),
        ])
        .unwrap();
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    /// What must come out, as text: NaN is not equal to itself.
    fn expected(&self) -> String {
        let mut hosts: Vec<u8> = self.0.iter().map(|row| row.1).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let mut out = String::new();
        for measure in ["load", "temperature_celsius"] {
            for &host in &hosts {
                write!(out, "{measure}{{host={}}}", name(host)).unwrap();
                for row in self.0.iter().filter(|row| row.1 == host) {
                    let value = if measure == "load" { Some(row.2) } else { row.3 };
                    write!(out, " {}:{:?}", START + row.0 * 60, value.unwrap_or(f64::NAN)).unwrap();
                }
                out.push('\n');
            }
        }
        out
    }
}

fn name(host: u8) -> String {
    // Comma and quote: what separated values have to quote.
    ["web-1", "db, \"main\"", "käse"][usize::from(host)].to_owned()
}

fn found(series: &[Series]) -> String {
    let mut out = String::new();
    for series in series {
        let host = series.key.labels[0].1.clone();
        write!(out, "{}{{host={host}}}", series.key.metric).unwrap();
        for sample in series.samples() {
            write!(out, " {}:{:?}", sample.at.micros() / 1_000_000, sample.value).unwrap();
        }
        out.push('\n');
    }
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read_back(folder: &Path, file: &str, bytes: &[u8]) -> String {
    let path = folder.join(file);
    std::fs::write(&path, bytes).unwrap();
    let (collection, rejects) = common::read(&[path.to_str().unwrap().to_owned()]);
    assert_eq!(rejects.total(), 0, "{:?}", rejects.kept());
    // Hosts are ordered by name; the expectation has them by number.
    let mut lines: Vec<_> = found(&collection.series).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_format_gives_the_same_series(made in made()) {
        let folder = tempfile::tempdir().unwrap();
        let read = |file: &str, bytes: &[u8]| read_back(folder.path(), file, bytes);
        let expected = sorted(&made.expected());
        let csv = made.csv();
        prop_assert_eq!(&read("t.csv", csv.as_bytes()), &expected);
        prop_assert_eq!(&read("t.csv.gz", &gzip(csv.as_bytes())), &expected);
        // The bytes count, not the name.
        prop_assert_eq!(&read("u.csv", &zstd::encode_all(csv.as_bytes(), 1).unwrap()), &expected);
        prop_assert_eq!(&read("t.ndjson", made.objects().join("\n").as_bytes()), &expected);
        prop_assert_eq!(&read("t.json", format!("[{}]", made.objects().join(",\n")).as_bytes()), &expected);
        prop_assert_eq!(&read("c.json", made.columns().as_bytes()), &expected);
        prop_assert_eq!(&read("t.parquet", &made.parquet()), &expected);
    }

    #[test]
    fn the_order_of_rows_does_not_matter(made in made(), seed in any::<u64>()) {
        let folder = tempfile::tempdir().unwrap();
        let expected = sorted(&made.expected());
        let csv = made.csv();
        let (header, rows) = csv.split_once('\n').unwrap();
        let mut rows: Vec<_> = rows.lines().collect();
        let mut state = seed | 1;
        for index in (1..rows.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            rows.swap(index, (state >> 33) as usize % (index + 1));
        }
        let shuffled = format!("{header}\n{}\n", rows.join("\n"));
        prop_assert_eq!(read_back(folder.path(), "s.csv", shuffled.as_bytes()), expected);
    }
}
