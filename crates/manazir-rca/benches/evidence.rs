//! Evidence of many series: `cargo bench -p manazir-rca --bench evidence`.

use divan::Bencher;
use divan::counter::ItemsCount;
use manazir_model::Random;
use manazir_rca::evidence::{Incident, Kind, Series, Statistic, rank, shifts};
use manazir_rca::topology::{EntityId, Topology};

fn main() {
    divan::main();
}

const N_SERIES: usize = 10_000;
const N_SAMPLES: usize = 60;
const SERIES_PER_ENTITY: usize = 10;
const WINDOW: (usize, usize) = (56, 60);
const HISTORY: [(usize, usize); 1] = [(0, 55)];

/// Entities in a tree of ten callees each.
fn topology() -> Topology {
    let mut topology = Topology::default();
    let entities: Vec<EntityId> = (0..N_SERIES / SERIES_PER_ENTITY)
        .map(|entity| topology.entity(&format!("entity {entity}")))
        .collect();
    for place in 1..entities.len() {
        topology.depends(entities[place / 10], entities[place]);
    }
    topology
}

fn values() -> Vec<Vec<f64>> {
    let mut random = Random::new(7);
    (0..N_SERIES).map(|_| (0..N_SAMPLES).map(|_| 100.0 + 10.0 * random.normal()).collect()).collect()
}

fn series<'a>(values: &'a [Vec<f64>], names: &'a [String]) -> Vec<Series<'a>> {
    let one = |(place, values): (usize, &'a Vec<f64>)| Series {
        entity: EntityId((place / SERIES_PER_ENTITY) as u32),
        caller: None,
        metric: &names[place % SERIES_PER_ENTITY],
        statistic: Statistic::Mean,
        kind: if place.is_multiple_of(2) { Kind::Resource } else { Kind::Latency },
        values,
    };
    values.iter().enumerate().map(one).collect()
}

fn run(bencher: Bencher<'_, '_>, work: impl Fn(&Incident<'_>) + Sync) {
    let (topology, values) = (topology(), values());
    let names: Vec<String> = (0..SERIES_PER_ENTITY).map(|metric| format!("metric {metric}")).collect();
    let series = series(&values, &names);
    let incident =
        Incident { series: &series, topology: &topology, window: WINDOW, history: &HISTORY, alert: None };
    bencher.counter(ItemsCount::new(N_SERIES)).bench_local(|| work(divan::black_box(&incident)));
}

/// The shifts alone.
#[divan::bench]
fn shifts_of_10_000_series(bencher: Bencher<'_, '_>) {
    run(bencher, |incident| drop(divan::black_box(shifts(incident))));
}

/// From series to a ranking with reasons.
#[divan::bench]
fn ranking_of_10_000_series(bencher: Bencher<'_, '_>) {
    run(bencher, |incident| drop(divan::black_box(rank(incident))));
}
