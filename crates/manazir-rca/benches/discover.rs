//! Topology discovered: weak edges among 500 series of a day of minutes, and dependencies from 100,000 spans.

use divan::Bencher;
use manazir_model::{Random, Timestamp};
use manazir_rca::discover::{lag, traces};
use manazir_rca::topology;

fn main() {
    divan::main();
}

#[divan::bench(args = [100, 500], sample_count = 5)]
fn lag_edges(bencher: Bencher<'_, '_>, n_series: usize) {
    const N_SAMPLES: usize = 1_440;
    let mut random = Random::new(1);
    let names: Vec<String> = (0..n_series).map(|place| format!("s{place}")).collect();
    let entities: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut values: Vec<f64> = (0..n_series * N_SAMPLES).map(|_| random.normal()).collect();
    // Every tenth follows the one before it.
    for series in (10..n_series).step_by(10) {
        for at in 3..N_SAMPLES {
            values[series * N_SAMPLES + at] += values[(series - 1) * N_SAMPLES + at - 3];
        }
    }
    let span = topology::Span { from: Timestamp(0), until: Timestamp::from_seconds(86_400) };
    let residuals = lag::Residuals { entities: &entities, values: &values, span };
    bencher.bench(|| lag::edges(&residuals, &lag::Config::default()));
}

#[divan::bench(sample_count = 10)]
fn spans_per_minute(bencher: Bencher<'_, '_>) {
    let ids: Vec<String> = (0..100_000).map(|id| id.to_string()).collect();
    let services: Vec<String> = (0..100).map(|service| format!("service-{service}")).collect();
    let spans: Vec<traces::Span<'_>> = (0..ids.len())
        .map(|place| {
            let start = place as i64 * 1_000;
            traces::Span {
                trace: &ids[place / 10],
                id: &ids[place],
                parent: if place % 10 == 0 { "" } else { &ids[place - 1] },
                service: &services[place % 97],
                operation: "call",
                start: Timestamp(start),
                end: Timestamp(start + 10_000 - (place % 10) as i64 * 900),
                failed: place % 50 == 0,
            }
        })
        .collect();
    bencher.bench(|| traces::per_minute(&spans, &traces::Limits::default()));
}
