//! Spectral residual: what is left of a series when the usual part of its spectrum is taken out.
//!
//! R(f) = ln A(f) − (h_q ∗ ln A)(f),  S = |F⁻¹(exp(R + iP))|,  score = (S − S̄) / S̄
//!
//! Saliency of Hou and Zhang 2007, brought to series by Ren et al. 2019 (*Time-series anomaly detection service
//! at Microsoft*), whose widths h_q = 3 and S̄ = mean of the 21 saliencies before are kept. A is the amplitude,
//! P the phase, F⁻¹ the inverse transform. Here the whole series is transformed once, and S̄ is centred, since batch
//! detection may look ahead. For spikes and breaks in series with strong, even seasons. O(n log n · n_features).

use rustfft::num_complex::Complex64;

use super::Frame;
use super::prepare::{Prepared, Scaling};
use crate::fourier::{inverse_complex, transform};

/// Widths of the two averages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Frequencies over which the log spectrum is averaged, odd.
    pub spectrum_width: usize,
    /// Samples over which the saliency is averaged.
    pub saliency_width: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { spectrum_width: 3, saliency_width: 21 }
    }
}

/// Scores, shape `(n_samples,)`, in multiples of the local saliency: the largest of all channels. A row without
/// any number gets the median score.
pub fn scores(frame: &Frame, config: &Config) -> Vec<f64> {
    let prepared = Prepared::new(frame, Scaling::Moments);
    let mut largest = vec![0.0_f64; prepared.n_samples()];
    for channel in &prepared.channels {
        let saliency = saliency(channel, config.spectrum_width.max(1));
        let usual = moving_mean(&saliency, config.saliency_width.max(1));
        for (score, (salient, usual)) in largest.iter_mut().zip(saliency.iter().zip(&usual)) {
            *score = score.max((salient - usual) / (usual + 1e-9));
        }
    }
    prepared.finish(largest)
}

/// S of one channel.
fn saliency(channel: &[f64], width: usize) -> Vec<f64> {
    let n_samples = channel.len();
    // The end is led back to the start over a sixteenth, else the jump between them is the most salient of all.
    let bridge = n_samples / 16;
    let (Some(&first), Some(&last)) = (channel.first(), channel.last()) else { return Vec::new() };
    let led_back = (1..=bridge).map(|step| last + (first - last) * step as f64 / (bridge + 1) as f64);
    let closed: Vec<f64> = channel.iter().copied().chain(led_back).collect();
    let spectrum = transform(&closed, closed.len());
    let loudest = spectrum.iter().map(|number| number.norm()).fold(0.0, f64::max);
    let log_amplitude: Vec<f64> =
        spectrum.iter().map(|number| (number.norm() + 1e-9 * loudest + 1e-290).ln()).collect();
    let usual = moving_mean(&log_amplitude, width);
    let residual =
        spectrum.iter().zip(log_amplitude.iter().zip(&usual)).map(|(number, (amplitude, usual))| {
            let phase = number / (number.norm() + 1e-9 * loudest + 1e-290);
            phase * (amplitude - usual).exp()
        });
    let back: Vec<Complex64> = inverse_complex(residual.collect());
    back[..n_samples].iter().map(|number| number.norm()).collect()
}

/// Centred mean over `width` values, fewer at the ends.
fn moving_mean(values: &[f64], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; values.len() + 1];
    (0..values.len()).for_each(|at| sums[at + 1] = sums[at] + values[at]);
    let mean = |at: usize| {
        let (from, to) = (at.saturating_sub(width / 2), (at + width / 2 + 1).min(values.len()));
        (sums[to] - sums[from]) / (to - from) as f64
    };
    (0..values.len()).map(mean).collect()
}
