//! Who may depend on whom, from series that move one after the other: weak edges, to be marked as such.
//!
//! Of every two series the rank correlation is looked at for each lag up to a bound. An edge needs three things:
//!
//! 1. *Significance.* Ranks are turned into normal scores (van der Waerden 1952), so that no wild sample counts more than
//!    about three. Their correlation r over n samples has under independence a standard deviation of 1 / √n, where n is
//!    the effective number of samples of the two (Bartlett 1935): n / (1 + 2 Σ r₁(k) r₂(k)) over the lags k, never more
//!    than there are. All pairs with all lags share one chance of error (Bonferroni): each of the `pairs · (2 L + 1)`
//!    correlations is judged at `false_share` of that number, so that all of them together give a single false edge with
//!    at most that probability.
//! 2. *Direction.* The largest |r| must lie at a lag of one sign, beat the largest of lag zero and the other sign by a
//!    margin of standard deviations, and lie on the same side in both halves of the time. Otherwise the two move together,
//!    and nobody can say who moves whom.
//! 3. *Directness.* If both hang on a third with lags that add up, and nothing is left of their correlation once the third
//!    is taken out (partial correlation), it is the third that they depend on.
//!
//! For symptoms, what breaks first is called: the later depends on the earlier. For traffic it is the other way round.

mod pairs;
mod prepare;

use std::collections::BTreeMap;

use manazir_model::Dependency;

use super::labels::dependency;
use crate::topology;
use pairs::{Pair, pairs};
use prepare::{Prepared, prepared};

/// Who says so, in a [`Dependency`].
pub const SOURCE: &str = "lag";

/// Fewer samples than this, of both at once, say nothing.
const SAMPLES_MIN: usize = 48;

/// Who moves first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leader {
    /// Who is called: errors, latency.
    #[default]
    Callee,
    /// Who calls: traffic.
    Caller,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Lags up to so many samples either way. 10 at first: ten minutes of minutes.
    pub lag_max: usize,
    /// Probability of a single false edge among all, in (0, 1). 0.05 at first.
    pub false_share: f64,
    /// By how many standard deviations the best lag beats lag zero and the other side. 3 at first.
    pub margin: f64,
    /// Series that are looked at; of more, those with the most samples are, then those with the most marked moves. 500 at
    /// first: 124,750 pairs within a second on two cores at a day of minutes.
    pub series_max: usize,
    /// Pairs that a coarse look lets through at most; of more, the most promising. 50,000 at first.
    pub candidates_max: usize,
    /// Who moves first.
    pub leader: Leader,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lag_max: 10,
            false_share: 0.05,
            margin: 3.0,
            series_max: 500,
            candidates_max: 50_000,
            leader: Leader::Callee,
        }
    }
}

/// What is left of series once their seasons and levels are taken out: one of each entity, on one time grid.
#[derive(Clone, Copy, Debug)]
pub struct Residuals<'a> {
    /// Shape `(n_series,)`.
    pub entities: &'a [&'a str],
    /// Shape `(n_series, n_samples)`, row by row; NaN where nothing was measured.
    pub values: &'a [f64],
    /// The time that the samples cover.
    pub span: topology::Span,
}

/// A weak edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Who depends on whom, over the time of the samples.
    pub dependency: Dependency,
    /// By how many samples the one comes after the other, ≥ 1.
    pub lag_samples: usize,
    /// Correlation of normal scores at that lag, in −1..=1.
    pub correlation: f64,
    /// Probability of a correlation as large under independence, of this pair and lag alone.
    pub p_value: f64,
}

/// Weak edges, and what they do not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lagged {
    /// Sorted by caller and callee.
    pub edges: Vec<Edge>,
    /// Pairs that move together without a direction.
    pub without_direction: usize,
    /// Pairs that depend on a third rather than on one another.
    pub indirect: usize,
    /// Entities of series beyond the bound, sorted: nothing is said of them.
    pub left_out: Vec<String>,
    /// Entities of series that never move, or with too few samples, or of which there is a second series; sorted.
    pub silent: Vec<String>,
    /// Candidates beyond the bound.
    pub candidates_left_out: usize,
}

/// Weak edges between series. The order of the series changes nothing.
///
/// A coarse look at the signs of the scores, 64 samples at a time, drops most pairs: one is looked at closely only if its
/// signs agree or differ by 3 standard deviations at some lag. What passes the close look by a hair may be lost there
/// (one in four at the threshold itself), never anything added. O(n_series² · lag_max · n_samples / 64) and
/// O(candidates · lag_max · n_samples).
pub fn edges(residuals: &Residuals<'_>, config: &Config) -> Lagged {
    let mut lagged = Lagged::default();
    let n_series = residuals.entities.len();
    let n_samples = residuals.values.len().checked_div(n_series).unwrap_or(0);
    let lag_max = config.lag_max.min(n_samples / 4);
    let config = Config { lag_max, ..*config };
    let span = residuals.span;
    if lag_max == 0 || span.from >= span.until {
        lagged.silent = residuals.entities.iter().map(|entity| (*entity).to_owned()).collect();
        lagged.silent.sort_unstable();
        return lagged;
    }
    let series = prepared(residuals, n_samples, &config, &mut lagged);
    let found = pairs(&series, &config, &mut lagged);
    let direct = without_indirect(&found, &series, &mut lagged);
    for pair in direct {
        let (first, second) = (&series[pair.first].entity, &series[pair.second].entity);
        let (caller, callee) = match config.leader {
            Leader::Callee => (second, first),
            Leader::Caller => (first, second),
        };
        lagged.edges.push(Edge {
            dependency: dependency(caller, callee, SOURCE, span.from, span.until),
            lag_samples: pair.lag,
            correlation: f64::from(pair.correlation),
            p_value: two_sided(f64::from(pair.correlation) * pair.samples.sqrt()),
        });
    }
    lagged.edges.sort_by(|one, other| one.dependency.cmp(&other.dependency));
    lagged
}

/// Pairs that no third explains.
fn without_indirect(pairs: &[Pair], series: &[Prepared], lagged: &mut Lagged) -> Vec<Pair> {
    let known: BTreeMap<(usize, usize), &Pair> =
        pairs.iter().map(|pair| ((pair.first, pair.second), pair)).collect();
    let mut of: Vec<Vec<&Pair>> = vec![Vec::new(); series.len()];
    for pair in pairs {
        of[pair.first].push(pair);
    }
    let explains = |pair: &Pair, to: &Pair| {
        let Some(on) = known.get(&(to.second, pair.second)) else { return false };
        (to.lag + on.lag).abs_diff(pair.lag) <= 1 && partial(pair, to, on).abs() * pair.samples.sqrt() < REST
    };
    let (indirect, direct): (Vec<Pair>, Vec<Pair>) =
        pairs.iter().partition(|pair| of[pair.first].iter().any(|to| explains(pair, to)));
    lagged.indirect = indirect.len();
    direct
}

/// Standard deviations that a partial correlation needs to count: three in a thousand are more by chance, and what is
/// kept then is an edge too many in the right direction.
const REST: f64 = 3.0;

/// Correlation of a pair with a third taken out.
fn partial(pair: &Pair, to: &Pair, on: &Pair) -> f64 {
    let (whole, to, on) = (f64::from(pair.correlation), f64::from(to.correlation), f64::from(on.correlation));
    let rest = ((1.0 - to * to) * (1.0 - on * on)).sqrt();
    if rest > 1e-9 { (whole - to * on) / rest } else { 0.0 }
}

/// Probability that a standard normal value is at least as far from 0: the bound of Chiani, Dardari and Simon (2003),
/// exp(−z²/2) / 6 + exp(−2z²/3) / 2, at most 30 % too large where it matters here (z > 3).
fn two_sided(z: f64) -> f64 {
    (((-z * z / 2.0).exp() / 6.0) + ((-2.0 * z * z / 3.0).exp() / 2.0)).clamp(f64::MIN_POSITIVE, 1.0)
}

/// The distance that a standard normal value reaches with no more than this probability, by the same bound.
fn distance_of(p_value: f64) -> f64 {
    let (mut near, mut far) = (0.0, 40.0);
    for _ in 0..60 {
        let middle = f64::midpoint(near, far);
        if two_sided(middle) > p_value { near = middle } else { far = middle }
    }
    far
}

#[cfg(test)]
mod tests;
