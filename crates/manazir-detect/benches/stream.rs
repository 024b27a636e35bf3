//! Points per second of each light detector, and the bytes that one series costs, as the
//! detectors' descriptions quote them.
//!
//! `cargo bench -p manazir-detect --bench stream`
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use divan::{Bencher, black_box, counter::ItemsCount};
use manazir_detect::{
    Random,
    rule::Rule,
    stream::{
        Learn, Setting, StreamDetector, count::Count, cusum::Cusum, flat_line::FlatLine, level,
        level_shift::LevelShift, missing::Missing, page_hinkley::PageHinkley, polynomial, seasonal,
        silence::Silence, spectral::Spectral, variance::Variance,
    },
};
use manazir_model::{Grain, Sample, Timestamp};

const N_SAMPLES: usize = 100_000;
const DAY: usize = 288;

fn main() {
    print_bytes();
    divan::main();
}

fn setting() -> Setting {
    Setting {
        grain: Grain::from_micros(5 * Grain::MINUTE.micros()),
        period_samples: Some(DAY),
        ..Setting::default()
    }
}

fn at(position: usize) -> Timestamp {
    Timestamp::from_seconds(1_704_067_200 + 300 * position as i64)
}

/// A year of five-minute samples: a day's wave, noise, and a spike a day.
fn gauge() -> Vec<Sample> {
    let mut random = Random::new(1);
    (0..N_SAMPLES)
        .map(|position| {
            let wave = (std::f64::consts::TAU * (position % DAY) as f64 / DAY as f64).sin();
            let spike = if position % DAY == 100 { 80.0 } else { 0.0 };
            Sample { at: at(position), value: 100.0 + 20.0 * wave + random.normal() + spike }
        })
        .collect()
}

/// Nine zeros in ten.
fn counts() -> Vec<Sample> {
    let mut random = Random::new(1);
    let count = |draw: usize| draw.saturating_sub(26) as f64;
    (0..N_SAMPLES).map(|position| Sample { at: at(position), value: count(random.below(30)) }).collect()
}

/// Runs a detector that has left its warm-up over all samples.
fn run<D: StreamDetector + Clone + Sync>(bencher: Bencher, samples: &[Sample], detector: D) {
    let detector = warm(detector, samples);
    bencher.counter(ItemsCount::new(samples.len())).with_inputs(|| detector.clone()).bench_refs(|detector| {
        let mut sum = 0.0;
        for &sample in samples {
            sum += detector.update(black_box(sample), Learn::Fully).map_or(0.0, |reading| reading.score);
        }
        sum
    });
}

fn warm<D: StreamDetector>(mut detector: D, samples: &[Sample]) -> D {
    for &sample in samples {
        detector.update(sample, Learn::Fully);
    }
    detector
}

/// One line a detector: the benchmark, and the line in the table of bytes.
macro_rules! detectors {
    ($($name:ident: $samples:ident, $build:expr;)*) => {
        $(
            #[divan::bench]
            fn $name(bencher: Bencher) {
                run(bencher, &$samples(), $build);
            }
        )*

        fn print_bytes() {
            println!("bytes of state per series");
            $(println!("{:>22} {:>7}", stringify!($name), warm($build, &$samples()).state_bytes());)*
        }
    };
}

fn hour_of_week(slot_scale_weight: f64) -> seasonal::Seasonal {
    let grain = setting().grain;
    seasonal::Seasonal::new(seasonal::Config { grain, slot_scale_weight, ..seasonal::Config::default() })
}

fn rule(text: &str) -> manazir_detect::rule::RuleDetector {
    let rule: Rule = toml::from_str(text).expect("the benchmark's own rule");
    rule.detector(&setting()).expect("the benchmark's own rule")
}

detectors! {
    level: gauge, level::Level::from_setting(&setting());
    level_with_slow: gauge,
        level::Level::new(level::Config { slow_weight: 0.002, ..level::Config::default() });
    seasonal_period: gauge, seasonal::Seasonal::from_setting(&setting());
    seasonal_hour_of_week: gauge, hour_of_week(0.0);
    seasonal_slot_scales: gauge, hour_of_week(0.1);
    polynomial_line: gauge, polynomial::Polynomial::from_setting(&setting());
    polynomial_parabola: gauge,
        polynomial::Polynomial::new(polynomial::Config { degree: 2, ..polynomial::Config::default() });
    level_shift: gauge, LevelShift::from_setting(&setting());
    cusum: gauge, Cusum::from_setting(&setting());
    page_hinkley: gauge, PageHinkley::from_setting(&setting());
    variance: gauge, Variance::from_setting(&setting());
    spectral: gauge, Spectral::from_setting(&setting());
    count: counts, Count::new(Default::default());
    count_seasonal: counts, Count::from_setting(&setting());
    silence: counts, Silence::from_setting(&setting());
    flat_line: gauge, FlatLine::from_setting(&setting());
    missing: gauge, Missing::from_setting(&setting());
    rule_threshold: gauge, rule("kind = 'threshold'\nmax = 150");
    rule_percentage_change: gauge, rule("kind = 'percentage_change'\npercent = 30\noffset = '1w'");
    rule_mean_variance: gauge, rule("kind = 'mean_variance'");
}
