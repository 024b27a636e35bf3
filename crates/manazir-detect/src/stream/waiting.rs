//! How long it usually takes until something comes, and how unusual it is to have waited so long.

use serde::{Deserialize, Serialize};

use super::tail_probability::ln_gamma_tail;
use crate::robust;

/// What can be set of the detectors that wait: silence, flat lines, missing data. Values outside a range are
/// moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WaitingConfig {
    /// Weight of a wait that ended in what is learnt, 1e-6..=1; 0.02.
    pub weight: f64,
    /// Waits to learn from before the first reading, 2..=1024; 8.
    pub warm_up_waits: usize,
    /// Waits are believed to be no more regular than a gamma distribution of this shape, 0.1..=1e4; 16, a
    /// standard deviation of a quarter of the mean: by that, twice the usual wait comes once in 1,500.
    pub shape_max: f64,
}

impl Default for WaitingConfig {
    fn default() -> Self {
        Self { weight: 0.02, warm_up_waits: 8, shape_max: 16.0 }
    }
}

impl WaitingConfig {
    pub(crate) fn in_range(self) -> Self {
        Self {
            weight: robust::within(self.weight, 1e-6, 1.0, 0.02),
            warm_up_waits: self.warm_up_waits.clamp(2, 1024),
            shape_max: robust::within(self.shape_max, 0.1, 1e4, 16.0),
        }
    }
}

/// Gamma distribution of waits, from their mean and the mean of their logarithms.
///
/// shape ≈ (3 − s + √((s − 3)² + 24 s)) / (12 s),   s = ln mean − mean ln
///
/// Source: Choi and Wette 1969, in the form of Minka 2002, within 1.5 % of the maximum likelihood. Regular waits
/// give a large shape, a Poisson process 1, bursts less. 32 bytes, O(1).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Waits {
    mean: f64,
    mean_ln: f64,
    shape: f64,
    n_learnt: u32,
}

impl Waits {
    /// A wait counts for no more than so many means: a long silence is an anomaly, not a habit.
    const CUT_MEANS: f64 = 10.0;

    /// Takes in a wait that has ended; `wait` > 0, any unit.
    pub(crate) fn learn(&mut self, wait: f64, config: &WaitingConfig) {
        if wait <= 0.0 {
            return;
        }
        self.n_learnt = self.n_learnt.saturating_add(1);
        let weight = config.weight.max(1.0 / f64::from(self.n_learnt));
        // Two waits are too few to tell what is long.
        let wait = if self.n_learnt > 2 { wait.min(Self::CUT_MEANS * self.mean) } else { wait };
        self.mean += weight * (wait - self.mean);
        self.mean_ln += weight * (wait.ln() - self.mean_ln);
        let spread = (self.mean.ln() - self.mean_ln).max(1e-9);
        let shape = (3.0 - spread + ((spread - 3.0).powi(2) + 24.0 * spread).sqrt()) / (12.0 * spread);
        self.shape = shape.clamp(0.05, config.shape_max);
    }

    /// −log₁₀ P(wait ≥ elapsed), `None` in warm-up.
    pub(crate) fn score(&self, elapsed: f64, config: &WaitingConfig) -> Option<f64> {
        if (self.n_learnt as usize) < config.warm_up_waits {
            return None;
        }
        // So few waits cannot show that they are more regular than this.
        let shape = self.shape.min(f64::from(self.n_learnt));
        let ln_tail = ln_gamma_tail(elapsed, self.mean, shape);
        Some((-ln_tail / std::f64::consts::LN_10).clamp(0.0, robust::SCORE_MAX))
    }
}
