//! The projection of an outbox: each entry once, whatever is repeated, and whoever comes at the same time.

use super::{OUTBOX, Truth, finding, letter};
use crate::dead_letters::{DeadLetterFilter, DeadLetters};
use crate::findings::{FindingFilter, Findings};

/// Checks a truth that is empty.
pub async fn check_projection(truth: &dyn Truth) {
    assert_eq!(truth.projected(OUTBOX).await.unwrap(), 0);
    assert_eq!(truth.apply(OUTBOX, 0, 2, &[finding(1)], &[letter(1)]).await.unwrap(), 2);
    // The same again, as after an answer that was lost; and somebody who stands elsewhere.
    assert_eq!(truth.apply(OUTBOX, 0, 2, &[finding(1)], &[letter(1)]).await.unwrap(), 2);
    assert_eq!(truth.apply(OUTBOX, 1, 3, &[finding(2)], &[]).await.unwrap(), 2);
    assert_eq!(truth.apply(OUTBOX, 7, 8, &[finding(3)], &[]).await.unwrap(), 2);
    assert_eq!(truth.projected(OUTBOX).await.unwrap(), 2);
    // Entries that show nothing move the position alone.
    assert_eq!(truth.apply(OUTBOX, 2, 5, &[], &[]).await.unwrap(), 5);
    // Two at once: one of them applies.
    let two = [finding(4), finding(5)];
    let both = futures_both(truth.apply(OUTBOX, 5, 7, &two, &[]), truth.apply(OUTBOX, 5, 7, &two, &[])).await;
    assert_eq!((both.0.unwrap(), both.1.unwrap()), (7, 7));
    let found = Findings::page(truth, &FindingFilter::default(), None, 99).await.unwrap();
    let events: Vec<(u64, &str)> =
        found.iter().map(|finding| (finding.number, finding.what.event_id.as_str())).collect();
    assert_eq!(events, [(3, "e5"), (2, "e4"), (1, "e1")]);
    let letters = DeadLetters::page(truth, &DeadLetterFilter::default(), None, 99).await.unwrap();
    assert_eq!(letters.len(), 1);
    // Another outbox has a position of its own.
    assert_eq!(truth.projected("another").await.unwrap(), 0);
    assert_eq!(truth.apply("another", 0, 1, &[], &[]).await.unwrap(), 1);
    assert_eq!(truth.projected(OUTBOX).await.unwrap(), 7);
    // More rows than a database takes in one statement.
    let many: Vec<_> = (0..2_500).map(finding).collect();
    assert_eq!(truth.apply(OUTBOX, 7, 2_507, &many, &[]).await.unwrap(), 2_507);
    let last = Findings::get(truth, 2_503).await.unwrap().unwrap();
    assert_eq!(last.what, many[2_499]);
    assert_eq!(Findings::get(truth, 2_504).await.unwrap(), None);
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
