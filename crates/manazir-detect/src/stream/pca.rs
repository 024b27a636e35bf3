//! What the leading principal components of many channels leave unexplained.
//!
//! Channels of one entity move together: load drives processor, disk and queue alike. The components learn
//! how; a row in which one channel leaves the others, or its own last values, is strange even if each value
//! is usual.
//!
//! z = (x − mean) / scale;   r = z − V·Vᵀ·z;   score = √(mean over dimensions of r_i² / ρ_i²)
//!
//! with ρ_i² the usual r_i², so that usual rows score near 1. Some rows are joined to one (dynamic PCA), and channel i's share is its
//! part of the sum, over all rows. V spans the leading eigenvectors of the correlation matrix, as many as
//! explain a given part of it.
//!
//! Sources: Jackson and Mudholkar 1979 (the residual as a control statistic); Ku, Storer and Georgakis 1995
//! (joined rows); clipped updates of exponential moments as in Gelper, Fried and Croux 2010. An incremental
//! correlation was taken rather than Oja's rule or CCIPCA: it has no learning rate to fail by and can be
//! told of gaps.
//!
//! When not to use it: with less than three channels, channels without relation to each other (then a
//! univariate detector on each is better), or many more than a hundred channels on a small machine.
//!
//! Cost: O(n_dimensions²) a row, n_dimensions = n_features · rows_joined; 8·n_dimensions² bytes and some.

mod subspace;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::forest::{SCALE_SAMPLES, Scale, share};
use super::{ChannelDetector, Learn, Setting};
use subspace::{Subspace, dot};

/// What can be set of [`Pca`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Rows that are joined to one, so that a channel is also judged by its own last values, 1..=64; 4.
    pub rows_joined: usize,
    /// Components at most, 1..=64; 32.
    pub components_max: usize,
    /// Part of the variance that the components must explain, 0..=1; 0.98.
    pub explained: f64,
    /// Rows that mean, scale and correlations remember, 64..=1e9; 20,000.
    pub memory_rows: usize,
    /// Rows between two refreshes of the components, 1..=1e6; 64. At least as many as there are
    /// dimensions are waited for.
    pub refresh_rows: usize,
    /// A value moves mean, scale and correlations by no more than so many scales, 1..=1e3; 5.
    pub clip_scales: f64,
    /// Rows learnt before the first score, 32..=1e6; 128. At least twice the dimensions are
    /// waited for.
    pub warm_up_rows: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rows_joined: 4,
            components_max: 32,
            explained: 0.98,
            memory_rows: 20_000,
            refresh_rows: 64,
            clip_scales: 5.0,
            warm_up_rows: 128,
        }
    }
}

/// Dimensions, channels times rows; what is beyond is not looked at: the matrix would outgrow the caches and
/// soon the memory.
const DIMENSIONS_MAX: usize = 2_048;
/// Standardised values are cut off here, so that squares and their sums stay finite.
const Z_MAX: f64 = 1e6;
/// A channel's usual residual is taken to be at least this part of its scale: a channel that the others
/// predict exactly must not turn rounding into alarms.
const RESIDUAL_MIN: f64 = 0.1;
/// A scale never falls below this part of the first one, so that a still channel does not become a
/// microscope.
const SCALE_MIN: f64 = 0.01;
/// Rounds of orthogonal iteration: many from scratch, few from the last vectors.
const ROUNDS_FIRST: usize = 30;
const ROUNDS: usize = 2;

impl Config {
    /// The default for a number of channels: four rows are joined as long as that gives at most 160
    /// dimensions.
    pub fn channels(n_features: usize) -> Self {
        Self { rows_joined: (160 / n_features.max(1)).clamp(1, 4), ..Self::default() }
    }

    fn in_range(self) -> Self {
        let explained = if self.explained.is_nan() { 0.98 } else { self.explained.clamp(0.0, 1.0) };
        let clip_scales = if self.clip_scales.is_nan() { 5.0 } else { self.clip_scales.clamp(1.0, 1e3) };
        Self {
            rows_joined: self.rows_joined.clamp(1, 64),
            components_max: self.components_max.clamp(1, 64),
            explained,
            memory_rows: self.memory_rows.clamp(64, 1_000_000_000),
            refresh_rows: self.refresh_rows.clamp(1, 1_000_000),
            clip_scales,
            warm_up_rows: self.warm_up_rows.clamp(32, 1_000_000),
        }
    }
}

/// What is known of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Channel {
    mean: f64,
    scale: f64,
    scale_min: f64,
}

impl Channel {
    fn standardise(&self, value: f64) -> f64 {
        ((value - self.mean) / self.scale).clamp(-Z_MAX, Z_MAX)
    }

    /// Moves mean and scale towards a row's standardised value, held within `clip`.
    fn learn(&mut self, z: f64, rate: f64, clip: f64) {
        let clipped = z.clamp(-clip, clip);
        let mean = self.mean + rate * clipped * self.scale;
        let variance = 1.0 + rate * (clipped * clipped - 1.0);
        let scale = (self.scale * variance.sqrt()).max(self.scale_min);
        // At the ends of what `f64` holds there is nowhere to move to.
        if mean.is_finite() && scale.is_normal() {
            (self.mean, self.scale) = (mean, scale);
        }
    }
}

/// The detector; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pca {
    config: Config,
    n_features: usize,
    /// Empty until the first rows have told them.
    channels: Vec<Channel>,
    /// Those rows, one after the other; empty afterwards.
    first: Vec<f64>,
    /// Of standardised values, shape `(n_dimensions, n_dimensions)`.
    correlation: Vec<f64>,
    subspace: Subspace,
    /// Components that explain enough; 0 until they are fitted.
    n_components: usize,
    n_learnt: u64,
    /// The rows joined, oldest first, standardised; NaN where a value is missing.
    z: Vec<f64>,
    /// Usual squared residual of each dimension, in scales.
    usual: Vec<f64>,
    /// Room for a row with its missing values filled in, or clipped, and for its residual.
    filled: Vec<f64>,
    residual: Vec<f64>,
}

impl Pca {
    /// An untaught detector for rows of `n_features`.
    pub fn new(config: Config, n_features: usize) -> Self {
        let mut config = config.in_range();
        let n_features = n_features.clamp(1, DIMENSIONS_MAX);
        config.rows_joined = config.rows_joined.min(DIMENSIONS_MAX / n_features);
        let n_dimensions = n_features * config.rows_joined;
        Self {
            config,
            n_features,
            channels: Vec::new(),
            first: Vec::new(),
            correlation: vec![0.0; n_dimensions * n_dimensions],
            subspace: Subspace::new(config.components_max.min(n_dimensions), n_dimensions),
            n_components: 0,
            n_learnt: 0,
            z: vec![f64::NAN; n_dimensions],
            usual: vec![1.0; n_dimensions],
            filled: vec![0.0; n_dimensions],
            residual: vec![0.0; n_dimensions],
        }
    }

    /// The defaults; nothing of the setting matters to it.
    pub fn from_setting(n_features: usize, _setting: &Setting) -> Self {
        Self::new(Config::channels(n_features), n_features)
    }

    /// Keeps the first rows until they tell each channel's mean and scale, then learns them.
    fn start(&mut self, row: impl Iterator<Item = f64>) {
        self.first.extend(row);
        let n_features = self.n_features;
        if self.first.len() < SCALE_SAMPLES * n_features {
            return;
        }
        let first = std::mem::take(&mut self.first);
        self.channels = (0..n_features)
            .map(|feature| {
                let channel = first.iter().skip(feature).step_by(n_features).copied();
                let scale = Scale::of(&mut channel.filter(|value| value.is_finite()).collect::<Vec<_>>());
                let (mean, scale) = (scale.offset(), scale.unit());
                Channel { mean, scale, scale_min: scale * SCALE_MIN }
            })
            .collect();
        for row in first.chunks_exact(n_features) {
            self.standardise(row.iter().copied());
            self.learn(0.0);
        }
    }

    fn standardise(&mut self, row: impl Iterator<Item = f64>) {
        self.z.copy_within(self.n_features.., 0);
        let newest = self.z.len() - self.n_features;
        for ((z, channel), value) in self.z[newest..].iter_mut().zip(&self.channels).zip(row) {
            *z = if value.is_finite() { channel.standardise(value) } else { f64::NAN };
        }
    }

    /// Fills `residual` with what the components do not explain, 0 for a missing value.
    fn explain(&mut self) {
        // Missing values are first taken to be the mean, then what the components make of the rest.
        const ROUNDS_MISSING: usize = 3;
        let gaps = self.z.iter().any(|z| z.is_nan());
        for (filled, z) in self.filled.iter_mut().zip(&self.z) {
            *filled = if z.is_nan() { 0.0 } else { *z };
        }
        for _ in 0..if gaps { ROUNDS_MISSING } else { 1 } {
            self.residual.copy_from_slice(&self.filled);
            for vector in self.subspace.vectors().take(self.n_components) {
                let along = dot(&self.filled, vector);
                self.residual.iter_mut().zip(vector).for_each(|(rest, part)| *rest -= along * part);
            }
            for ((residual, filled), z) in self.residual.iter_mut().zip(&mut self.filled).zip(&self.z) {
                if z.is_nan() {
                    *filled -= std::mem::take(residual);
                }
            }
        }
    }

    /// The score, and each channel's part of its square.
    fn judge(&self, values: &[f64], attribution: &mut [f64]) -> f64 {
        let mut total = 0.0;
        for (at, (residual, usual)) in self.residual.iter().zip(&self.usual).enumerate() {
            let part = residual * residual / usual.max(RESIDUAL_MIN * RESIDUAL_MIN);
            total += part;
            let channel = at % self.n_features;
            // A channel that is missing now is not what makes this row strange.
            if values.get(channel).is_some_and(|value| value.is_finite()) {
                attribution[channel] += part;
            }
        }
        let present = self.z.iter().filter(|z| !z.is_nan()).count();
        (total / present.max(1) as f64).sqrt()
    }

    /// Lets everything follow the row in `z`, and its `residual` once there are components. An outlier of
    /// one channel leaves residuals in all of them, so a strange row, by its `score`, moves correlations and
    /// residuals little.
    fn learn(&mut self, score: f64) {
        self.n_learnt += 1;
        // A plain mean at first, then an exponential one.
        let rate = (1.0 / self.n_learnt as f64).max(1.0 / self.config.memory_rows as f64);
        let clip = self.config.clip_scales;
        let weight = (clip / score.max(clip)).powi(2);
        if self.n_components > 0 {
            let n_fitted = self.n_learnt.saturating_sub(self.wait_rows()).max(1);
            let rate = weight * rate.max(1.0 / n_fitted as f64);
            for ((usual, residual), z) in self.usual.iter_mut().zip(&self.residual).zip(&self.z) {
                if !z.is_nan() {
                    let bound = clip * clip * usual.max(RESIDUAL_MIN * RESIDUAL_MIN);
                    *usual += rate * ((residual * residual).min(bound) - *usual);
                }
            }
        }
        self.correlate(weight * rate);
        // The first rows have told mean and scale already; from 1/n their weight would be that of one row.
        let rate = rate.min(1.0 / SCALE_SAMPLES as f64);
        let newest = self.z.len() - self.n_features;
        for (channel, z) in self.channels.iter_mut().zip(&self.z[newest..]) {
            if !z.is_nan() {
                channel.learn(*z, rate, clip);
            }
        }
        if self.n_learnt.is_multiple_of(self.wait_rows()) {
            self.refresh();
        }
    }

    /// Rows up to the first fit, and between two.
    fn wait_rows(&self) -> u64 {
        self.config.refresh_rows.max(self.z.len()) as u64
    }

    /// Moves the correlations towards the row, pair by pair where both values are there.
    fn correlate(&mut self, rate: f64) {
        let clip = self.config.clip_scales;
        for (filled, z) in self.filled.iter_mut().zip(&self.z) {
            *filled = z.clamp(-clip, clip);
        }
        for (row, own) in self.correlation.chunks_exact_mut(self.z.len()).zip(&self.filled) {
            if own.is_nan() {
                continue;
            }
            for (entry, other) in row.iter_mut().zip(&self.filled) {
                let moved = *entry + rate * (own * other - *entry);
                *entry = if moved.is_nan() { *entry } else { moved };
            }
        }
    }

    fn refresh(&mut self) {
        let rounds = if self.n_components == 0 { ROUNDS_FIRST } else { ROUNDS };
        self.subspace.refine(&self.correlation, rounds);
        let trace: f64 = self.correlation.iter().step_by(self.z.len() + 1).sum();
        let mut explained = 0.0;
        let needed = self.subspace.values().iter().take_while(|value| {
            let more = explained < self.config.explained * trace;
            explained += **value;
            more
        });
        // With all of them nothing would be left to look at.
        self.n_components = needed.count().clamp(1, self.z.len().saturating_sub(1).max(1));
    }

    fn is_warm(&self) -> bool {
        let wait = self.config.warm_up_rows.max(2 * self.z.len()) as u64;
        self.n_components > 0 && self.n_learnt >= wait
    }
}

impl ChannelDetector for Pca {
    fn update(&mut self, values: &[f64], learn: Learn, attribution: &mut [f64]) -> Option<f64> {
        attribution.fill(0.0);
        // A row of another width than promised: what is missing is missing, what is too much is not read.
        let row = values.iter().copied().chain(std::iter::repeat(f64::NAN)).take(self.n_features);
        if self.channels.is_empty() {
            self.start(row);
            return None;
        }
        self.standardise(row);
        let values = &values[..values.len().min(self.n_features).min(attribution.len())];
        if !values.iter().any(|value| value.is_finite()) {
            return None;
        }
        self.explain();
        let score = if self.n_components > 0 { self.judge(values, attribution) } else { 0.0 };
        let warm = self.is_warm();
        if learn == Learn::Fully {
            self.learn(score);
        }
        if !warm || score == 0.0 {
            attribution.fill(0.0);
            return warm.then_some(score);
        }
        share(values, attribution);
        Some(score)
    }

    fn state_bytes(&self) -> usize {
        let floats = self.first.capacity() + self.correlation.len() + 4 * self.z.len();
        size_of::<Self>()
            + floats * size_of::<f64>()
            + self.channels.len() * size_of::<Channel>()
            + self.subspace.heap_bytes()
    }
}
