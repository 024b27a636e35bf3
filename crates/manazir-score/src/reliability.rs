//! Does a confidence mean what it says? Of the answers that say 0.8, four of five should be right.

use manazir_rca::explanation::{Scale, confidences};
use serde::Serialize;

/// Bins of equal width, as in Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).
const BINS: usize = 10;

/// How far confidences are from how often they are right.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Expected calibration error: the mean over all answers of |confidence − share that is right| of their bins of
    /// ten, in 0..=1.
    pub calibration_error: f64,
    /// Bins that hold answers.
    pub bins: Vec<Bin>,
}

/// Answers whose confidence lies in one tenth of 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Mean confidence.
    pub said: f64,
    /// Share whose first cause is the right one.
    pub right: f64,
    /// How many.
    pub answers: usize,
}

impl Reliability {
    /// Of the confidence in the first cause and whether it was right, for each answer.
    pub(crate) fn of(answers: &[(f64, bool)]) -> Self {
        let bin_of = |confidence: f64| ((confidence * BINS as f64) as usize).min(BINS - 1);
        let bin = |bin: usize| {
            let of_bin: Vec<&(f64, bool)> =
                answers.iter().filter(|(confidence, _)| bin_of(*confidence) == bin).collect();
            let n = of_bin.len();
            (n > 0).then(|| Bin {
                said: of_bin.iter().map(|(confidence, _)| confidence).sum::<f64>() / n as f64,
                right: of_bin.iter().filter(|(_, right)| *right).count() as f64 / n as f64,
                answers: n,
            })
        };
        let bins: Vec<Bin> = (0..BINS).filter_map(bin).collect();
        let off: f64 = bins.iter().map(|bin| (bin.said - bin.right).abs() * bin.answers as f64).sum();
        Self { calibration_error: off / answers.len().max(1) as f64, bins }
    }
}

/// Scores of the candidates of one case, and the place of the true cause among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranked {
    pub(crate) scores: Vec<f64>,
    /// What is thin, where scores have such a level.
    pub(crate) score_min: f64,
    pub(crate) right: Option<usize>,
}

/// Which engine the scores are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Events,
    Evidence,
}

impl Engine {
    fn confidences(self, scale: &Scale, ranked: &Ranked) -> (Vec<f64>, f64) {
        let log_odds: Vec<f64> = match self {
            Self::Events => ranked.scores.iter().map(|score| scale.of_event(*score)).collect(),
            Self::Evidence => {
                ranked.scores.iter().map(|score| scale.of_entity(*score, ranked.score_min)).collect()
            }
        };
        confidences(&log_odds)
    }

    /// How reliable the first causes are.
    pub(crate) fn reliability(self, scale: &Scale, cases: &[Ranked]) -> Reliability {
        let answer = |ranked: &Ranked| {
            let first = self.confidences(scale, ranked).0.first().copied();
            first.map(|confidence| (confidence, ranked.right == Some(0)))
        };
        Reliability::of(&cases.iter().filter_map(answer).collect::<Vec<_>>())
    }

    /// The scale under which the true causes are likeliest.
    pub(crate) fn fit(self, cases: &[Ranked]) -> Scale {
        let mut best = (f64::NEG_INFINITY, Scale::default());
        for scale in self.scales() {
            let likelihood: f64 = cases.iter().map(|ranked| self.log_likelihood(&scale, ranked)).sum();
            if likelihood > best.0 {
                best = (likelihood, scale);
            }
        }
        best.1
    }

    /// A grid fine enough: neighbours differ by less than a case does.
    fn scales(self) -> Vec<Scale> {
        let steps = |n: i32, from: f64, factor: f64| (0..n).map(move |step| from * factor.powi(step));
        match self {
            Self::Events => steps(24, 0.2, 1.15)
                .flat_map(|event_power| {
                    steps(30, 1e-4, 1.4).map(move |event_none| Scale {
                        event_power,
                        event_none,
                        ..Scale::default()
                    })
                })
                .collect(),
            Self::Evidence => {
                let with = |entity_power| {
                    steps(12, 0.4, 1.15).map(move |entity_none| Scale {
                        entity_power,
                        entity_none,
                        ..Scale::default()
                    })
                };
                steps(24, 0.4, 1.15).flat_map(with).collect()
            }
        }
    }

    fn log_likelihood(self, scale: &Scale, ranked: &Ranked) -> f64 {
        let (confidences, none) = self.confidences(scale, ranked);
        let right = ranked.right.and_then(|place| confidences.get(place)).copied();
        right.unwrap_or(none).max(1e-9).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_distance_of_what_is_said_and_what_is_right() {
        let answers: Vec<(f64, bool)> = (0..10).map(|place| (0.85, place < 8)).collect();
        let reliability = Reliability::of(&answers);
        assert!((reliability.calibration_error - 0.05).abs() < 1e-12);
        assert_eq!(reliability.bins.len(), 1);
        assert_eq!(Reliability::of(&[(1.0, true)]).calibration_error, 0.0);
        assert_eq!(Reliability::of(&[]).calibration_error, 0.0);
    }

    #[test]
    fn what_is_fitted_says_what_is_right() {
        let ranked = |right| Ranked { scores: vec![4.0, 3.0], score_min: 2.0, right };
        let cases: Vec<Ranked> =
            [Some(0); 60].into_iter().chain([Some(1); 25]).chain([None; 15]).map(ranked).collect();
        let scale = Engine::Evidence.fit(&cases);
        let reliability = Engine::Evidence.reliability(&scale, &cases);
        assert!(reliability.calibration_error < 0.05, "{reliability:?} {scale:?}");
    }
}
