//! Dead letters: kept as they came, repaired, sent again or given up, and not more of them than may be.

use manazir_model::Timestamp;

use super::{NAMES, Truth, add, finding, letter};
use crate::Format;
use crate::dead_letters::{DeadLetterEntry, DeadLetterFilter, DeadLetters, Kept, LetterState, NewDeadLetter};
use crate::findings::{Feedback, FindingFilter, Findings, Opinion};

/// What [`check_bounds`] is to be given.
pub const KEPT: Kept = Kept { dead_letters_max: 6, dead_letter_bytes_max: 100, findings_max: 5 };

/// Checks a truth that is empty.
pub async fn check_dead_letters(truth: &dyn Truth) {
    come_back_as_they_came(truth).await;
    are_found(truth).await;
    change_while_they_wait(truth).await;
}

async fn come_back_as_they_came(truth: &dyn Truth) {
    truth.add(&[]).await.unwrap();
    let first: Vec<NewDeadLetter> = (1..=5).map(letter).collect();
    truth.add(&first).await.unwrap();
    // Those of the outbox and those that were refused at the door are one list.
    add(truth, &[finding(1)], &[letter(6)]).await;
    let odd = NewDeadLetter { source: NAMES[11].to_owned(), format: Format::CloudTrail, ..letter(7) };
    truth.add(std::slice::from_ref(&odd)).await.unwrap();
    // What a queue delivers once more is the same letter.
    truth.add(&[letter(3)]).await.unwrap();
    add(truth, &[], &[letter(6)]).await;
    let expected = DeadLetterEntry {
        number: 7,
        source: odd.source.clone(),
        id: odd.id.clone(),
        format: odd.format,
        body_bytes: odd.body.len() as u64,
        reason: odd.reason.clone(),
        received_at: odd.received_at,
        attempts: 0,
        replayed_at: None,
        discarded_at: None,
    };
    assert_eq!(DeadLetters::get(truth, 7).await.unwrap(), Some(expected));
    assert_eq!(truth.body(7).await.unwrap(), Some(odd.body));
    assert_eq!(DeadLetters::get(truth, 8).await.unwrap(), None);
    assert_eq!(truth.body(8).await.unwrap(), None);
}

async fn numbers(truth: &dyn Truth, filter: &DeadLetterFilter, before: Option<u64>, max: usize) -> Vec<u64> {
    let found = DeadLetters::page(truth, filter, before, max).await.unwrap();
    found.into_iter().map(|letter| letter.number).collect()
}

async fn are_found(truth: &dyn Truth) {
    let all = DeadLetterFilter::default;
    let at = |seconds| Some(Timestamp::from_seconds(seconds));
    assert_eq!(numbers(truth, &all(), None, 2).await, [7, 6]);
    assert_eq!(numbers(truth, &all(), Some(3), 9).await, [2, 1]);
    let cases: [(&[u64], DeadLetterFilter); 5] = [
        (&[7], DeadLetterFilter { source: Some(NAMES[11].to_owned()), ..all() }),
        (&[4], DeadLetterFilter { id: Some("e4".to_owned()), ..all() }),
        (&[3, 2], DeadLetterFilter { from: at(2), until: at(4), ..all() }),
        (&[5], DeadLetterFilter { words: Some("ITEM 5: 50%_of".to_owned()), ..all() }),
        (&[], DeadLetterFilter { words: Some("item_5".to_owned()), ..all() }),
    ];
    for (expected, filter) in cases {
        assert_eq!(numbers(truth, &filter, None, 9).await, expected, "{filter:?}");
    }
}

async fn change_while_they_wait(truth: &dyn Truth) {
    let at = Timestamp::from_seconds(99);
    assert!(truth.repair(1, b"{}").await.unwrap());
    assert!(truth.mark_failed(1, "RoleID is missing").await.unwrap());
    let failed = DeadLetters::get(truth, 1).await.unwrap().unwrap();
    let seen = (failed.attempts, failed.body_bytes, failed.reason.as_str());
    assert_eq!(seen, (1, 2, "RoleID is missing"));
    assert_eq!(truth.body(1).await.unwrap(), Some(b"{}".to_vec()));
    assert!(truth.mark_replayed(1, at).await.unwrap());
    assert!(truth.discard(2, at).await.unwrap());
    for (number, state) in
        [(1, LetterState::Replayed), (2, LetterState::Discarded), (3, LetterState::Waiting)]
    {
        assert_eq!(DeadLetters::get(truth, number).await.unwrap().unwrap().state(), state);
        let filter =
            DeadLetterFilter { state: Some(state), until: Some(Timestamp::from_seconds(4)), ..all() };
        assert_eq!(numbers(truth, &filter, None, 9).await, [number]);
    }
    // What no longer waits is not touched, and neither is what was never there.
    for number in [1, 2, 99] {
        let before = DeadLetters::get(truth, number).await.unwrap();
        assert!(!truth.repair(number, b"[]").await.unwrap());
        assert!(!truth.mark_failed(number, "").await.unwrap());
        assert!(!truth.mark_replayed(number, at).await.unwrap());
        assert!(!truth.discard(number, at).await.unwrap());
        assert_eq!(DeadLetters::get(truth, number).await.unwrap(), before);
    }
    assert_eq!(DeadLetters::get(truth, 1).await.unwrap().unwrap().attempts, 2);
}

fn all() -> DeadLetterFilter {
    DeadLetterFilter::default()
}

/// Checks a truth that is empty and keeps no more than [`KEPT`].
pub async fn check_bounds(truth: &dyn Truth) {
    // By count: the oldest go, in one step or in several.
    let letters: Vec<NewDeadLetter> = (1..=9).map(letter).collect();
    truth.add(&letters).await.unwrap();
    assert_eq!(numbers(truth, &all(), None, 99).await, [9, 8, 7, 6, 5, 4]);
    add(truth, &[], &[letter(10)]).await;
    assert_eq!(numbers(truth, &all(), None, 99).await, [10, 9, 8, 7, 6, 5]);
    assert_eq!(truth.dropped().await.unwrap(), 4);
    // By size: 60 bytes and 45 are more than 100.
    let large = |number, bytes| NewDeadLetter { body: vec![b'x'; bytes], ..letter(number) };
    truth.add(&[large(11, 60)]).await.unwrap();
    assert_eq!(numbers(truth, &all(), None, 99).await, [11, 10, 9, 8, 7, 6]);
    truth.add(&[large(12, 45)]).await.unwrap();
    assert_eq!(numbers(truth, &all(), None, 99).await, [12]);
    // Larger than all that is kept: even it goes, and it is counted.
    truth.add(&[large(13, 101)]).await.unwrap();
    assert_eq!(numbers(truth, &all(), None, 99).await, [0; 0]);
    assert_eq!(truth.dropped().await.unwrap(), 13);

    // Of findings, what a person said is kept for good.
    add(truth, &(1..=5).map(finding).collect::<Vec<_>>(), &[]).await;
    let by = Feedback {
        verdict: Opinion::Confirmed,
        comment: String::new(),
        by: "ann".to_owned(),
        at: Timestamp(0),
    };
    assert!(truth.set_feedback(2, Some(&by)).await.unwrap());
    add(truth, &(6..=9).map(finding).collect::<Vec<_>>(), &[]).await;
    let found = Findings::page(truth, &FindingFilter::default(), None, 99).await.unwrap();
    let numbers: Vec<u64> = found.into_iter().map(|finding| finding.number).collect();
    assert_eq!(numbers, [9, 8, 7, 6, 5, 2]);
}
