//! A fuzzer on stable Rust: seeded mutations of a corpus go through discovery and reading; no input may panic
//! or hang.
//!
//! Each reader runs two seconds; `MANAZIR_FUZZ_SECONDS` makes it longer and `MANAZIR_FUZZ_SEED` different. An
//! input that fails is written to `tests/corpus/READER` as `crash-…` or `hang-…`; from then on it is a plain
//! test, because the whole corpus is read as it stands before the mutations begin.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a test sets up may panic"
)]

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use manazir_catalog::{FileSource, Limits, RULES_FILE, Rejects, collect, survey, unwatched};

/// Longest that one input may take. An honest one of this size takes milliseconds, in a debug build too.
const INPUT_TIME_MAX: Duration = Duration::from_secs(20);

/// Largest input: small ones reach as much code and run more often.
const INPUT_BYTES_MAX: usize = 64 << 10;

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

/// A linear congruential generator (Knuth, MMIX): a seed is all that a run depends on.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if end == 0 { 0 } else { (self.0 >> 33) as usize % end }
    }
}

fn mutate(input: &mut Vec<u8>, others: &[Vec<u8>], draw: &mut Draw) {
    for _ in 0..=draw.below(6) {
        let at = draw.below(input.len() + 1);
        let scale = draw.below(8);
        let length = 1 + draw.below(1 << scale);
        let end = (at + length).min(input.len());
        match draw.below(8) {
            0 if at < input.len() => input[at] ^= 1 << draw.below(8),
            1 if at < input.len() => input[at] = draw.below(256) as u8,
            2 => drop(input.drain(at..end)),
            3 => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece);
            }
            4 | 5 => {
                let token = TOKENS[draw.below(TOKENS.len())];
                input.splice(at..at, token.iter().copied());
            }
            6 => {
                let other = &others[draw.below(others.len())];
                let from = draw.below(other.len());
                let to = (from + length * 8).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            _ => input.truncate(at),
        }
    }
    input.truncate(INPUT_BYTES_MAX);
}

/// The input at work: since when, where to save it, its bytes.
type AtWork = Mutex<Option<(Instant, PathBuf, Vec<u8>)>>;

/// Ends the process if an input takes too long, after it has been saved.
struct Watchdog(Arc<AtWork>);

impl Watchdog {
    fn start() -> Self {
        let current: Arc<AtWork> = Arc::default();
        let watched = Arc::downgrade(&current);
        std::thread::spawn(move || {
            while let Some(current) = watched.upgrade() {
                if let Some((began, folder, input)) = &*current.lock().unwrap()
                    && began.elapsed() > INPUT_TIME_MAX
                {
                    eprintln!("an input hangs: {}", save(folder, "hang", input).display());
                    std::process::abort();
                }
                drop(current);
                std::thread::park_timeout(Duration::from_millis(200));
            }
        });
        Self(current)
    }

    fn watch<T>(&self, folder: &Path, input: &[u8], work: impl FnOnce() -> T) -> T {
        *self.0.lock().unwrap() = Some((Instant::now(), folder.to_owned(), input.to_vec()));
        let answer = work();
        *self.0.lock().unwrap() = None;
        answer
    }
}

fn save(folder: &Path, what: &str, input: &[u8]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let path = folder.join(format!("{what}-{:016x}", hasher.finish()));
    std::fs::write(&path, input).unwrap();
    path
}

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
fn packed(reader: &str, input: &[u8], draw: &mut Draw, others: &[Vec<u8>]) -> Option<Vec<u8>> {
    if !matches!(reader, "gz" | "zst") || draw.below(2) == 0 {
        return None;
    }
    let mut inside = Vec::new();
    match reader {
        "gz" => {
            let decoder = flate2::read::MultiGzDecoder::new(input);
            std::io::Read::read_to_end(&mut std::io::Read::take(decoder, 1 << 16), &mut inside).ok()?;
            mutate(&mut inside, others, draw);
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&inside).ok()?;
            encoder.finish().ok()
        }
        _ => {
            let decoder = zstd::stream::read::Decoder::new(input).ok()?;
            std::io::Read::read_to_end(&mut std::io::Read::take(decoder, 1 << 16), &mut inside).ok()?;
            mutate(&mut inside, others, draw);
            zstd::encode_all(inside.as_slice(), 1).ok()
        }
    }
}

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text:?}")),
        Err(_) => default,
    }
}

fn fuzz(reader: &str) {
    let seconds = number("MANAZIR_FUZZ_SECONDS", 2);
    let mut draw = Draw(number("MANAZIR_FUZZ_SEED", 3) ^ 0x9e37_79b9_7f4a_7c15);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(reader);
    std::fs::create_dir_all(&corpus).unwrap();
    let seeds = seeds(reader);
    assert!(!seeds.is_empty(), "the corpus of {reader} is empty");
    let folder = tempfile::tempdir().unwrap();
    let watchdog = Watchdog::start();
    let attempt = |input: &[u8]| {
        let work = std::panic::AssertUnwindSafe(|| read(reader, folder.path(), input));
        let answer = watchdog.watch(&corpus, input, || std::panic::catch_unwind(work));
        if answer.is_err() {
            panic!("{reader} panicked: {}", save(&corpus, "crash", input).display());
        }
    };
    for seed in &seeds {
        attempt(seed);
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut inputs = 0_u64;
    while Instant::now() < end {
        let mut input = seeds[draw.below(seeds.len())].clone();
        match packed(reader, &input, &mut draw, &seeds) {
            Some(packed) => input = packed,
            None => mutate(&mut input, &seeds, &mut draw),
        }
        attempt(&input);
        inputs += 1;
    }
    println!("{reader}: {inputs} inputs in {seconds} s without a panic");
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
