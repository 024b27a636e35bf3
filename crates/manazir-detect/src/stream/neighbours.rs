//! Distance of the last rows from every stretch of rows seen before: what has never been so is strange.
//!
//! score = ln (1 + d / usual d),   d = ‖x − nearest reference‖ / √width
//!
//! x holds the last `window` rows of all channels, each scaled by its own mean and standard deviation. The
//! references are earlier windows, evenly spread over the whole past and at most `references_max` of them.
//! This is the distance-based outlier of Ramaswamy, Rastogi and Shim 2000 on lag windows, made causal: a window
//! becomes a reference once it no longer overlaps the judged one.
//!
//! What is itself far from everything is not remembered, or an anomaly would be its own neighbour before it
//! is over. After `patience_rows` of it in a row it is taken for a new normal. Without that rule VUS-PR of
//! three machines with 38 channels fell from 0.61 to 0.41, and no set of five became better.
//!
//! Scales and references are brought up to date after 64, 128, 256, … rows, from what the references hold.
//! Long windows of many channels are averaged in blocks, to 400 numbers at most.
//!
//! When not to use it: for usual values at an unusual hour, and where no two stretches of the past are alike.
//!
//! Cost: O(references_max · width) a row, most of it given up early; 4 · references_max · width bytes and some.

mod memory;
mod scale;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::forest::share;
use super::{ChannelDetector, Learn, Setting};
use crate::robust::within;
use memory::Memory;
use scale::Scales;

/// What can be set of [`Neighbours`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Rows in a window, 2..=1024; 10.
    pub window: usize,
    /// Windows that are remembered at most, 16..=65,536; 1,024. Half of it lost 0.01 VUS-PR, twice won 0.003.
    pub references_max: usize,
    /// From this many usual distances on a window is not remembered, 1..=1e6; 3. At 2 and 4 it was weaker.
    pub strange: f64,
    /// After so many strange rows, each usual one taking three off, they are remembered nevertheless,
    /// 0..=1e9; 1,000.
    pub patience_rows: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { window: 10, references_max: 1_024, strange: 3.0, patience_rows: 1_000 }
    }
}

/// Rows before scales are first taken from them; they are taken anew at each doubling.
const FIRST_ROWS: usize = 64;
/// Numbers in a window's vector at most, unless there are more channels than that.
const WIDTH_MAX: usize = 400;
/// Distances before a usual one is known.
const USUAL_AFTER: u32 = 32;
/// Distances that the usual one remembers.
const USUAL_MEMORY: u32 = 8_192;
/// A distance moves the usual one by no more than this many of it.
const USUAL_CLIP: f64 = 3.0;
/// In standard deviations: a series that repeats itself to the digit must not turn rounding into alarms.
const DISTANCE_MIN: f64 = 1e-3;
/// What a usual row takes off the strange ones that were counted.
const RELIEF_ROWS: u32 = 3;

impl Config {
    fn in_range(self) -> Self {
        Self {
            window: self.window.clamp(2, 1_024),
            references_max: self.references_max.clamp(16, 65_536),
            strange: within(self.strange, 1.0, 1e6, Self::default().strange),
            patience_rows: self.patience_rows.min(1_000_000_000),
        }
    }
}

/// The mean distance so far, held against wild ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Usual {
    mean: f64,
    n: u32,
}

impl Usual {
    fn ratio(&self, distance: f64) -> Option<f64> {
        (self.n >= USUAL_AFTER).then(|| distance / (self.mean + DISTANCE_MIN))
    }

    fn learn(&mut self, distance: f64) {
        let warm = self.n >= USUAL_AFTER;
        let held = if warm { distance.min(USUAL_CLIP * self.mean + DISTANCE_MIN) } else { distance };
        self.n = (self.n + 1).min(USUAL_MEMORY);
        self.mean += (held - self.mean) / f64::from(self.n);
    }
}

/// The detector; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    config: Config,
    n_features: usize,
    /// Rows that are averaged to one number of a vector.
    block: usize,
    /// The last rows, row after row, the one of number n at n modulo their count; what is missing is what was
    /// there before, NaN where nothing was.
    rows: Vec<f64>,
    n_rows: u64,
    scales: Scales,
    memory: Memory,
    usual: Usual,
    /// Of the last `window` rows, by number modulo `window`: whether the window that ends there is kept out
    /// of the memory.
    kept_out: Vec<bool>,
    strange_rows: u32,
    /// Room for a vector.
    vector: Vec<f32>,
}

impl Neighbours {
    /// An untaught detector for rows of `n_features`.
    pub fn new(config: Config, n_features: usize) -> Self {
        let config = config.in_range();
        let n_features = n_features.max(1);
        let block = (config.window * n_features).div_ceil(WIDTH_MAX).clamp(1, config.window / 2);
        let width = config.window / block * n_features;
        Self {
            config,
            n_features,
            block,
            rows: vec![f64::NAN; n_features * FIRST_ROWS.max(2 * config.window)],
            n_rows: 0,
            scales: Scales::new(n_features),
            memory: Memory::new(config.references_max, width),
            usual: Usual::default(),
            kept_out: vec![false; config.window],
            strange_rows: 0,
            vector: vec![0.0; width],
        }
    }

    /// The defaults; nothing of the setting matters to it.
    pub fn from_setting(n_features: usize, _setting: &Setting) -> Self {
        Self::new(Config::default(), n_features)
    }

    /// Rows in a window.
    pub(super) fn window(&self) -> usize {
        self.config.window
    }

    /// Takes a row of the past into the memory without judging it, which costs next to nothing.
    pub(super) fn teach(&mut self, values: &[f64]) {
        self.push(values, Learn::Fully);
        self.remember(false);
    }

    fn row_at(&self, number: u64) -> usize {
        (number % (self.rows.len() / self.n_features) as u64) as usize * self.n_features
    }

    /// Writes the row that is number `n_rows` from now on; false if there is no number in it.
    fn push(&mut self, values: &[f64], learn: Learn) -> bool {
        let (now, before) = (self.row_at(self.n_rows), self.row_at(self.n_rows.saturating_sub(1)));
        let mut any = false;
        for feature in 0..self.n_features {
            let value = values.get(feature).copied().and_then(crate::robust::usable);
            any |= value.is_some();
            if let (Some(value), Learn::Fully) = (value, learn) {
                self.scales.learn(feature, value);
            }
            self.rows[now + feature] = value.unwrap_or(self.rows[before + feature]);
        }
        any
    }

    /// Describes the window that ends with row `end`, channel after channel.
    fn describe(&mut self, end: u64) {
        let n_blocks = self.vector.len() / self.n_features;
        for feature in 0..self.n_features {
            for at in 0..n_blocks {
                let newest = end - ((n_blocks - 1 - at) * self.block) as u64;
                let values = (0..self.block as u64).map(|age| self.rows[self.row_at(newest - age) + feature]);
                let mean = values.sum::<f64>() / self.block as f64;
                self.vector[feature * n_blocks + at] = self.scales.scaled(feature, mean);
            }
        }
    }

    /// Distance of the newest window, in usual distances; `None` during warm-up.
    fn judge(&mut self, learn: Learn, attribution: &mut [f64]) -> Option<f64> {
        if self.n_rows + 1 < self.config.window as u64 || !self.scales.fitted() {
            return None;
        }
        self.describe(self.n_rows);
        let (squared, reference) = self.memory.nearest(&self.vector)?;
        let distance = (f64::from(squared) / self.vector.len() as f64).sqrt();
        let n_blocks = self.vector.len() / self.n_features;
        let pairs = self.vector.chunks_exact(n_blocks).zip(reference.chunks_exact(n_blocks));
        for (part, (here, there)) in attribution.iter_mut().zip(pairs) {
            *part = here.iter().zip(there).map(|(x, y)| f64::from(x - y).powi(2)).sum();
        }
        let ratio = self.usual.ratio(distance);
        if learn == Learn::Fully {
            self.usual.learn(distance);
        }
        ratio
    }

    /// Ends a row: the window that no longer overlaps the newest becomes a reference, unless it was kept out.
    fn remember(&mut self, keep_out: bool) {
        let window = self.config.window as u64;
        let slot = (self.n_rows % window) as usize;
        let kept_out = std::mem::replace(&mut self.kept_out[slot], keep_out);
        if !kept_out && self.scales.fitted() && self.n_rows + 1 >= 2 * window {
            self.add(self.n_rows - window);
        }
        self.n_rows += 1;
        let rows = self.n_rows / FIRST_ROWS as u64;
        if self.n_rows.is_multiple_of(FIRST_ROWS as u64) && rows.is_power_of_two() {
            self.refit();
        }
    }

    fn add(&mut self, end: u64) {
        if self.memory.wants(end) {
            self.describe(end);
            self.memory.add(end, &self.vector);
        }
    }

    fn refit(&mut self) {
        let first = !self.scales.fitted();
        let n_blocks = self.vector.len() / self.n_features;
        let moves = self.scales.refit();
        self.memory.rescale(&moves, n_blocks);
        if first {
            let window = self.config.window as u64;
            (window - 1..self.n_rows.saturating_sub(window)).for_each(|end| self.add(end));
        }
    }

    /// Whether the newest window, so many usual distances off, is to be kept out of the memory.
    fn is_strange(&mut self, ratio: f64) -> bool {
        let strange = ratio > self.config.strange;
        self.strange_rows = if strange {
            self.strange_rows.saturating_add(1)
        } else {
            self.strange_rows.saturating_sub(RELIEF_ROWS)
        };
        strange && self.strange_rows < self.config.patience_rows
    }
}

impl ChannelDetector for Neighbours {
    fn update(&mut self, values: &[f64], learn: Learn, attribution: &mut [f64]) -> Option<f64> {
        attribution.fill(0.0);
        let any = self.push(values, learn);
        let ratio = self.judge(learn, attribution);
        let strange = ratio.is_some_and(|ratio| self.is_strange(ratio));
        self.remember(strange || learn == Learn::Frozen);
        let score = ratio.filter(|_| any).map(f64::ln_1p);
        if score.is_some_and(|score| score > 0.0) {
            // A channel that is missing now is not what makes this row strange.
            let missing = |value: Option<&f64>| value.is_none_or(|value| !value.is_finite());
            let parts = attribution.iter_mut().enumerate();
            parts.filter(|(at, _)| missing(values.get(*at))).for_each(|(_, part)| *part = 0.0);
            share(values, attribution);
        } else {
            attribution.fill(0.0);
        }
        score
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>()
            + self.rows.len() * size_of::<f64>()
            + self.kept_out.len()
            + self.vector.len() * size_of::<f32>()
            + self.scales.heap_bytes()
            + self.memory.heap_bytes()
    }
}
