//! Points per second and state of the heavy streaming detectors: `cargo bench -p manazir-detect --bench
//! forest`.
//!
//! Each run teaches a detector the whole series from the start, so a figure is the mean over a life of
//! 20,000 samples. Bytes of state are printed first.

use std::io::Write;

use divan::Bencher;
use divan::counter::ItemsCount;
use manazir_detect::Random;
use manazir_detect::stream::{ChannelDetector, Learn, Setting, StreamDetector};
use manazir_detect::stream::{discord, forest, half_space, pca};
use manazir_model::{Sample, Timestamp};

const N_SAMPLES: usize = 20_000;

fn main() {
    let setting = Setting::default();
    let mut out = std::io::stdout().lock();
    for (name, bytes) in [
        ("forest, 30 trees of 256", taught(forest::Forest::from_setting(&setting))),
        ("forest, 50 trees of 256", taught(forest_of(50))),
        ("half_space", taught(half_space::HalfSpace::from_setting(&setting))),
        ("half_space_shingle", taught(half_space::HalfSpace::shingled(&setting))),
        ("discord", taught(discord::Discord::from_setting(&setting))),
        ("forest, 20 channels", forest::ChannelForest::from_setting(20, &setting).state_bytes()),
        ("half_space, 20 channels", half_space::ChannelHalfSpace::from_setting(20, &setting).state_bytes()),
        ("pca, 20 channels", pca::Pca::from_setting(20, &setting).state_bytes()),
    ] {
        // A closed pipe is no reason to stop the bench.
        let _ = writeln!(out, "{name}: {bytes} bytes");
    }
    drop(out);
    divan::main();
}

/// A daily wave at half hours with noise and a spike now and then.
fn samples() -> Vec<Sample> {
    let mut random = Random::new(1);
    (0..N_SAMPLES)
        .map(|t| {
            let wave = 20.0 * (std::f64::consts::TAU * (t % 48) as f64 / 48.0).sin();
            let spike = if random.below(500) == 0 { 60.0 } else { 0.0 };
            Sample { at: Timestamp(t as i64 * 1_800_000_000), value: 100.0 + wave + random.normal() + spike }
        })
        .collect()
}

/// Rows of twenty channels that follow three causes.
fn rows() -> Vec<[f64; 20]> {
    let mut random = Random::new(2);
    (0..N_SAMPLES)
        .map(|_| {
            let causes: [f64; 3] = std::array::from_fn(|_| random.normal());
            std::array::from_fn(|channel| causes[channel % 3] + 0.3 * random.normal())
        })
        .collect()
}

/// Bytes after the whole series.
fn taught(mut detector: impl StreamDetector) -> usize {
    for sample in samples() {
        detector.update(sample, Learn::Fully);
    }
    detector.state_bytes()
}

fn forest_of(trees: usize) -> forest::Forest {
    forest::Forest::new(forest::Config { trees, ..forest::Config::default() }, &Setting::default())
}

fn over_series<D: StreamDetector>(bencher: Bencher, build: impl Fn() -> D + Sync) {
    let samples = samples();
    bencher.counter(ItemsCount::new(N_SAMPLES)).with_inputs(build).bench_local_values(|mut detector| {
        samples
            .iter()
            .filter_map(|&sample| detector.update(sample, Learn::Fully))
            .map(|reading| reading.score)
            .sum::<f64>()
    });
}

fn over_rows<D: ChannelDetector>(bencher: Bencher, build: impl Fn() -> D + Sync) {
    let rows = rows();
    bencher.counter(ItemsCount::new(N_SAMPLES)).with_inputs(build).bench_local_values(|mut detector| {
        let mut attribution = [0.0; 20];
        rows.iter().filter_map(|row| detector.update(row, Learn::Fully, &mut attribution)).sum::<f64>()
    });
}

#[divan::bench(args = [30, 50, 100], sample_count = 5, sample_size = 1)]
fn forest(bencher: Bencher, trees: usize) {
    over_series(bencher, || forest_of(trees));
}

#[divan::bench(args = [1, 8], sample_count = 10, sample_size = 1)]
fn half_space(bencher: Bencher, shingle: usize) {
    let config = half_space::Config { shingle, ..half_space::Config::default() };
    over_series(bencher, || half_space::HalfSpace::new(config, &Setting::default()));
}

#[divan::bench(args = [1_024, 4_096, 16_384], sample_count = 5, sample_size = 1)]
fn discord(bencher: Bencher, capacity: usize) {
    over_series(bencher, || {
        discord::Discord::new(discord::Config { capacity, ..discord::Config::default() })
    });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn forest_of_20_channels(bencher: Bencher) {
    over_rows(bencher, || forest::ChannelForest::from_setting(20, &Setting::default()));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn half_space_of_20_channels(bencher: Bencher) {
    over_rows(bencher, || half_space::ChannelHalfSpace::from_setting(20, &Setting::default()));
}

#[divan::bench(args = [1, 4], sample_count = 5, sample_size = 1)]
fn pca_of_20_channels(bencher: Bencher, rows_joined: usize) {
    over_rows(bencher, || pca::Pca::new(pca::Config { rows_joined, ..pca::Config::channels(20) }, 20));
}
