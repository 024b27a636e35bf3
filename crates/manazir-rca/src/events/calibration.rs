//! Scores of detectors as severities that can be compared.

use std::collections::HashMap;

use super::vocabulary::TypeId;

/// Cells of a histogram: eight for each doubling, from 2⁻¹⁶ to 2¹⁶.
const CELLS: usize = 256;
const CELLS_PER_DOUBLING: f64 = 8.0;
const LOWEST: f64 = -16.0;
/// Beyond so many scores all counts are halved, so that what is old weighs less and less.
const COUNT_MAX: u32 = 1 << 20;
/// Before anything is known of a type its scores are judged by a curve, which weighs as much as eight of them.
const PRIOR_WEIGHT: f64 = 8.0;

/// Turns scores, which mean another thing for each type, into severities: the part of a type's scores that lie below.
///
/// A histogram of logarithms for each type: 1 KiB each, at most 9 % off in the score.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    types: HashMap<TypeId, Histogram>,
}

#[derive(Clone, Debug)]
struct Histogram {
    cells: Vec<u32>,
    count: u32,
}

impl Calibration {
    /// A score of a type was seen. What is not a finite number ≥ 0 is left out.
    pub fn observe(&mut self, event_type: TypeId, score: f64) {
        let Some(cell) = cell(score) else { return };
        let histogram =
            self.types.entry(event_type).or_insert_with(|| Histogram { cells: vec![0; CELLS], count: 0 });
        if histogram.count >= COUNT_MAX {
            histogram.cells.iter_mut().for_each(|count| *count /= 2);
            histogram.count = histogram.cells.iter().sum();
        }
        histogram.cells[cell] += 1;
        histogram.count += 1;
    }

    /// How grave a score of a type is, in 0..=1. Never falls as the score grows. 0 for what is no score.
    ///
    /// Without scores of the type: score / (score + 0.5). Each score that was seen moves it towards the rank among all.
    pub fn severity(&self, event_type: TypeId, score: f64) -> f32 {
        let Some(cell) = cell(score) else { return 0.0 };
        let prior = score / (score + 0.5);
        let Some(histogram) = self.types.get(&event_type) else { return prior as f32 };
        let below: u32 = histogram.cells[..cell].iter().sum();
        let rank = f64::from(below) + f64::from(histogram.cells[cell]) / 2.0;
        ((rank + PRIOR_WEIGHT * prior) / (f64::from(histogram.count) + PRIOR_WEIGHT)) as f32
    }
}

fn cell(score: f64) -> Option<usize> {
    let of_score = ((score.log2() - LOWEST) * CELLS_PER_DOUBLING).clamp(0.0, (CELLS - 1) as f64);
    (score.is_finite() && score >= 0.0).then_some(of_score as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_is_the_rank_among_scores_of_the_type() {
        let mut calibration = Calibration::default();
        let (cpu, errors) = (TypeId(0), TypeId(1));
        for score in 1..=1_000 {
            calibration.observe(cpu, f64::from(score));
            calibration.observe(errors, f64::from(score) / 1_000.0);
        }
        for (event_type, score) in [(cpu, 500.0), (errors, 0.5)] {
            let severity = calibration.severity(event_type, score);
            assert!((severity - 0.5).abs() < 0.06, "{severity}");
        }
        assert!(calibration.severity(cpu, 1e9) > 0.99 && calibration.severity(cpu, 0.0) < 0.01);
    }

    #[test]
    fn what_is_no_score_is_not_grave() {
        let mut calibration = Calibration::default();
        for score in [f64::NAN, f64::INFINITY, -1.0] {
            calibration.observe(TypeId(3), score);
            assert_eq!(calibration.severity(TypeId(3), score), 0.0);
        }
        assert!((calibration.severity(TypeId(3), 1.0) - 2.0 / 3.0).abs() < 1e-6);
    }
}
