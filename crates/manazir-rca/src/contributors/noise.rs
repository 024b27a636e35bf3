//! How far leaves are off for no reason at all.
//!
//! deviation = (actual − expected) / max(|actual|, |expected|), −1..=1
//!
//! Its scale is learnt from the cube: relative error, which all leaves share, error of counting, which shrinks with
//! the root of the size, and the step to which numbers were rounded:
//!
//! scale² = relative² + counting / size + (step / size)²
//!
//! Noise goes up as often as down, while what happened goes mostly one way; so the side that is less off is the one
//! to learn from. Its shape is normal unless its tail says otherwise; then it is three normals of one centre.

use crate::normal::{LN_ROOT_TAU, MAD_TO_SIGMA};

/// Widths of the three normals against each other.
const WIDTHS: [f64; 3] = [1.0, 2.0, 4.0];

/// No forecast is better than this; without a floor, a cube without noise would make rounding a finding.
const RELATIVE_MIN: f64 = 1e-3;

/// A leaf as noise sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// −1..=1
    pub(super) deviation: f64,
    /// max(|actual|, |expected|); 0 if there is nothing to see.
    pub(super) size: f64,
}

impl Reading {
    pub(super) fn new(actual: f64, expected: f64) -> Self {
        let size = actual.abs().max(expected.abs());
        let deviation = if size > 0.0 { ((actual - expected) / size).clamp(-1.0, 1.0) } else { 0.0 };
        Self { deviation, size }
    }
}

/// What was learnt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Noise {
    relative: f64,
    counting: f64,
    step: f64,
    /// Shares of the three normals.
    shares: [f64; 3],
    /// Width of the first of them, in scales.
    width: f64,
}

impl Noise {
    /// From leaves that nothing is known of yet. `step`: of rounding; `floor`: what is known of its scale already.
    pub(super) fn learn(readings: impl Iterator<Item = Reading>, step: f64, floor: f64) -> Self {
        let mut sides: [Vec<Reading>; 2] = [Vec::new(), Vec::new()];
        for reading in readings.filter(|reading| reading.size > 0.0) {
            // A leaf that is not off at all is on both sides.
            if reading.deviation >= 0.0 {
                sides[0].push(reading);
            }
            if reading.deviation <= 0.0 {
                sides[1].push(reading);
            }
        }
        let off = |side: &[Reading]| side.iter().map(|reading| reading.deviation.powi(2)).sum::<f64>();
        let [mut up, down] = sides;
        if off(&down) < off(&up) {
            up = down;
        }
        let (relative, counting) = scales(&mut up, step);
        let mut noise = Self { relative, counting, step, shares: [1.0, 0.0, 0.0], width: 1.0 };
        (noise.shares, noise.width) =
            shape(up.iter().map(|reading| reading.deviation.abs() / noise.scale(reading.size)));
        if noise.scale_min() < floor {
            // A handful of leaves may be near to what was expected of them by chance.
            noise = Self { relative: floor, shares: [1.0, 0.0, 0.0], width: 1.0, ..noise };
        }
        noise
    }

    /// Of the deviation of a leaf of that size.
    pub(super) fn scale(&self, size: f64) -> f64 {
        let rounding = self.step / size;
        (self.relative * self.relative + self.counting / size + rounding * rounding).sqrt()
    }

    /// Of the deviation of a large leaf.
    pub(super) fn scale_min(&self) -> f64 {
        self.relative * self.width
    }

    /// ln of the density of such a deviation at a leaf of that scale.
    pub(super) fn log_density(&self, deviation: f64, scale: f64) -> f64 {
        let scale = scale * self.width;
        let square = (deviation / scale).powi(2);
        let log_unit = -LN_ROOT_TAU - scale.ln();
        if self.shares[0] >= 1.0 {
            return log_unit - 0.5 * square;
        }
        log_unit + mixture(&self.shares, square).iter().sum::<f64>().max(f64::MIN_POSITIVE).ln()
    }
}

/// Densities of the three normals at a place, times √(2π).
fn mixture(shares: &[f64; 3], square: f64) -> [f64; 3] {
    std::array::from_fn(|k| shares[k] / WIDTHS[k] * (-0.5 * square / (WIDTHS[k] * WIDTHS[k])).exp())
}

/// Relative error and error of counting: scale² against 1 / size, over groups of leaves of like size.
fn scales(readings: &mut [Reading], step: f64) -> (f64, f64) {
    const GROUP: usize = 200;
    const GROUPS_MAX: usize = 24;
    if readings.is_empty() {
        return (RELATIVE_MIN, 0.0);
    }
    readings.sort_unstable_by(|a, b| a.size.total_cmp(&b.size).then(a.deviation.total_cmp(&b.deviation)));
    let groups = (readings.len() / GROUP).clamp(1, GROUPS_MAX);
    // Least squares of scale² = relative² + counting · inverse; each group counts by its own relative error.
    let (mut n, mut x, mut xx, mut y, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for group in readings.chunks(readings.len().div_ceil(groups)) {
        let mut off: Vec<f64> = group.iter().map(|reading| reading.deviation.abs()).collect();
        let middle = off.len() / 2;
        let median = *off.select_nth_unstable_by(middle, f64::total_cmp).1;
        let inverse = group.iter().map(|reading| 1.0 / reading.size).sum::<f64>() / group.len() as f64;
        let rounding = (step * inverse).powi(2);
        let square = (median * MAD_TO_SIGMA).powi(2).max(rounding).max(RELATIVE_MIN * RELATIVE_MIN);
        let weight = square.powi(-2);
        let square = square - rounding;
        n += weight;
        x += weight * inverse;
        xx += weight * inverse * inverse;
        y += weight * square;
        xy += weight * inverse * square;
    }
    let determinant = n * xx - x * x;
    let counting = if determinant > 1e-9 * n * xx { (n * xy - x * y) / determinant } else { 0.0 };
    let relative = (y - counting * x) / n;
    let floor = RELATIVE_MIN * RELATIVE_MIN;
    let (relative, counting) = match (relative > floor, counting > 0.0) {
        (true, true) => (relative, counting),
        (true, false) => (y / n, 0.0),
        (false, _) => (floor, (xy / xx).max(0.0)),
    };
    (relative.max(floor).sqrt(), counting)
}

/// Shares of three normals and the width of the first, of absolute deviations in scales: by expectation and
/// maximisation, and only if that is better than one normal by the Bayesian information criterion.
fn shape(deviations: impl Iterator<Item = f64>) -> ([f64; 3], f64) {
    const BINS: usize = 160;
    const BIN: f64 = 0.1;
    const ROUNDS: usize = 40;
    const ONE: [f64; 3] = [1.0, 0.0, 0.0];
    let mut counts = [0.0; BINS];
    for deviation in deviations {
        counts[((deviation / BIN) as usize).min(BINS - 1)] += 1.0;
    }
    let n: f64 = counts.iter().sum();
    if n < 1.0 {
        return (ONE, 1.0);
    }
    let squares: [f64; BINS] = std::array::from_fn(|bin| ((bin as f64 + 0.5) * BIN).powi(2));
    let likelihood = |shares: &[f64; 3], width: f64| -> f64 {
        let density = |square: &f64| mixture(shares, square / (width * width)).iter().sum::<f64>() / width;
        squares.iter().zip(&counts).map(|(square, count)| count * density(square).max(1e-300).ln()).sum()
    };
    let width_of_one =
        (squares.iter().zip(&counts).map(|(square, count)| square * count).sum::<f64>() / n).sqrt();
    let (mut shares, mut width) = ([0.8, 0.15, 0.05], 0.8 * width_of_one.min(2.0));
    for _ in 0..ROUNDS {
        let (mut sums, mut squared) = ([0.0; 3], 0.0);
        for (square, count) in squares.iter().zip(&counts).filter(|(_, count)| **count > 0.0) {
            let parts = mixture(&shares, square / (width * width));
            let whole = parts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            for k in 0..3 {
                let part = count * parts[k] / whole;
                sums[k] += part;
                squared += part * square / (WIDTHS[k] * WIDTHS[k]);
            }
        }
        shares = sums.map(|sum| sum / n);
        width = (squared / n).sqrt();
    }
    let better = likelihood(&shares, width) - likelihood(&ONE, width_of_one);
    // Two parameters more.
    if better > n.ln() { (shares, width) } else { (ONE, width_of_one) }
}
