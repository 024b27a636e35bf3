//! A fuzzer on stable Rust: seeded mutations of a corpus go through a reader; no input may panic or hang.
//!
//! Each reader runs two seconds; `MANAZIR_FUZZ_SECONDS` makes it longer and `MANAZIR_FUZZ_SEED` different. An
//! input that fails is written to the corpus of its reader as `crash-…` or `hang-…`; from then on it is a plain
//! test, because the whole corpus is read as it stands before the mutations begin.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a test sets up may panic, and what a fuzzer did is printed"
)]

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest that one input may take. An honest one of this size takes milliseconds, in a debug build too.
const INPUT_TIME_MAX: Duration = Duration::from_secs(20);

/// Largest input: small ones reach as much code and run more often.
const INPUT_BYTES_MAX: usize = 64 << 10;

/// One reader, and what it is fed.
#[derive(Debug)]
pub struct Fuzz<'a> {
    /// Its name, in what is printed.
    pub reader: &'a str,
    /// The folder of its corpus: what fails is written there.
    pub corpus: &'a Path,
    /// What is mutated: the corpus, and whatever else it reads.
    pub seeds: Vec<Vec<u8>>,
    /// Pieces that mean something to it.
    pub tokens: &'a [&'a [u8]],
}

impl<'a> Fuzz<'a> {
    /// A reader whose seeds are the files of its corpus, in the order of their names.
    pub fn of_corpus(reader: &'a str, corpus: &'a Path, tokens: &'a [&'a [u8]]) -> Self {
        let files = std::fs::read_dir(corpus).into_iter().flatten();
        let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
        files.sort_unstable();
        let seeds = files.into_iter().map(|path| std::fs::read(path).unwrap()).collect();
        Self { reader, corpus, seeds, tokens }
    }

    /// Feeds it all seeds as they are, then mutations of them until the time is over.
    pub fn run(&self, read: impl Fn(&[u8])) {
        self.run_with(read, |_, _| None);
    }

    /// The same. `other` may give another input in place of a mutated one.
    pub fn run_with(&self, read: impl Fn(&[u8]), other: impl Fn(&[u8], &mut Draw) -> Option<Vec<u8>>) {
        let Self { reader, corpus, seeds, .. } = self;
        let seconds = number("MANAZIR_FUZZ_SECONDS", 2);
        let mut draw = Draw(number("MANAZIR_FUZZ_SEED", 3) ^ 0x9e37_79b9_7f4a_7c15);
        std::fs::create_dir_all(corpus).unwrap();
        assert!(!seeds.is_empty(), "the corpus of {reader} is empty");
        let watchdog = Watchdog::start();
        let attempt = |input: &[u8]| {
            let work = std::panic::AssertUnwindSafe(|| read(input));
            let answer = watchdog.watch(corpus, input, || std::panic::catch_unwind(work));
            if answer.is_err() {
                panic!("{reader} panicked: {}", save(corpus, "crash", input).display());
            }
        };
        for seed in seeds {
            attempt(seed);
        }
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut inputs = 0_u64;
        while Instant::now() < end {
            let mut input = seeds[draw.below(seeds.len())].clone();
            match other(&input, &mut draw) {
                Some(other) => input = other,
                None => self.mutate(&mut input, &mut draw),
            }
            attempt(&input);
            inputs += 1;
        }
        println!("{reader}: {inputs} inputs in {seconds} s without a panic");
    }

    /// Changes an input in a few places.
    pub fn mutate(&self, input: &mut Vec<u8>, draw: &mut Draw) {
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
                    let token = self.tokens[draw.below(self.tokens.len())];
                    input.splice(at..at, token.iter().copied());
                }
                6 => {
                    let other = &self.seeds[draw.below(self.seeds.len())];
                    let from = draw.below(other.len());
                    let to = (from + length * 8).min(other.len());
                    input.splice(at..end, other[from..to].iter().copied());
                }
                _ => input.truncate(at),
            }
        }
        input.truncate(INPUT_BYTES_MAX);
    }
}

/// A linear congruential generator (Knuth, MMIX): a seed is all that a run depends on.
#[derive(Debug)]
pub struct Draw(u64);

impl Draw {
    /// Uniform in 0..end; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if end == 0 { 0 } else { (self.0 >> 33) as usize % end }
    }
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

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text:?}")),
        Err(_) => default,
    }
}
