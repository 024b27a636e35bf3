//! Random cut forest over several channels, which says how much each of them has to do with the score.

use serde::{Deserialize, Serialize};

use super::grove::Grove;
use super::scale::Scale;
use super::shingle::Shingle;
use super::span::{LANES, Lane};
use super::{Config, SCALE_SAMPLES, coordinate};
use crate::stream::{ChannelDetector, Learn, Setting};

/// Channels beyond this are not looked at: a dimension's index has 16 bits.
const CHANNELS_MAX: usize = 65_535;

/// The forest of [`super::Forest`] on shingles of rows; each channel is brought to its own unit first.
///
/// The attribution follows AWS's: a cut that parts the point from a box lies with probability
/// growth_i / (sum of growths and sides) in dimension i, so each dimension's part of the score is the
/// expectation over those cuts; a channel's share is the sum over its samples in the shingle, above and
/// below.
///
/// When not to use it: for hundreds of channels of which one goes wrong, since random cuts rarely meet that
/// one (`pca` does better there). Cost: O(trees · log(sample_size) · n_features · shingle) a row.
/// State as for [`super::Forest`] for every eight coordinates; 5.1 MiB for twenty channels
/// (`cargo bench -p manazir-detect --bench forest`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelForest {
    config: Config,
    grove: Grove,
    shingle: Shingle,
    n_features: usize,
    /// One a channel; empty until the first rows have told them.
    scales: Vec<Scale>,
    /// Those rows, one after the other; empty afterwards.
    first: Vec<f64>,
    /// Room for the attribution, upwards and downwards.
    up: Vec<Lane>,
    down: Vec<Lane>,
}

impl Config {
    /// The default for a number of channels. Rows are joined up to 64 coordinates, for random cuts find one
    /// strange coordinate the less often the more there are, and the cost grows with them. The memory is
    /// long: rows of many channels are never quite alike, and a lasting incident must not become usual
    /// within hours.
    pub fn channels(n_features: usize) -> Self {
        Self { shingle: (64 / n_features.max(1)).clamp(1, 8), memory_samples: 20_000, ..Self::default() }
    }
}

impl ChannelForest {
    /// An untaught forest over rows of `n_features`; `setting` gives the seed.
    pub fn new(config: Config, n_features: usize, setting: &Setting) -> Self {
        let n_features = n_features.clamp(1, CHANNELS_MAX);
        let mut config = config.in_range();
        config.shingle = config.shingle.min(CHANNELS_MAX / n_features);
        let shingle = Shingle::new(n_features, config.shingle);
        let grove = config.grove(shingle.dimensions(), setting.seed);
        let room = vec![Lane::default(); shingle.dimensions().div_ceil(LANES)];
        Self {
            config,
            grove,
            shingle,
            n_features,
            scales: Vec::new(),
            first: Vec::new(),
            up: room.clone(),
            down: room,
        }
    }

    /// The default forest for so many channels.
    pub fn from_setting(n_features: usize, setting: &Setting) -> Self {
        Self::new(Config::channels(n_features), n_features, setting)
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
            self.grove.learn(point);
        }
    }

    /// Lets each scale follow its channel.
    fn follow(&mut self, row: impl Iterator<Item = f64>) {
        let n_features = self.n_features;
        let dimensions = self.shingle.dimensions();
        for (channel, value) in row.enumerate().filter(|(_, value)| value.is_finite()) {
            let scale = &mut self.scales[channel];
            if let Some(moved) = scale.learn(scale.apply(value)) {
                self.shingle.remap(channel, &moved);
                self.grove.remap(|dimension, z| {
                    let moves = dimension < dimensions && dimension % n_features == channel;
                    if moves { moved.apply(z) } else { z }
                });
            }
        }
    }

    /// Each channel's part of the score, not yet scaled to sum to 1.
    fn attribute(&mut self, values: &[f64], attribution: &mut [f64]) {
        let Some(point) = self.shingle.point() else { return };
        self.grove.attribute(point, &mut self.up, &mut self.down);
        let parts = self.up.as_flattened().iter().zip(self.down.as_flattened());
        for (dimension, (up, down)) in parts.take(self.shingle.dimensions()).enumerate() {
            let channel = dimension % self.n_features;
            // A channel that is missing now is not what makes this row strange.
            if values.get(channel).is_some_and(|value| value.is_finite()) {
                attribution[channel] += f64::from(up + down);
            }
        }
    }
}

/// Scales the parts of the score to sum to 1; equal shares of the channels that are there if all parts are 0.
pub(crate) fn share(values: &[f64], attribution: &mut [f64]) {
    let total: f64 = attribution.iter().sum();
    if total > 0.0 {
        attribution.iter_mut().for_each(|part| *part /= total);
        return;
    }
    let present = values.iter().filter(|value| value.is_finite()).count();
    for (part, value) in attribution.iter_mut().zip(values) {
        *part = if value.is_finite() { 1.0 / present as f64 } else { 0.0 };
    }
}

impl ChannelDetector for ChannelForest {
    fn update(&mut self, values: &[f64], learn: Learn, attribution: &mut [f64]) -> Option<f64> {
        attribution.fill(0.0);
        // A row of another width than promised: what is missing is missing, what is too much is not read.
        let padding = std::iter::repeat(f64::NAN);
        let row = values.iter().copied().chain(padding).take(self.n_features);
        if self.scales.is_empty() {
            self.start(row);
            return None;
        }
        self.push(row.clone());
        let values = &values[..values.len().min(self.n_features).min(attribution.len())];
        if !values.iter().any(|value| value.is_finite()) {
            return None;
        }
        let ready = self.grove.mass() >= self.config.warm_up_samples;
        let score = self.shingle.point().filter(|_| ready).map(|point| self.grove.score(point));
        if score.is_some() {
            self.attribute(values, attribution);
            share(values, attribution);
        }
        if learn == Learn::Fully {
            self.learn();
            self.follow(row);
        }
        score
    }

    fn state_bytes(&self) -> usize {
        let room = (self.up.capacity() + self.down.capacity()) * size_of::<Lane>();
        let kept = self.first.capacity() * size_of::<f64>() + self.scales.capacity() * size_of::<Scale>();
        size_of::<Self>() + self.grove.heap_bytes() + self.shingle.heap_bytes() + room + kept
    }
}
