//! Fourier transforms of real series: spectra, autocorrelations and sliding products in O(n log n).

use rustfft::FftPlanner;
use rustfft::num_complex::Complex64;

/// Forward transform of `values` padded with zeros to `n_padded`, shape `(n_padded,)`.
pub fn transform(values: &[f64], n_padded: usize) -> Vec<Complex64> {
    let mut buffer: Vec<Complex64> = values.iter().map(|&value| Complex64::new(value, 0.0)).collect();
    buffer.resize(n_padded, Complex64::default());
    FftPlanner::new().plan_fft_forward(n_padded).process(&mut buffer);
    buffer
}

/// Inverse transform, shape as `spectrum`.
pub fn inverse_complex(mut spectrum: Vec<Complex64>) -> Vec<Complex64> {
    let n = spectrum.len();
    FftPlanner::new().plan_fft_inverse(n).process(&mut spectrum);
    spectrum.iter().map(|number| number / n as f64).collect()
}

/// Real part of the inverse transform, shape as `spectrum`.
pub fn inverse(spectrum: Vec<Complex64>) -> Vec<f64> {
    inverse_complex(spectrum).iter().map(|number| number.re).collect()
}

/// Autocorrelation at lags 0..=`lag_max`, each lag over the pairs it has; 1 at lag 0, all 0 for a constant.
///
/// r(k) = (n / (n − k)) · Σ (xₜ − x̄)(xₜ₊ₖ − x̄) / Σ (xₜ − x̄)²
///
/// `lag_max` is cut to n − 1. O(n log n).
pub fn autocorrelation(values: &[f64], lag_max: usize) -> Vec<f64> {
    let n = values.len();
    if n == 0 {
        return Vec::new();
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let lag_max = lag_max.min(n - 1);
    let spectrum = transform(&centred, (n + lag_max + 1).next_power_of_two());
    let products = inverse(spectrum.iter().map(|number| Complex64::new(number.norm_sqr(), 0.0)).collect());
    let variance = centred.iter().map(|value| value * value).sum::<f64>();
    if variance <= f64::EPSILON * f64::EPSILON * n as f64 * mean * mean || variance == 0.0 {
        return vec![0.0; lag_max + 1];
    }
    (0..=lag_max).map(|lag| products[lag] / variance * n as f64 / (n - lag) as f64).collect()
}

/// Power at frequencies k / n_padded, k = 0..=n_padded / 2, of the series times a Hann window.
pub fn power_spectrum(values: &[f64], n_padded: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU / values.len().max(2) as f64;
    let tapered: Vec<f64> =
        values.iter().enumerate().map(|(t, value)| value * (0.5 - 0.5 * (step * t as f64).cos())).collect();
    transform(&tapered, n_padded)[..n_padded / 2 + 1].iter().map(Complex64::norm_sqr).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_inverse_gives_the_series_back(values in prop::collection::vec(-9.0..9.0f64, 1..200)) {
            let back = inverse(transform(&values, values.len()));
            prop_assert!(values.iter().zip(&back).all(|(value, back)| (value - back).abs() < 1e-9));
        }

        #[test]
        fn autocorrelation_is_the_sum_it_is_defined_as(values in prop::collection::vec(-9.0..9.0f64, 2..80)) {
            let n = values.len();
            let mean = values.iter().sum::<f64>() / n as f64;
            let product = |lag: usize| -> f64 {
                (0..n - lag).map(|t| (values[t] - mean) * (values[t + lag] - mean)).sum::<f64>() / (n - lag) as f64
            };
            prop_assume!(product(0) > 1e-3);
            for (lag, found) in autocorrelation(&values, n).iter().enumerate() {
                prop_assert!((found - product(lag) / product(0)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_wave_has_its_power_at_its_frequency() {
        let wave: Vec<f64> = (0..400).map(|t| (f64::from(t) * std::f64::consts::TAU / 16.0).sin()).collect();
        let power = power_spectrum(&wave, 512);
        let peak = (0..power.len()).max_by(|&l, &r| power[l].total_cmp(&power[r])).unwrap();
        assert_eq!(peak, 512 / 16);
    }

    #[test]
    fn a_constant_has_no_autocorrelation() {
        assert_eq!(autocorrelation(&[1e9; 5], 9), [0.0; 5]);
        assert_eq!(autocorrelation(&[], 9), [0.0; 0]);
    }
}
