//! The profile of a season beside a slow level.

use serde::{Deserialize, Serialize};

use crate::robust::ResidualScale;
use crate::stream::Learn;

/// Weight of a residual in the scale of the residuals.
const SCALE_WEIGHT: f64 = 0.005;

/// How a profile learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ProfileConfig {
    /// Slots of the season.
    pub(super) slots: u16,
    /// Visits of a slot before it is believed.
    pub(super) visits_min: f32,
    /// Least weight of a visit in its slot.
    pub(super) slot_weight: f32,
    /// Weight of a residual in the level.
    pub(super) level_weight: f32,
    /// A slot is moved by at most so many scales at once.
    pub(super) clip_scales: f32,
}

/// Mean of each slot of the season, and the level that the series has beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    config: ProfileConfig,
    /// Mean of each slot, shape `(slots,)`; with `visits` the season buffer.
    means: Box<[f32]>,
    /// Visits of each slot, at most 65,535: from there on every visit has the least weight anyway.
    visits: Box<[u16]>,
    level: f64,
    scale: ResidualScale,
    residuals: u32,
    /// Sum of |residual| until there are enough of them for a scale.
    warm_sum: f64,
}

/// Residuals whose mean size starts the scale.
const WARM_RESIDUALS: u32 = 20;

impl Profile {
    pub(super) fn new(config: ProfileConfig) -> Self {
        let slots = usize::from(config.slots.max(1));
        Self {
            config,
            means: vec![0.0; slots].into_boxed_slice(),
            visits: vec![0; slots].into_boxed_slice(),
            level: 0.0,
            scale: ResidualScale::default(),
            residuals: 0,
            warm_sum: 0.0,
        }
    }

    pub(super) fn n_slots(&self) -> usize {
        self.means.len()
    }

    fn slot(&self, slot: usize) -> (f32, f32) {
        (self.means[slot], f32::from(self.visits[slot]))
    }

    fn visit(&mut self, slot: usize, mean: f64) {
        self.means[slot] = mean as f32;
        self.visits[slot] = self.visits[slot].saturating_add(1);
    }

    /// What the slot gives, with the level; `None` until it was visited often enough.
    pub(super) fn expected(&self, slot: usize) -> Option<f64> {
        let (mean, visits) = self.slot(slot);
        (visits >= self.config.visits_min && self.residuals >= WARM_RESIDUALS)
            .then(|| f64::from(mean) + self.level)
    }

    /// Robust standard deviation of the residuals.
    pub(super) fn sigma(&self) -> f64 {
        self.scale.sigma(self.level)
    }

    /// Takes in `value`, returns its residual once there is a scale to measure it by.
    pub(super) fn update(&mut self, slot: usize, value: f64, learn: Learn) -> Option<f64> {
        let (mean, visits) = self.slot(slot);
        if visits < self.config.visits_min {
            let weight = 1.0 / (f64::from(visits) + 1.0);
            self.visit(slot, f64::from(mean) + weight * (value - f64::from(mean)));
            return None;
        }
        let deviation = value - f64::from(mean);
        let residual = deviation - self.level;
        if learn == Learn::Frozen {
            return (self.residuals >= WARM_RESIDUALS).then_some(residual);
        }
        let judged = self.learn_scale(residual);
        let sigma = self.scale.sigma(self.level);
        let bound = 3.0 * sigma;
        self.level += f64::from(self.config.level_weight) * residual.clamp(-bound, bound);
        let weight = (1.0 / (f64::from(visits) + 1.0)).max(f64::from(self.config.slot_weight));
        let clip = f64::from(self.config.clip_scales) * sigma;
        let step = if judged { deviation.clamp(-clip, clip) } else { deviation };
        self.visit(slot, f64::from(mean) + weight * step);
        judged.then_some(residual)
    }

    /// True once the scale is known.
    fn learn_scale(&mut self, residual: f64) -> bool {
        if self.residuals < WARM_RESIDUALS {
            self.residuals += 1;
            self.warm_sum += residual.abs();
            if self.residuals == WARM_RESIDUALS {
                // √(π/2): makes the mean size of a normal residual its standard deviation.
                self.scale = ResidualScale::new(1.253_3 * self.warm_sum / f64::from(WARM_RESIDUALS));
            }
            return false;
        }
        self.scale.learn(residual, self.level, SCALE_WEIGHT);
        true
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.means) + size_of_val(&*self.visits)
    }
}
