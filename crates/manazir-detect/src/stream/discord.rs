//! Left discord: how far the newest stretch of a waveform is from all that it has been before.
//!
//! The last m samples are compared, each stretch brought to mean 0 and unit spread, with every stretch of m
//! samples in a bounded past that does not overlap them; score = the least distance / √(2m), from 0, the
//! same form again, over 1, no relation, to √2, nothing but the opposite.
//!
//! σ' = √(σ² + ν²) takes the place of σ, ν a small part of the series' own spread, so that the noise on a
//! flat stretch is not blown up to a form; two flat stretches are then alike and a flat one among waves is
//! strange.
//!
//! Sources: Yeh et al. 2016 (matrix profile); Zhu et al. 2016, "Matrix profile II" (the sum of products at
//! one lag follows from the one a sample before); Lu et al. 2022, "DAMP" (left discords on streams). DAMP
//! leaves the search early where a neighbour is near enough, so its scores of usual stretches are bounds
//! only, and a strange stretch, for which all of the past is searched, comes late. Keeping the sums of all
//! lags instead costs the same for each sample and is exact.
//!
//! When not to use it: on series without repeating form (load of a machine, prices), where all is a discord,
//! or where the level matters and the form does not.
//!
//! Cost: O(capacity) a sample, two multiplications and additions for each lag. State, reserved at the start:
//! 38 bytes for each sample of capacity (`cargo bench -p manazir-detect --bench forest`).

mod past;
#[cfg(test)]
mod tests;

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

use super::forest::Scale;
use super::{Learn, Reading, Setting, StreamDetector};
use past::Past;

/// What can be set of [`Discord`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// m, samples in a stretch, 4..=4096; 64. One period is a good choice, but for very short ones.
    pub stretch_samples: usize,
    /// Samples of the past, at least four stretches, at most 1,048,576; 4,096.
    pub capacity: usize,
    /// ν as part of the series' spread, 0..=1; 0.05.
    pub flat: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { stretch_samples: 64, capacity: 4_096, flat: 0.05 }
    }
}

impl Config {
    fn in_range(self) -> Self {
        let stretch_samples = self.stretch_samples.clamp(4, 4_096);
        Self {
            stretch_samples,
            capacity: self.capacity.clamp(4 * stretch_samples, 1 << 20),
            // Never quite 0: a constant series would divide 0 by 0.
            flat: if self.flat.is_nan() { 0.05 } else { self.flat.clamp(1e-6, 1.0) },
        }
    }
}

/// A period shorter than this says little about form: so many whole periods are taken that they reach it.
const STRETCH_SAMPLES_MIN: usize = 16;
/// Numbers from which offset and unit are taken.
const SCALE_STRETCHES: usize = 2;

/// The detector; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discord {
    config: Config,
    /// `None` until the first samples have told it.
    scale: Option<Scale>,
    /// Those samples; empty afterwards.
    first: Vec<f64>,
    past: Past,
}

impl Discord {
    /// Starts in warm-up.
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        let past = Past::new(config.stretch_samples, config.capacity, config.flat);
        Self { config, scale: None, first: Vec::new(), past }
    }

    /// Stretches of a period, or of as many as make 16 samples; at most an eighth of the past.
    pub fn from_setting(setting: &Setting) -> Self {
        let default = Config::default();
        let stretch_samples = match setting.period_samples {
            Some(period) if period > 1 => {
                let whole = period.saturating_mul(STRETCH_SAMPLES_MIN.div_ceil(period));
                whole.min(default.capacity / 8)
            }
            _ => default.stretch_samples,
        };
        Self::new(Config { stretch_samples, ..default })
    }

    /// Keeps the first samples until they tell offset and unit, then takes them into the past.
    fn start(&mut self, value: f64) {
        let needed = SCALE_STRETCHES * self.config.stretch_samples;
        self.first.push(value);
        let mut known: Vec<f64> = self.first.iter().copied().filter(|value| value.is_finite()).collect();
        if known.len() < needed && self.first.len() < 4 * needed {
            return;
        }
        let scale = Scale::of(&mut known);
        self.scale = Some(scale);
        for value in std::mem::take(&mut self.first) {
            self.past.push(coordinate(&scale, value), true);
        }
    }
}

/// Kept within ±10⁴ units: sums of products then keep eight digits beside a monster.
fn coordinate(scale: &Scale, value: f64) -> f64 {
    const Z_MAX: f64 = 1e4;
    if value.is_finite() { ((value - scale.offset()) / scale.unit()).clamp(-Z_MAX, Z_MAX) } else { f64::NAN }
}

impl StreamDetector for Discord {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let Some(scale) = &mut self.scale else {
            self.start(sample.value);
            return None;
        };
        // Windows must go on while an alarm is open, but what passes then must not become a form to be met
        // again.
        let z = coordinate(scale, sample.value);
        self.past.push(z, learn == Learn::Fully);
        let reading = self.past.nearest().map(Reading::plain);
        if learn == Learn::Fully
            && !z.is_nan()
            && let Some(moved) = scale.learn(z as f32)
        {
            self.past.remap(&moved);
        }
        reading
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>() + self.past.heap_bytes() + self.first.capacity() * size_of::<f64>()
    }
}
