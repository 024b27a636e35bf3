//! How long a question takes, from the ports to the answer: 10,000 services, 50,000 events in two hours, 1,000 series of
//! the services near by with a sample a minute.
//!
//! ```text
//! cargo bench -p manazir-explain
//! ```

#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::sync::Arc;

use divan::{Bencher, black_box};
use futures_executor::block_on;
use manazir_explain::gather::{Ask, Sources};
use manazir_explain::memory::{InMemoryExplanations, InMemoryGraph};
use manazir_explain::{EventGraphStore, Explainer};
use manazir_ingest::lake::Lake;
use manazir_ingest::lake::memory::MemoryLake;
use manazir_model::{Dependency, GraphEvent, JudgedSample, Random, SeriesKey, SeriesRows, Timestamp};

fn main() {
    divan::main();
}

const SERVICES: usize = 10_000;
const EVENTS: usize = 50_000;
const SERIES: usize = 1_000;
const AT_S: i64 = 1_700_000_000;

/// A service calls six others whose numbers are larger.
fn dependencies(random: &mut Random) -> Vec<Dependency> {
    let pair = |caller: usize, callee: usize| Dependency {
        caller: format!("s{caller}"),
        callee: format!("s{callee}"),
        source: "given".to_owned(),
        from: Timestamp(i64::MIN),
        until: Timestamp(i64::MAX),
    };
    let mut calls = |caller: usize| {
        let mut callee = || caller + 1 + random.below(SERVICES - caller - 1);
        (0..6).map(|_| pair(caller, callee())).collect::<Vec<_>>()
    };
    (0..SERVICES - 1).flat_map(&mut calls).collect()
}

fn events(random: &mut Random) -> Vec<GraphEvent> {
    const TYPES: [&str; 5] = ["latency_spike", "error_spike", "high_cpu", "deploy", "config_change"];
    let mut event = |place: usize| {
        let at = Timestamp::from_seconds(AT_S - random.below(7_200) as i64);
        GraphEvent {
            id: place.to_string(),
            entity: format!("s{}", random.below(SERVICES)),
            event_type: TYPES[random.below(TYPES.len())].to_owned(),
            from: at,
            until: at,
            received_at: at,
            severity: random.uniform() as f32,
            source: "bench".to_owned(),
            ..GraphEvent::default()
        }
    };
    (0..EVENTS).map(&mut event).collect()
}

fn series(random: &mut Random) -> Vec<SeriesRows> {
    let mut one = |service: usize| {
        let labels = [("service".to_owned(), format!("s{service}"))];
        let mut sample = |minute: i64| {
            let at = Timestamp::from_seconds(AT_S + 60 * minute);
            JudgedSample::unjudged(at, 100.0 + random.normal(), at)
        };
        SeriesRows { key: SeriesKey::new("cpu_usage", labels), samples: (-240..5).map(&mut sample).collect() }
    };
    (0..SERIES).map(&mut one).collect()
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn one_question(bencher: Bencher) {
    let mut random = Random::new(7);
    let (lake, graph) = (MemoryLake::default(), InMemoryGraph::default());
    block_on(async {
        graph.add_dependencies(&dependencies(&mut random)).await.unwrap();
        graph.add_events(&events(&mut random)).await.unwrap();
        lake.append(&series(&mut random), &[]).await.unwrap();
    });
    let sources = Sources { events: Arc::new(graph), lake: Arc::new(lake) };
    let explainer = Explainer::new(sources, Arc::new(InMemoryExplanations::default()));
    let ask = Ask {
        entity: Some("s0".to_owned()),
        metric: "cpu_usage".to_owned(),
        at: Timestamp::from_seconds(AT_S),
        ..Ask::default()
    };
    bencher.bench_local(|| black_box(block_on(explainer.answer(&ask)).unwrap()));
}
