//! Elements with the numbers that people ask for.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cube::{Cube, Totals};
use super::search::{Config, Found, Outcome, has, search};

/// So many standard deviations of noise make a change one that asks for a cause.
const NOISE_MAX: f64 = 3.0;

/// A combination of dimension values that explains part of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Dimension and code, in the order of the dimensions; [`Cube::label`] names them.
    pub values: Vec<(usize, u32)>,
    /// Of all its leaves.
    pub totals: Totals,
    /// What it adds to the change of the whole, in the unit of the measure. A leaf that two elements share counts
    /// for the one that came first, so that contributions and remainder sum to the change.
    pub contribution: f64,
    /// The same as a share of the change; negative if it moved against the whole, 0 if there is no change.
    pub share: f64,
    /// How much of the change would be gone, had its leaves been as expected. For an additive measure the same as
    /// the share.
    pub closes: f64,
    /// Leaves that count for it.
    pub leaves: usize,
    /// Share of them that follow, 0..=1.
    pub follow: f64,
    /// Median of (actual − expected) / max(|actual|, |expected|) over them.
    pub deviation: f64,
    /// Standard deviation of that among those that follow.
    pub spread: f64,
    /// How much shorter cube and element are written down than the cube alone, in nats.
    pub gain: f64,
    /// 0..1: as if the gain were the log odds of a cause against noise.
    pub confidence: f64,
}

/// What the elements are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They explain the change, or at least part of it.
    Elements,
    /// Nearly all leaves moved alike: the cause is outside of the dimensions.
    Everywhere,
    /// There is a change and no element for it: a dimension may be missing.
    Nowhere,
    /// The change is no larger than noise.
    Noise,
}

/// Why a cube changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Of the whole.
    pub totals: Totals,
    /// Those that moved with the whole first, and of them the largest contribution first.
    pub elements: Vec<Element>,
    /// What no element explains, in the unit of the measure.
    pub remainder: f64,
    /// How much of the change would be gone, had the leaves of all elements been as expected.
    pub closes: f64,
    /// What actual is to expected nearly everywhere, if all moved alike; deviations of elements are from there.
    pub everywhere: Option<f64>,
    /// Standard deviation of relative noise, as learnt from the cube.
    pub noise: f64,
    /// In one word.
    pub verdict: Verdict,
}

/// Looks for the elements that explain the change of a cube.
///
/// Elements of one cause deviate alike, and the more so the clearer they are above the noise, which is learnt from
/// the cube. Prices of choice make one element of a few dimensions better than its many parts. Nothing depends on
/// the order of rows or values. O(leaves · dimensions) for each of the 2^dimensions cuboids at worst, much less
/// where values repeat.
///
/// ```
/// use manazir_rca::contributors::{Builder, Config, Verdict, explain};
///
/// let mut rows = Builder::new(&["country", "app"]);
/// for country in ["DE", "FR", "IT", "PL", "SE"] {
///     for (index, app) in ["5.0", "5.1", "5.2", "6.0"].into_iter().enumerate() {
///         let expected = 100.0 + 7.0 * index as f64;
///         let noise = if index % 2 == 0 { 1.01 } else { 0.99 };
///         rows.push(&[country, app], expected * if country == "DE" { 0.6 } else { noise }, expected);
///     }
/// }
/// let cube = rows.build()?;
/// let explanation = explain(&cube, &Config::default());
/// assert_eq!(explanation.verdict, Verdict::Elements);
/// assert_eq!(cube.label(&explanation.elements[0].values), "country=DE");
/// # Ok::<(), manazir_rca::contributors::Error>(())
/// ```
pub fn explain(cube: &Cube, config: &Config) -> Explanation {
    let outcome = search(cube, config);
    let totals = cube.totals(0..cube.len());
    let changes = cube.changes();
    let change = totals.change();
    let mut elements: Vec<Element> =
        outcome.found.iter().map(|found| element(cube, found, &changes, totals)).collect();
    elements.sort_by(|a, b| (b.share.total_cmp(&a.share)).then(b.gain.total_cmp(&a.gain)));
    let explained: Vec<usize> = leaves(outcome.found.iter());
    let contributions: f64 = elements.iter().map(|element| element.contribution).sum();
    Explanation {
        verdict: verdict(&outcome),
        closes: share(totals.actual - cube.total_without(explained.iter().copied()), change),
        remainder: change - contributions,
        everywhere: outcome.broad,
        noise: outcome.noise_scale,
        totals,
        elements,
    }
}

fn leaves<'a>(found: impl Iterator<Item = &'a Found>) -> Vec<usize> {
    found.flat_map(|found| &found.leaves).map(|leaf| *leaf as usize).collect()
}

fn element(cube: &Cube, found: &Found, changes: &[f64], whole: Totals) -> Element {
    let own = leaves(std::iter::once(found));
    let all: Vec<usize> =
        (0..cube.len()).into_par_iter().filter(|leaf| has(cube, &found.values, *leaf as u32)).collect();
    let contribution: f64 = own.iter().map(|leaf| changes[*leaf]).sum();
    Element {
        totals: cube.totals(all.iter().copied()),
        contribution,
        share: share(contribution, whole.change()),
        closes: share(whole.actual - cube.total_without(own.iter().copied()), whole.change()),
        leaves: own.len(),
        follow: found.fit.follow,
        deviation: found.fit.center,
        spread: found.fit.spread,
        gain: found.gain,
        confidence: 1.0 / (1.0 + (-found.gain).exp()),
        values: found.values.clone(),
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

fn verdict(outcome: &Outcome) -> Verdict {
    if !outcome.found.is_empty() {
        Verdict::Elements
    } else if outcome.broad.is_some() {
        Verdict::Everywhere
    } else if outcome.change.abs() > NOISE_MAX * outcome.noise_of_change {
        Verdict::Nowhere
    } else {
        Verdict::Noise
    }
}
