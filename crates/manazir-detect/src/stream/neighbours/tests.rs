//! What must hold of neighbours that come in one by one.

use super::*;
use crate::Random;
use crate::stream::check::check_channel_detector;

#[test]
fn it_is_a_detector() {
    for window in [2, 10, 40] {
        let config = Config { window, references_max: 64, ..Config::default() };
        check_channel_detector(3, || Neighbours::new(config, 3));
    }
}

/// Scores and shares of three channels of noise, after `change`.
fn noise_with(change: impl Fn(usize, &mut [f64; 3])) -> Vec<(f64, [f64; 3])> {
    let mut random = Random::new(6);
    let mut neighbours = Neighbours::new(Config::default(), 3);
    let mut judge = |position| {
        let mut row = std::array::from_fn(|_| random.normal());
        change(position, &mut row);
        let mut shares = [0.0; 3];
        let score = neighbours.update(&row, Learn::Fully, &mut shares);
        (score.unwrap_or(0.0), shares)
    };
    (0..3_000).map(&mut judge).collect()
}

fn mean(scores: &[(f64, [f64; 3])]) -> f64 {
    scores.iter().map(|(score, _)| score).sum::<f64>() / scores.len() as f64
}

#[test]
fn a_channel_that_leaves_is_seen_and_named() {
    let scores = noise_with(|position, row| {
        if position >= 2_000 {
            row[1] += 12.0;
        }
    });
    assert!(mean(&scores[1_000..2_000]) < 0.75);
    let (score, shares) = scores[2_005];
    assert!(score > 1.5 && shares[1] > 0.9, "{score} {shares:?}");
}

#[test]
fn a_long_anomaly_stays_strange_and_a_new_normal_does_not() {
    let scores = noise_with(|position, row| {
        if position >= 1_500 {
            row.iter_mut().for_each(|value| *value += 15.0);
        }
    });
    assert!(mean(&scores[1_900..2_000]) > 1.5, "{}", mean(&scores[1_900..2_000]));
    assert!(mean(&scores[2_700..]) < 0.8, "{}", mean(&scores[2_700..]));
}

#[test]
fn a_constant_channel_that_moves_is_strange() {
    let scores = noise_with(|position, row| row[2] = if position < 2_500 { 7.0 } else { 7.001 });
    assert!(scores[2_510].0 > 1.5 && scores[2_510].1[2] > 0.9, "{:?}", scores[2_510]);
}

#[test]
fn what_is_taught_is_known() {
    let mut random = Random::new(9);
    let mut neighbours = Neighbours::new(Config::default(), 1);
    (0..1_000).for_each(|_| neighbours.teach(&[random.normal()]));
    let mut score = |value: f64| neighbours.update(&[value], Learn::Fully, &mut [0.0]);
    let usual: Vec<Option<f64>> = (0..100).map(|_| score(random.normal())).collect();
    assert_eq!(usual[USUAL_AFTER as usize - 1], None);
    assert!(usual[99].is_some_and(|score| score < 1.2), "{:?}", usual[99]);
    assert!(score(15.0).is_some_and(|score| score > 1.5));
}
