//! Explanations and verdicts.

use manazir_model::Timestamp;

use super::texts;
use crate::{
    ExplanationFilter, Explanations, NewExplanation, PersonsVerdict, REVISIONS_MAX, StoredExplanation,
};

/// Runs every check of explanations.
pub async fn check_explanations<S: Explanations>(open: impl AsyncFn() -> S) {
    come_back_as_they_were(&open().await).await;
    answers_are_revised_and_found_again(&open().await).await;
    of_many_answers_the_first_and_the_last_are_kept(&open().await).await;
    pages_are_filtered_and_the_newest_first(&open().await).await;
    a_person_has_one_word_on_a_cause(&open().await).await;
    verdicts_are_told_in_their_order(&open().await).await;
    old_ones_without_a_verdict_are_forgotten(&open().await).await;
}

/// An explanation of a number, asked for at that second.
pub fn explanation(number: u64) -> NewExplanation {
    NewExplanation {
        finding: number.is_multiple_of(2).then_some(number),
        entity: format!("host{}", number % 3),
        at: Timestamp::from_seconds(number as i64 - 100),
        by: "ann".to_owned(),
        question: format!("{{\"number\": {number}}}"),
        answer: format!("{{\"answer\": {number}}}"),
        cause_type: ["deploy", "", "disk"][number as usize % 3].to_owned(),
        cause_entity: format!("db{}", number % 2),
        created_at: Timestamp::from_seconds(number as i64),
    }
}

/// What somebody says of a cause of an explanation, at a second.
pub fn verdict(explanation: u64, cause: &str, by: &str, at: i64) -> PersonsVerdict {
    PersonsVerdict {
        explanation,
        cause: cause.to_owned(),
        confirmed: at % 2 == 0,
        comment: format!("at {at}"),
        by: by.to_owned(),
        at: Timestamp::from_seconds(at),
        lesson: "{}".to_owned(),
    }
}

async fn come_back_as_they_were(store: &impl Explanations) {
    assert_eq!(store.get(1, None).await.unwrap(), None);
    assert_eq!(store.page(&ExplanationFilter::default(), None, 9).await.unwrap(), []);
    for (number, text) in (1..).zip(texts()) {
        let finding = [None, Some(number), Some(i64::MAX as u64)][number as usize % 3];
        let what = NewExplanation {
            finding,
            entity: text.clone(),
            by: text.clone(),
            question: text.clone(),
            answer: text.clone(),
            cause_type: text.clone(),
            cause_entity: text.clone(),
            ..explanation(number)
        };
        assert_eq!(store.add(&what).await.unwrap(), number, "numbers begin with 1 and grow by 1");
        let said = PersonsVerdict {
            comment: text.clone(),
            lesson: text.clone(),
            ..verdict(number, &text, &text, 5)
        };
        assert!(store.set_verdict(&said).await.unwrap());
        let answered_at = what.created_at;
        let stored = StoredExplanation { number, revision: 0, answered_at, what, verdicts: vec![said] };
        assert_eq!(store.get(number, None).await.unwrap().as_ref(), Some(&stored));
        let is_it = [
            ExplanationFilter { entity: Some(text.clone()), ..ExplanationFilter::default() },
            ExplanationFilter { cause_type: Some(text.clone()), ..ExplanationFilter::default() },
            ExplanationFilter { cause_entity: Some(text.clone()), ..ExplanationFilter::default() },
        ];
        for filter in is_it {
            let page = store.page(&filter, None, 9).await.unwrap();
            assert_eq!(page, std::slice::from_ref(&stored), "{filter:?}");
        }
        assert!(store.take_back(number, &text, &text).await.unwrap());
    }
    assert_eq!(store.get(0, None).await.unwrap(), None);
    assert_eq!(store.get(u64::MAX, None).await.unwrap(), None);
}

async fn answers_are_revised_and_found_again(store: &impl Explanations) {
    let second = Timestamp::from_seconds;
    let first = explanation(10);
    assert_eq!(store.revise(1, "x", ("", ""), second(1)).await.unwrap(), None);
    let number = store.add(&first).await.unwrap();
    store.add(&explanation(11)).await.unwrap();
    assert_eq!(store.revise(number, "second", ("t2", "e2"), second(20)).await.unwrap(), Some(1));
    assert_eq!(store.revise(number, "third", ("", ""), second(30)).await.unwrap(), Some(2));
    let answer = |answer: &str, cause_type: &str, cause_entity: &str| NewExplanation {
        answer: answer.to_owned(),
        cause_type: cause_type.to_owned(),
        cause_entity: cause_entity.to_owned(),
        ..first.clone()
    };
    let expected = [first.clone(), answer("second", "t2", "e2"), answer("third", "", "")];
    for (as_of, revision) in [
        (Some(9), None),
        (Some(10), Some(0)),
        (Some(19), Some(0)),
        (Some(20), Some(1)),
        (Some(29), Some(1)),
        (Some(30), Some(2)),
        (None, Some(2)),
    ] {
        let found = store.get(number, as_of.map(second)).await.unwrap();
        assert_eq!(found.as_ref().map(|found| found.revision), revision, "as of {as_of:?}");
        if let Some(found) = found {
            let revision = found.revision as usize;
            assert_eq!((found.number, &found.what), (number, &expected[revision]));
            assert_eq!(found.answered_at, second([10, 20, 30][revision]));
        }
    }
    let page = store.page(&ExplanationFilter::default(), None, 9).await.unwrap();
    assert_eq!(page.iter().map(|one| one.revision).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(page[1].what, expected[2]);
    // It is found by the cause that it has now.
    let by = |cause_type: &str| ExplanationFilter {
        cause_type: Some(cause_type.to_owned()),
        ..ExplanationFilter::default()
    };
    assert_eq!(store.page(&by("t2"), None, 9).await.unwrap(), []);
    assert_eq!(store.page(&by(""), None, 9).await.unwrap().len(), 1);
    // A clock that went back: the answer is the last all the same, and was given then.
    assert_eq!(store.revise(number, "fourth", ("", ""), second(25)).await.unwrap(), Some(3));
    for (as_of, revision) in [(None, 3), (Some(25), 3), (Some(24), 1), (Some(40), 3)] {
        assert_eq!(store.get(number, as_of.map(second)).await.unwrap().unwrap().revision, revision);
    }
}

async fn of_many_answers_the_first_and_the_last_are_kept(store: &impl Explanations) {
    let number = store.add(&explanation(0)).await.unwrap();
    let last = REVISIONS_MAX + 20;
    for revision in 1..=last {
        let at = Timestamp::from_seconds(i64::from(revision));
        let given = store.revise(number, &revision.to_string(), ("", ""), at).await.unwrap();
        assert_eq!(given, Some(revision));
    }
    let mut kept = Vec::new();
    for second in 0..=i64::from(last) {
        let found = store.get(number, Some(Timestamp::from_seconds(second))).await.unwrap().unwrap();
        kept.push(found.revision);
    }
    kept.dedup();
    let expected: Vec<u32> = std::iter::once(0).chain(last + 2 - REVISIONS_MAX..=last).collect();
    assert_eq!(kept, expected);
    assert_eq!(kept.len(), REVISIONS_MAX as usize);
}

async fn pages_are_filtered_and_the_newest_first(store: &impl Explanations) {
    for number in 1..=12 {
        assert_eq!(store.add(&explanation(number)).await.unwrap(), number);
    }
    let numbers = async |filter: &ExplanationFilter, before: Option<u64>, max: usize| {
        let page = store.page(filter, before, max).await.unwrap();
        page.into_iter().map(|one| one.number).collect::<Vec<_>>()
    };
    let all = ExplanationFilter::default();
    assert_eq!(numbers(&all, None, 5).await, [12, 11, 10, 9, 8]);
    assert_eq!(numbers(&all, Some(8), 5).await, [7, 6, 5, 4, 3]);
    assert_eq!(numbers(&all, Some(3), 5).await, [2, 1]);
    assert_eq!(numbers(&all, Some(1), 5).await, [0; 0]);
    assert_eq!(numbers(&all, None, 0).await, [0; 0]);
    let text = |text: &str| Some(text.to_owned());
    let of_finding = ExplanationFilter { finding: Some(4), ..all.clone() };
    assert_eq!(numbers(&of_finding, None, 5).await, [4]);
    let about = ExplanationFilter { entity: text("host1"), ..all.clone() };
    assert_eq!(numbers(&about, None, 5).await, [10, 7, 4, 1]);
    assert_eq!(numbers(&about, Some(10), 2).await, [7, 4]);
    let both = ExplanationFilter { cause_entity: text("db1"), ..about };
    assert_eq!(numbers(&both, None, 5).await, [7, 1]);
    let none = ExplanationFilter { cause_type: text("deploy"), ..both };
    assert_eq!(numbers(&none, None, 5).await, [0; 0]);
    let without = ExplanationFilter { cause_type: text(""), ..all };
    assert_eq!(numbers(&without, None, 5).await, [10, 7, 4, 1]);
}

async fn a_person_has_one_word_on_a_cause(store: &impl Explanations) {
    assert!(!store.set_verdict(&verdict(1, "c", "ann", 1)).await.unwrap());
    let number = store.add(&explanation(1)).await.unwrap();
    let other = store.add(&explanation(2)).await.unwrap();
    let said = async || store.get(number, None).await.unwrap().unwrap().verdicts;
    let given = [(number, "c", "ann"), (number, "c", "bob"), (number, "d", "ann"), (other, "c", "ann")];
    let given: Vec<PersonsVerdict> =
        (1..).zip(given).map(|(at, (number, cause, by))| verdict(number, cause, by, at)).collect();
    for one in &given {
        assert!(store.set_verdict(one).await.unwrap());
    }
    assert_eq!(said().await, given[..3]);
    assert_eq!(store.page(&ExplanationFilter::default(), None, 9).await.unwrap()[1].verdicts, given[..3]);
    // The same person again: in place of the first word, and last.
    let again = PersonsVerdict { confirmed: true, ..verdict(number, "c", "ann", 7) };
    assert!(store.set_verdict(&again).await.unwrap());
    let now = [given[1].clone(), given[2].clone(), again.clone()];
    assert_eq!(said().await, now);
    assert!(!store.take_back(number, "d", "bob").await.unwrap());
    assert!(!store.take_back(number + 9, "c", "ann").await.unwrap());
    assert!(store.take_back(number, "c", "ann").await.unwrap());
    assert!(!store.take_back(number, "c", "ann").await.unwrap());
    assert_eq!(said().await, now[..2]);
    assert!(store.set_verdict(&again).await.unwrap());
    assert_eq!(said().await, now);
    // As of a time the answer is that of then; what people say is what they say now.
    let then = store.get(number, Some(Timestamp::from_seconds(1))).await.unwrap().unwrap();
    assert_eq!(then.verdicts, now);
}

async fn verdicts_are_told_in_their_order(store: &impl Explanations) {
    assert_eq!(store.verdicts(9).await.unwrap(), []);
    let mut given = Vec::new();
    for number in 1..=4 {
        store.add(&explanation(number)).await.unwrap();
    }
    // Their times say nothing of their order.
    for (index, number) in [3, 1, 4, 1, 2, 3].into_iter().enumerate() {
        let one = verdict(number, &index.to_string(), "ann", 50 - index as i64);
        store.set_verdict(&one).await.unwrap();
        given.push(one);
    }
    assert_eq!(store.verdicts(100).await.unwrap(), given);
    assert_eq!(store.verdicts(2).await.unwrap(), given[4..]);
    assert_eq!(store.verdicts(0).await.unwrap(), []);
    let changed = PersonsVerdict { comment: "changed".to_owned(), ..given.remove(1) };
    store.set_verdict(&changed).await.unwrap();
    given.push(changed);
    assert_eq!(store.verdicts(100).await.unwrap(), given);
}

async fn old_ones_without_a_verdict_are_forgotten(store: &impl Explanations) {
    for number in 1..=8 {
        store.add(&explanation(number)).await.unwrap();
    }
    store.revise(2, "late", ("", ""), Timestamp::from_seconds(100)).await.unwrap();
    store.set_verdict(&verdict(3, "c", "ann", 1)).await.unwrap();
    let before = Timestamp::from_seconds(7);
    assert_eq!(store.forget(before, 2).await.unwrap(), 2);
    while store.forget(before, 2).await.unwrap() > 0 {}
    let left = store.page(&ExplanationFilter::default(), None, 9).await.unwrap();
    assert_eq!(left.iter().map(|one| one.number).collect::<Vec<_>>(), [8, 7, 3]);
    assert_eq!(store.get(2, None).await.unwrap(), None);
    assert_eq!(store.revise(2, "x", ("", ""), before).await.unwrap(), None);
    assert!(store.take_back(3, "c", "ann").await.unwrap());
    assert_eq!(store.forget(Timestamp::from_seconds(100), 9).await.unwrap(), 3);
    assert_eq!(store.add(&explanation(9)).await.unwrap(), 9, "no number is given twice");
}
