//! Nearest neighbours of lag vectors: how far a window is from the windows most like it.
//!
//! score = distance to the fifth nearest of the reference windows
//!
//! Ramaswamy, Rastogi and Shim 2000 (*Efficient algorithms for mining outliers from large data sets*) on windows
//! of all channels. The references are an even choice of the windows to learn from; those that overlap the judged
//! one do not count. The fifth, so that an anomaly that occurs up to four times is still found. Makes no assumption
//! but needs references that hold every usual state.
//!
//! Distances are taken in the leading principal components c, and what lies outside of them counts in full:
//! d² = ‖c₁ − c₂‖² + r₁² + r₂², as if the residuals of two windows were orthogonal, which those of noise are.
//! O(n_samples · (width · components + references · components)).

use super::Frame;
use super::k_means::squared_distance;
use super::prepare::Scaling;
use super::sub_pca::Basis;
use super::windows::Windows;
use crate::linear::dot;

/// Windows and neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Samples in a window, at least 2.
    pub window: usize,
    /// Which neighbour's distance is the score, counted from 1.
    pub neighbour: usize,
    /// Reference windows at most.
    pub references_max: usize,
}

impl Config {
    /// With windows of that length.
    pub fn with_window(window: usize) -> Self {
        Self { window, ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { window: super::SHORT, neighbour: 5, references_max: 2_000 }
    }
}

/// Longest vector that is decomposed.
const WIDTH_MAX: usize = 400;

/// Share of variance that the components hold, and how many they are at most.
const VARIANCE_SHARE: f64 = 0.98;
const COMPONENTS_MAX: usize = 48;

/// Scores, shape `(n_samples,)`; a point takes the mean of the windows that cover it. A row without any number
/// gets the median score, a frame of less than eight rows 0 throughout.
pub fn scores(frame: &Frame, config: &Config) -> Vec<f64> {
    let Some(windows) = Windows::new(frame, Scaling::Moments, config.window, WIDTH_MAX) else {
        return vec![0.0; frame.n_samples()];
    };
    let places = Places::new(&windows);
    let references = windows.learn_sample(config.references_max);
    let mut nearest = Nearest { references, neighbour: config.neighbour.max(1), recent: Vec::new() };
    let distances: Vec<f64> =
        (0..windows.len()).map(|start| nearest.distance(&places, start, windows.window())).collect();
    windows.finish(&distances)
}

/// Every window in principal components.
struct Places {
    components: usize,
    /// Shape `(n_windows, components)`.
    coordinates: Vec<f64>,
    /// r² of each window.
    outside: Vec<f64>,
}

impl Places {
    fn new(windows: &Windows) -> Self {
        let basis = Basis::new(windows);
        let components = basis.components(VARIANCE_SHARE).min(COMPONENTS_MAX);
        let mut vector = vec![0.0; windows.width()];
        let mut places = Self { components, coordinates: Vec::new(), outside: Vec::new() };
        for start in 0..windows.len() {
            basis.centred(windows, start, &mut vector);
            let from = places.coordinates.len();
            places.coordinates.extend((0..components).map(|k| dot(&vector, basis.eigen.vector(k))));
            let held = &places.coordinates[from..];
            places.outside.push((dot(&vector, &vector) - dot(held, held)).max(0.0));
        }
        places
    }

    fn at(&self, window: usize) -> &[f64] {
        &self.coordinates[window * self.components..][..self.components]
    }
}

/// The search, which remembers the last neighbours: the next window's are most often the ones beside them, and
/// with a good bound most distances are given up after a few coordinates.
struct Nearest {
    references: Vec<usize>,
    neighbour: usize,
    /// Positions among the references.
    recent: Vec<usize>,
}

impl Nearest {
    fn distance(&mut self, places: &Places, start: usize, window: usize) -> f64 {
        let mut best: Vec<(f64, usize)> = Vec::with_capacity(self.neighbour + 1);
        let here = places.at(start);
        let mut visit = |position: usize| {
            let reference = self.references[position];
            if reference.abs_diff(start) < window {
                return;
            }
            let bound = if best.len() == self.neighbour { best[self.neighbour - 1].0 } else { f64::INFINITY };
            let outside = places.outside[reference];
            let squared = squared_distance(here, places.at(reference), bound - outside) + outside;
            if squared < bound && !best.iter().any(|(_, known)| *known == position) {
                best.truncate(self.neighbour - 1);
                best.insert(best.partition_point(|(known, _)| *known <= squared), (squared, position));
            }
        };
        self.recent.iter().for_each(|&position| visit(position));
        (0..self.references.len()).for_each(&mut visit);
        self.recent = best.iter().flat_map(|(_, position)| [*position, position + 1]).collect();
        self.recent.retain(|position| *position < self.references.len());
        best.last().map_or(0.0, |(squared, _)| (squared + places.outside[start]).sqrt())
    }
}
