//! Half-space trees: the cheap relative of the forest.
//!
//! Each tree halves the range of the data `depth` times in dimensions drawn at random, without looking at the
//! data, and counts how many of the last `window` rows fell into each part. Where few fell, a row is strange:
//!
//! score = mean over trees of log₂(1 + window / ((m + ½) · 2^d))
//!
//! with the mass m at depth d where the row ends: the part it fell into, or the first with fewer than a
//! tenth of the window. Twice as empty is one more; usual rows of a spread-out series lie between 0 and 2, a
//! value outside all that was seen near log₂(2·window / 2^d). A channel's share are the halvings in its
//! dimension, each by how much emptier the half is than half of the whole.
//!
//! Source: Tan, Ting and Liu 2011, "Fast anomaly detection for streaming data". Ours: the logarithm, for the
//! paper's m·2^d is not higher for stranger rows; and ranges that follow the data: every window the range is
//! taken anew from the rows of the last one, and if it has changed much, those rows are counted again in it.
//!
//! When not to use it: where one more spike beyond a spike must score higher (all that is outside is alike),
//! or on long shingles (16 halvings do not know 30 dimensions).
//!
//! Cost: O(trees · depth) a row. State, reserved at the start: 12 bytes a node, 2^(depth + 1) nodes a tree,
//! and 4 bytes for each coordinate of a window; 152 KiB by default
//! (`cargo bench -p manazir-detect --bench forest`).

mod halves;
#[cfg(test)]
mod tests;
mod tree;

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

use super::forest::{SCALE_SAMPLES, Scale, Shingle, coordinate, share};
use super::{ChannelDetector, Learn, Reading, Setting, StreamDetector};
use halves::Halves;

/// What can be set of half-space trees; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Trees, 1..=1000; 25 as in the paper.
    pub trees: usize,
    /// Halvings, 1..=15; 8. The paper takes 15, which costs 128 times the state for parts that hold one row.
    pub depth: usize,
    /// Rows whose counts are the reference, 32..=65535; 250 as in the paper.
    pub window: usize,
    /// Rows joined to one, 1..=64; 1, which judges values alone.
    pub shingle: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { trees: 25, depth: 8, window: 250, shingle: 1 }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            trees: self.trees.clamp(1, 1_000),
            depth: self.depth.clamp(1, 15),
            window: self.window.clamp(32, 65_535),
            shingle: self.shingle.clamp(1, 64),
        }
    }
}

/// Half-space trees over one series; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HalfSpace {
    channels: ChannelHalfSpace,
}

impl HalfSpace {
    /// Untaught trees; `setting` gives the seed.
    pub fn new(config: Config, setting: &Setting) -> Self {
        Self { channels: ChannelHalfSpace::new(config, 1, setting) }
    }

    /// The defaults, on values alone.
    pub fn from_setting(setting: &Setting) -> Self {
        Self::new(Config::default(), setting)
    }

    /// The defaults on shingles of eight, which see forms as well.
    pub fn shingled(setting: &Setting) -> Self {
        Self::new(Config { shingle: 8, ..Config::default() }, setting)
    }
}

impl StreamDetector for HalfSpace {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        self.channels.judge(&[sample.value], learn, |_, _| {}).map(Reading::plain)
    }

    fn state_bytes(&self) -> usize {
        self.channels.state_bytes()
    }
}

/// Half-space trees over several channels, each brought to its own unit; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelHalfSpace {
    halves: Halves,
    shingle: Shingle,
    n_features: usize,
    /// One a channel; empty until the first rows have told them.
    scales: Vec<Scale>,
    /// Those rows, one after the other; empty afterwards.
    first: Vec<f64>,
}

/// Channels beyond this are not looked at: a dimension's index has 16 bits.
const CHANNELS_MAX: usize = 65_535;

impl ChannelHalfSpace {
    /// Untaught trees over rows of `n_features`; `setting` gives the seed.
    pub fn new(config: Config, n_features: usize, setting: &Setting) -> Self {
        let mut config = config.in_range();
        let n_features = n_features.clamp(1, CHANNELS_MAX);
        config.shingle = config.shingle.min(CHANNELS_MAX / n_features);
        let shingle = Shingle::new(n_features, config.shingle);
        Self {
            halves: Halves::new(&config, shingle.dimensions(), setting.seed),
            shingle,
            n_features,
            scales: Vec::new(),
            first: Vec::new(),
        }
    }

    /// The defaults.
    pub fn from_setting(n_features: usize, setting: &Setting) -> Self {
        Self::new(Config::default(), n_features, setting)
    }

    /// Keeps the first rows until they tell the scales, then learns them.
    fn start(&mut self, row: impl Iterator<Item = f64>) {
        self.first.extend(row);
        let n_features = self.n_features;
        if self.first.len() < SCALE_SAMPLES * n_features {
            return;
        }
        let first = std::mem::take(&mut self.first);
        let channel = |feature: usize| first.iter().skip(feature).step_by(n_features).copied();
        let known = |feature| channel(feature).filter(|value| value.is_finite()).collect::<Vec<f64>>();
        self.scales = (0..n_features).map(|feature| Scale::of(&mut known(feature))).collect();
        for row in first.chunks_exact(n_features) {
            self.push(row.iter().copied());
            self.learn();
        }
    }

    fn push(&mut self, row: impl Iterator<Item = f64>) {
        self.shingle.push(self.scales.iter().zip(row).map(|(scale, value)| coordinate(scale, value)));
    }

    fn learn(&mut self) {
        if let Some(point) = self.shingle.learnable() {
            self.halves.learn(&point.as_flattened()[..self.shingle.dimensions()]);
        }
    }

    /// Judges a row, then learns from it. `visit` gets dimensions and their bits.
    fn judge(&mut self, values: &[f64], learn: Learn, visit: impl FnMut(usize, f64)) -> Option<f64> {
        // A row of another width than promised: what is missing is missing, what is too much is not read.
        let row = values.iter().copied().chain(std::iter::repeat(f64::NAN)).take(self.n_features);
        if self.scales.is_empty() {
            self.start(row);
            return None;
        }
        self.push(row.clone());
        if !row.clone().any(f64::is_finite) {
            return None;
        }
        let point = self.shingle.point().map(|point| &point.as_flattened()[..self.shingle.dimensions()]);
        let score = point.and_then(|point| self.halves.score(point, visit));
        if learn == Learn::Fully {
            self.learn();
            self.follow(row);
        }
        score
    }

    /// Lets each scale follow its channel.
    fn follow(&mut self, row: impl Iterator<Item = f64>) {
        let n_features = self.n_features;
        for (channel, value) in row.enumerate().filter(|(_, value)| value.is_finite()) {
            let scale = &mut self.scales[channel];
            if let Some(moved) = scale.learn(scale.apply(value)) {
                self.shingle.remap(channel, &moved);
                self.halves.remap(&moved, |dimension| dimension % n_features == channel);
            }
        }
    }
}

impl ChannelDetector for ChannelHalfSpace {
    fn update(&mut self, values: &[f64], learn: Learn, attribution: &mut [f64]) -> Option<f64> {
        attribution.fill(0.0);
        let n_features = self.n_features;
        let values = &values[..values.len().min(n_features).min(attribution.len())];
        let score = self.judge(values, learn, |dimension, bits| {
            let channel = dimension % n_features;
            // A channel that is missing now is not what makes this row strange.
            if values.get(channel).is_some_and(|value| value.is_finite()) {
                attribution[channel] += bits;
            }
        })?;
        share(values, attribution);
        Some(score)
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>()
            + self.halves.heap_bytes()
            + self.shingle.heap_bytes()
            + self.scales.capacity() * size_of::<Scale>()
            + self.first.capacity() * size_of::<f64>()
    }
}
