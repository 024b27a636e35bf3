//! Choice per series, without labels: which batch methods judge it, and why.
//!
//! The profile of the series decides between two small ensembles:
//!
//! - a repeating form is judged by the neighbours of windows that hold it: only they know a form that may
//!   start at any phase;
//! - anything else by neighbours of short and of long windows and by the subspace of long ones: the short see
//!   what happens within a few samples, the long what takes a hundred.
//!
//! Scores of the members are brought to one scale and averaged. What was measured and left out: choosing by
//! how well a method finds anomalies injected into the series (best, best two, best three of seven candidates),
//! and rank averages; `docs/explanation/detection.md` has the figures.

use manazir_model::Grain;

use crate::batch::{Frame, knn_lag, sub_pca};
use crate::profile::{SeriesProfile, ValueKind};

/// A batch method with its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// Distance to the nearest windows.
    Neighbours {
        /// Samples in a window.
        window: usize,
    },
    /// What the principal components of the windows leave over.
    Subspace {
        /// Samples in a window.
        window: usize,
    },
}

impl Member {
    fn scores(self, frame: &Frame) -> Vec<f64> {
        match self {
            Self::Neighbours { window } => knn_lag::scores(frame, &knn_lag::Config::with_window(window)),
            Self::Subspace { window } => subspace_scores(frame, &sub_pca::Config::with_window(window)),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Neighbours { window } => format!("neighbours of {window} samples"),
            Self::Subspace { window } => format!("subspace of {window} samples"),
        }
    }
}

/// Which methods judge a series, and the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Their scores are averaged.
    pub members: Vec<Member>,
    /// "weekly season, heavy tail: neighbours of 10 samples, neighbours of 100 samples, …"
    pub words: String,
}

/// A few samples, and what an anomaly that takes its time is made of; windows of a tenth and ten times as long
/// were weaker on each of five labelled sets.
const SHORT: usize = 10;
const LONG: usize = 100;

/// A window of a period and a third holds a whole form, wherever it starts.
const FORM_PERIODS: f64 = 4.0 / 3.0;

/// Chooses by the profile of the frame's first channel; `grain` if rows are instants.
pub fn choose(frame: &Frame, grain: Option<Grain>) -> Choice {
    let learnt = frame.learn_rows();
    let profiles: Vec<SeriesProfile> =
        frame.channels().take(1).map(|channel| SeriesProfile::of(&channel[learnt.clone()], grain)).collect();
    let waveform = |profile: &SeriesProfile| frame.n_features() == 1 && profile.kind == ValueKind::Waveform;
    let period =
        profiles.iter().find(|profile| waveform(profile)).and_then(|profile| profile.periods.first());
    let members = match period {
        Some(period) => {
            let window = (FORM_PERIODS * period.samples as f64) as usize;
            vec![Member::Neighbours { window }]
        }
        None => vec![
            Member::Neighbours { window: SHORT },
            Member::Neighbours { window: LONG },
            Member::Subspace { window: LONG },
        ],
    };
    let kind = match (frame.n_features(), profiles.first()) {
        (1, Some(profile)) => profile.words(grain),
        (n_features, _) => format!("{n_features} channels"),
    };
    let methods: Vec<String> = members.iter().map(|member| member.words()).collect();
    Choice { members, words: format!("{kind}: {}", methods.join(", ")) }
}

/// Mean over the channels, each with a subspace of its own: what one channel does at a time is seen in full, what
/// channels do together is left to the neighbours.
fn subspace_scores(frame: &Frame, config: &sub_pca::Config) -> Vec<f64> {
    let mut sum = vec![0.0; frame.n_samples()];
    for channel in frame.channels() {
        let mut alone = Frame::univariate(channel.to_vec());
        alone.train_samples = frame.train_samples;
        let share = 1.0 / frame.n_features() as f64;
        sum.iter_mut().zip(sub_pca::scores(&alone, config)).for_each(|(sum, score)| *sum += share * score);
    }
    sum
}

/// Mean of the members' scores on one scale, shape `(n_samples,)`, finite and ≥ 0.
pub fn scores(frame: &Frame, choice: &Choice) -> Vec<f64> {
    let mut sum = vec![0.0; frame.n_samples()];
    for member in &choice.members {
        let scaled = to_one_scale(member.scores(frame), frame.train_samples);
        for (sum, score) in sum.iter_mut().zip(scaled) {
            *sum += score / choice.members.len() as f64;
        }
    }
    sum
}

/// 0 at the median, 1 where nine of ten of the judged rows lie below. Ranks would forget how far the strangest
/// stand out: they gave 0.49 where this gives 0.62.
fn to_one_scale(mut scores: Vec<f64>, train_samples: usize) -> Vec<f64> {
    let mut sorted = scores[train_samples.min(scores.len())..].to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let rank = (share * sorted.len().saturating_sub(1) as f64) as usize;
        sorted.get(rank).copied().unwrap_or(0.0)
    };
    let (middle, high) = (at(0.5), at(0.9));
    let unit = (high - middle).max(1e-9 * middle).max(f64::MIN_POSITIVE.sqrt());
    for score in &mut scores {
        *score = ((*score - middle) / unit).max(0.0);
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    fn frame(n_samples: usize, value: impl Fn(usize, &mut Random) -> f64) -> Frame {
        let mut random = Random::new(12);
        Frame::univariate((0..n_samples).map(|index| value(index, &mut random)).collect())
    }

    fn wave(index: usize, period: f64) -> f64 {
        (index as f64 / period * std::f64::consts::TAU).sin()
    }

    #[test]
    fn a_repeating_form_is_judged_by_its_own_period() {
        let heart = frame(3_000, |index, random| 9.0 * wave(index, 90.0).powi(7) + 0.1 * random.normal());
        let choice = choose(&heart, None);
        assert_eq!(choice.members, [Member::Neighbours { window: 120 }]);
        assert_eq!(
            choice.words,
            "a repeating form, season of 90 samples, heavy tail: neighbours of 120 samples"
        );
    }

    #[test]
    fn the_strangest_rows_are_those_that_were_changed() {
        let burst = 2_000..2_040;
        let changed = frame(3_000, |index, random| {
            let lift = if burst.contains(&index) { 8.0 } else { 0.0 };
            wave(index, 24.0) + lift + 0.3 * random.normal()
        });
        let choice = choose(&changed, Some(Grain::HOUR));
        assert!(choice.words.starts_with("daily season"), "{}", choice.words);
        let scores = scores(&changed, &choice);
        let strangest = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
        assert!((1_960..2_080).contains(&strangest), "{strangest}");
        assert!(scores.iter().all(|score| score.is_finite() && *score >= 0.0));
    }

    #[test]
    fn any_length_and_any_values_are_judged() {
        for n_samples in [0, 1, 7, 20, 150] {
            for value in [0.0, f64::NAN] {
                let frame = Frame::univariate(vec![value; n_samples]);
                let scores = scores(&frame, &choose(&frame, None));
                assert_eq!(scores.len(), n_samples);
                assert!(scores.iter().all(|score| score.is_finite()), "{n_samples} {value}");
            }
        }
    }
}
