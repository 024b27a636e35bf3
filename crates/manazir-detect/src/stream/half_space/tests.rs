//! What must hold of half-space trees.

use manazir_model::Timestamp;
use manazir_testkit::series;

use super::*;
use crate::Random;
use crate::stream::check::{check_channel_detector, check_detector};

fn usual(n_samples: usize) -> Vec<f64> {
    let mut random = Random::new(3);
    (0..n_samples).map(|t| 50.0 + 10.0 * (t as f64 / 15.0).sin() + random.normal()).collect()
}

fn scores(detector: &mut HalfSpace, values: &[f64], learn: Learn) -> Vec<Option<f64>> {
    let sample = |value: f64| Sample { at: Timestamp(0), value };
    values.iter().map(|&value| detector.update(sample(value), learn).map(|reading| reading.score)).collect()
}

#[test]
fn is_a_detector() {
    check_detector(|| HalfSpace::from_setting(&Setting::default()));
    check_detector(|| HalfSpace::shingled(&Setting::default()));
    check_channel_detector(3, || ChannelHalfSpace::from_setting(3, &Setting::default()));
    check_channel_detector(2, || {
        ChannelHalfSpace::new(Config { shingle: 3, depth: 15, trees: 2, window: 32 }, 2, &Setting::default())
    });
}

/// The anomaly starts at 1,000; the highest score must fall into it.
#[track_caller]
fn check_peak(build: fn(&Setting) -> HalfSpace, change: &str) {
    let mut values = usual(1_100);
    let change = series(change);
    values[1_000..].iter_mut().zip(&change).for_each(|(value, change)| *value += change);
    let seen = scores(&mut build(&Setting::default()), &values, Learn::Fully);
    let score = |t: usize| seen[t].unwrap_or(0.0);
    let peak = (200..values.len()).max_by(|&left, &right| score(left).total_cmp(&score(right))).unwrap();
    assert!((1_000..1_000 + change.len() + 8).contains(&peak), "{change:?}: peak at {peak}");
}

#[test]
fn values_outside_the_usual_score_highest() {
    check_peak(HalfSpace::from_setting, "60x1");
    check_peak(HalfSpace::from_setting, "-60x1");
    check_peak(HalfSpace::from_setting, "40x60");
    check_peak(HalfSpace::shingled, "60x1");
    check_peak(HalfSpace::shingled, "15 -15 15 -15 15 -15 15 -15");
}

#[test]
fn the_range_follows_a_lasting_change_unless_frozen() {
    let after = |learn| {
        let mut detector = HalfSpace::from_setting(&Setting::default());
        scores(&mut detector, &usual(1_000), Learn::Fully);
        let moved: Vec<f64> = usual(1_000).iter().map(|value| 1e4 + 100.0 * value).collect();
        let seen = scores(&mut detector, &moved, learn);
        seen[800..].iter().map(|score| score.unwrap()).sum::<f64>() / 200.0
    };
    let (learnt, frozen) = (after(Learn::Fully), after(Learn::Frozen));
    assert!(learnt < 2.5 && frozen > 2.0 * learnt, "{learnt} learnt, {frozen} frozen");
}

#[test]
fn the_strange_channel_is_blamed_whatever_its_unit() {
    for strange in 0..4 {
        let (mut random, mut attribution) = (Random::new(9), [0.0; 4]);
        let mut detector = ChannelHalfSpace::from_setting(4, &Setting::default());
        let row = |random: &mut Random| -> [f64; 4] {
            std::array::from_fn(|channel| 10f64.powi(3 * channel as i32 - 4) * (9.0 + random.normal()))
        };
        for _ in 0..1_000 {
            detector.update(&row(&mut random), Learn::Fully, &mut attribution);
        }
        let mut odd = row(&mut random);
        odd[strange] *= 3.0;
        detector.update(&odd, Learn::Fully, &mut attribution).unwrap();
        let most = (0..4).max_by(|&left, &right| attribution[left].total_cmp(&attribution[right])).unwrap();
        assert!(most == strange && attribution[strange] > 0.4, "channel {strange}: {attribution:?}");
    }
}

#[test]
fn rows_of_a_wrong_width_are_read_as_far_as_they_go() {
    let mut detector = ChannelHalfSpace::from_setting(3, &Setting::default());
    let mut random = Random::new(2);
    for turn in 0..500 {
        let row: Vec<f64> = (0..turn % 6).map(|_| random.normal()).collect();
        let score = detector.update(&row, Learn::Fully, &mut vec![0.0; turn % 5]);
        assert!(score.is_none_or(f64::is_finite));
    }
}
