//! The table of batch detectors: everything that lists or chooses them reads it here.

use super::{
    Frame, LONG, SHORT, change_points, isolation_forest, k_means, knn_lag, matrix_profile, polynomial,
    seasonal_residual, spectral_residual, sub_pca, tails, zmax,
};

/// One batch detector.
#[derive(Clone, Copy, Debug)]
pub struct BatchInfo {
    /// What it is called on the command line and in reports.
    pub name: &'static str,
    /// What it finds, for people.
    pub about: &'static str,
    /// What it costs.
    pub cost: &'static str,
    /// Scores of all rows, shape `(n_samples,)`: finite, ≥ 0, higher = stranger. The second argument is a seed,
    /// which those that draw no random numbers ignore.
    pub run: fn(&Frame, u64) -> Vec<f64>,
}

/// All of them, the cheapest first.
pub const BATCH_DETECTORS: &[BatchInfo] = &[
    BatchInfo {
        name: "zmax",
        about: "spikes and level shifts against a fixed level",
        cost: "O(samples · channels)",
        run: |frame, _| zmax::scores(frame, &zmax::Config::default()),
    },
    BatchInfo {
        name: "tails",
        about: "values rare on their channel, summed over channels",
        cost: "O(samples · log samples · channels)",
        run: |frame, _| tails::scores(frame),
    },
    BatchInfo {
        name: "polynomial",
        about: "spikes, dips and short bursts on slowly moving series",
        cost: "O(samples · channels · neighbourhood)",
        run: |frame, _| polynomial::scores(frame, &polynomial::Config::default()),
    },
    BatchInfo {
        name: "spectral_residual",
        about: "spikes and breaks in evenly seasonal series",
        cost: "O(samples · log samples · channels)",
        run: |frame, _| spectral_residual::scores(frame, &spectral_residual::Config::default()),
    },
    BatchInfo {
        name: "seasonal_residual",
        about: "what season and trend do not explain",
        cost: "O(samples · channels) for each season",
        run: |frame, _| seasonal_residual::scores(frame),
    },
    BatchInfo {
        name: "change_points",
        about: "stretches with a level of their own",
        cost: "O(samples · channels) to O(samples² · channels)",
        run: |frame, _| change_points::scores(frame, &change_points::Config::default()),
    },
    BatchInfo {
        name: "k_means_short",
        about: "short windows unlike the usual shapes",
        cost: "O(samples · clusters · window · channels)",
        run: |frame, seed| k_means::scores(frame, &k_means::Config::with_window(SHORT), seed),
    },
    BatchInfo {
        name: "k_means_long",
        about: "long windows unlike the usual shapes: waveforms",
        cost: "O(samples · clusters · window · channels)",
        run: |frame, seed| k_means::scores(frame, &k_means::Config::with_window(LONG), seed),
    },
    BatchInfo {
        name: "sub_pca_short",
        about: "short windows, or channels together, that leave the usual subspace",
        cost: "O(samples · (window · channels)²)",
        run: |frame, _| sub_pca::scores(frame, &sub_pca::Config::with_window(SHORT)),
    },
    BatchInfo {
        name: "sub_pca_long",
        about: "long windows that leave the usual subspace",
        cost: "O(samples · (window · channels)²)",
        run: |frame, _| sub_pca::scores(frame, &sub_pca::Config::with_window(LONG)),
    },
    BatchInfo {
        name: "isolation_forest_short",
        about: "short windows whose level, spread or steps are set apart by few cuts",
        cost: "O(samples · trees · log 256)",
        run: |frame, seed| {
            isolation_forest::scores(frame, &isolation_forest::Config::with_window(SHORT), seed)
        },
    },
    BatchInfo {
        name: "isolation_forest_long",
        about: "long windows whose level, spread or steps are set apart by few cuts",
        cost: "O(samples · trees · log 256)",
        run: |frame, seed| {
            isolation_forest::scores(frame, &isolation_forest::Config::with_window(LONG), seed)
        },
    },
    BatchInfo {
        name: "knn_lag_short",
        about: "short windows far from all reference windows",
        cost: "O(samples · references · components)",
        run: |frame, _| knn_lag::scores(frame, &knn_lag::Config::with_window(SHORT)),
    },
    BatchInfo {
        name: "knn_lag_long",
        about: "long windows far from all reference windows",
        cost: "O(samples · references · components)",
        run: |frame, _| knn_lag::scores(frame, &knn_lag::Config::with_window(LONG)),
    },
    BatchInfo {
        name: "matrix_profile",
        about: "shapes that occur only once",
        cost: "O(samples² · channels), bounded by a budget",
        run: |frame, seed| matrix_profile::scores(frame, &matrix_profile::Config::default(), seed),
    },
];
