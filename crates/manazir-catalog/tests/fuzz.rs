//! The readers of the catalogue, fuzzed: mutations of a corpus go through discovery and reading. How long, from which
//! seed and what becomes of an input that fails is said in [`manazir_testkit::fuzz`].

#![allow(clippy::unwrap_used, reason = "what a test sets up may panic")]

use std::io::Write;
use std::path::Path;

use manazir_catalog::{FileSource, Limits, RULES_FILE, Rejects, collect, survey, unwatched};
use manazir_testkit::fuzz::{Draw, Fuzz};

/// Pieces that mean something to one of the readers.
const TOKENS: [&[u8]; 30] = [
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"|",
    b"\n",
    b"\r\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"null",
    b"1e999",
    b"-9223372036854775808",
    b"9223372036854775807",
    b"NaN",
    b"2014-07-01 00:00:00",
    b"31/12/9999 23:59",
    b"0001-01-01T00:00:00Z",
    b"1404172800",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x00",
    b"PAR1",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"[table.\"*\"]\n",
    b"timestamp,value\n",
];

/// Tight limits, so that inputs of this size reach them.
fn limits() -> Limits {
    Limits {
        line_bytes_max: 2_000,
        columns_max: 200,
        series_max: 100,
        sample_rows: 500,
        sample_bytes: 16 << 10,
        json_object_bytes_max: 32 << 10,
        rejects_kept: 5,
        ..Limits::default()
    }
}

/// Takes one input through everything that reads it. An error is an answer; a panic is not.
fn read(reader: &str, folder: &Path, input: &[u8]) {
    let file = match reader {
        "toml" => RULES_FILE.to_owned(),
        "gz" => "input.csv.gz".to_owned(),
        "zst" => "input.csv.zst".to_owned(),
        ending => format!("input.{ending}"),
    };
    std::fs::write(folder.join(file), input).unwrap();
    if reader == "toml" {
        let rows: String =
            (0..30).map(|row| format!("{},a,{row},{row}\n", 1_700_000_000 + row * 60)).collect();
        std::fs::write(folder.join("shop.csv"), format!("time,host,orders,cost\n{rows}")).unwrap();
    }
    let source = FileSource::new([folder.to_str().unwrap()], limits());
    let mut rejects = Rejects::in_memory(5);
    if let Ok(collection) = collect(&source, &mut rejects, &mut unwatched) {
        for series in &collection.series {
            assert!(series.at.is_sorted_by(|one, other| one < other), "times ascend strictly");
            assert_eq!(series.at.len(), series.values.len());
        }
    }
    let _ = survey(&source, &mut rejects, &mut unwatched);
}

fn seeds(reader: &str) -> Vec<Vec<u8>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut open = vec![manifest.join("tests/corpus").join(reader), manifest.join("tests/data")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            let fits = name.contains(&format!("corpus/{reader}/")) || name.ends_with(&format!(".{reader}"));
            if path.is_dir() {
                open.push(path);
            } else if fits {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Compressed inputs are mutated inside as often as outside.
fn packed(fuzz: &Fuzz<'_>, input: &[u8], draw: &mut Draw) -> Option<Vec<u8>> {
    if !matches!(fuzz.reader, "gz" | "zst") || draw.below(2) == 0 {
        return None;
    }
    let mut inside = Vec::new();
    match fuzz.reader {
        "gz" => {
            let decoder = flate2::read::MultiGzDecoder::new(input);
            std::io::Read::read_to_end(&mut std::io::Read::take(decoder, 1 << 16), &mut inside).ok()?;
            fuzz.mutate(&mut inside, draw);
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&inside).ok()?;
            encoder.finish().ok()
        }
        _ => {
            let decoder = zstd::stream::read::Decoder::new(input).ok()?;
            std::io::Read::read_to_end(&mut std::io::Read::take(decoder, 1 << 16), &mut inside).ok()?;
            fuzz.mutate(&mut inside, draw);
            zstd::encode_all(inside.as_slice(), 1).ok()
        }
    }
}

fn fuzz(reader: &str) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(reader);
    let folder = tempfile::tempdir().unwrap();
    let fuzz = Fuzz { reader, corpus: &corpus, seeds: seeds(reader), tokens: &TOKENS };
    fuzz.run_with(|input| read(reader, folder.path(), input), |input, draw| packed(&fuzz, input, draw));
}

#[test]
fn csv() {
    fuzz("csv");
}

#[test]
fn json() {
    fuzz("json");
}

#[test]
fn ndjson() {
    fuzz("ndjson");
}

#[test]
fn parquet() {
    fuzz("parquet");
}

#[test]
fn gz() {
    fuzz("gz");
}

#[test]
fn zst() {
    fuzz("zst");
}

#[test]
fn toml() {
    fuzz("toml");
}
