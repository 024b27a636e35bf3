//! What every batch detector keeps, and what each is for.

use proptest::prelude::*;

use super::*;
use crate::Random;

/// Where the highest score lies, as a share of the scores that are lower than those of the anomaly.
#[track_caller]
fn check_finds(detector: &str, frame: &Frame, anomaly: std::ops::Range<usize>) {
    let info = BATCH_DETECTORS.iter().find(|info| info.name == detector).expect("detector of that name");
    let scores = (info.run)(frame, 7);
    let strangest = (0..scores.len()).max_by(|&left, &right| scores[left].total_cmp(&scores[right])).unwrap();
    assert!(anomaly.contains(&strangest), "{detector}: {strangest} is strangest, not within {anomaly:?}");
}

fn noisy(n_samples: usize, noise: f64, shape: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut random = Random::new(9);
    (0..n_samples).map(|t| shape(t) + noise * random.normal()).collect()
}

fn wave(t: usize, period: f64) -> f64 {
    (t as f64 * std::f64::consts::TAU / period).sin()
}

/// A beat every fifty samples.
fn beat(t: usize) -> f64 {
    (-(((t % 50) as f64 - 20.0) / 3.0).powi(2)).exp()
}

const EVERY_WINDOW_METHOD: [&str; 8] = [
    "k_means_short",
    "k_means_long",
    "sub_pca_short",
    "sub_pca_long",
    "isolation_forest_short",
    "isolation_forest_long",
    "knn_lag_short",
    "knn_lag_long",
];

#[test]
fn a_spike_on_noise() {
    let frame = Frame::univariate(noisy(1_000, 1.0, |t| 12.0 * f64::from(t == 640)));
    for detector in ["zmax", "tails", "polynomial", "spectral_residual", "seasonal_residual"] {
        check_finds(detector, &frame, 640..641);
    }
    for detector in ["k_means_short", "sub_pca_short", "isolation_forest_short", "knn_lag_short"] {
        check_finds(detector, &frame, 625..656);
    }
}

#[test]
fn a_small_spike_in_the_valley_of_a_season() {
    let frame = Frame::univariate(noisy(1_200, 0.05, |t| wave(t, 48.0) + 1.2 * f64::from(t == 612)));
    for detector in ["polynomial", "seasonal_residual"] {
        check_finds(detector, &frame, 612..613);
    }
    for detector in ["sub_pca_short", "knn_lag_short", "k_means_short"] {
        check_finds(detector, &frame, 598..627);
    }
}

#[test]
fn a_level_that_shifts_for_a_while() {
    let frame = Frame::univariate(noisy(1_500, 1.0, |t| 6.0 * f64::from((900..960).contains(&t))));
    for detector in ["change_points", "isolation_forest_short", "isolation_forest_long"] {
        check_finds(detector, &frame, 880..980);
    }
}

#[test]
fn a_burst_of_noise() {
    let frame = Frame::univariate(noisy(2_000, 0.2, |t| {
        if (1_200..1_260).contains(&t) { [2.0, -2.0][t % 2] } else { wave(t, 400.0) }
    }));
    for detector in EVERY_WINDOW_METHOD {
        check_finds(detector, &frame, 1_150..1_310);
    }
}

#[test]
fn a_beat_that_is_missing() {
    let frame = Frame::univariate(noisy(3_000, 0.02, |t| if t / 50 == 33 { 0.0 } else { beat(t) }));
    for detector in ["k_means_long", "sub_pca_long", "knn_lag_long", "matrix_profile"] {
        check_finds(detector, &frame, 1_600..1_750);
    }
}

#[test]
fn channels_that_part() {
    // Each stays inside its own range; only together they are odd.
    let load = |t: usize| wave(t, 37.0) + wave(t, 91.0);
    let first = noisy(2_000, 0.05, load);
    let second: Vec<f64> =
        noisy(2_000, 0.06, |t| if (1_500..1_530).contains(&t) { -load(t) } else { load(t) });
    let frame = Frame::new(&[first, second], 1_000);
    for detector in ["sub_pca_short", "sub_pca_long", "knn_lag_short", "knn_lag_long"] {
        check_finds(detector, &frame, 1_450..1_580);
    }
}

#[test]
fn what_the_train_rows_show_is_usual() {
    // The shift is in half of the rows; only the split tells which half is the strange one.
    let values = noisy(2_000, 1.0, |t| 8.0 * f64::from(t >= 1_000));
    let frame = Frame::new(&[values], 1_000);
    for detector in ["zmax", "tails", "sub_pca_short", "knn_lag_short"] {
        check_finds(detector, &frame, 995..2_000);
    }
}

#[test]
fn a_gap_is_neither_strange_nor_contagious() {
    let mut values = noisy(800, 1.0, |t| 5.0 * wave(t, 40.0));
    values[300..330].fill(f64::NAN);
    let frame = Frame::univariate(values);
    for info in BATCH_DETECTORS {
        let scores = (info.run)(&frame, 1);
        let mut sorted = scores.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(scores[300..330].iter().all(|score| *score <= sorted[600]), "{}", info.name);
    }
}

#[track_caller]
fn check_contract(frame: &Frame) {
    for info in BATCH_DETECTORS {
        let scores = (info.run)(frame, 3);
        assert_eq!(scores.len(), frame.n_samples(), "{}", info.name);
        assert!(scores.iter().all(|score| score.is_finite() && *score >= 0.0), "{}", info.name);
        assert_eq!(scores, (info.run)(frame, 3), "{} is not deterministic", info.name);
    }
}

#[test]
fn short_and_constant_series() {
    for n_samples in 0..21 {
        check_contract(&Frame::univariate(vec![7.0; n_samples]));
        check_contract(&Frame::univariate(vec![f64::NAN; n_samples]));
        check_contract(&Frame::new(
            &[noisy(n_samples, 1.0, |_| 0.0), vec![f64::INFINITY; n_samples]],
            n_samples / 2,
        ));
    }
    check_contract(&Frame::univariate(vec![-3.0; 500]));
    check_contract(&Frame::new(&[], 0));
    check_contract(&Frame::new(&[vec![1.0; 200]], 9_999));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_frame_gets_sane_scores(
        rows in prop::collection::vec([cell(), cell()], 0..400),
        train_share in 0.0..1.0f64,
        period in prop::option::of(0usize..500),
    ) {
        let channels: Vec<Vec<f64>> = (0..2).map(|k| rows.iter().map(|row| row[k]).collect()).collect();
        let mut frame = Frame::new(&channels, (rows.len() as f64 * train_share) as usize);
        frame.period_samples = period;
        check_contract(&frame);
    }
}

/// Whatever a file may hold.
fn cell() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => -10.0..10.0f64,
        4 => Just(0.0),
        1 => Just(f64::NAN),
        1 => prop::num::f64::ANY,
    ]
}

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = BATCH_DETECTORS.iter().map(|info| info.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), BATCH_DETECTORS.len());
}
