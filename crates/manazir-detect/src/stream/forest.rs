//! Random cut forest on the last samples of a series (a shingle).
//!
//! Each tree holds a sample of the shingles seen, cut at random until every one is alone. A shingle that few
//! cuts part from all others is strange: score = E[1/(depth of parting + 1)], scaled to lie near 1 for usual
//! ones; 1.5 is odd, 3 is a clear spike. Shape and level both count, for the shingle is not normalised.
//!
//! Source: Guha, Mishra, Roy and Schrijvers 2016, "Robust random cut forest based anomaly detection on
//! streams"; sampling with time decay and the scores of seen and unseen points as in AWS's open
//! implementation.
//!
//! When not to use it: on a series with a strong season of many samples (a usual value at the wrong hour
//! looks usual to eight samples), on counts that are mostly zero, or where a megabyte a series is too much.
//!
//! Cost: O(trees · log(sample_size) · shingle) a sample. State, all of it reserved at the start: 21 KiB a
//! tree of 256 shingles of 8, and 38 bytes for each point that the trees may hold; 926 KiB by default
//! (`cargo bench -p manazir-detect --bench forest`).

mod channels;
mod grove;
mod points;
mod reservoir;
mod scale;
mod shingle;
mod span;
#[cfg(test)]
mod tests;
mod tree;

use manazir_model::{Direction, Sample};
use serde::{Deserialize, Serialize};

pub use channels::ChannelForest;
pub(crate) use channels::share;
pub(crate) use scale::{Move, Scale};
pub(crate) use shingle::Shingle;

use super::{Learn, Reading, Setting, StreamDetector};
use crate::Random;
use grove::Grove;
use span::Lane;

/// Size and memory of a forest; values out of range are brought into it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Trees, 1 to 1,000. More of them make the score less noisy; cost and state grow in proportion.
    pub trees: usize,
    /// Points in each tree, 2 to 16,384.
    pub sample_size: usize,
    /// Rows in a shingle, 1 to 512.
    pub shingle: usize,
    /// Mean age of a point in a sample, in rows, at least `sample_size`: how long a change of regime stays
    /// strange. AWS's default is ten times the sample.
    pub memory_samples: usize,
    /// Points learnt before the first score, at least 2.
    pub warm_up_samples: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { trees: 30, sample_size: 256, shingle: 8, memory_samples: 2_560, warm_up_samples: 64 }
    }
}

impl Config {
    fn in_range(self) -> Self {
        let sample_size = self.sample_size.clamp(2, 16_384);
        Self {
            trees: self.trees.clamp(1, 1_000),
            sample_size,
            shingle: self.shingle.clamp(1, 512),
            memory_samples: self.memory_samples.max(sample_size),
            warm_up_samples: self.warm_up_samples.clamp(2, sample_size),
        }
    }

    fn grove(&self, dimensions: usize, seed: u64) -> Grove {
        let decay = 1.0 / self.memory_samples as f64;
        Grove::new(self.trees, self.sample_size, dimensions, decay, Random::new(seed))
    }
}

/// Samples that are kept back to find the scale of a series, then learnt like all others.
pub(crate) const SCALE_SAMPLES: usize = 32;

/// Above this score a direction is told: a usual shingle lies near 1, and its direction means nothing.
const DIRECTION_SCORE: f64 = 1.5;

/// The forest over one series; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forest {
    config: Config,
    grove: Grove,
    shingle: Shingle,
    /// `None` until the first samples have told it.
    scale: Option<Scale>,
    /// Those samples; empty afterwards.
    first: Vec<f64>,
    /// Room for the attribution, upwards and downwards.
    up: Vec<Lane>,
    down: Vec<Lane>,
}

impl Forest {
    /// An untaught forest; `setting` gives the seed.
    pub fn new(config: Config, setting: &Setting) -> Self {
        let config = config.in_range();
        let shingle = Shingle::new(1, config.shingle);
        let grove = config.grove(shingle.dimensions(), setting.seed);
        let room = vec![Lane::default(); shingle.dimensions().div_ceil(span::LANES)];
        Self { config, grove, shingle, scale: None, first: Vec::new(), up: room.clone(), down: room }
    }

    /// The default forest.
    pub fn from_setting(setting: &Setting) -> Self {
        Self::new(Config::default(), setting)
    }

    /// Keeps the first samples until they tell the scale, then learns them.
    fn start(&mut self, value: f64) {
        self.first.push(value);
        let mut known: Vec<f64> = self.first.iter().copied().filter(|value| value.is_finite()).collect();
        if known.len() < SCALE_SAMPLES && self.first.len() < 4 * SCALE_SAMPLES {
            return;
        }
        let scale = Scale::of(&mut known);
        self.scale = Some(scale);
        for value in std::mem::take(&mut self.first) {
            self.shingle.push(std::iter::once(coordinate(&scale, value)));
            self.learn();
        }
    }

    fn learn(&mut self) {
        if let Some(point) = self.shingle.learnable() {
            self.grove.learn(point);
        }
    }

    fn judge(&mut self) -> Option<Reading> {
        let point = self.shingle.point()?;
        if self.grove.mass() < self.config.warm_up_samples {
            return None;
        }
        let score = self.grove.score(point);
        let mut reading = Reading::plain(score);
        if score > DIRECTION_SCORE {
            self.grove.attribute(point, &mut self.up, &mut self.down);
            let newest = self.shingle.dimensions() - 1;
            let (up, down) = (self.up.as_flattened()[newest], self.down.as_flattened()[newest]);
            reading.direction = match up.total_cmp(&down) {
                std::cmp::Ordering::Greater => Some(Direction::Up),
                std::cmp::Ordering::Less => Some(Direction::Down),
                std::cmp::Ordering::Equal => None,
            };
        }
        Some(reading)
    }
}

/// NaN stays NaN, an infinite value becomes it.
pub(crate) fn coordinate(scale: &Scale, value: f64) -> f32 {
    if value.is_finite() { scale.apply(value) } else { f32::NAN }
}

impl StreamDetector for Forest {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let Some(scale) = &mut self.scale else {
            self.start(sample.value);
            return None;
        };
        let z = coordinate(scale, sample.value);
        self.shingle.push(std::iter::once(z));
        let reading = if z.is_nan() { None } else { self.judge() };
        if learn == Learn::Fully && !z.is_nan() {
            self.learn();
            if let Some(moved) = self.scale.as_mut().and_then(|scale| scale.learn(z)) {
                self.shingle.remap(0, &moved);
                let dimensions = self.shingle.dimensions();
                self.grove.remap(|dimension, z| if dimension < dimensions { moved.apply(z) } else { z });
            }
        }
        reading
    }

    fn state_bytes(&self) -> usize {
        let room = (self.up.capacity() + self.down.capacity()) * size_of::<Lane>();
        let first = self.first.capacity() * size_of::<f64>();
        size_of::<Self>() + self.grove.heap_bytes() + self.shingle.heap_bytes() + room + first
    }
}
