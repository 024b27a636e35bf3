//! Each channel in its own standard deviations, by everything seen up to the last doubling of the rows.

use serde::{Deserialize, Serialize};

/// In a distance over many channels a scaled value beyond this would drown all others.
const SIGMAS_MAX: f64 = 20.0;
/// Of the mean: less than this is rounding, and no spread.
const ROUNDING: f64 = 1e-9;
/// Of a channel that is 0 throughout.
const UNIT_MIN: f64 = 1e-280;

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    n: f64,
    mean: f64,
    /// Sum of squared deviations (Welford 1962).
    squares: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Scale {
    offset: f64,
    unit: f64,
}

/// From one scale to the next.
pub(super) struct Move {
    from: Scale,
    to: Scale,
}

impl Move {
    pub(super) fn apply(&self, z: f32) -> f32 {
        self.to.of(f64::from(z) * self.from.unit + self.from.offset)
    }
}

impl Scale {
    fn of(&self, value: f64) -> f32 {
        let z = (value - self.offset) / self.unit;
        // A channel that has shown no number yet is as usual as it can be.
        if z.is_nan() { 0.0 } else { z.clamp(-SIGMAS_MAX, SIGMAS_MAX) as f32 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scales {
    moments: Vec<Moments>,
    /// Empty until they are first taken.
    scales: Vec<Scale>,
}

impl Scales {
    pub(super) fn new(n_features: usize) -> Self {
        Self { moments: vec![Moments::default(); n_features], scales: Vec::new() }
    }

    pub(super) fn learn(&mut self, feature: usize, value: f64) {
        let moments = &mut self.moments[feature];
        moments.n += 1.0;
        let before = value - moments.mean;
        moments.mean += before / moments.n;
        moments.squares += before * (value - moments.mean);
    }

    pub(super) fn fitted(&self) -> bool {
        !self.scales.is_empty()
    }

    pub(super) fn scaled(&self, feature: usize, value: f64) -> f32 {
        self.scales[feature].of(value)
    }

    /// Takes the scales anew, and says how each channel's numbers change.
    pub(super) fn refit(&mut self) -> Vec<Move> {
        let scale = |moments: &Moments| {
            let sigma = (moments.squares / moments.n.max(1.0)).sqrt();
            let unit = sigma.max(ROUNDING * moments.mean.abs()).max(UNIT_MIN);
            Scale { offset: moments.mean, unit }
        };
        let new: Vec<Scale> = self.moments.iter().map(scale).collect();
        let old = std::mem::replace(&mut self.scales, new);
        old.iter().zip(&self.scales).map(|(&from, &to)| Move { from, to }).collect()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.moments.len() * (size_of::<Moments>() + size_of::<Scale>())
    }
}
