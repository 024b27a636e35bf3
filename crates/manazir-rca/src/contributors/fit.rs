//! How well leaves agree that one thing happened to all of them.
//!
//! The leaves of a cause deviate alike (the ripple effect, HotSpot 2018). So the deviations of an element that is
//! one are normal around some centre, and
//!
//! gain = Σ ln(density around the centre / density of noise) − ln(choices)
//!
//! in nats: how much shorter cube and element are written down than the cube alone (minimum description length).
//! An element with normal leaves among its own pays for each of them, one with too few leaves forgoes theirs.

use super::evidence::Evidence;
use super::lattice::Cell;
use crate::normal::{LN_ROOT_TAU, MAD_TO_SIGMA};

/// Deviations of one cause differ by this before any was seen, and this counts as two leaves.
const SPREAD_PRIOR: f64 = 0.07;
const SPREAD_PRIOR_LEAVES: f64 = 2.0;

/// They differ at least by this.
const SPREAD_MIN: f64 = 0.01;

/// The centre is at least so many spreads from 0; else the leaves agree on nothing.
const COHERENCE_MIN: f64 = 1.5;

/// Share of leaves that may do something else: half of them nothing, half anything.
const OUTLIERS: f64 = 0.05;

/// An element's leaves, taken as following one cause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// Nats, before the price of choosing the element.
    pub(super) gain: f64,
    /// Median deviation.
    pub(super) center: f64,
    pub(super) spread: f64,
    /// Share of leaves that follow, by weight, 0..=1.
    pub(super) follow: f64,
}

/// Gain by moments alone, of a cell's leaves: quick, and near the truth for an element that is a cause.
pub(super) fn gain_of_moments(cell: &Cell) -> f64 {
    let n = cell.weight;
    let squares = (cell.square - cell.deviation * cell.deviation / n).max(0.0);
    let variance = variance(squares, n);
    -n * (0.5 * variance.ln() + LN_ROOT_TAU) - 0.5 * squares / variance - cell.null
        + price_of_center(variance.sqrt(), n)
}

fn variance(squares: f64, n: f64) -> f64 {
    let prior = SPREAD_PRIOR_LEAVES * SPREAD_PRIOR * SPREAD_PRIOR;
    ((squares + prior) / (n - 1.0 + SPREAD_PRIOR_LEAVES).max(1.0)).max(SPREAD_MIN * SPREAD_MIN)
}

/// Where in 0..=1 the centre is has to be told as well, to the precision that n leaves give it.
fn price_of_center(spread: f64, n: f64) -> f64 {
    (spread.ln() + LN_ROOT_TAU - 0.5 * n.max(1.0).ln()).min(0.0)
}

/// Of some leaves; `None` if they do not agree.
pub(super) fn fit(evidence: &Evidence, leaves: &[u32]) -> Option<Fit> {
    let deviations: Vec<f64> = leaves.iter().map(|leaf| evidence.deviation[*leaf as usize]).collect();
    let weights: Vec<f64> = leaves.iter().map(|leaf| evidence.weight[*leaf as usize]).collect();
    let n: f64 = weights.iter().sum();
    let (center, squares) = center_and_squares(&deviations, &weights, n);
    if leaves.len() > 1 && center * center < COHERENCE_MIN * COHERENCE_MIN * squares / (n - 1.0).max(0.5) {
        return None;
    }
    let variance = variance(squares, n);
    let spread = variance.sqrt();
    let odds: Vec<f64> = leaves.iter().map(|leaf| odds(evidence, *leaf as usize, center, variance)).collect();
    let nats =
        odds.iter().zip(&weights).map(|(odds, weight)| weight * (odds + 0.5 * OUTLIERS).ln()).sum::<f64>();
    Some(Fit { gain: nats + price_of_center(spread, n), center, spread, follow: follow(&odds, &weights, n) })
}

/// How much likelier a leaf's deviation is if it follows than if it is noise.
fn odds(evidence: &Evidence, leaf: usize, center: f64, variance: f64) -> f64 {
    let deviation = evidence.deviation[leaf];
    let variance = variance + evidence.own_variance[leaf];
    let near = (-LN_ROOT_TAU - 0.5 * (variance.ln() + (deviation - center).powi(2) / variance)).exp();
    let anything = if deviation * center > 0.0 { 1.0 } else { 0.0 };
    ((1.0 - OUTLIERS) * near + 0.5 * OUTLIERS * anything) / evidence.null[leaf].exp()
}

/// Robust, but for a handful of leaves, of which each counts.
fn center_and_squares(deviations: &[f64], weights: &[f64], n: f64) -> (f64, f64) {
    const HANDFUL: usize = 4;
    let pairs = || deviations.iter().zip(weights);
    if deviations.len() <= HANDFUL {
        let mean = pairs().map(|(deviation, weight)| deviation * weight).sum::<f64>() / n;
        return (mean, pairs().map(|(deviation, weight)| weight * (deviation - mean).powi(2)).sum());
    }
    let center = median(pairs().map(|(deviation, weight)| (*deviation, *weight)), n);
    let spread = median(pairs().map(|(deviation, weight)| ((deviation - center).abs(), *weight)), n);
    (center, (spread * MAD_TO_SIGMA).powi(2) * (n - 1.0).max(0.0))
}

/// Weighted, of numbers in −1..=2; of many numbers to a step of a bin, which is a tenth of the least spread.
fn median(numbers: impl Iterator<Item = (f64, f64)>, weight: f64) -> f64 {
    const BINS: usize = 3_000;
    const BIN: f64 = 1e-3;
    const FEW: usize = 128;
    /// Half of an even number of equal weights is half, whatever rounding made of the sums.
    const HALF: f64 = 0.5 - 1e-9;
    let mut numbers = numbers.peekable();
    let mut few: Vec<(f64, f64)> = numbers.by_ref().take(FEW).collect();
    let middle = |sorted: &mut dyn Iterator<Item = (f64, f64)>| {
        let mut below = 0.0;
        let (mut last, mut found) = (0.0, None);
        for (number, weight_here) in sorted {
            below += weight_here;
            last = number;
            if below >= HALF * weight {
                found = Some(number);
                break;
            }
        }
        found.unwrap_or(last)
    };
    if numbers.peek().is_none() {
        few.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        return middle(&mut few.into_iter());
    }
    let mut bins = vec![0.0; BINS];
    for (number, weight) in few.into_iter().chain(numbers) {
        bins[(((number + 1.0) / BIN) as usize).min(BINS - 1)] += weight;
    }
    middle(&mut bins.into_iter().enumerate().map(|(bin, weight)| ((bin as f64 + 0.5) * BIN - 1.0, weight)))
}

/// Share that follows, by expectation and maximisation from `odds` of following against noise.
fn follow(odds: &[f64], weights: &[f64], n: f64) -> f64 {
    const ROUNDS: usize = 5;
    let mut share = 0.9;
    for _ in 0..ROUNDS {
        let prior = share / (1.0 - share);
        let follows = |odds: f64| 1.0 - 1.0 / (1.0 + prior * odds);
        share = odds.iter().zip(weights).map(|(odds, weight)| weight * follows(*odds)).sum::<f64>() / n;
        share = share.clamp(0.01, 0.999);
    }
    share
}
