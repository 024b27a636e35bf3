//! What must hold of the residual of principal components.

use super::*;
use crate::Random;
use crate::stream::check::check_channel_detector;

const N_FEATURES: usize = 8;

/// Rows of eight channels of different units that follow two causes, with a little noise each.
struct Machine(Random);

impl Machine {
    fn row(&mut self) -> [f64; N_FEATURES] {
        let (load, heat) = (self.0.normal(), self.0.normal());
        std::array::from_fn(|channel| {
            let cause = if channel < 5 { load } else { heat };
            10f64.powi(channel as i32 - 3) * (50.0 + 5.0 * cause + 0.5 * self.0.normal())
        })
    }
}

fn taught(n_rows: usize) -> (Pca, Machine) {
    let (mut pca, mut machine) = (Pca::new(Config::default(), N_FEATURES), Machine(Random::new(31)));
    for _ in 0..n_rows {
        pca.update(&machine.row(), Learn::Fully, &mut [0.0; N_FEATURES]);
    }
    (pca, machine)
}

#[test]
fn is_a_channel_detector() {
    check_channel_detector(3, || Pca::from_setting(3, &Setting::default()));
    check_channel_detector(12, || {
        Pca::new(Config { components_max: 2, rows_joined: 1, ..Config::default() }, 12)
    });
    check_channel_detector(1, || Pca::from_setting(1, &Setting::default()));
}

#[test]
fn usual_rows_score_near_1() {
    let (mut pca, mut machine) = taught(2_000);
    let mut attribution = [0.0; N_FEATURES];
    let scores: Vec<f64> =
        (0..500).map(|_| pca.update(&machine.row(), Learn::Fully, &mut attribution).unwrap()).collect();
    let mean = scores.iter().sum::<f64>() / 500.0;
    assert!((0.6..1.2).contains(&mean), "{mean}");
    assert!(scores.iter().all(|&score| score < 3.0));
}

#[test]
fn a_channel_that_leaves_its_kin_at_a_usual_value_is_found_and_blamed() {
    for strange in 0..N_FEATURES {
        let (mut pca, mut machine) = taught(2_000);
        let mut row = machine.row();
        // One and a half times its own standard deviation of five: nothing in itself.
        let unit = 10f64.powi(strange as i32 - 3);
        row[strange] = if row[strange] > 50.0 * unit { 42.5 * unit } else { 57.5 * unit };
        let mut attribution = [0.0; N_FEATURES];
        let score = pca.update(&row, Learn::Fully, &mut attribution).unwrap();
        assert!(score > 2.5, "channel {strange}: {score}");
        assert!(attribution[strange] > 0.5, "channel {strange}: {attribution:?}");
    }
}

#[test]
fn all_channels_moving_with_their_cause_is_usual() {
    let (mut pca, _) = taught(2_000);
    let row: [f64; N_FEATURES] = std::array::from_fn(|channel| {
        10f64.powi(channel as i32 - 3) * if channel < 5 { 50.0 + 5.0 * 2.5 } else { 50.0 }
    });
    let score = pca.update(&row, Learn::Fully, &mut [0.0; N_FEATURES]).unwrap();
    assert!(score < 2.0, "{score}");
}

#[test]
fn missing_channels_are_filled_by_their_kin_and_never_blamed() {
    let (mut pca, mut machine) = taught(2_000);
    for gap in 0..N_FEATURES {
        let mut row = machine.row();
        row[gap] = f64::NAN;
        let mut attribution = [0.0; N_FEATURES];
        let score = pca.update(&row, Learn::Fully, &mut attribution).unwrap();
        assert!(score < 3.0, "gap in {gap}: {score}");
        assert_eq!(attribution[gap], 0.0);
    }
}

#[test]
fn a_frozen_detector_does_not_get_used_to_it() {
    let last = |learn| {
        let (mut pca, mut machine) = taught(2_000);
        let mut score = 0.0;
        for _ in 0..6_000 {
            let mut row = machine.row();
            row[2] *= 1.5;
            score = pca.update(&row, learn, &mut [0.0; N_FEATURES]).unwrap();
        }
        score
    };
    let (learnt, frozen) = (last(Learn::Fully), last(Learn::Frozen));
    assert!(learnt < 2.0 && frozen > 3.0, "{learnt} learnt, {frozen} frozen");
}

#[test]
fn outliers_in_the_past_do_not_hide_those_to_come() {
    let (mut pca, mut machine) = taught(1_000);
    for turn in 0..400 {
        let mut row = machine.row();
        if turn % 10 == 0 {
            row[turn / 10 % N_FEATURES] *= 100.0;
        }
        pca.update(&row, Learn::Fully, &mut [0.0; N_FEATURES]);
    }
    let mut row = machine.row();
    row[1] *= 1.5;
    let mut attribution = [0.0; N_FEATURES];
    let score = pca.update(&row, Learn::Fully, &mut attribution).unwrap();
    assert!(score > 2.0 && attribution[1] > 0.5, "{score} {attribution:?}");
}
