//! What must hold of the choice, whatever the series.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use rayon::prelude::*;

use super::*;
use crate::Random;

fn frame(n_samples: usize, value: impl Fn(usize, &mut Random) -> f64) -> Frame {
    let mut random = Random::new(12);
    Frame::univariate((0..n_samples).map(|index| value(index, &mut random)).collect())
}

fn wave(index: usize, period: f64) -> f64 {
    (index as f64 / period * std::f64::consts::TAU).sin()
}

fn daily(index: usize, random: &mut Random) -> f64 {
    5.0 * wave(index, 24.0) + random.normal()
}

#[track_caller]
fn check(frame: &Frame, grain: Option<Grain>, words: Expect) {
    words.assert_eq(&choose(frame, grain).words);
}

#[test]
fn choices_in_words() {
    check(
        &frame(3_000, |index, random| 9.0 * wave(index, 90.0).powi(7) + 0.1 * random.normal()),
        None,
        expect!["a repeating form, season of 90 samples, heavy tail: neighbours of 120 samples"],
    );
    check(
        &frame(3_000, daily),
        Some(Grain::HOUR),
        expect![
            "daily season: neighbours, subspace, usual shapes and isolation of 10 and 100 samples, matrix profile"
        ],
    );
    let mut random = Random::new(3);
    let channels: Vec<Vec<f64>> =
        (0..6).map(|_| (0..400).map(|index| daily(index, &mut random)).collect()).collect();
    check(
        &Frame::new(&channels, 200),
        None,
        expect![
            "6 channels: neighbours, subspace, usual shapes and isolation of 10 and 100 samples, matrix profile"
        ],
    );
}

#[test]
fn what_came_of_it_in_words() {
    let choice = Choice { members: each_kind(), words: "no season: all".to_owned() };
    let told = |agreement, short_share, noticed| {
        choice.words_with(&Judged { scores: Vec::new(), short_share, agreement }, noticed)
    };
    assert_eq!(
        told(Some(0.6), Some(0.8), Noticed::From(3.0)),
        "no season: all (they agree; short windows weigh most; a spike of 3 times the usual scatter would be noticed)"
    );
    assert_eq!(
        told(Some(0.3), Some(0.2), Noticed::NoneUpTo(12.0)),
        "no season: all (they agree in part; long windows weigh most; not even a spike of 12 times the usual scatter \
         would stand out)"
    );
    assert_eq!(told(Some(0.1), Some(0.5), Noticed::Unknown), "no season: all (they disagree)");
    assert_eq!(told(None, None, Noticed::Unknown), "no season: all");
}

#[test]
fn the_strangest_rows_are_those_that_were_changed() {
    let burst = 2_000..2_040;
    let changed = frame(3_000, |index, random| {
        let lift = if burst.contains(&index) { 8.0 } else { 0.0 };
        wave(index, 24.0) + lift + 0.3 * random.normal()
    });
    let scores = scores(&changed, &choose(&changed, Some(Grain::HOUR)));
    let strangest = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
    assert!((1_960..2_080).contains(&strangest), "{strangest}");
}

#[test]
fn a_louder_series_does_not_hide_a_smaller_spike_from_being_noticed() {
    let spread = |factor: f64| frame(2_000, move |index, random| factor * daily(index, random));
    let noticed = |frame: &Frame| Noticed::by(frame, &choose(frame, Some(Grain::HOUR)));
    assert_eq!(noticed(&spread(1.0)), noticed(&spread(1_024.0)));
}

#[test]
fn any_length_and_any_values_are_judged() {
    for n_samples in [0, 1, 7, 20, 150, 400] {
        for value in [0.0, -3e200, f64::NAN, f64::INFINITY] {
            let frame = Frame::univariate(vec![value; n_samples]);
            let choice = choose(&frame, None);
            let scores = scores(&frame, &choice);
            assert_eq!(scores.len(), n_samples);
            assert!(scores.iter().all(|score| score.is_finite() && *score >= 0.0), "{n_samples} {value}");
            assert_eq!(Noticed::by(&frame, &choice), Noticed::Unknown);
        }
    }
}

#[test]
fn threads_and_order_change_nothing() {
    let frames: Vec<Frame> = [70.0, 24.0, 7.0]
        .map(|period| frame(700, move |index, random| wave(index, period) + 0.3 * random.normal()))
        .into();
    let judge = |frame: &Frame| blended(frame, &choose(frame, None));
    let alone: Vec<Judged> = frames.iter().map(judge).collect();
    let backwards: Vec<Judged> = frames.iter().rev().map(judge).collect();
    assert!(alone.iter().eq(backwards.iter().rev()));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let together: Vec<Judged> = pool.install(|| frames.par_iter().map(judge).collect());
    assert_eq!(alone, together);
}

proptest! {
    // Each case is a whole ensemble or two.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn scores_are_finite_whatever_the_values(
        values in prop::collection::vec(
            prop_oneof![8 => -1e3..1e3f64, 1 => Just(f64::NAN), 1 => -1e300..1e300f64, 2 => Just(0.0)], 0..300),
        train in 0usize..200,
    ) {
        let mut frame = Frame::univariate(values);
        frame.train_samples = train;
        let judged = blended(&frame, &choose(&frame, None));
        prop_assert_eq!(judged.scores.len(), frame.n_samples());
        prop_assert!(judged.scores.iter().all(|score| score.is_finite() && *score >= 0.0));
        prop_assert!(judged.short_share.is_none_or(|share| (0.0..=1.0).contains(&share)));
        prop_assert!(judged.agreement.is_none_or(|agreement| (-1.01..=1.01).contains(&agreement)));
    }

    #[test]
    fn scale_and_shift_change_no_choice(power in -8i32..8, shift in -64i32..64, period in 10.0..200.0f64, seed: u64) {
        let factor = f64::from(power).exp2();
        let mut random = Random::new(seed);
        // Sixteenths, so that neither scale nor shift rounds them.
        let values: Vec<f64> =
            (0..600).map(|at| ((8.0 * wave(at, period) + random.normal()) * 16.0).round() / 16.0).collect();
        let moved: Vec<f64> = values.iter().map(|value| factor * (value + f64::from(shift))).collect();
        let (plain, moved) = (Frame::univariate(values), Frame::univariate(moved));
        let (choice, moved_choice) = (choose(&plain, None), choose(&moved, None));
        prop_assert_eq!(&choice.members, &moved_choice.members);
        let (plain, moved) = (blended(&plain, &choice), blended(&moved, &moved_choice));
        // All but the rounding of the last digits: neither a draw of a random number nor a bound may hang on it.
        for (at, (score, moved_score)) in plain.scores.iter().zip(&moved.scores).enumerate() {
            prop_assert!((score - moved_score).abs() < 1e-6, "row {}: {} {}", at, score, moved_score);
        }
        if let (Some(plain), Some(moved)) = (plain.agreement, moved.agreement) {
            prop_assert!((plain - moved).abs() < 1e-6, "{} {}", plain, moved);
        }
    }
}
