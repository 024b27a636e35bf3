//! Constants of the normal distribution.

/// 1 / Φ⁻¹(0.75): makes the median absolute deviation of a normal sample estimate its standard deviation.
pub(crate) const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

/// ln √(2π)
pub(crate) const LN_ROOT_TAU: f64 = 0.918_938_533_204_672_7;
