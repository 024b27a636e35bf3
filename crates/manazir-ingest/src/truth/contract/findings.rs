//! Findings: kept whole, searched by each of their words, judged by people.

use manazir_model::{EpisodeState, Reason, SeriesFinding, SeriesKey, Timestamp};

use super::{NAMES, Truth, add, finding};
use crate::findings::{Feedback, FindingFilter, FindingKind, Findings, NewFinding, Opinion};

/// Checks a truth that is empty.
pub async fn check_findings(truth: &dyn Truth) {
    let kept = fill(truth).await;
    come_back_whole(truth, &kept).await;
    come_in_pages(truth, kept.len() as u64).await;
    are_found_by_each_word(truth).await;
    names_match_only_themselves(truth).await;
    are_judged_by_people(truth).await;
    an_episode_is_one_finding(truth).await;
}

async fn fill(truth: &dyn Truth) -> Vec<NewFinding> {
    let mut kept: Vec<NewFinding> = (1..=20).map(finding).collect();
    for (index, name) in NAMES.iter().enumerate() {
        let name = (*name).to_owned();
        kept.push(NewFinding {
            source: name.clone(),
            event_id: name.clone(),
            request_id: name.clone(),
            actor: name.clone(),
            action: name.clone(),
            // The same twice, as a record may have it.
            resources: vec![name.clone(), format!("other {index}"), name.clone()],
            sentence: format!("It is {name} that is told"),
            reasons: Vec::new(),
            ..finding(100 + index as u64)
        });
    }
    kept.push(NewFinding {
        kind: FindingKind::Series,
        series: Some("latency{host=\"a\"}".to_owned()),
        at: Timestamp(-1),
        ended_at: Some(Timestamp(i64::from(i32::MAX))),
        resources: Vec::new(),
        // More reasons than are told, and longer texts than an index of a tree may hold.
        actor: "long ".repeat(5_000),
        reasons: (0..9)
            .map(|n| Reason { detector: format!("d{n}"), surprise: 1.0 / 3.0, text: "ß".repeat(900) })
            .collect(),
        ..finding(200)
    });
    // In two steps, as they come.
    add(truth, &kept[..7], &[]).await;
    add(truth, &kept[7..], &[]).await;
    kept
}

async fn come_back_whole(truth: &dyn Truth, kept: &[NewFinding]) {
    for (index, what) in kept.iter().enumerate() {
        let found = Findings::get(truth, index as u64 + 1).await.unwrap().unwrap();
        assert_eq!((&found.what, found.feedback), (what, None));
    }
    assert_eq!(Findings::get(truth, 0).await.unwrap(), None);
    assert_eq!(Findings::get(truth, u64::MAX).await.unwrap(), None);
}

/// Told when it opens, peaks and closes, in one step or in several; and again, as after a crash.
async fn an_episode_is_one_finding(truth: &dyn Truth) {
    let told = |state: EpisodeState, minute: i64, score: f64| {
        let at = |minute: i64| Timestamp::from_seconds(1_800_000_000 + 60 * minute);
        NewFinding::from(&SeriesFinding {
            series: SeriesKey::new("load", [("actor".to_owned(), "build".to_owned())]),
            state,
            start_at: at(0),
            end_at: at(minute),
            peak_at: at(minute),
            received_at: at(minute),
            direction: None,
            observed: 9.0,
            expected: 1.0,
            lower: 0.5,
            upper: 1.5,
            score,
            p_value: 0.001,
            detector: "level".to_owned(),
            sentence: format!("load for {minute} minutes"),
        })
    };
    let filter = FindingFilter {
        actor: Some("build".to_owned()),
        action: Some("load".to_owned()),
        ..Default::default()
    };
    let (opened, peaked) = (told(EpisodeState::Opened, 0, 5.0), told(EpisodeState::Peaked, 3, 9.0));
    add(truth, &[opened.clone(), peaked.clone()], &[]).await;
    let [number] = numbers(truth, &filter, None, 9).await[..] else { panic!("one episode, one finding") };
    let said = Feedback {
        verdict: Opinion::Confirmed,
        comment: String::new(),
        by: "Ada".to_owned(),
        at: Timestamp::from_seconds(1_800_000_200),
    };
    assert!(truth.set_feedback(number, Some(&said)).await.unwrap());
    let closed = told(EpisodeState::Closed, 7, 9.5);
    let late = told(EpisodeState::Late, 0, 6.0);
    add(truth, &[closed.clone(), late], &[]).await;
    add(truth, std::slice::from_ref(&closed), &[]).await;
    assert_eq!(numbers(truth, &filter, None, 9).await, [number + 1, number], "a late sample is told apart");
    let found = Findings::get(truth, number).await.unwrap().unwrap();
    let expected = NewFinding { first_seen_at: opened.first_seen_at, ..closed };
    assert_eq!((found.what, found.feedback), (expected, Some(said)));
    let words = FindingFilter { words: Some("7 minutes".to_owned()), ..filter };
    assert_eq!(numbers(truth, &words, None, 9).await, [number]);
}

async fn numbers(truth: &dyn Truth, filter: &FindingFilter, before: Option<u64>, max: usize) -> Vec<u64> {
    let found = Findings::page(truth, filter, before, max).await.unwrap();
    found.into_iter().map(|finding| finding.number).collect()
}

async fn come_in_pages(truth: &dyn Truth, last: u64) {
    let all = FindingFilter::default();
    assert_eq!(numbers(truth, &all, None, 3).await, [last, last - 1, last - 2]);
    assert_eq!(numbers(truth, &all, Some(3), 9).await, [2, 1]);
    assert_eq!(numbers(truth, &all, Some(1), 9).await, [0; 0]);
    assert_eq!(numbers(truth, &all, Some(u64::MAX), 1).await, [last]);
}

async fn are_found_by_each_word(truth: &dyn Truth) {
    let all = FindingFilter::default;
    let some = |text: &str| Some(text.to_owned());
    let at = |number: i64| Some(Timestamp::from_seconds(1_700_000_000 + number));
    let cases: [(&[u64], FindingFilter); 13] = [
        (&[7], FindingFilter { request_id: some("r7"), ..all() }),
        (&[8], FindingFilter { event_id: some("e8"), ..all() }),
        (&[9], FindingFilter { actor: some("role9"), ..all() }),
        (&[10], FindingFilter { resource: some("asset10"), ..all() }),
        (&[35], FindingFilter { kind: Some(FindingKind::Series), ..all() }),
        (&[35], FindingFilter { detector: some("d0"), ..all() }),
        (&[4, 3], FindingFilter { from: at(3), until: at(5), ..all() }),
        (&[35, 34], FindingFilter { score_min: Some(113.1), ..all() }),
        (
            &[20],
            FindingFilter {
                action: some("iam:CreateUser"),
                score_min: Some(20.1),
                kind: Some(FindingKind::Event),
                ..all()
            },
        ),
        (&[5], FindingFilter { words: some("role-5 NEVER"), ..all() }),
        (&[], FindingFilter { words: some("nobody said this"), ..all() }),
        (&[], FindingFilter { actor: some("role9"), request_id: some("r8"), ..all() }),
        (&[6], FindingFilter { source: some("plain"), feedback: Some(None), actor: some("role6"), ..all() }),
    ];
    for (expected, filter) in cases {
        assert_eq!(numbers(truth, &filter, None, 100).await, expected, "{filter:?}");
    }
}

async fn names_match_only_themselves(truth: &dyn Truth) {
    let other_actions = FindingFilter { source: Some("plain".to_owned()), ..FindingFilter::default() };
    let plain = numbers(truth, &other_actions, None, 100).await;
    for (index, name) in NAMES.iter().enumerate() {
        let (name, number) = (Some((*name).to_owned()), 21 + index as u64);
        let all = FindingFilter::default;
        let filters = [
            FindingFilter { source: name.clone(), ..all() },
            FindingFilter { event_id: name.clone(), ..all() },
            FindingFilter { request_id: name.clone(), ..all() },
            FindingFilter { actor: name.clone(), ..all() },
            FindingFilter { action: name.clone(), ..all() },
        ];
        for filter in filters {
            assert_eq!(numbers(truth, &filter, None, 100).await, [number], "{filter:?}");
        }
        let by_resource = FindingFilter { resource: name.clone(), ..all() };
        let mut found = numbers(truth, &by_resource, None, 100).await;
        found.retain(|number| !plain.contains(number));
        assert_eq!(found, [number], "{by_resource:?}");
        // A part of the name finds nothing, the whole of it the sentence that holds it.
        let words = FindingFilter { words: name.map(|name| format!("is {name} that")), ..all() };
        assert_eq!(numbers(truth, &words, None, 100).await, [number], "{words:?}");
    }
}

async fn are_judged_by_people(truth: &dyn Truth) {
    let feedback = |verdict, seconds| Feedback {
        verdict,
        comment: NAMES[7].to_owned(),
        by: NAMES[10].to_owned(),
        at: Timestamp::from_seconds(seconds),
    };
    let with = |verdict| FindingFilter { feedback: Some(verdict), ..FindingFilter::default() };
    let (yes, no) = (feedback(Opinion::Confirmed, 1), feedback(Opinion::Rejected, 2));
    assert!(truth.set_feedback(3, Some(&no)).await.unwrap());
    assert!(truth.set_feedback(3, Some(&yes)).await.unwrap(), "a later verdict takes its place");
    assert!(truth.set_feedback(4, Some(&no)).await.unwrap());
    assert_eq!(Findings::get(truth, 3).await.unwrap().unwrap().feedback, Some(yes));
    assert_eq!(numbers(truth, &with(Some(Opinion::Confirmed)), None, 9).await, [3]);
    assert_eq!(numbers(truth, &with(Some(Opinion::Rejected)), None, 9).await, [4]);
    assert!(truth.set_feedback(4, None).await.unwrap());
    assert_eq!(Findings::get(truth, 4).await.unwrap().unwrap().feedback, None);
    assert_eq!(numbers(truth, &with(Some(Opinion::Rejected)), None, 9).await, [0; 0]);
    assert_eq!(numbers(truth, &with(None), None, 100).await.len(), 34);
    assert!(!truth.set_feedback(99, None).await.unwrap(), "there is no such finding");
}
