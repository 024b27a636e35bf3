//! How far a series strays from its expectation, where it is high and where it is low.

use crate::robust::{MAD_TO_SIGMA, median};

/// Samples that measure one scatter.
const SAMPLES_MIN: usize = 200;

/// Heights at which the scatter is measured.
const HEIGHTS_MAX: usize = 8;

/// No height is believed to be this much quieter than all of the series.
const SHARE_MIN: f64 = 0.25;

/// √(π/2): makes the mean size of a normal residual its standard deviation.
const MEAN_TO_SIGMA: f64 = 1.253_314_137_315_500_3;

/// Robust standard deviation of residuals. A series that mostly rests has a MAD of 0; the mean size of its
/// residuals stands in. Overwrites them.
pub(super) fn sigma_of(residuals: &mut [f64]) -> f64 {
    for residual in residuals.iter_mut() {
        *residual = residual.abs();
    }
    match median(residuals) {
        0.0 => MEAN_TO_SIGMA * residuals.iter().sum::<f64>() / residuals.len().max(1) as f64,
        mad => MAD_TO_SIGMA * mad,
    }
}

/// Scatter around each expectation, shape `(n_samples,)`, and that of the whole series.
///
/// Traffic scatters more by day than by night. So the samples are put in the order of what was expected of
/// them, cut into equal parts, and each part has its own robust standard deviation; straight lines between.
pub(super) fn scatter(values: &[f64], expected: &[f64]) -> (Vec<f64>, f64) {
    let mut known: Vec<(f64, f64)> = values
        .iter()
        .zip(expected)
        .map(|(value, &expected)| (expected, value - expected))
        .filter(|(_, residual)| residual.is_finite())
        .collect();
    let mut residuals: Vec<f64> = known.iter().map(|&(_, residual)| residual).collect();
    let whole = sigma_of(&mut residuals);
    let n_heights = (known.len() / SAMPLES_MIN).clamp(1, HEIGHTS_MAX);
    if n_heights == 1 {
        return (vec![whole; expected.len()], whole);
    }
    known.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let heights: Vec<(f64, f64)> = known
        .chunks(known.len().div_ceil(n_heights))
        .map(|part| {
            residuals.clear();
            residuals.extend(part.iter().map(|&(_, residual)| residual));
            (part[part.len() / 2].0, sigma_of(&mut residuals).max(SHARE_MIN * whole))
        })
        .collect();
    (expected.iter().map(|&expected| between(&heights, expected)).collect(), whole)
}

fn between(heights: &[(f64, f64)], expected: f64) -> f64 {
    let after = heights.partition_point(|&(height, _)| height <= expected);
    match (after.checked_sub(1).and_then(|before| heights.get(before)), heights.get(after)) {
        (Some(&(low, below)), Some(&(high, above))) => {
            below + (above - below) * (expected - low) / (high - low)
        }
        (Some(&(_, only)), None) | (None, Some(&(_, only))) => only,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn what_is_high_may_scatter_more() {
        let mut random = Random::new(1);
        let expected: Vec<f64> = (0..4_000).map(|index| if index % 2 == 0 { 10.0 } else { 100.0 }).collect();
        let values: Vec<f64> = expected.iter().map(|height| height * (1.0 + 0.1 * random.normal())).collect();
        let (scatter, _) = scatter(&values, &expected);
        assert!((scatter[0] / 1.0 - 1.0).abs() < 0.2, "{}", scatter[0]);
        assert!((scatter[1] / 10.0 - 1.0).abs() < 0.2, "{}", scatter[1]);
    }

    #[test]
    fn rest_and_nothing_are_no_failure() {
        assert_eq!(scatter(&[], &[]), (vec![], 0.0));
        assert_eq!(scatter(&[f64::NAN; 3], &[0.0; 3]), (vec![0.0; 3], 0.0));
        let mut values = vec![0.0; 1_000];
        values[500] = 8.0;
        let (_, whole) = scatter(&values, &[0.0; 1_000]);
        assert!(whole > 0.0 && whole < 0.1, "{whole}");
    }
}
