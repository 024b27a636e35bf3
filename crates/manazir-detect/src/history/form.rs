//! The name of an episode: what its samples do, beside what was expected of them.

use manazir_model::{AnomalyKind, Direction};

use crate::baseline::{Baseline, Repeats};

/// Shorter than this is a spike.
const LASTING_MIN: usize = 6;

/// A spike holds so much of all that its episode is out.
const SPIKE_SHARE: f64 = 0.7;

/// Of the samples of a shift, so many lie on one side.
const ONE_SIDED_MIN: f64 = 0.8;

/// Correlation of neighbours above which a course is smooth: it follows something, and is no scatter.
const SMOOTH_MIN: f64 = 0.6;

/// Scatter against the usual one from which on it has changed.
const WIDER: f64 = 1.6;
const NARROWER: f64 = 0.5;

/// What is known of the series of an episode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    pub(super) values: &'a [f64],
    pub(super) baseline: &'a Baseline,
    /// Distances from the expectation; the usual ends at 3.
    pub(super) distances: &'a [f64],
    /// Values between which 98 of 100 samples lie.
    pub(super) usual_range: (f64, f64),
    /// Samples of one round of the season, 0 without one.
    pub(super) round_samples: usize,
}

/// Form and direction of the samples `first..=last`, which left their band.
pub(super) fn of_excursion(
    setting: &Setting<'_>,
    first: usize,
    last: usize,
    peak: usize,
) -> (AnomalyKind, Option<Direction>) {
    let (low, high) = setting.usual_range;
    let seasonal = setting.baseline.repeats != Repeats::Level;
    let in_range = |index: usize| (low..=high).contains(&setting.values[index]);
    let known: Vec<usize> = (first..=last).filter(|&index| setting.values[index].is_finite()).collect();
    let side = setting.distances[peak].signum();
    let direction = Some(if side > 0.0 { Direction::Up } else { Direction::Down });
    if known.len() < LASTING_MIN {
        let usual_elsewhere = seasonal && known.len() > 2 && known.iter().all(|&index| in_range(index));
        return (if usual_elsewhere { AnomalyKind::Season } else { AnomalyKind::Spike }, direction);
    }
    let out = |index: &&usize| setting.distances[**index].abs() > 1.0;
    let n_out = known.iter().filter(out).count().max(1);
    let on_side = known.iter().filter(out).filter(|&&index| setting.distances[index] * side > 0.0).count();
    if on_side as f64 >= ONE_SIDED_MIN * n_out as f64 && 2 * n_out > known.len() {
        let within_round = known.len() < setting.round_samples;
        let usual_elsewhere = seasonal && within_round && known.iter().all(|&index| in_range(index));
        return (if usual_elsewhere { AnomalyKind::Season } else { AnomalyKind::LevelShift }, direction);
    }
    let smooth = correlation(known.iter().map(|&index| setting.distances[index])) > SMOOTH_MIN;
    match (smooth, seasonal) {
        (true, true) => (AnomalyKind::Season, None),
        (true, false) => (AnomalyKind::Shape, None),
        (false, _) => (AnomalyKind::VarianceChange, None),
    }
}

/// The few samples around the peak of `first..=last` beside which the rest is little: a spike, and what it
/// stirred up. `None` where the rest counts.
pub(super) fn spike_within(
    distances: &[f64],
    first: usize,
    last: usize,
    peak: usize,
) -> Option<(usize, usize)> {
    let high = |index: &usize| distances[*index] * distances[peak].signum() > 0.25 * distances[peak].abs();
    let from = (first..=peak).rev().take_while(high).last()?;
    let to = (peak..=last).take_while(high).last()?;
    let sum =
        |from: usize, to: usize| distances[from..=to].iter().map(|distance| distance.abs()).sum::<f64>();
    (to - from + 1 < LASTING_MIN && sum(from, to) >= SPIKE_SHARE * sum(first, last)).then_some((from, to))
}

/// Form of samples that stayed within their band.
pub(super) fn of_course(setting: &Setting<'_>, first: usize, last: usize) -> AnomalyKind {
    let known = || (first..=last).map(|index| setting.distances[index]).filter(|distance| *distance != 0.0);
    let mut sizes: Vec<f64> = known().map(f64::abs).collect();
    let n_known = sizes.len();
    // Distances are in thirds of the usual band, which is about one scatter.
    let spread = crate::robust::MAD_TO_SIGMA * crate::robust::median(&mut sizes);
    let changed = !(NARROWER..=WIDER).contains(&spread);
    if n_known >= 2 * LASTING_MIN && changed && correlation(known()) < SMOOTH_MIN {
        AnomalyKind::VarianceChange
    } else {
        AnomalyKind::Shape
    }
}

/// Correlation of neighbours around their mean; 0 of fewer than three.
fn correlation(distances: impl Iterator<Item = f64>) -> f64 {
    let distances: Vec<f64> = distances.collect();
    let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
    let squares: f64 = distances.iter().map(|distance| (distance - mean).powi(2)).sum();
    let products: f64 = distances.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    if distances.len() < 3 || squares == 0.0 { 0.0 } else { products / squares }
}

/// Values between which 98 of 100 samples lie.
pub(super) fn usual_range(values: &[f64]) -> (f64, f64) {
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let Some(last) = finite.len().checked_sub(1) else { return (0.0, 0.0) };
    let tail = last / 100;
    let low = *finite.select_nth_unstable_by(tail, f64::total_cmp).1;
    (low, *finite.select_nth_unstable_by(last - tail, f64::total_cmp).1)
}
