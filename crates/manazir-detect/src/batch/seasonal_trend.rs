//! STL: season, trend and remainder by locally weighted regression.
//!
//! x = season + trend + remainder
//!
//! Cleveland et al. 1990 (*STL: a seasonal-trend decomposition procedure based on loess*), robust: samples far
//! from the fit lose their weight, so that an anomaly stays in the remainder instead of bending the season.
//! Several seasons are taken out in turn, the shortest first (Bandara et al. 2021, *MSTL*).

use crate::robust::median;

/// A decomposed series; each part has shape `(n_samples,)`.
#[derive(Clone, Debug)]
pub struct Decomposition {
    /// Sum of all seasons.
    pub season: Vec<f64>,
    /// What moves slowly.
    pub trend: Vec<f64>,
    /// What is left.
    pub remainder: Vec<f64>,
}

/// Rounds of robust weights. Cleveland et al. go up to 15 for convergence; here the remainder is only compared
/// with itself, and the first rounds take the weight from the outliers.
const ROBUST_ROUNDS: usize = 2;

/// Inner rounds of season and trend; two suffice (same source, §3.3).
const INNER_ROUNDS: usize = 2;

/// Cycles that the loess of one phase of the season spans. Cleveland et al. ask for an odd number ≥ 7; more
/// keeps the season steadier against long anomalies.
const SEASON_CYCLES: usize = 11;

/// Decomposes `values`, shape `(n_samples,)`, without NaN. Periods below 2 or that fit less than twice are
/// skipped; without any the trend is a robust loess over a tenth of the series. O(n_samples) for each period.
pub fn decompose(values: &[f64], periods: &[usize]) -> Decomposition {
    let n_samples = values.len();
    let mut periods: Vec<usize> = periods.iter().copied().filter(|&p| p >= 2 && 2 * p <= n_samples).collect();
    periods.sort_unstable();
    periods.dedup();
    let rounds = if periods.len() > 1 { 2 } else { 1 };
    let mut seasons = vec![vec![0.0; n_samples]; periods.len()];
    let mut trend = vec![0.0; n_samples];
    if periods.is_empty() {
        trend = robust_trend(values, (n_samples / 10).max(7));
    }
    for _ in 0..rounds {
        for (which, &period) in periods.iter().enumerate() {
            let others = |at: usize| -> f64 {
                seasons.iter().enumerate().filter(|(k, _)| *k != which).map(|(_, season)| season[at]).sum()
            };
            let rest: Vec<f64> = (0..n_samples).map(|at| values[at] - others(at)).collect();
            (seasons[which], trend) = seasonal_trend(&rest, period);
        }
    }
    let season: Vec<f64> = (0..n_samples).map(|at| seasons.iter().map(|season| season[at]).sum()).collect();
    let remainder = (0..n_samples).map(|at| values[at] - season[at] - trend[at]).collect();
    Decomposition { season, trend, remainder }
}

/// Season and trend for one period.
fn seasonal_trend(values: &[f64], period: usize) -> (Vec<f64>, Vec<f64>) {
    let n_samples = values.len();
    // The least odd width that keeps the season out of the trend (same source, §3.6).
    let trend_width = (1.5 * period as f64 / (1.0 - 1.5 / SEASON_CYCLES as f64)).ceil() as usize;
    let mut weights = vec![1.0; n_samples];
    let mut season = vec![0.0; n_samples];
    let mut trend = vec![0.0; n_samples];
    for round in 0..=ROBUST_ROUNDS {
        for _ in 0..INNER_ROUNDS {
            let detrended: Vec<f64> = values.iter().zip(&trend).map(|(value, trend)| value - trend).collect();
            let cycle = cycle_smoothed(&detrended, &weights, period);
            let low = low_passed(&cycle, period);
            season = (0..n_samples).map(|at| cycle[at + period] - low[at]).collect();
            let level: Vec<f64> = values.iter().zip(&season).map(|(value, season)| value - season).collect();
            trend = loess(&level, &weights, trend_width, (trend_width / 10).max(1), 0..n_samples as isize);
        }
        if round < ROBUST_ROUNDS {
            weights = robust_weights((0..n_samples).map(|at| values[at] - season[at] - trend[at]));
        }
    }
    (season, trend)
}

fn robust_trend(values: &[f64], width: usize) -> Vec<f64> {
    let mut weights = vec![1.0; values.len()];
    for _ in 0..ROBUST_ROUNDS {
        let trend = loess(values, &weights, width, (width / 10).max(1), 0..values.len() as isize);
        weights = robust_weights(values.iter().zip(&trend).map(|(value, trend)| value - trend));
    }
    loess(values, &weights, width, (width / 10).max(1), 0..values.len() as isize)
}

/// Each phase of the season smoothed over its cycles and carried on for one cycle on both sides; shape
/// `(n_samples + 2 · period,)`.
fn cycle_smoothed(detrended: &[f64], weights: &[f64], period: usize) -> Vec<f64> {
    let mut cycle = vec![0.0; detrended.len() + 2 * period];
    for phase in 0..period {
        let of_phase =
            |from: &[f64]| -> Vec<f64> { from.iter().skip(phase).step_by(period).copied().collect() };
        let visits = of_phase(detrended);
        let smooth = loess(&visits, &of_phase(weights), SEASON_CYCLES, 1, -1..visits.len() as isize + 1);
        for (visit, value) in smooth.into_iter().enumerate() {
            if let Some(slot) = cycle.get_mut(phase + visit * period) {
                *slot = value;
            }
        }
    }
    cycle
}

/// Two means over a period and one over three samples, which leave no season; then a loess over a period.
fn low_passed(cycle: &[f64], period: usize) -> Vec<f64> {
    let once = sliding_mean(cycle, period);
    let twice = sliding_mean(&once, period);
    let thrice = sliding_mean(&twice, 3);
    let weights = vec![1.0; thrice.len()];
    loess(&thrice, &weights, period.max(3), (period / 10).max(1), 0..thrice.len() as isize)
}

/// Shape `(n − width + 1,)`.
fn sliding_mean(values: &[f64], width: usize) -> Vec<f64> {
    let mut sum: f64 = values[..width - 1].iter().sum();
    let step = |at: usize| {
        sum += values[at + width - 1];
        let mean = sum / width as f64;
        sum -= values[at];
        mean
    };
    (0..values.len() + 1 - width).map(step).collect()
}

/// Bisquare weights of the remainders, 0 beyond six median absolute ones (same source, §2.4).
fn robust_weights(remainders: impl Iterator<Item = f64>) -> Vec<f64> {
    let sizes: Vec<f64> = remainders.map(f64::abs).collect();
    let reach = 6.0 * median(&mut sizes.clone());
    let bisquare = |size: &f64| {
        if reach <= 0.0 {
            // More than half fits exactly: what does not is out.
            return f64::from(*size <= 0.0);
        }
        (1.0 - (size / reach).min(1.0).powi(2)).powi(2)
    };
    sizes.iter().map(bisquare).collect()
}

/// Locally linear fits at `at`, over the `width` nearest samples with tricube weights times `weights`; every
/// `jump`-th position is computed and those between interpolated.
fn loess(values: &[f64], weights: &[f64], width: usize, jump: usize, at: std::ops::Range<isize>) -> Vec<f64> {
    if values.is_empty() {
        return vec![0.0; at.len()];
    }
    let knots: Vec<isize> = (at.start..at.end).step_by(jump).chain([at.end - 1]).collect();
    let fits: Vec<f64> = knots.iter().map(|&knot| loess_at(values, weights, width, knot)).collect();
    let mut smooth = Vec::with_capacity(at.len());
    for (pair, knot) in fits.windows(2).zip(knots.windows(2)) {
        let span = (knot[1] - knot[0]) as f64;
        for position in knot[0]..knot[1] {
            smooth.push(pair[0] + (pair[1] - pair[0]) * (position - knot[0]) as f64 / span);
        }
    }
    smooth.extend(fits.last());
    smooth
}

/// One locally linear fit.
fn loess_at(values: &[f64], weights: &[f64], width: usize, position: isize) -> f64 {
    let n = values.len();
    let used = width.min(n);
    let from = (position - used as isize / 2).clamp(0, (n - used) as isize) as usize;
    let x = position as f64;
    let farthest = (x - from as f64).abs().max((x - (from + used - 1) as f64).abs());
    // Where there are fewer samples than the width the reach grows accordingly (same source, §2.2).
    let reach = (farthest + ((width - used) / 2) as f64).max(1.0) * 1.001;
    let (mut w0, mut w1, mut w2, mut y0, mut y1) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for k in from..from + used {
        let offset = k as f64 - x;
        let near = 1.0 - (offset.abs() / reach).powi(3);
        let weight = weights[k] * near * near * near;
        w0 += weight;
        w1 += weight * offset;
        w2 += weight * offset * offset;
        y0 += weight * values[k];
        y1 += weight * offset * values[k];
    }
    if w0 <= 0.0 {
        // Every neighbour was thrown out as an outlier: their plain median is the better guess.
        return median(&mut values[from..from + used].to_vec());
    }
    let determinant = w0 * w2 - w1 * w1;
    // A slope needs samples that are apart.
    if determinant > 1e-6 * w0 * w0 * reach * reach { (w2 * y0 - w1 * y1) / determinant } else { y0 / w0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    fn wave(t: usize, period: f64) -> f64 {
        (t as f64 * std::f64::consts::TAU / period).sin()
    }

    fn largest(values: impl Iterator<Item = f64>) -> f64 {
        values.map(f64::abs).fold(0.0, f64::max)
    }

    #[test]
    fn season_trend_and_an_outlier_are_told_apart() {
        let mut random = Random::new(14);
        let mut values: Vec<f64> =
            (0..480).map(|t| 3.0 * wave(t, 24.0) + 0.02 * t as f64 + 0.05 * random.normal()).collect();
        values[245] += 20.0;
        let parts = decompose(&values, &[24]);
        assert!(largest((0..480).map(|t| parts.season[t] - 3.0 * wave(t, 24.0))) < 0.3);
        assert!(largest((0..480).map(|t| parts.trend[t] - 0.02 * t as f64)) < 0.3);
        assert!((parts.remainder[245] - 20.0).abs() < 0.5, "{}", parts.remainder[245]);
    }

    #[test]
    fn two_seasons_leave_nothing_of_either() {
        let values: Vec<f64> = (0..1_680).map(|t| wave(t, 24.0) + 2.0 * wave(t, 168.0)).collect();
        let parts = decompose(&values, &[168, 24]);
        assert!(largest(parts.remainder[168..1_512].iter().copied()) < 0.2);
    }

    #[test]
    fn the_parts_always_sum_to_the_series() {
        let cases = [(0, vec![7]), (1, vec![]), (13, vec![7, 0, 1]), (60, vec![30, 7, 7]), (50, vec![])];
        for (n_samples, periods) in cases {
            let values: Vec<f64> = (0..n_samples).map(|t| (t * t % 17) as f64).collect();
            let parts = decompose(&values, &periods);
            assert_eq!(parts.remainder.len(), n_samples);
            let sum = |t: usize| parts.season[t] + parts.trend[t] + parts.remainder[t] - values[t];
            assert!(largest((0..n_samples).map(sum)) < 1e-9);
        }
    }
}
