//! VUS-PR against the package it must equal, and what must hold for any scores.

#![allow(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::ops::RangeInclusive;

use manazir_score::vus::vus_pr;
use proptest::prelude::*;

/// Figures of the package and ours differ by rounding alone; the requirement is 0.001.
const TOLERANCE: f64 = 1e-9;

/// The generators of `data/make_vus_golden.py`, which describes them.
mod golden {
    pub(crate) fn draws(seed: u64, n_samples: usize) -> Vec<f64> {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..n_samples).map(|_| draw()).collect()
    }

    pub(crate) fn scores(kind: &str, labels: &[bool], seed: u64) -> Vec<f64> {
        let uniform = draws(seed, labels.len());
        let near = |t: usize| {
            let beside = &labels[t.saturating_sub(5)..(t + 6).min(labels.len())];
            f64::from(beside.contains(&true))
        };
        let score = |t: usize| match kind {
            "uniform" => uniform[t],
            "informed" => uniform[t] + near(t),
            "steps" => (4.0 * uniform[t]).floor() / 4.0 + near(t),
            "constant" => 0.25,
            "ramp" => -(t as f64),
            "counts" => (1.0 / (uniform[t] + 0.001)).floor(),
            other => panic!("no kind of score {other:?}"),
        };
        (0..labels.len()).map(score).collect()
    }
}

fn labels(n_samples: usize, stretches: &[RangeInclusive<usize>]) -> Vec<bool> {
    (0..n_samples).map(|t| stretches.iter().any(|stretch| stretch.contains(&t))).collect()
}

#[test]
fn figures_equal_those_of_the_package() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vus_golden.csv");
    let mut cases = 0;
    for record in csv::Reader::from_path(path).unwrap().records() {
        let record = record.unwrap();
        let whole = |column: usize| record[column].parse::<u64>().unwrap();
        let stretch = |text: &str| {
            let (first, last) = text.split_once('-').unwrap();
            first.parse().unwrap()..=last.parse().unwrap()
        };
        let stretches: Vec<RangeInclusive<usize>> = record[4].split_whitespace().map(stretch).collect();
        let labels = labels(whole(1) as usize, &stretches);
        let scores = golden::scores(&record[5], &labels, whole(2));
        let ours = vus_pr(&labels, &scores, whole(3) as usize);
        let theirs: f64 = record[6].parse().unwrap();
        assert!((ours - theirs).abs() < TOLERANCE, "{}: ours {ours}, theirs {theirs}", &record[0]);
        cases += 1;
    }
    assert_eq!(cases, 21, "all cases of the table are read");
}

#[test]
fn nothing_to_find_has_no_figure() {
    assert!(vus_pr(&[false; 300], &[1.0; 300], 20).is_nan());
    assert!(vus_pr(&[], &[], 20).is_nan());
}

#[test]
fn a_missing_score_is_the_lowest() {
    let labels = labels(500, &[100..=120]);
    let mut scores = golden::draws(3, 500);
    scores[110] = f64::NAN;
    let with_gap = vus_pr(&labels, &scores, 20);
    scores[110] = -1.0;
    assert_eq!(with_gap, vus_pr(&labels, &scores, 20));
}

/// Labels with at least one labelled point, and scores of which many are equal.
fn cases() -> impl Strategy<Value = (Vec<bool>, Vec<f64>, usize)> {
    (1usize..600).prop_flat_map(|n_samples| {
        let labels = prop::collection::vec(prop::bool::weighted(0.05), n_samples);
        let scores = prop::collection::vec((0u8..40).prop_map(f64::from), n_samples);
        (labels, scores, 0usize..70).prop_map(|(mut labels, scores, buffer)| {
            labels[0] |= !labels.contains(&true);
            (labels, scores, buffer)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_figure_is_a_fraction_and_ranks_alone_count((labels, scores, buffer) in cases()) {
        let figure = vus_pr(&labels, &scores, buffer);
        prop_assert!((0.0..=1.0 + TOLERANCE).contains(&figure), "{figure}");
        let rescaled: Vec<f64> = scores.iter().map(|score| (score - 7.0) / 8.0).collect();
        prop_assert_eq!(vus_pr(&labels, &rescaled, buffer), figure);
    }

    #[test]
    fn time_has_no_direction((labels, scores, buffer) in cases()) {
        let backwards = |values: &[bool]| values.iter().rev().copied().collect::<Vec<_>>();
        let scores_backwards: Vec<f64> = scores.iter().rev().copied().collect();
        let figure = vus_pr(&backwards(&labels), &scores_backwards, buffer);
        prop_assert!((figure - vus_pr(&labels, &scores, buffer)).abs() < TOLERANCE);
    }
}
