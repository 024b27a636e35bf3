//! Residual of a local polynomial: how far a sample is from what its neighbourhood, without it, draws through it.
//!
//! score = |xₜ − p̂ₜ| / σ̂,  p̂ₜ the least-squares polynomial of degree 2 through xₜ₋ₕ … xₜ₊ₕ without the middle
//!
//! A smoother after Savitzky and Golay 1964 that leaves a gap around the sample it judges, so that a burst of a
//! few samples does not explain itself (the idea of POLY in TSB-AD, which extrapolates one-sidedly; this is
//! batch, and may look at both sides). For spikes, dips and short bursts on whatever moves slowly; blind to
//! lasting shifts but for their edges. O(n_samples · n_features · half_width).

use super::Frame;
use super::prepare::{Prepared, Scaling};
use crate::linear::{dot, solve_positive_definite};
use crate::robust::{median, median_and_sigma, residual_score};

/// The neighbourhood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Samples on either side, at least 4; `None`: a quarter of the period, held within 8 and 24.
    pub half_width: Option<usize>,
    /// Samples left out on either side of the judged one, less than half of `half_width`.
    pub gap: usize,
    /// 0, 1, 2 or 3.
    pub degree: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { half_width: None, gap: 2, degree: 2 }
    }
}

/// Scores, shape `(n_samples,)`, in robust standard deviations of the residuals: the largest of all channels.
/// The ends, where one side is too short, are compared with the fit of the nearest full neighbourhood. A row
/// without any number gets the median score.
pub fn scores(frame: &Frame, config: &Config) -> Vec<f64> {
    let prepared = Prepared::new(frame, Scaling::Moments);
    let n_samples = prepared.n_samples();
    let of_period = frame.period_samples.map_or(16, |period| (period / 4).clamp(8, 24));
    let half_width = config.half_width.unwrap_or(of_period).min(n_samples.saturating_sub(1) / 2);
    let Some(kernel) = kernel(half_width, config.gap.min(half_width / 2), config.degree.min(3)) else {
        return vec![0.0; n_samples];
    };
    let mut largest = vec![0.0_f64; n_samples];
    for channel in &prepared.channels {
        let residuals = residuals(channel, &kernel);
        let mut known = residuals[prepared.learn.clone()].to_vec();
        let (_, sigma) = median_and_sigma(&mut known);
        for (score, residual) in largest.iter_mut().zip(&residuals) {
            *score = score.max(residual_score(*residual, sigma.max(SIGMA_MIN)));
        }
    }
    prepared.finish(largest)
}

/// Residuals far below the spread of the channel itself, which is 1, are rounding.
const SIGMA_MIN: f64 = 1e-3;

fn residuals(channel: &[f64], kernel: &[f64]) -> Vec<f64> {
    let half = kernel.len() / 2;
    let mut fitted: Vec<f64> = channel.windows(kernel.len()).map(|around| dot(around, kernel)).collect();
    let (first, last) = (
        median(&mut channel[..kernel.len()].to_vec()),
        median(&mut channel[channel.len() - kernel.len()..].to_vec()),
    );
    fitted.splice(0..0, std::iter::repeat_n(first, half));
    fitted.extend(std::iter::repeat_n(last, half));
    channel.iter().zip(fitted).map(|(value, fitted)| value - fitted).collect()
}

/// Weights of the neighbours in the value of the polynomial at the middle; `None` if they are too few.
fn kernel(half_width: usize, gap: usize, degree: usize) -> Option<Vec<f64>> {
    let offsets: Vec<f64> = (0..=2 * half_width).map(|at| at as f64 / half_width as f64 - 1.0).collect();
    let used = |at: usize| at.abs_diff(half_width) > gap;
    if 2 * (half_width - gap.min(half_width)) <= degree + 1 {
        return None;
    }
    let terms = degree + 1;
    let moment = |power: usize| -> f64 {
        (0..offsets.len()).filter(|&at| used(at)).map(|at| offsets[at].powi(power as i32)).sum()
    };
    let normal: Vec<f64> = (0..terms * terms).map(|at| moment(at / terms + at % terms)).collect();
    // At the middle only the constant term is left.
    let mut middle = vec![0.0; terms];
    middle[0] = 1.0;
    let weights = solve_positive_definite(&normal, &middle)?;
    let weight =
        |at: usize| -> f64 { (0..terms).map(|term| weights[term] * offsets[at].powi(term as i32)).sum() };
    Some((0..offsets.len()).map(|at| if used(at) { weight(at) } else { 0.0 }).collect())
}
