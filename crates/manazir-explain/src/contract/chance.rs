//! Whatever is done to a store comes to the same as in memory.

use manazir_model::{Dependency, GraphEvent, Random, Timestamp};

use super::{all_events, dependency, event, sorted_dependencies};
use crate::memory::InMemoryGraph;
use crate::{EventGraphStore, EventQuery};

/// Runs of so many steps.
const RUNS: u64 = 6;
const STEPS: usize = 25;

pub(super) async fn check<S: EventGraphStore>(open: &impl AsyncFn() -> S) {
    for seed in 0..RUNS {
        let (store, twin) = (open().await, InMemoryGraph::default());
        let mut random = Random::new(seed);
        for step in 0..STEPS {
            do_something(&mut random, &store, &twin).await;
            let of = format!("seed {seed}, step {step}");
            assert_eq!(all_events(&store).await, all_events(&twin).await, "{of}");
            assert_eq!(sorted_dependencies(&store).await, sorted_dependencies(&twin).await, "{of}");
            let (from, until) = (second(&mut random), second(&mut random));
            let as_of = (random.below(2) == 0).then(|| second(&mut random));
            let query = EventQuery { from, until, as_of, max: 1_000 };
            assert_eq!(store.events(&query).await.unwrap(), twin.events(&query).await.unwrap(), "{of}");
            let held = async |graph: &dyn EventGraphStore| graph.dependencies(from, until, None, 1_000).await;
            assert_eq!(held(&store).await.unwrap(), held(&twin).await.unwrap(), "{of}");
        }
    }
}

fn second(random: &mut Random) -> Timestamp {
    Timestamp::from_seconds(random.below(40) as i64)
}

fn any_event(random: &mut Random) -> GraphEvent {
    let from = random.below(30) as i64;
    let length = [0, 1, 5, 100, 5_000, 100_000][random.below(6)];
    let severity = random.below(5) as f32 / 4.0;
    GraphEvent { severity, ..event(&random.below(12).to_string(), from, from + length) }
}

fn any_dependency(random: &mut Random) -> Dependency {
    let name = |random: &mut Random| ["a", "b", "c"][random.below(3)];
    let (caller, callee) = (name(random), name(random));
    let (from, length) = (random.below(30) as i64, random.below(9) as i64 - 1);
    let until = if random.below(12) == 0 { i64::MAX } else { from + length };
    dependency(caller, callee, from, until)
}

async fn do_something(random: &mut Random, store: &impl EventGraphStore, twin: &InMemoryGraph) {
    let count = random.below(6);
    match random.below(7) {
        0..3 => {
            let events: Vec<GraphEvent> = (0..count).map(|_| any_event(random)).collect();
            store.add_events(&events).await.unwrap();
            twin.add_events(&events).await.unwrap();
        }
        3..5 => {
            let dependencies: Vec<Dependency> = (0..count).map(|_| any_dependency(random)).collect();
            store.add_dependencies(&dependencies).await.unwrap();
            twin.add_dependencies(&dependencies).await.unwrap();
        }
        5 => {
            let (of, at) = (any_dependency(random), second(random));
            for graph in [store as &dyn EventGraphStore, twin] {
                graph.end_dependency(&of.caller, &of.callee, &of.source, at).await.unwrap();
            }
        }
        _ => {
            // All that is old: of a part of it each store may take another.
            let before = Timestamp::from_seconds(random.below(15) as i64);
            for graph in [store as &dyn EventGraphStore, twin] {
                while graph.forget(before, 1_000).await.unwrap() > 0 {}
            }
        }
    }
}
