//! The log of an event graph, and copies of it.

use manazir_model::{Dependency, GraphEvent, Random, Timestamp};

use super::{all_events, dependency, event, follow_all, sorted_dependencies, texts};
use crate::EventGraphStore;
use crate::memory::InMemoryGraph;
use crate::mirror::{Changes, EventGraphCopy, EventGraphLog, Place, follow};

/// Runs every check of a log.
pub async fn check_log<S: EventGraphStore + EventGraphLog>(open: impl AsyncFn() -> S) {
    changes_are_numbered_in_their_order(&open().await).await;
    a_copy_in_memory_comes_to_the_same(&open().await).await;
}

/// Runs every check of a copy.
pub async fn check_copy<S: EventGraphStore + EventGraphCopy>(open: impl AsyncFn() -> S) {
    changes_are_taken_over_once(&open().await).await;
    a_copy_follows_a_graph(&open().await).await;
}

async fn changes_are_numbered_in_their_order(store: &(impl EventGraphStore + EventGraphLog)) {
    let told = async |after: u64| -> Vec<(u64, String)> {
        let events = store.events_after(after, 100).await.unwrap();
        assert!(events.is_sorted_by(|one, other| one.0 < other.0) && events.iter().all(|one| one.0 > after));
        events.into_iter().map(|(seq, event)| (seq, event.id)).collect()
    };
    assert_eq!(told(0).await, []);
    let events: Vec<GraphEvent> = ["c", "a", "b"].map(|id| event(id, 1, 2)).into();
    store.add_events(&events).await.unwrap();
    let first = told(0).await;
    assert_eq!(first.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["c", "a", "b"]);
    assert!(first[0].0 > 0);
    assert_eq!(store.events_after(0, 2).await.unwrap().len(), 2);
    assert_eq!(told(first[1].0).await, first[2..]);
    let last = first[2].0;
    // What changes nothing is not told, what does is told with a new number, and only once.
    store.add_events(&[event("a", 1, 1), event("b", 1, 2)]).await.unwrap();
    assert_eq!(told(last).await, []);
    store.add_events(&[event("c", 1, 3), event("d", 0, 0)]).await.unwrap();
    store.add_events(&[event("c", 1, 4)]).await.unwrap();
    let later = told(last).await;
    assert_eq!(later.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["d", "c"]);
    assert_eq!(told(0).await.len(), 4);

    let spans = async |after: u64| -> Vec<Dependency> {
        let told = store.dependencies_after(after, 100).await.unwrap();
        assert!(told.is_sorted_by(|one, other| one.0 < other.0));
        told.into_iter().map(|(_, dependency)| dependency).collect()
    };
    let last = async || store.dependencies_after(0, 100).await.unwrap().last().map_or(0, |one| one.0);
    store.add_dependencies(&[dependency("a", "b", 5, 9)]).await.unwrap();
    assert_eq!(spans(0).await, [dependency("a", "b", 5, 9)]);
    let before = last().await;
    store.add_dependencies(&[dependency("a", "b", 6, 8)]).await.unwrap();
    assert_eq!(spans(before).await, []);
    store.add_dependencies(&[dependency("a", "b", 3, 5)]).await.unwrap();
    let mut joined = spans(before).await;
    joined.sort();
    assert_eq!(joined, [dependency("a", "b", 3, 9), dependency("a", "b", 5, 5)]);
    let before = last().await;
    store.end_dependency("a", "b", "given", Timestamp::from_seconds(4)).await.unwrap();
    assert_eq!(spans(before).await, [dependency("a", "b", 3, 4)]);
}

/// Adds, changes and ends a little of everything.
async fn live(random: &mut Random, store: &impl EventGraphStore) {
    let number = |random: &mut Random, below: usize| random.below(below) as i64;
    for _ in 0..1 + random.below(4) {
        let from = number(random, 50);
        let id = random.below(30).to_string();
        store.add_events(&[event(&id, from, from + number(random, 50))]).await.unwrap();
        let (from, name) = (number(random, 50), ["a", "b", "c"][random.below(3)]);
        let new = dependency(name, "db", from, from + 1 + number(random, 9));
        store.add_dependencies(&[new]).await.unwrap();
        if random.below(3) == 0 {
            let at = Timestamp::from_seconds(number(random, 50));
            store.end_dependency(name, "db", "given", at).await.unwrap();
        }
    }
}

async fn is_the_same(one: &impl EventGraphStore, other: &impl EventGraphStore) {
    assert_eq!(all_events(one).await, all_events(other).await);
    assert_eq!(sorted_dependencies(one).await, sorted_dependencies(other).await);
}

async fn a_copy_in_memory_comes_to_the_same(store: &(impl EventGraphStore + EventGraphLog)) {
    let copy = InMemoryGraph::default();
    let mut random = Random::new(3);
    for _ in 0..20 {
        live(&mut random, store).await;
        follow(store, &copy, 3).await.unwrap();
    }
    follow_all(store, &copy, 3).await;
    is_the_same(store, &copy).await;
}

async fn changes_are_taken_over_once(copy: &(impl EventGraphStore + EventGraphCopy)) {
    assert_eq!(copy.place().await.unwrap(), Place::default());
    let place = |events, dependencies| Place { events, dependencies };
    let changes = Changes {
        events: vec![event("a", 1, 5), event("b", 2, 5)],
        dependencies: vec![dependency("x", "y", 0, 9), dependency("x", "z", 1, i64::MAX)],
        place: place(7, 3),
    };
    assert_eq!(copy.take(place(0, 0), &changes).await.unwrap(), place(7, 3));
    // Whoever has not seen that is told so, and changes nothing.
    let late = Changes { events: vec![event("late", 1, 2)], place: place(8, 3), ..Changes::default() };
    assert_eq!(copy.take(place(0, 0), &late).await.unwrap(), place(7, 3));
    assert_eq!(copy.place().await.unwrap(), place(7, 3));
    assert_eq!(all_events(copy).await, changes.events);
    // The state that is told counts: an event may be shorter than before, a span, too, or gone.
    let changed = GraphEvent { entity: "other".to_owned(), target: Some("x".to_owned()), ..event("a", 0, 1) };
    let next = Changes {
        events: vec![changed.clone()],
        dependencies: vec![
            dependency("x", "y", 0, 0),
            dependency("x", "z", 1, 4),
            dependency("q", "q", 3, 3),
        ],
        place: place(9, 12),
    };
    assert_eq!(copy.take(place(7, 3), &next).await.unwrap(), place(9, 12));
    assert_eq!(all_events(copy).await, [changed, changes.events[1].clone()]);
    assert_eq!(sorted_dependencies(copy).await, [dependency("x", "z", 1, 4)]);
    // A place alone may move.
    let empty = Changes { place: place(10, 12), ..Changes::default() };
    assert_eq!(copy.take(place(9, 12), &empty).await.unwrap(), place(10, 12));
    assert_eq!(copy.place().await.unwrap(), place(10, 12));
}

async fn a_copy_follows_a_graph(copy: &(impl EventGraphStore + EventGraphCopy)) {
    let graph = InMemoryGraph::default();
    let mut random = Random::new(5);
    for text in texts() {
        let odd = GraphEvent {
            id: format!("{text}-"),
            entity: text.clone(),
            target: Some(text.clone()),
            dims: vec![(text.clone(), text.clone())],
            ..event("", 3, 4)
        };
        graph.add_events(&[odd]).await.unwrap();
        graph.add_dependencies(&[dependency(&text, "odd", 0, 1)]).await.unwrap();
    }
    for _ in 0..15 {
        live(&mut random, &graph).await;
        follow(&graph, copy, 4).await.unwrap();
    }
    follow_all(&graph, copy, 500).await;
    is_the_same(&graph, copy).await;
    assert_eq!(follow(&graph, copy, 500).await.unwrap(), 0);
}
