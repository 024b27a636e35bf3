//! The batch methods that an ensemble may hold.

use crate::batch::{Frame, isolation_forest, k_means, knn_lag, matrix_profile, sub_pca};

/// A batch method with its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// Distance to the nearest windows.
    Neighbours {
        /// Samples in a window.
        window: usize,
    },
    /// What the principal components of the windows leave over, channel by channel.
    Subspace {
        /// Samples in a window.
        window: usize,
    },
    /// Distance to the nearest usual shape.
    Shapes {
        /// Samples in a window.
        window: usize,
    },
    /// How few random cuts set a window apart.
    Forest {
        /// Samples in a window.
        window: usize,
    },
    /// Distance to the nearest window of the same shape, of four lengths.
    MatrixProfile,
}

/// Pairs of windows that the matrix profile compares: all of them up to 10,000 samples of one channel, and an even
/// choice beyond. Five times as many moved the mean of no labelled set by more than a hundredth.
const CELLS_MAX: u64 = 200_000_000;

/// Random numbers of the methods that draw any: the same series gets the same scores for ever.
const SEED: u64 = 1;

impl Member {
    /// Scores of all rows, shape `(n_samples,)`, finite and ≥ 0.
    pub fn scores(self, frame: &Frame) -> Vec<f64> {
        match self {
            Self::Neighbours { window } => knn_lag::scores(frame, &knn_lag::Config::with_window(window)),
            Self::Subspace { window } => channel_mean(frame, &sub_pca::Config::with_window(window)),
            Self::Shapes { window } => k_means::scores(frame, &k_means::Config::with_window(window), SEED),
            Self::Forest { window } => {
                isolation_forest::scores(frame, &isolation_forest::Config::with_window(window), SEED)
            }
            Self::MatrixProfile => {
                let config =
                    matrix_profile::Config { cells_max: CELLS_MAX, ..matrix_profile::Config::default() };
                matrix_profile::scores(frame, &config, SEED)
            }
        }
    }

    /// Samples in its windows, if it has windows of one length.
    pub fn window(self) -> Option<usize> {
        match self {
            Self::Neighbours { window }
            | Self::Subspace { window }
            | Self::Shapes { window }
            | Self::Forest { window } => Some(window),
            Self::MatrixProfile => None,
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Neighbours { .. } => "neighbours",
            Self::Subspace { .. } => "subspace",
            Self::Shapes { .. } => "usual shapes",
            Self::Forest { .. } => "isolation",
            Self::MatrixProfile => "matrix profile",
        }
    }
}

/// "neighbours and subspace of 10 and 100 samples, matrix profile": each method with its windows, and methods
/// with the same windows together.
pub(super) fn words(members: &[Member]) -> String {
    let mut methods: Vec<(&str, Vec<usize>)> = Vec::new();
    for member in members {
        match methods.iter_mut().find(|(known, _)| *known == member.method()) {
            Some((_, windows)) => windows.extend(member.window()),
            None => methods.push((member.method(), member.window().into_iter().collect())),
        }
    }
    let same = methods.chunk_by(|(_, left), (_, right)| left == right).map(|methods| {
        let names: Vec<String> = methods.iter().map(|(name, _)| (*name).to_owned()).collect();
        let windows: Vec<String> = methods[0].1.iter().map(usize::to_string).collect();
        if windows.is_empty() {
            listed(&names)
        } else {
            format!("{} of {} samples", listed(&names), listed(&windows))
        }
    });
    same.collect::<Vec<_>>().join(", ")
}

/// "a", "a and b", "a, b and c".
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Mean over the channels, each with a subspace of its own: what one channel does at a time is seen in full, what
/// channels do together is left to the neighbours.
fn channel_mean(frame: &Frame, config: &sub_pca::Config) -> Vec<f64> {
    let mut sum = vec![0.0; frame.n_samples()];
    for channel in frame.channels() {
        let mut alone = Frame::univariate(channel.to_vec());
        alone.train_samples = frame.train_samples;
        let share = 1.0 / frame.n_features() as f64;
        sum.iter_mut().zip(sub_pca::scores(&alone, config)).for_each(|(sum, score)| *sum += share * score);
    }
    sum
}
