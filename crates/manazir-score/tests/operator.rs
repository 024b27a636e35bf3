//! Average precision and what an operator feels.

use expect_test::{Expect, expect};
use manazir_score::{average_precision, operator};
use manazir_testkit::series;
use proptest::prelude::*;

/// `events`: first row and the row behind the last.
fn labels(n_samples: usize, events: &[(usize, usize)]) -> Vec<bool> {
    (0..n_samples).map(|t| events.iter().any(|&(start, end)| (start..end).contains(&t))).collect()
}

/// `scores` in the notation of `manazir_testkit::series`.
#[track_caller]
fn check(events: &[(usize, usize)], scores: &str, expect: Expect) {
    let scores = series(scores);
    let felt = operator(&labels(scores.len(), events), &scores);
    expect.assert_eq(&format!(
        "threshold {}, {} false, recall {}, delays {:?}",
        felt.threshold,
        felt.false_alarms,
        felt.event_recall(),
        felt.delays
    ));
}

#[test]
fn an_event_is_caught_at_its_first_point_above_the_threshold() {
    let event = (100, 120);
    check(&[event], "0x107 1x5 0x888", expect!["threshold 1, 0 false, recall 1, delays [7]"]);
}

#[test]
fn below_10_000_points_no_false_alarm_is_allowed() {
    let events = [(100, 120), (500, 510)];
    check(
        &events,
        "0x100 5x9 0x191 4x3 0x197 3x9 0x491",
        expect!["threshold 5, 0 false, recall 0.5, delays [0]"],
    );
}

#[test]
fn one_false_alarm_in_10_000_points_is_allowed_and_is_a_run_of_any_height() {
    let events = [(100, 120), (500, 510)];
    check(
        &events,
        "0x100 5x9 0x191 4x3 6x3 4x2 0x192 3x9 0x9491",
        expect!["threshold 3, 1 false, recall 1, delays [0, 0]"],
    );
    check(
        &events,
        "0x100 5x9 0x191 4x3 0x5 6x3 0x189 3x9 0x9491",
        expect!["threshold 5, 1 false, recall 0.5, delays [0]"],
    );
}

#[test]
fn an_alarm_that_opens_before_the_event_or_closes_after_it_is_true() {
    let event = (500, 510);
    check(&[event], "0x480 1x60 0x400", expect!["threshold 1, 0 false, recall 1, delays [0]"]);
    // Over a hundred normal points it is a nuisance, however right.
    check(&[event], "0x300 1x220 0x400", expect!["threshold inf, 0 false, recall 0, delays []"]);
}

#[test]
fn an_alarm_that_never_closes_catches_nothing() {
    check(&[(5_000, 5_010)], "1x20000", expect!["threshold inf, 0 false, recall 0, delays []"]);
}

#[test]
fn a_false_alarm_that_grows_into_an_event_is_none() {
    let event = (100, 120);
    check(&[event], "0x98 9x1 8x4 0x897", expect!["threshold 8, 0 false, recall 1, delays [0]"]);
}

#[test]
fn a_missing_score_opens_nothing() {
    check(&[(10, 20)], "_x1000", expect!["threshold inf, 0 false, recall 0, delays []"]);
}

#[test]
fn without_an_event_there_is_no_recall() {
    assert!(operator(&[false; 300], &[1.0; 300]).event_recall().is_nan());
    assert!(operator(&[], &[]).event_recall().is_nan());
    assert!(average_precision(&[false; 3], &[1.0, 2.0, 3.0]).is_nan());
}

#[test]
fn average_precision_equals_that_of_scikit_learn() {
    // average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), the example in its documentation.
    let labels = [false, false, true, true];
    assert!((average_precision(&labels, &[0.1, 0.4, 0.35, 0.8]) - 0.833_333_333_333).abs() < 1e-9);
    // A constant score is worth the share of labelled points, whatever the order.
    assert_eq!(average_precision(&labels, &[1.0; 4]), 0.5);
    // A missing score ranks last.
    assert_eq!(average_precision(&[true, false], &[f64::NAN, 0.0]), 0.5);
}

/// False alarms at one threshold, counted run by run.
fn false_alarms(labels: &[bool], scores: &[f64], threshold: f64) -> usize {
    let mut count = 0;
    let open: Vec<usize> = (0..scores.len()).filter(|&t| scores[t] >= threshold).collect();
    for alarm in open.chunk_by(|left, right| left + 1 == *right) {
        let normal = alarm.iter().filter(|&&t| !labels[t]).count();
        count += usize::from(normal == alarm.len()) + normal / 100;
    }
    count
}

proptest! {
    #[test]
    fn no_lower_threshold_would_do(
        labels in prop::collection::vec(prop::bool::weighted(0.1), 10_500),
        peaks in prop::collection::vec((0usize..10_500, 1usize..300, 0u8..9), 1..40),
    ) {
        let mut scores = vec![0.0; labels.len()];
        for (start, width, height) in peaks {
            let end = (start + width).min(scores.len());
            scores[start..end].iter_mut().for_each(|score| *score += f64::from(height));
        }
        let felt = operator(&labels, &scores);
        prop_assert_eq!(false_alarms(&labels, &scores, felt.threshold), felt.false_alarms);
        prop_assert!(felt.false_alarms <= 1);
        let mut lower: Vec<f64> = scores.iter().copied().filter(|&score| score < felt.threshold).collect();
        lower.sort_unstable_by(f64::total_cmp);
        lower.dedup();
        for threshold in lower {
            prop_assert!(false_alarms(&labels, &scores, threshold) > 1, "{threshold}");
        }
    }
}
