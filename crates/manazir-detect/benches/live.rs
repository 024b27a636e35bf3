//! Points per second of the live detector with all its views, the configuration that `manazir score nab` runs, and
//! rows per second of the live detector of a group.
//!
//! `cargo bench -p manazir-detect --bench live`
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use divan::{Bencher, black_box, counter::ItemsCount};
use manazir_detect::Random;
use manazir_detect::live::{LiveConfig, LiveDetector, LiveGroup};
use manazir_detect::stream::Setting;
use manazir_model::{Grain, Sample, Timestamp};

const N_SAMPLES: usize = 100_000;

fn main() {
    let mut detector = detector();
    for sample in samples() {
        detector.update(sample, 0);
    }
    let (state, season) = detector.state_bytes();
    println!("one series costs {state} bytes and {season} of season buffer");
    for n_features in GROUPS {
        let mut group = LiveGroup::new(n_features, &setting());
        feed(&mut group, &rows(n_features, 1_000), 0);
        println!("a group of {n_features} costs {} bytes", group.state_bytes());
    }
    divan::main();
}

fn setting() -> Setting {
    Setting { grain: Grain::from_micros(5 * Grain::MINUTE.micros()), ..Setting::default() }
}

fn detector() -> LiveDetector {
    LiveDetector::new(&setting(), LiveConfig::default())
}

/// A year of five-minute samples: a day's wave, noise, and a spike every two days.
fn samples() -> Vec<Sample> {
    let mut random = Random::new(1);
    (0..N_SAMPLES)
        .map(|index| {
            let season = 20.0 * (index as f64 / 288.0 * std::f64::consts::TAU).sin();
            let spike = if index % 576 == 575 { 60.0 } else { 0.0 };
            let at = Timestamp::from_seconds(1_704_067_200 + 300 * index as i64);
            Sample { at, value: 100.0 + season + spike + 3.0 * random.normal() }
        })
        .collect()
}

#[divan::bench]
fn all_views(bencher: Bencher<'_, '_>) {
    let samples = samples();
    bencher.counter(ItemsCount::new(N_SAMPLES)).with_inputs(detector).bench_values(|mut detector| {
        for &sample in &samples {
            black_box(detector.update(sample, 0));
        }
    });
}

/// Channels of the groups: one series, an application, a machine.
const GROUPS: [usize; 3] = [1, 20, 38];
/// Rows that are timed, after the memory of the group is full.
const N_ROWS: usize = 500;
const N_ROWS_BEFORE: usize = 4_096;

/// Channels that follow one load, each with noise of its own.
fn rows(n_features: usize, n_rows: usize) -> Vec<Vec<f64>> {
    let mut random = Random::new(2);
    let mut row = |index: usize| {
        let load = 20.0 * (index as f64 / 288.0 * std::f64::consts::TAU).sin();
        (0..n_features).map(|channel| load * (channel + 1) as f64 + 3.0 * random.normal()).collect()
    };
    (0..n_rows).map(&mut row).collect()
}

fn feed(group: &mut LiveGroup, rows: &[Vec<f64>], start: usize) {
    let mut attribution = vec![0.0; rows[0].len()];
    for (index, row) in rows.iter().enumerate() {
        let at = Timestamp::from_seconds(1_704_067_200 + 300 * (start + index) as i64);
        black_box(group.update(at, 0, row, &mut attribution));
    }
}

#[divan::bench(args = GROUPS, sample_count = 10)]
fn rows_of_a_group(bencher: Bencher<'_, '_>, n_features: usize) {
    let rows = rows(n_features, N_ROWS_BEFORE + N_ROWS);
    let mut taught = LiveGroup::new(n_features, &setting());
    feed(&mut taught, &rows[..N_ROWS_BEFORE], 0);
    bencher
        .counter(ItemsCount::new(N_ROWS))
        .with_inputs(|| taught.clone())
        .bench_values(|mut group| feed(&mut group, &rows[N_ROWS_BEFORE..], N_ROWS_BEFORE));
}
