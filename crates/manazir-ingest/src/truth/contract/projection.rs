//! The projection of an outbox: each entry once, whatever is repeated, and whoever comes at the same time.

use manazir_model::{GraphEvent, Timestamp};

use super::{OUTBOX, Truth, finding, letter};
use crate::dead_letters::{DeadLetterFilter, DeadLetters};
use crate::findings::{FindingFilter, Findings};

/// Checks a truth that is empty; `happened` reads the events of the graph from it, in the order of their identities.
pub async fn check_projection(truth: &dyn Truth, happened: impl AsyncFn() -> Vec<GraphEvent>) {
    assert_eq!(truth.projected(OUTBOX).await.unwrap(), 0);
    assert_eq!(truth.apply(OUTBOX, 0, 2, &[finding(1)], &[letter(1)], &[]).await.unwrap(), 2);
    // The same again, as after an answer that was lost; and somebody who stands elsewhere.
    assert_eq!(truth.apply(OUTBOX, 0, 2, &[finding(1)], &[letter(1)], &[]).await.unwrap(), 2);
    assert_eq!(truth.apply(OUTBOX, 1, 3, &[finding(2)], &[], &[]).await.unwrap(), 2);
    assert_eq!(truth.apply(OUTBOX, 7, 8, &[finding(3)], &[], &[]).await.unwrap(), 2);
    assert_eq!(truth.projected(OUTBOX).await.unwrap(), 2);
    // Entries that show nothing move the position alone.
    assert_eq!(truth.apply(OUTBOX, 2, 5, &[], &[], &[]).await.unwrap(), 5);
    // Two at once: one of them applies.
    let two = [finding(4), finding(5)];
    let both =
        futures_both(truth.apply(OUTBOX, 5, 7, &two, &[], &[]), truth.apply(OUTBOX, 5, 7, &two, &[], &[]))
            .await;
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (7, 7));
    let found = Findings::page(truth, &FindingFilter::default(), None, 99).await.unwrap();
    let events: Vec<(u64, &str)> =
        found.iter().map(|finding| (finding.number, finding.what.event_id.as_str())).collect();
    assert_eq!(events, [(3, "e5"), (2, "e4"), (1, "e1")]);
    let letters = DeadLetters::page(truth, &DeadLetterFilter::default(), None, 99).await.unwrap();
    assert_eq!(letters.len(), 1);
    // Another outbox has a position of its own.
    assert_eq!(truth.projected("another").await.unwrap(), 0);
    assert_eq!(truth.apply("another", 0, 1, &[], &[], &[]).await.unwrap(), 1);
    assert_eq!(truth.projected(OUTBOX).await.unwrap(), 7);
    // More rows than a database takes in one statement.
    let many: Vec<_> = (0..2_500).map(finding).collect();
    assert_eq!(truth.apply(OUTBOX, 7, 2_507, &many, &[], &[]).await.unwrap(), 2_507);
    let last = Findings::get(truth, 2_503).await.unwrap().unwrap();
    assert_eq!(last.what, many[2_499]);
    assert_eq!(Findings::get(truth, 2_504).await.unwrap(), None);
    // An event of the graph is one, however often it is told; the last that was seen counts.
    assert_eq!(happened().await, []);
    let told = [graph_event("web", 5), graph_event("db", 9), graph_event("web", 7)];
    assert_eq!(truth.apply(OUTBOX, 2_507, 2_510, &[], &[], &told).await.unwrap(), 2_510);
    assert_eq!(truth.apply(OUTBOX, 2_507, 2_510, &[], &[], &told).await.unwrap(), 2_510);
    assert_eq!(truth.apply(OUTBOX, 2_510, 2_511, &[], &[], &[graph_event("web", 6)]).await.unwrap(), 2_511);
    // Told by somebody who stands elsewhere, it is not told.
    assert_eq!(truth.apply(OUTBOX, 9, 10, &[], &[], &[graph_event("cart", 2)]).await.unwrap(), 2_511);
    let web = GraphEvent { received_at: graph_event("web", 5).received_at, ..graph_event("web", 7) };
    assert_eq!(happened().await, [graph_event("db", 9), web]);
}

/// What happened to `entity`, seen from second 1 to second `until`.
pub fn graph_event(entity: &str, until: i64) -> GraphEvent {
    GraphEvent {
        id: format!("test/{entity}"),
        entity: entity.to_owned(),
        event_type: "latency_spike".to_owned(),
        from: Timestamp::from_seconds(1),
        until: Timestamp::from_seconds(until),
        received_at: Timestamp::from_seconds(until + 1),
        severity: 0.5,
        target: None,
        dims: vec![("zone".to_owned(), "b".to_owned())],
        source: "test".to_owned(),
        sentence: format!("{entity} was slow until {until}"),
    }
}

/// Polls two futures side by side until both are done.
async fn futures_both<A, B>(one: A, other: B) -> (A::Output, B::Output)
where
    A: Future,
    B: Future,
{
    let (mut one, mut other) = (Box::pin(one), Box::pin(other));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(move |context| {
        if first.is_none() {
            first = ready(one.as_mut().poll(context));
        }
        if second.is_none() {
            second = ready(other.as_mut().poll(context));
        }
        match (first.take(), second.take()) {
            (Some(one), Some(other)) => std::task::Poll::Ready((one, other)),
            unfinished => {
                (first, second) = unfinished;
                std::task::Poll::Pending
            }
        }
    })
    .await
}

fn ready<T>(poll: std::task::Poll<T>) -> Option<T> {
    match poll {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
