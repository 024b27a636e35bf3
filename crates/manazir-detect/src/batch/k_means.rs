//! Clusters of windows: how far each window is from the shapes that are usual.
//!
//! score = min over usual centroids c of ‖x̂ − c‖ / √d,  x̂ = (x − mean(x)) / √(var(x) + ε²) for each channel
//!
//! k-means on sub-sequences, as KMeansAD (Yairi, Kato and Hori 2001); a centroid is usual if it stands for
//! enough windows, so that a rare shape does not become its own norm (the weighting of SAND, Boniol et al.
//! 2021, made a cut). For series that repeat a handful of shapes, at any phase.
//! O(n_samples · clusters · window · n_features).

use super::Frame;
use super::prepare::Scaling;
use super::windows::Windows;
use crate::Random;

/// Windows and clusters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Samples in a window, at least 2.
    pub window: usize,
    /// Clusters, at least 1.
    pub clusters: usize,
    /// ε as a share of the standard deviation of the channel, > 0: how flat a window must be for its noise
    /// not to count as a shape.
    pub noise_share: f64,
    /// A centroid counts as usual if it stands for this share of an even one, in [0, 1].
    pub usual_share: f64,
}

impl Config {
    /// With windows of that length.
    pub fn with_window(window: usize) -> Self {
        Self { window, ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { window: super::SHORT, clusters: 24, noise_share: 0.5, usual_share: 0.2 }
    }
}

/// Longest vector that is compared.
const WIDTH_MAX: usize = 800;

/// Windows that the centroids are learnt from at most, evenly chosen.
const LEARN_WINDOWS_MAX: usize = 2_000;

/// Rounds of Lloyd's algorithm: a bound, since the last windows that change their cluster move no score far.
const ROUNDS: usize = 15;

/// Scores, shape `(n_samples,)`; a point takes the mean of the windows that cover it. A row without any number
/// gets the median score, a frame of less than eight rows 0 throughout.
pub fn scores(frame: &Frame, config: &Config, seed: u64) -> Vec<f64> {
    let Some(windows) = Windows::new(frame, Scaling::Moments, config.window, WIDTH_MAX) else {
        return vec![0.0; frame.n_samples()];
    };
    let width = windows.width();
    let noise = config.noise_share.clamp(1e-6, 1e6);
    let mut vector = vec![0.0; width];
    let mut learnt = Vec::new();
    for start in windows.learn_sample(LEARN_WINDOWS_MAX) {
        write_shape(&windows, start, noise, &mut vector);
        learnt.extend_from_slice(&vector);
    }
    let centroids = usual_centroids(&learnt, width, config, &mut Random::new(seed));
    let distance = |start| {
        write_shape(&windows, start, noise, &mut vector);
        (nearest(&centroids, &vector).1 / width as f64).sqrt()
    };
    windows.finish(&(0..windows.len()).map(distance).collect::<Vec<_>>())
}

/// Writes x̂ of the window that begins at `start`, channel after channel.
fn write_shape(windows: &Windows, start: usize, noise: f64, vector: &mut [f64]) {
    for (values, slots) in windows.parts(start).zip(vector.chunks_exact_mut(windows.window())) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
        // Channels are scaled to a standard deviation of 1, so ε is the share itself.
        let scale = (variance + noise * noise).sqrt().recip();
        slots.iter_mut().zip(values).for_each(|(slot, value)| *slot = (value - mean) * scale);
    }
}

/// Centroids of the clusters that hold enough windows.
fn usual_centroids(windows: &[f64], width: usize, config: &Config, random: &mut Random) -> Vec<Vec<f64>> {
    let n_windows = windows.len() / width;
    let mut centroids = spread_out(windows, width, config.clusters.clamp(1, n_windows), random);
    let mut counts = vec![0; centroids.len()];
    for _ in 0..ROUNDS {
        let mut sums = vec![vec![0.0; width]; centroids.len()];
        counts.fill(0);
        for window in windows.chunks_exact(width) {
            let (which, _) = nearest(&centroids, window);
            counts[which] += 1;
            sums[which].iter_mut().zip(window).for_each(|(sum, value)| *sum += value);
        }
        for ((centroid, sum), &count) in
            centroids.iter_mut().zip(sums).zip(&counts).filter(|(_, count)| **count > 0)
        {
            centroid.iter_mut().zip(sum).for_each(|(mean, sum)| *mean = sum / count as f64);
        }
    }
    let enough = (config.usual_share * n_windows as f64 / centroids.len() as f64).max(1.0);
    // The largest cluster is always usual.
    let largest = counts.iter().copied().max().unwrap_or(0);
    let usual = |count: usize| count as f64 >= enough || count == largest;
    centroids
        .into_iter()
        .zip(counts)
        .filter(|(_, count)| usual(*count))
        .map(|(centroid, _)| centroid)
        .collect()
}

/// First centroids far from each other: k-means++ (Arthur and Vassilvitskii 2007).
fn spread_out(windows: &[f64], width: usize, clusters: usize, random: &mut Random) -> Vec<Vec<f64>> {
    let n_windows = windows.len() / width;
    let first = random.below(n_windows);
    let mut centroids = vec![windows[first * width..][..width].to_vec()];
    let mut gaps = vec![f64::INFINITY; n_windows];
    while centroids.len() < clusters {
        let newest = &centroids[centroids.len() - 1];
        for (gap, window) in gaps.iter_mut().zip(windows.chunks_exact(width)) {
            *gap = gap.min(squared_distance(newest, window, *gap));
        }
        let mut left = random.uniform() * gaps.iter().sum::<f64>();
        let chosen = gaps.iter().position(|gap| {
            left -= gap;
            left < 0.0
        });
        let Some(chosen) = chosen else { break };
        centroids.push(windows[chosen * width..][..width].to_vec());
    }
    centroids
}

/// Number and squared distance of the nearest centroid.
fn nearest(centroids: &[Vec<f64>], vector: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (which, centroid) in centroids.iter().enumerate() {
        let squared = squared_distance(centroid, vector, best.1);
        if squared < best.1 {
            best = (which, squared);
        }
    }
    best
}

/// Given up, at some number not below `bound`, once it cannot be less.
pub(super) fn squared_distance(left: &[f64], right: &[f64], bound: f64) -> f64 {
    const PART: usize = 16;
    let mut sum = 0.0;
    for (left, right) in left.chunks(PART).zip(right.chunks(PART)) {
        sum += left.iter().zip(right).map(|(l, r)| (l - r) * (l - r)).sum::<f64>();
        if sum >= bound {
            break;
        }
    }
    sum
}
