//! Batch detectors: samples a second on one core.

use divan::Bencher;
use divan::counter::ItemsCount;
use manazir_detect::Random;
use manazir_detect::batch::{BATCH_DETECTORS, Frame, matrix_profile::MatrixProfile};
use manazir_detect::choose::{Noticed, blended, choose};
use manazir_detect::period::{Config, periods};
use manazir_model::Grain;

fn main() {
    divan::main();
}

const SAMPLES: usize = 10_000;

/// A season of ninety samples with noise.
fn channel(seed: u64, n_samples: usize) -> Vec<f64> {
    let mut random = Random::new(seed);
    let season = |t: usize| (t as f64 * std::f64::consts::TAU / 90.0).sin();
    (0..n_samples).map(|t| season(t) + 0.2 * random.normal()).collect()
}

fn names() -> impl Iterator<Item = &'static str> {
    BATCH_DETECTORS.iter().map(|info| info.name)
}

fn run(bencher: Bencher<'_, '_>, name: &str, frame: &Frame) {
    let counted = bencher.counter(ItemsCount::new(frame.n_samples()));
    if let Some(info) = BATCH_DETECTORS.iter().find(|info| info.name == name) {
        counted.bench_local(|| (info.run)(divan::black_box(frame), 1));
    }
}

#[divan::bench(args = names(), sample_count = 3, sample_size = 1)]
fn one_channel(bencher: Bencher<'_, '_>, name: &str) {
    run(bencher, name, &Frame::univariate(channel(1, SAMPLES)));
}

#[divan::bench(args = names(), sample_count = 1, sample_size = 1)]
fn twenty_channels(bencher: Bencher<'_, '_>, name: &str) {
    let channels: Vec<Vec<f64>> = (0..20).map(|seed| channel(seed, SAMPLES)).collect();
    run(bencher, name, &Frame::new(&channels, SAMPLES / 2));
}

/// Every pair of windows: the figure to hold against other implementations.
#[divan::bench(args = [10_000, 20_000], sample_count = 3, sample_size = 1)]
fn exact_matrix_profile(bencher: Bencher<'_, '_>, n_samples: usize) {
    let values = channel(1, n_samples);
    bencher
        .counter(ItemsCount::new(n_samples))
        .bench_local(|| MatrixProfile::new(divan::black_box(&values), 100, 0.0, u64::MAX, 1));
}

#[divan::bench]
fn season_of_10_000_samples(bencher: Bencher<'_, '_>) {
    let values = channel(1, SAMPLES);
    bencher
        .counter(ItemsCount::new(SAMPLES))
        .bench_local(|| periods(divan::black_box(&values), &Config::default()));
}

/// The whole ensemble: choice, scores and what it would notice.
#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 3, sample_size = 1)]
fn chosen_ensemble(bencher: Bencher<'_, '_>, n_samples: usize) {
    let frame = Frame::univariate(channel(1, n_samples));
    bencher.counter(ItemsCount::new(n_samples)).bench_local(|| {
        // A grain of an hour, so that the season of ninety samples is no waveform with a single method.
        let choice = choose(divan::black_box(&frame), Some(Grain::HOUR));
        (blended(&frame, &choice), Noticed::by(&frame, &choice))
    });
}
