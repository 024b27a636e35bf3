//! Points per second of the live detector with all its views, the configuration that `manazir score nab` runs.
//!
//! `cargo bench -p manazir-detect --bench live`
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use divan::{Bencher, black_box, counter::ItemsCount};
use manazir_detect::Random;
use manazir_detect::live::{LiveConfig, LiveDetector};
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
    divan::main();
}

fn detector() -> LiveDetector {
    let grain = Grain::from_micros(5 * Grain::MINUTE.micros());
    LiveDetector::new(&Setting { grain, ..Setting::default() }, LiveConfig::default())
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
