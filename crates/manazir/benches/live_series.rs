//! Fifty thousand series, one sample a minute each: how long a minute takes to be judged and stored on disk, and
//! what it costs in memory.
//!
//! `cargo bench -p manazir --bench live_series -- [SERIES [MINUTES]]`
//!
//! Every minute, each partition judges the samples of its series (side by side, as a worker does), and all rows are
//! one batch of the embedded lake with a sync. The time of a minute is the lag of its last verdict, if the
//! samples come all at once. What the head holds is moved into chunks every thirty minutes, on the same thread.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::{Duration, Instant};

use anyhow::Result;
use manazir::live::SampleOutcomes;
use manazir::partition::Partition;
use manazir_detect::Random;
use manazir_fjall::{Config, Embedded};
use manazir_ingest::lake::Lake;
use manazir_ingest::lake::compact::CompactConfig;
use manazir_ingest::worker::Judge;
use manazir_ingest::{PARTITIONS, partition_of};
use manazir_model::{Sample, SeriesKey, SeriesKind, SeriesSamples, Timestamp};
use rayon::prelude::*;

/// Monday, 2 March 2026, 00:00 UTC.
const START: i64 = 1_772_409_600;

fn main() -> Result<()> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let n_series = numbers.next().unwrap_or(50_000);
    let n_minutes = numbers.next().unwrap_or(180);
    let folder = std::env::temp_dir().join(format!("manazir-live-series-{}", std::process::id()));
    let result = run(n_series, n_minutes, &folder);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn run(n_series: usize, n_minutes: usize, folder: &std::path::Path) -> Result<()> {
    let store = Embedded::open(folder, &Config::default())?;
    let lake = store.lake();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut fleet = fleet(n_series);
    let before = resident_bytes();
    let (mut judged, mut stored, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rows, mut findings) = (0, 0);
    for minute in 0..n_minutes {
        let at = Timestamp::from_seconds(START + 60 * minute as i64);
        fleet.par_iter_mut().for_each(|part| part.measure(at));
        let begun = Instant::now();
        let mut outcomes = SampleOutcomes::default();
        let of_partitions: Vec<SampleOutcomes> =
            fleet.par_iter_mut().map(|part| part.models.judge(at, &part.samples)).collect();
        of_partitions.into_iter().for_each(|of_partition| outcomes.extend(of_partition));
        judged.push(begun.elapsed());
        let begun = Instant::now();
        runtime.block_on(lake.append(&outcomes.rows, &outcomes.findings))?;
        stored.push(begun.elapsed());
        rows += outcomes.rows.iter().map(|series| series.samples.len()).sum::<usize>();
        findings += outcomes.findings.len();
        if minute % 30 == 29 {
            let begun = Instant::now();
            lake.compact(at, &CompactConfig { age_micros: 29 * 60_000_000, ..CompactConfig::default() })?;
            moved.push(begun.elapsed());
        }
    }
    let lags: Vec<Duration> = judged.iter().zip(&stored).map(|(judged, stored)| *judged + *stored).collect();
    println!("{n_series} series, {n_minutes} minutes, {rows} rows, {findings} times somebody was told");
    tell("a minute judged", judged);
    tell("a minute stored with a sync", stored);
    tell("both: the lag", lags);
    tell("thirty minutes moved into chunks", moved);
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "models, with the samples at hand: {:.0} MB",
        megabytes(resident_bytes().saturating_sub(before))
    );
    println!("largest resident set: {:.0} MB", megabytes(peak_bytes()));
    println!(
        "on disk: {:.0} MB, of which chunks {:.0} MB",
        megabytes(store.disk_bytes()?),
        megabytes(lake.chunk_bytes()?)
    );
    let begun = Instant::now();
    let bytes: usize = fleet.par_iter().map(|part| part.models.save().len()).sum();
    println!(
        "a snapshot of all models: {:.0} MB in {:.2} s",
        megabytes(bytes as u64),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A partition with its series, and their next samples.
struct Part {
    models: Partition,
    samples: Vec<SeriesSamples>,
    random: Random,
}

impl Part {
    /// A day's wave with noise, and now and then a spike.
    fn measure(&mut self, at: Timestamp) {
        let day = (at.micros() as f64 / 86_400e6 * std::f64::consts::TAU).sin();
        for series in &mut self.samples {
            let spike = if self.random.below(20_000) == 0 { 80.0 } else { 0.0 };
            let value = 100.0 + 20.0 * day + 3.0 * self.random.normal() + spike;
            series.samples = vec![Sample { at, value: (value * 100.0).round() / 100.0 }];
        }
    }
}

fn fleet(n_series: usize) -> Vec<Part> {
    let mut fleet: Vec<Part> = (0..PARTITIONS)
        .map(|partition| Part {
            models: Partition::fresh(),
            samples: Vec::new(),
            random: Random::new(partition.into()),
        })
        .collect();
    for index in 0..n_series {
        let label = |name: &str, value: String| (name.to_owned(), value);
        let labels = [
            label("host", format!("host-{}.example.com", index / 50)),
            label("job", "node".to_owned()),
            label("metric_number", (index % 50).to_string()),
        ];
        let key = SeriesKey::new("node_load_average", labels);
        let part = &mut fleet[usize::from(partition_of(&key.to_string()))];
        part.samples.push(SeriesSamples { key, kind: Some(SeriesKind::Gauge), samples: Vec::new() });
    }
    fleet
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| {
        times.get(((times.len() as f64 - 1.0) * share) as usize).map_or(0.0, Duration::as_secs_f64)
    };
    println!("{what}: median {:.3} s, 99 % {:.3} s, longest {:.3} s", at(0.5), at(0.99), at(1.0));
}

fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
}

fn resident_bytes() -> u64 {
    status("VmRSS:")
}

fn peak_bytes() -> u64 {
    status("VmHWM:")
}
