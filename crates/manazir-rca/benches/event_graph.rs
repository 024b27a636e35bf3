//! Events a second, and milliseconds an incident: `cargo bench -p manazir-rca --bench event_graph`.
//!
//! 10,000 services with 60,000 dependencies, some of which everybody needs; 100,000 live events of an hour, drawn at
//! random, and one incident among them.

use std::sync::LazyLock;

use divan::counter::ItemsCount;
use manazir_model::{Random, Timestamp};
use manazir_rca::events::{Event, EventGraph, EventId, GrootGraph, GrootRank, Method, RuleSet};
use manazir_rca::topology::EntityId;

const SERVICES: usize = 10_000;
const DEPENDENCIES: usize = 60_000;
const EVENTS: usize = 100_000;
const SECONDS: usize = 3_600;
const TYPES: [&str; 14] = [
    "latency_spike",
    "error_spike",
    "tps_drop",
    "markdown",
    "high_cpu",
    "high_gc",
    "oom",
    "disk_full",
    "db_slow",
    "third_party_error",
    "network_loss",
    "deploy",
    "config_change",
    "feature_toggle",
];

static WORLD: LazyLock<World> = LazyLock::new(World::new);

struct World {
    empty: EventGraph,
    events: Vec<Event>,
    full: EventGraph,
    alerts: Vec<EventId>,
}

fn main() {
    divan::main();
}

impl World {
    fn new() -> Self {
        let mut random = Random::new(2_108);
        let mut empty = EventGraph::new(RuleSet::standard());
        let services: Vec<EntityId> =
            (0..SERVICES).map(|number| empty.topology_mut().entity(&format!("service-{number}"))).collect();
        for _ in 0..DEPENDENCIES {
            let caller = random.below(SERVICES);
            // Callers come before callees, and the last services have the most callers.
            let callee = SERVICES - 1 - (random.uniform().powi(3) * (SERVICES - 1 - caller) as f64) as usize;
            empty.topology_mut().depends(services[caller], services[callee]);
        }
        let dims =
            ["a", "b", "c"].map(|dc| empty.vocabulary_mut().dims([("dc", dc)]).expect("room for three"));
        let mut events: Vec<Event> = (0..EVENTS)
            .map(|_| {
                let service = services[random.below(SERVICES)];
                let second = random.below(SECONDS) as i64;
                let name = TYPES[random.below(TYPES.len())];
                let mut event =
                    empty.event(service, name, Timestamp::from_seconds(second)).expect("a type of the rules");
                event.severity = random.uniform() as f32;
                event.dims = dims[random.below(dims.len())];
                event
            })
            .collect();
        events.sort_by_key(|event| event.from);
        let mut full = empty.clone();
        let ids: Vec<EventId> = events.iter().map(|event| full.add(*event).id).collect();
        let is_alert = |event: &Event| {
            matches!(full.vocabulary().type_name(event.event_type), "latency_spike" | "error_spike")
        };
        let late = ids.iter().zip(&events).skip(EVENTS / 2).filter(|(_, event)| is_alert(event));
        let alerts = late.map(|(id, _)| *id).step_by(37).take(200).collect();
        Self { empty, events, full, alerts }
    }
}

#[divan::bench]
fn ingest(bencher: divan::Bencher<'_, '_>) {
    let world = &*WORLD;
    bencher.counter(ItemsCount::new(EVENTS)).with_inputs(|| world.empty.clone()).bench_local_values(
        |mut graph| {
            for event in &world.events {
                graph.add(*event);
            }
            graph
        },
    );
}

/// With ten minutes of life: what comes in replaces what expires.
#[divan::bench]
fn ingest_and_expire(bencher: divan::Bencher<'_, '_>) {
    let world = &*WORLD;
    bencher.counter(ItemsCount::new(EVENTS)).with_inputs(|| world.empty.clone()).bench_local_values(
        |mut graph| {
            for event in &world.events {
                graph.add(*event);
                graph.expire(Timestamp(event.from.micros() - 600_000_000));
            }
            graph
        },
    );
}

/// Each sample is another alert, so that the slowest of a hundred is near the 99th percentile.
#[divan::bench(args = ["cascade", "groot"], sample_count = 200, sample_size = 1)]
fn one_incident(bencher: divan::Bencher<'_, '_>, name: &str) {
    let world = &*WORLD;
    let method = match name {
        "groot" => Method::Groot(GrootGraph::default(), GrootRank::default()),
        _ => Method::default(),
    };
    let mut alerts = world.alerts.iter().cycle();
    bencher
        .with_inputs(|| *alerts.next().expect("there are alerts"))
        .bench_local_values(|alert| world.full.rank(alert, &method).map(|answer| answer.causes.len()));
}
