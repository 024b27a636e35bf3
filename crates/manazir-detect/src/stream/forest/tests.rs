//! What must hold of random cut forests.

use manazir_model::{Direction, Timestamp};
use manazir_testkit::series;
use proptest::prelude::*;

use super::*;
use crate::stream::ChannelDetector;
use crate::stream::check::{check_channel_detector, check_detector};

fn small() -> Config {
    Config { trees: 10, sample_size: 64, memory_samples: 640, ..Config::default() }
}

fn scores(forest: &mut Forest, values: &[f64], learn: Learn) -> Vec<Option<Reading>> {
    values.iter().map(|&value| forest.update(Sample { at: Timestamp(0), value }, learn)).collect()
}

/// Noise with a slow wave, and `change` added from `from` on to its end.
fn usual_then(n_samples: usize, from: usize, change: &[f64]) -> Vec<f64> {
    let mut random = Random::new(3);
    let mut values: Vec<f64> =
        (0..n_samples).map(|t| 50.0 + 10.0 * (t as f64 / 15.0).sin() + random.normal()).collect();
    values[from..].iter_mut().zip(change).for_each(|(value, change)| *value += change);
    values
}

#[test]
fn is_a_detector() {
    check_detector(|| Forest::new(small(), &Setting::default()));
    check_detector(|| Forest::new(Config { shingle: 1, trees: 3, ..small() }, &Setting::default()));
}

#[test]
fn is_a_channel_detector() {
    check_channel_detector(3, || ChannelForest::new(small(), 3, &Setting::default()));
}

/// The anomaly starts at 1,500; the highest score must fall into its first eight samples.
#[track_caller]
fn check_peak(change: &str, least: f64, direction: Option<Direction>) {
    let values = usual_then(1_600, 1_500, &series(change));
    let readings = scores(&mut Forest::from_setting(&Setting::default()), &values, Learn::Fully);
    let score = |t: usize| readings[t].map_or(0.0, |reading| reading.score);
    let peak = (0..values.len()).max_by(|&left, &right| score(left).total_cmp(&score(right))).unwrap();
    assert!((1_500..1_508).contains(&peak), "{change}: peak at {peak}");
    assert!(score(peak) > least, "{change}: peak of {}", score(peak));
    assert_eq!(readings[1_500].unwrap().direction, direction, "{change}");
}

#[test]
fn what_is_strange_scores_highest() {
    check_peak("60x1", 2.5, Some(Direction::Up));
    check_peak("-60x1", 2.5, Some(Direction::Down));
    check_peak("40x100", 2.5, Some(Direction::Up));
    check_peak("20 -20 20 -20 20 -20", 1.5, Some(Direction::Up));
}

#[test]
fn a_usual_shingle_scores_near_1() {
    let values = usual_then(4_000, 0, &[]);
    let readings = scores(&mut Forest::from_setting(&Setting::default()), &values, Learn::Fully);
    let seen: Vec<f64> = readings.into_iter().flatten().map(|reading| reading.score).collect();
    let mean = seen.iter().sum::<f64>() / seen.len() as f64;
    assert!((0.7..1.1).contains(&mean), "{mean}");
}

#[test]
fn a_constant_series_that_moves_is_strange() {
    let values = series("7x500 7.001 7x20");
    let readings = scores(&mut Forest::from_setting(&Setting::default()), &values, Learn::Fully);
    let before = readings[400].unwrap().score;
    let at = readings[500].unwrap().score;
    assert!(at > 3.0 * before, "{before} before, {at} then");
}

#[test]
fn a_frozen_forest_does_not_get_used_to_it() {
    let after = |learn| {
        let values = usual_then(3_000, 1_000, &series("40x2000"));
        let mut forest = Forest::from_setting(&Setting::default());
        scores(&mut forest, &values[..1_000], Learn::Fully);
        scores(&mut forest, &values[1_000..], learn).last().unwrap().unwrap().score
    };
    let (learnt, frozen) = (after(Learn::Fully), after(Learn::Frozen));
    assert!(learnt < 1.5 && frozen > 2.5, "{learnt} learnt, {frozen} frozen");
}

#[test]
fn gaps_are_not_judged_and_do_not_disturb() {
    let mut values = usual_then(1_000, 0, &[]);
    values[600..620].fill(f64::NAN);
    let readings = scores(&mut Forest::from_setting(&Setting::default()), &values, Learn::Fully);
    assert!(readings[600..620].iter().all(Option::is_none));
    let highest = readings[620..].iter().map(|reading| reading.unwrap().score).fold(0.0, f64::max);
    assert!(highest < 2.5, "{highest}");
}

/// Rows of five channels of very different units that share one cause, channel `strange` set apart at the
/// end.
#[track_caller]
fn check_blame(strange: usize) {
    let (mut random, mut forest) = (Random::new(9), ChannelForest::from_setting(5, &Setting::default()));
    let mut attribution = [0.0; 5];
    for _ in 0..1_000 {
        let load = random.normal();
        let row: Vec<f64> =
            (0..5).map(|channel| 10f64.powi(3 * channel - 6) * (100.0 + load + random.normal())).collect();
        forest.update(&row, Learn::Fully, &mut attribution);
    }
    let mut row: Vec<f64> = (0..5).map(|channel| 10f64.powi(3 * channel - 6) * 100.0).collect();
    row[strange] *= 1.5;
    let score = forest.update(&row, Learn::Fully, &mut attribution).unwrap();
    assert!(score > 1.3, "{score}");
    assert!(attribution[strange] > 0.6, "channel {strange}: {attribution:?}");
}

#[test]
fn the_strange_channel_is_blamed_whatever_its_unit() {
    (0..5).for_each(check_blame);
}

#[test]
fn rows_of_a_wrong_width_are_read_as_far_as_they_go() {
    let mut forest = ChannelForest::from_setting(3, &Setting::default());
    let mut random = Random::new(2);
    for turn in 0..500 {
        let row: Vec<f64> = (0..turn % 6).map(|_| random.normal()).collect();
        let mut attribution = vec![0.0; turn % 5];
        let score = forest.update(&row, Learn::Fully, &mut attribution);
        assert!(score.is_none_or(f64::is_finite));
    }
}

/// A tree cut from scratch, as the definition has it, and the score in it by the definition.
enum Scratch {
    Leaf,
    Node { min: Vec<f64>, max: Vec<f64>, dimension: usize, cut: f64, children: Box<[Scratch; 2]> },
}

impl Scratch {
    fn cut(points: &[Vec<f64>], random: &mut Random) -> Self {
        if points.len() == 1 {
            return Self::Leaf;
        }
        let side = |dimension: usize, pick: fn(f64, f64) -> f64| {
            points.iter().map(|point| point[dimension]).reduce(pick).unwrap()
        };
        let min: Vec<f64> = (0..points[0].len()).map(|dimension| side(dimension, f64::min)).collect();
        let max: Vec<f64> = (0..points[0].len()).map(|dimension| side(dimension, f64::max)).collect();
        let mut draw = random.uniform() * max.iter().zip(&min).map(|(max, min)| max - min).sum::<f64>();
        let mut dimension = 0;
        while draw > max[dimension] - min[dimension] {
            draw -= max[dimension] - min[dimension];
            dimension += 1;
        }
        let cut = min[dimension] + draw;
        let (left, right): (Vec<_>, Vec<_>) =
            points.iter().cloned().partition(|point| point[dimension] <= cut);
        let children = Box::new([Self::cut(&left, random), Self::cut(&right, random)]);
        Self::Node { min, max, dimension, cut, children }
    }

    fn score(&self, point: &[f64], depth: f64) -> f64 {
        let Self::Node { min, max, dimension, cut, children } = self else { return 1.0 / (depth + 1.0) };
        let sides = || point.iter().zip(min.iter().zip(max));
        let growth: f64 = sides().map(|(z, (min, max))| (z - max).max(min - z).max(0.0)).sum();
        let range: f64 = max.iter().zip(min).map(|(max, min)| max - min).sum();
        let parted = growth / (growth + range);
        let below = children[usize::from(point[*dimension] > *cut)].score(point, depth + 1.0);
        parted / (depth + 1.0) + (1.0 - parted) * below
    }
}

#[test]
fn a_forest_scores_as_trees_cut_from_scratch_do() {
    // Memory far longer than the series: each sample is uniform over all shingles so far.
    let config =
        Config { trees: 400, sample_size: 32, shingle: 2, memory_samples: 1 << 40, warm_up_samples: 2 };
    let values = usual_then(400, 0, &[]);
    let mut forest = Forest::new(config, &Setting::default());
    scores(&mut forest, &values, Learn::Fully);
    let shingles: Vec<Vec<f64>> = values.windows(2).map(<[f64]>::to_vec).collect();
    let mut random = Random::new(77);
    for last in [values[399], 50.0, 75.0, 20.0] {
        let mut expected = 0.0;
        for _ in 0..400 {
            let mut sample = shingles.clone();
            for place in 0..32 {
                let from = place + random.below(sample.len() - place);
                sample.swap(place, from);
            }
            expected += Scratch::cut(&sample[..32], &mut random).score(&[values[399], last], 0.0);
        }
        expected *= 33f64.log2() / 400.0;
        let seen = scores(&mut forest.clone(), &[last], Learn::Frozen)[0].unwrap().score;
        assert!((seen - expected).abs() < 0.05 * expected, "{last}: {seen}, from scratch {expected}");
    }
}

proptest! {
    #[test]
    fn the_unit_of_a_series_changes_nothing(exponent in -30i32..30, seed in any::<u64>()) {
        let values = usual_then(300, 250, &[9.0, -3.0]);
        let scaled: Vec<f64> = values.iter().map(|value| value * 2f64.powi(exponent)).collect();
        let setting = Setting { seed, ..Setting::default() };
        let one = scores(&mut Forest::new(small(), &setting), &values, Learn::Fully);
        let other = scores(&mut Forest::new(small(), &setting), &scaled, Learn::Fully);
        let bits = |readings: &[Option<Reading>]| {
            readings.iter().map(|reading| reading.map(|reading| reading.score.to_bits())).collect::<Vec<_>>()
        };
        prop_assert_eq!(bits(&one), bits(&other));
    }
}
