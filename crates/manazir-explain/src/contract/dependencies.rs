//! Dependencies.

use manazir_model::{Dependency, Timestamp};

use super::{all_dependencies, dependency, event, sorted_dependencies, texts};
use crate::EventGraphStore;

pub(super) async fn check<S: EventGraphStore>(open: &impl AsyncFn() -> S) {
    spans_become_one(&open().await).await;
    an_end_cuts_what_holds_and_what_would_come(&open().await).await;
    names_are_told_apart(&open().await).await;
    a_window_shows_what_held_in_it(&open().await).await;
    pages_are_in_order(&open().await).await;
    thousands_are_added_at_once(&open().await).await;
    those_that_ended_are_forgotten(&open().await).await;
}

/// Spans in seconds.
type Spans = &'static [(i64, i64)];

/// Spans of `a` on `b`.
fn spans(spans: &[(i64, i64)]) -> Vec<Dependency> {
    spans.iter().map(|&(from, until)| dependency("a", "b", from, until)).collect()
}

async fn spans_become_one(store: &impl EventGraphStore) {
    let steps: [(Spans, Spans); 11] = [
        (&[(10, 20)], &[(10, 20)]),
        // The same, parts of it, and what says nothing.
        (&[(10, 20), (10, 15), (15, 20), (12, 13), (30, 30), (40, 35)], &[(10, 20)]),
        // Longer at the end, touching it, then longer at the beginning.
        (&[(10, 22)], &[(10, 22)]),
        (&[(22, 25)], &[(10, 25)]),
        (&[(5, 11)], &[(5, 25)]),
        (&[(4, 5)], &[(4, 25)]),
        // Beside it, on both sides, several at once.
        (&[(30, 35), (0, 2), (40, 45)], &[(0, 2), (4, 25), (30, 35), (40, 45)]),
        (&[(26, 27), (36, 37), (27, 28)], &[(0, 2), (4, 25), (26, 28), (30, 35), (36, 37), (40, 45)]),
        // Over several of them.
        (&[(1, 3), (20, 36)], &[(0, 3), (4, 37), (40, 45)]),
        (&[(44, i64::MAX)], &[(0, 3), (4, 37), (40, i64::MAX)]),
        (&[(-10, i64::MAX)], &[(-10, i64::MAX)]),
    ];
    store.add_dependencies(&[]).await.unwrap();
    for (added, expected) in steps {
        store.add_dependencies(&spans(added)).await.unwrap();
        assert_eq!(sorted_dependencies(store).await, spans(expected), "after {added:?}");
    }
}

async fn an_end_cuts_what_holds_and_what_would_come(store: &impl EventGraphStore) {
    let end = async |at: i64| {
        store.end_dependency("a", "b", "given", Timestamp::from_seconds(at)).await.unwrap();
    };
    let other = Dependency { source: "traces".to_owned(), ..dependency("a", "b", 0, 100) };
    let reverse = dependency("b", "a", 0, 100);
    store.add_dependencies(&[other.clone(), reverse.clone()]).await.unwrap();
    let is = async |expected: &[(i64, i64)]| {
        let mut expected = spans(expected);
        expected.extend([other.clone(), reverse.clone()]);
        assert_eq!(sorted_dependencies(store).await, expected);
    };
    end(10).await;
    is(&[]).await;
    store.add_dependencies(&spans(&[(0, 10), (20, 30), (40, i64::MAX), (-5, -4)])).await.unwrap();
    end(50).await;
    is(&[(-5, -4), (0, 10), (20, 30), (40, 50)]).await;
    // An end after the end is none.
    end(60).await;
    is(&[(-5, -4), (0, 10), (20, 30), (40, 50)]).await;
    end(40).await;
    is(&[(-5, -4), (0, 10), (20, 30)]).await;
    end(25).await;
    end(5).await;
    is(&[(-5, -4), (0, 5)]).await;
    // What ended may begin again, at the same instant or at another.
    store.add_dependencies(&spans(&[(40, 45), (5, 6), (20, 21)])).await.unwrap();
    is(&[(-5, -4), (0, 6), (20, 21), (40, 45)]).await;
    end(-100).await;
    is(&[]).await;
    store.add_dependencies(&spans(&[(0, 10)])).await.unwrap();
    is(&[(0, 10)]).await;
}

async fn names_are_told_apart(store: &impl EventGraphStore) {
    let texts = texts();
    let mut expected: Vec<Dependency> = texts
        .iter()
        .zip(texts.iter().cycle().skip(1))
        .map(|(caller, callee)| Dependency { source: caller.clone(), ..dependency(caller, callee, 1, 2) })
        .collect();
    // The same letters, parted elsewhere.
    expected.extend([dependency("ab", "c", 1, 2), dependency("a", "bc", 1, 2)]);
    store.add_dependencies(&expected).await.unwrap();
    expected.sort();
    assert_eq!(sorted_dependencies(store).await, expected);
    let mut by_pages = all_dependencies(store, 1).await;
    by_pages.sort();
    assert_eq!(by_pages, expected);
    let Dependency { caller, callee, source, .. } = expected.pop().unwrap();
    store.end_dependency(&caller, &callee, &source, Timestamp(0)).await.unwrap();
    assert_eq!(sorted_dependencies(store).await, expected);
}

async fn a_window_shows_what_held_in_it(store: &impl EventGraphStore) {
    let all = [
        dependency("a", "ended before", 0, 10),
        dependency("b", "ended just after it began", 0, 11),
        dependency("c", "within", 12, 13),
        dependency("d", "over all of it", 0, i64::MAX),
        dependency("e", "began just before it ended", 19, 30),
        dependency("f", "began at its end", 20, 30),
    ];
    store.add_dependencies(&all).await.unwrap();
    let held = async |from: i64, until: i64| {
        let (from, until) = (Timestamp::from_seconds(from), Timestamp::from_seconds(until));
        store.dependencies(from, until, None, 10).await.unwrap()
    };
    assert_eq!(held(10, 20).await, all[1..5]);
    assert_eq!(held(9, 21).await, all);
    assert_eq!(held(100, 101).await, all[3..4]);
    assert_eq!(held(-2, -1).await, []);
}

async fn pages_are_in_order(store: &impl EventGraphStore) {
    let mut all = Vec::new();
    for (index, name) in ["a", "aa", "ab", "b", "ba"].into_iter().enumerate() {
        for callee in ["x", "y"] {
            for from in [40, 0, 20] {
                all.push(dependency(name, callee, from, from + 10));
            }
        }
        all.push(Dependency { source: "traces".to_owned(), ..dependency(name, "x", index as i64, i64::MAX) });
    }
    store.add_dependencies(&all).await.unwrap();
    all.sort();
    for page in [1, 2, 5, 34, 35, 36, 1_000] {
        assert_eq!(all_dependencies(store, page).await, all, "pages of {page}");
    }
    // A page goes on behind what is no longer there, too.
    let gone = dependency("aa", "x", 25, 26);
    let (from, until) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    let rest = store.dependencies(from, until, Some(&gone), 100).await.unwrap();
    assert_eq!(rest, all.iter().filter(|one| **one > gone).cloned().collect::<Vec<_>>());
    assert_eq!(store.dependencies(from, until, None, 0).await.unwrap(), []);
}

async fn thousands_are_added_at_once(store: &impl EventGraphStore) {
    let of = |n: i64, until: i64| dependency(&format!("{:05}", n % 4_000), "db", n / 4_000 * 50, until);
    let many: Vec<Dependency> = (0..8_000).map(|n| of(n, n / 4_000 * 50 + 10)).collect();
    store.add_dependencies(&many).await.unwrap();
    assert_eq!(sorted_dependencies(store).await.len(), 8_000);
    // As traces say: each still holds.
    let again: Vec<Dependency> = (0..4_000).map(|n| of(n, 50)).collect();
    store.add_dependencies(&again).await.unwrap();
    let all = sorted_dependencies(store).await;
    assert_eq!(all, (0..4_000).map(|n| dependency(&format!("{n:05}"), "db", 0, 60)).collect::<Vec<_>>());
}

async fn those_that_ended_are_forgotten(store: &impl EventGraphStore) {
    let all: Vec<Dependency> = (0..10).map(|n| dependency(&n.to_string(), "db", 0, 100 + n)).collect();
    let holds = dependency("holds", "db", 0, i64::MAX);
    store.add_dependencies(&all).await.unwrap();
    store.add_dependencies(std::slice::from_ref(&holds)).await.unwrap();
    store.add_events(&[event("old", 0, 1)]).await.unwrap();
    let mut gone = 0;
    loop {
        match store.forget(Timestamp::from_seconds(105), 2).await.unwrap() {
            0 => break,
            some => gone += some,
        }
    }
    assert_eq!(gone, 6, "five dependencies and an event");
    let mut left = all[5..].to_vec();
    left.push(holds);
    assert_eq!(sorted_dependencies(store).await, left);
}
