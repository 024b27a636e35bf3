//! Matrix profile of several lengths: how far each window is from the window most like it.
//!
//! d²(a, b) = ‖â‖² + ‖b̂‖² − 2 â·b̂,  â = (a − mean(a)) / √(var(a) + ε²)
//!
//! Every window is compared with every other one along the diagonals of the distance matrix, where the scalar
//! product changes by two products a step (Yeh et al. 2016, *Matrix profile I*; the centred update is that of
//! Zimmerman et al. 2019, *Matrix profile XIV*, SCAMP). ε keeps the noise of flat stretches from being blown up
//! to a shape, which is what De Paepe et al. 2019 correct for afterwards; with ε = 0 the distance is the usual
//! one, and two constant windows are at distance 0.
//!
//! For waveforms and other series that repeat their shapes; not for what never repeats, nor for an anomaly that
//! occurs twice. O(n_samples²) for each length and channel; where that exceeds the budget an even choice of
//! diagonals is walked (Zhu et al. 2018, *Matrix profile XI*, SCRIMP), which gives an upper bound of each distance.

use super::Frame;
use super::prepare::{Prepared, Scaling, moments};
use super::windows::cover_mean;
use crate::Random;

/// What is compared with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Lengths of windows, in samples, each at least 4; those that do not fit four times are left out.
    pub windows: Vec<usize>,
    /// ε as a share of the standard deviation of the whole channel, ≥ 0.
    pub noise_share: f64,
    /// Cells of the distance matrices that may be computed in all.
    pub cells_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { windows: vec![16, 32, 64, 128], noise_share: 1.0, cells_max: 1_000_000_000 }
    }
}

/// Scores, shape `(n_samples,)`: the mean over lengths and channels of the distance as a share of the largest
/// possible one, 0..=1; a point takes the mean of the windows that cover it. A row without any number gets the
/// median score, and a series shorter than two windows 0 throughout.
pub fn scores(frame: &Frame, config: &Config, seed: u64) -> Vec<f64> {
    let prepared = Prepared::new(frame, Scaling::Moments);
    let n_samples = prepared.n_samples();
    let fits = |window: &usize| *window >= 4 && 4 * window <= n_samples;
    let windows: Vec<usize> = config.windows.iter().copied().filter(fits).collect();
    let mut total = vec![0.0; n_samples];
    let budget = config.cells_max / (windows.len() * frame.n_features()).max(1) as u64;
    for channel in &prepared.channels {
        for &window in &windows {
            let profile = MatrixProfile::new(channel, window, config.noise_share, budget, seed);
            let distances: Vec<f64> = profile.nearest().map(|d| d / (2.0 * (window as f64).sqrt())).collect();
            total.iter_mut().zip(cover_mean(&distances, window)).for_each(|(sum, score)| *sum += score);
        }
    }
    let parts = (windows.len() * frame.n_features()).max(1) as f64;
    prepared.finish(total.into_iter().map(|sum| sum / parts).collect())
}

/// Squared distances to the nearest window on either side, divided by the length of the windows.
#[derive(Clone, Debug)]
pub struct MatrixProfile {
    window: usize,
    /// To the nearest earlier window, shape `(n_windows,)`; infinite where there is none. Causal.
    left: Vec<f64>,
    /// To the nearest later window.
    right: Vec<f64>,
}

impl MatrixProfile {
    /// `values`: one channel without NaN, longer than `window` ≥ 2. `noise_share` as in [`Config`].
    ///
    /// Windows that overlap by three quarters or more are not compared: they are alike for no reason.
    ///
    /// # Panics
    /// If `values` is shorter than `window`.
    pub fn new(values: &[f64], window: usize, noise_share: f64, cells_max: u64, seed: u64) -> Self {
        let walk = Walk::new(values, window, noise_share);
        let n_windows = walk.n_windows();
        let mut profile =
            Self { window, left: vec![f64::INFINITY; n_windows], right: vec![f64::INFINITY; n_windows] };
        let first = window.div_ceil(4).max(1);
        for diagonal in chosen_blocks(first, n_windows, cells_max, seed) {
            let lanes = LANES.min(n_windows - diagonal);
            if lanes == LANES {
                walk.block(diagonal, &mut profile);
            } else {
                (diagonal..diagonal + lanes).for_each(|diagonal| walk.line(diagonal, 0, &mut profile));
            }
        }
        profile
    }

    /// Distance of each window to its nearest neighbour, shape `(n_windows,)`; 0 where nothing was compared.
    pub fn nearest(&self) -> impl Iterator<Item = f64> + '_ {
        self.left.iter().zip(&self.right).map(|(&left, &right)| self.distance(left.min(right)))
    }

    /// Distance of each window to its nearest earlier neighbour, shape `(n_windows,)`; 0 where there is none.
    pub fn nearest_earlier(&self) -> impl Iterator<Item = f64> + '_ {
        self.left.iter().map(|&left| self.distance(left))
    }

    fn distance(&self, squared: f64) -> f64 {
        if squared.is_finite() { (squared.max(0.0) * self.window as f64).sqrt() } else { 0.0 }
    }
}

/// Diagonals that are walked together: neighbours in memory, so that the compiler turns them into vectors.
const LANES: usize = 16;

/// First diagonals of the blocks to walk: all, or as many as the budget allows, one from each equal share.
fn chosen_blocks(first: usize, n_windows: usize, cells_max: u64, seed: u64) -> Vec<usize> {
    let blocks: Vec<usize> = (first..n_windows).step_by(LANES).collect();
    let cells: u64 = blocks.iter().map(|&diagonal| (LANES * (n_windows - diagonal)) as u64).sum();
    if cells <= cells_max {
        return blocks;
    }
    let wanted = ((blocks.len() as f64 * cells_max as f64 / cells as f64) as usize).max(1);
    let mut random = Random::new(seed);
    let share = blocks.len() as f64 / wanted as f64;
    (0..wanted).map(|k| blocks[((k as f64 + random.uniform()) * share) as usize % blocks.len()]).collect()
}

/// What walking the diagonals needs of each window, all of shape `(n_windows,)`.
struct Walk<'a> {
    values: &'a [f64],
    window: usize,
    mean: Vec<f64>,
    /// 1 / √(m (var + ε²)).
    scale: Vec<f64>,
    /// ‖â‖² / m.
    energy: Vec<f64>,
    /// (x_{i+m−1} − x_{i−1}) / 2.
    half_step: Vec<f64>,
    /// (x_{i+m−1} − mean_i) + (x_{i−1} − mean_{i−1}).
    around: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(values: &'a [f64], window: usize, noise_share: f64) -> Self {
        let length = window as f64;
        let windows = || values.windows(window);
        let mean: Vec<f64> = windows().map(|of| of.iter().sum::<f64>() / length).collect();
        let variance: Vec<f64> = windows()
            .zip(&mean)
            .map(|(of, mean)| of.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / length)
            .collect();
        let (_, spread) = moments(values);
        let noise = (noise_share * spread).powi(2);
        // Below rounding a window is constant.
        let flat = (1e-12 * spread * spread).max(1e-290);
        let scale = variance
            .iter()
            .map(|&v| if v + noise > flat { (length * (v + noise)).sqrt().recip() } else { 0.0 });
        let energy = variance.iter().map(|&v| if v + noise > flat { v / (v + noise) } else { 0.0 });
        let before = |at: usize| values[at - 1];
        let after = |at: usize| values[at + window - 1];
        let steps = || 1..mean.len();
        Self {
            half_step: std::iter::once(0.0).chain(steps().map(|at| (after(at) - before(at)) / 2.0)).collect(),
            around: std::iter::once(0.0)
                .chain(steps().map(|at| (after(at) - mean[at]) + (before(at) - mean[at - 1])))
                .collect(),
            scale: scale.collect(),
            energy: energy.collect(),
            values,
            window,
            mean,
        }
    }

    fn n_windows(&self) -> usize {
        self.mean.len()
    }

    /// Σ (xᵢ₊ₖ − meanᵢ)(xⱼ₊ₖ − meanⱼ).
    fn product(&self, i: usize, j: usize) -> f64 {
        let (left, right) = (&self.values[i..][..self.window], &self.values[j..][..self.window]);
        left.iter().zip(right).map(|(x, y)| (x - self.mean[i]) * (y - self.mean[j])).sum()
    }

    /// Diagonals `diagonal..diagonal + LANES`, as far as all of them reach; the rest one by one.
    fn block(&self, diagonal: usize, profile: &mut MatrixProfile) {
        let rows = self.n_windows() - (diagonal + LANES - 1);
        let mut product: [f64; LANES] = std::array::from_fn(|lane| self.product(0, diagonal + lane));
        for row in 0..rows {
            let from = row + diagonal;
            let (half_step, around) = (self.half_step[row], self.around[row]);
            let (scale, energy) = (2.0 * self.scale[row], self.energy[row]);
            let half_steps = lanes(&self.half_step, from);
            let arounds = lanes(&self.around, from);
            let scales = lanes(&self.scale, from);
            let energies = lanes(&self.energy, from);
            let left: &mut [f64; LANES] =
                (&mut profile.left[from..from + LANES]).try_into().expect("sixteen values");
            let mut squared = [0.0; LANES];
            for lane in 0..LANES {
                product[lane] += half_step * arounds[lane] + half_steps[lane] * around;
                squared[lane] = energy + energies[lane] - product[lane] * scale * scales[lane];
            }
            for lane in 0..LANES {
                left[lane] = if squared[lane] < left[lane] { squared[lane] } else { left[lane] };
            }
            let mut nearest = profile.right[row];
            for value in squared {
                nearest = if value < nearest { value } else { nearest };
            }
            profile.right[row] = nearest;
        }
        for lane in 0..LANES - 1 {
            self.line(diagonal + lane, rows, profile);
        }
    }

    /// One diagonal, from row `from_row` on.
    fn line(&self, diagonal: usize, from_row: usize, profile: &mut MatrixProfile) {
        let rows = from_row..self.n_windows() - diagonal;
        if rows.is_empty() {
            return;
        }
        let mut product = self.product(from_row, from_row + diagonal);
        for row in rows {
            let column = row + diagonal;
            if row > from_row {
                product +=
                    self.half_step[row] * self.around[column] + self.half_step[column] * self.around[row];
            }
            let cross = 2.0 * product * self.scale[row] * self.scale[column];
            let squared = self.energy[row] + self.energy[column] - cross;
            profile.left[column] = profile.left[column].min(squared);
            profile.right[row] = profile.right[row].min(squared);
        }
    }
}

fn lanes(values: &[f64], from: usize) -> &[f64; LANES] {
    values[from..from + LANES].try_into().expect("sixteen values")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By definition: every pair, every product anew.
    fn naive(values: &[f64], window: usize) -> Vec<f64> {
        let normal: Vec<Vec<f64>> = values
            .windows(window)
            .map(|of| {
                let (mean, sigma) = moments(of);
                of.iter().map(|value| (value - mean) / sigma).collect()
            })
            .collect();
        let gap = |i: usize, j: usize| -> f64 {
            normal[i].iter().zip(&normal[j]).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
        };
        let apart = |i: usize, j: &usize| i.abs_diff(*j) >= window.div_ceil(4);
        let nearest =
            |i| (0..normal.len()).filter(|j| apart(i, j)).map(|j| gap(i, j)).fold(f64::INFINITY, f64::min);
        (0..normal.len()).map(nearest).collect()
    }

    fn noise(n_samples: usize) -> Vec<f64> {
        let mut random = Random::new(8);
        (0..n_samples).map(|_| 1e3 + random.normal()).collect()
    }

    #[test]
    fn distances_are_those_of_their_definition() {
        for (n_samples, window) in [(120, 8), (97, 30), (400, 16)] {
            let values = noise(n_samples);
            let profile = MatrixProfile::new(&values, window, 0.0, u64::MAX, 1);
            for (found, expected) in profile.nearest().zip(naive(&values, window)) {
                assert!((found - expected).abs() < 1e-6, "{n_samples} {window}: {found} {expected}");
            }
        }
    }

    #[test]
    fn the_left_profile_knows_no_later_sample() {
        let left = |of: &[f64]| -> Vec<f64> {
            MatrixProfile::new(of, 12, 0.0, u64::MAX, 1).nearest_earlier().collect()
        };
        let values = noise(300);
        let (short, whole) = (left(&values[..200]), left(&values));
        assert!(short.iter().zip(&whole).all(|(short, whole)| (short - whole).abs() < 1e-9));
    }

    #[test]
    fn a_budget_gives_upper_bounds() {
        let values = noise(2_000);
        let exact = MatrixProfile::new(&values, 20, 0.5, u64::MAX, 1);
        let budgeted = MatrixProfile::new(&values, 20, 0.5, 200_000, 1);
        let pairs = || exact.nearest().zip(budgeted.nearest());
        assert!(pairs().all(|(exact, bound)| bound == 0.0 || bound >= exact - 1e-9));
        assert!(pairs().any(|(exact, bound)| bound > exact + 1e-9));
    }
}
