//! The search for elements: combinations of dimension values that explain a change.
//!
//! 1. Noise is learnt from the cube itself, so that each leaf says how unlikely it would be without a cause.
//! 2. Sums of that over every cell of every cuboid give the gain of taking the cell for a cause, by moments.
//! 3. The best cells are looked at leaf by leaf: do they deviate alike, and do nearly all of them follow?
//! 4. The one with the largest gain is an element. Its leaves are explained; they are taken out of all cells, and
//!    the next one is looked for among the rest, until none is worth its price.
//!
//! A parent of a cause has leaves that do not follow, a child forgoes leaves that do: both gain less.

use rayon::prelude::*;

use super::cube::Cube;
use super::evidence::{Evidence, broad_shift};
use super::fit::{Fit, fit, gain_of_moments};
use super::lattice::{Cell, Cuboid, cuboids, layers_within};

/// What is taken for an element, and how far the search goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Dimensions that an element has at most. Where a cube has so many dimensions and leaves that this would take
    /// too long, fewer are tried.
    pub layers: usize,
    /// Elements that are looked for, at most.
    pub elements: usize,
    /// Share of an element's leaves that have to follow, 0..=1.
    pub follow: f64,
    /// Nats that an element has to gain beyond the price of choosing it among all. At 0 one element in a cube is
    /// taken to be usual, at −ln n as many as n; less finds more of those that are hardly above the noise.
    pub gain: f64,
    /// Nats that an element has to gain in addition if it moved against the whole.
    pub gain_against: f64,
    /// Standard deviation of relative noise, ≥ 0, that is known from elsewhere; less is not believed to have been
    /// learnt from the cube. A handful of leaves cannot tell it.
    pub noise: f64,
}

impl Default for Config {
    fn default() -> Self {
        // A handful of causes in a cube is usual: −2 is about −ln 7.
        Self { layers: 8, elements: 40, follow: 0.7, gain: -2.0, gain_against: 4.0, noise: 0.0 }
    }
}

/// An element as the search sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// Dimension and code, in the order of dimensions.
    pub(super) values: Vec<(usize, u32)>,
    /// Nats beyond its price, and how its leaves agree.
    pub(super) gain: f64,
    pub(super) fit: Fit,
    /// Leaves that it explains and no element before it.
    pub(super) leaves: Vec<u32>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// In the order in which they were found.
    pub(super) found: Vec<Found>,
    /// Standard deviation of the noise of large leaves, relative.
    pub(super) noise_scale: f64,
    /// Sum of what was compared, actual − expected.
    pub(super) change: f64,
    /// Standard deviation of the whole change if all of it were noise.
    pub(super) noise_of_change: f64,
    /// What actual is to expected everywhere, if nearly all leaves move alike.
    pub(super) broad: Option<f64>,
}

/// Looks for elements.
pub(super) fn search(cube: &Cube, config: &Config) -> Outcome {
    /// How often noise is learnt anew from what is left.
    const ROUNDS: usize = 3;
    const NOISE_IS_SAME: f64 = 0.1;
    let (actual, mut expected) = cube.compared();
    let sum = |column: &[f64]| column.iter().sum::<f64>();
    let whole_change = sum(&actual) - sum(&expected);
    let broad = broad_shift(&actual, &expected);
    if let Some(shift) = broad {
        expected.iter_mut().for_each(|expected| *expected *= shift);
    }
    let change = sum(&actual) - sum(&expected);
    let mut explained = vec![false; cube.len()];
    let mut outcome =
        Outcome { found: Vec::new(), noise_scale: 0.0, change: whole_change, noise_of_change: 0.0, broad };
    for round in 0..ROUNDS {
        let evidence = Evidence::new(&actual, &expected, &explained, config.noise);
        if round > 0 && (evidence.noise_scale / outcome.noise_scale - 1.0).abs() < NOISE_IS_SAME {
            break;
        }
        outcome.noise_scale = evidence.noise_scale;
        outcome.noise_of_change = evidence.noise_of_sum();
        let view = View::new(cube, &evidence);
        explained.fill(false);
        let mut whole = Whole { cube, evidence: &evidence, explained: &mut explained };
        outcome.found = Search::new(&view, change.signum(), config).run(&mut whole);
        // Noise was learnt from the side that is less off: only what is on both sides can have been taken for it.
        if outcome.found.iter().all(|found| found.fit.center * change >= 0.0) {
            break;
        }
    }
    outcome
}

/// All leaves, of which a view may show a part only.
struct Whole<'a> {
    cube: &'a Cube,
    evidence: &'a Evidence,
    explained: &'a mut [bool],
}

impl Whole<'_> {
    /// Those that have all the values and that no element explains yet.
    fn leaves(&self, values: &[(usize, u32)]) -> Vec<u32> {
        let is_left = |leaf: &u32| !self.explained[*leaf as usize] && has(self.cube, values, *leaf);
        (0..self.cube.len() as u32).into_par_iter().filter(is_left).collect()
    }

    /// What those of them say that tell something.
    fn fit(&self, leaves: &[u32]) -> Option<Fit> {
        let tell = |leaf: &&u32| self.evidence.weight[**leaf as usize] > 0.0;
        fit(self.evidence, &leaves.iter().filter(tell).copied().collect::<Vec<_>>())
    }
}

/// True if a leaf has all the values.
pub(super) fn has(cube: &Cube, values: &[(usize, u32)], leaf: u32) -> bool {
    values.iter().all(|(dimension, code)| cube.codes()[*dimension][leaf as usize] == *code)
}

/// The leaves that are searched: those that tell something, and of very many a part that stands for all.
struct View {
    sizes: Vec<u64>,
    codes: Vec<Vec<u32>>,
    evidence: Evidence,
    /// True if some leaves stand for others.
    is_part: bool,
}

impl View {
    fn new(cube: &Cube, evidence: &Evidence) -> Self {
        let (leaves, weights) = evidence.sample();
        let is_part = weights.iter().any(|weight| *weight > 1.0);
        let take = |column: &Vec<u32>| leaves.iter().map(|leaf| column[*leaf as usize]).collect();
        Self {
            sizes: cube.dimensions().iter().map(|dimension| dimension.values.len() as u64).collect(),
            codes: cube.codes().par_iter().map(take).collect(),
            evidence: evidence.of_leaves(&leaves, weights),
            is_part,
        }
    }

    fn sums(&self, leaf: usize) -> Cell {
        let (weight, deviation) = (self.evidence.weight[leaf], self.evidence.deviation[leaf]);
        Cell {
            weight,
            deviation: weight * deviation,
            square: weight * deviation * deviation,
            null: weight * self.evidence.null[leaf],
        }
    }
}

/// A cell that may be an element.
struct Candidate {
    cuboid: usize,
    place: usize,
    price: f64,
    /// By moments, beyond the price.
    gain: f64,
    weight: f64,
    /// What its leaves say, once they were looked at: nothing if they do not agree.
    looked: Option<Option<Fit>>,
}

struct Search<'a> {
    view: &'a View,
    config: &'a Config,
    direction: f64,
    live: Vec<bool>,
    cuboids: Vec<Cuboid>,
    postings: Vec<Option<Postings>>,
}

impl<'a> Search<'a> {
    fn new(view: &'a View, direction: f64, config: &'a Config) -> Self {
        let n = view.evidence.weight.len();
        let sums: Vec<Cell> = (0..n).map(|leaf| view.sums(leaf)).collect();
        let layers = layers_within(&view.sizes, n, config.layers);
        let cuboids = cuboids(&view.sizes, &view.codes, &sums, layers);
        let postings = view.sizes.iter().map(|_| None).collect();
        Self { view, config, direction, live: vec![true; n], cuboids, postings }
    }

    fn run(mut self, whole: &mut Whole) -> Vec<Found> {
        let mut candidates = self.candidates();
        let mut found = Vec::new();
        while found.len() < self.config.elements {
            let Some(best) = self.best(&mut candidates) else { break };
            let Candidate { cuboid, place, price, .. } = candidates[best];
            let values = self.cuboids[cuboid].values_at(place);
            let leaves = whole.leaves(&values);
            // What a part of the leaves says has to be so for all of them.
            let fit = if self.view.is_part { whole.fit(&leaves) } else { candidates[best].looked.flatten() };
            let Some(fit) = fit.filter(|fit| self.is_cause(fit, price)) else {
                candidates.remove(best);
                continue;
            };
            leaves.iter().for_each(|leaf| whole.explained[*leaf as usize] = true);
            let seen = self.leaves(cuboid, place);
            self.take_out(&seen);
            found.push(Found { values, gain: fit.gain - price, fit, leaves });
            self.update(&mut candidates);
        }
        found
    }

    fn is_cause(&self, fit: &Fit, price: f64) -> bool {
        fit.follow >= self.config.follow && fit.gain > price
    }

    fn candidates(&self) -> Vec<Candidate> {
        /// A cell whose mean is nearer to 0 than this many standard errors is not looked at.
        const ERRORS_MIN: f64 = 2.5;
        let price_of_cuboid = (self.cuboids.len() as f64).ln();
        let error = (ERRORS_MIN * self.view.evidence.noise_scale).powi(2);
        let of_cuboid = |(index, cuboid): (usize, &Cuboid)| {
            let price = price_of_cuboid + cuboid.combinations().ln() + self.config.gain;
            let candidate = move |(place, cell): (usize, &Cell)| {
                if cell.deviation * cell.deviation <= error * cell.weight {
                    return None;
                }
                let against = cell.deviation * self.direction < 0.0;
                let price = price + if against { self.config.gain_against } else { 0.0 };
                let gain = gain_of_moments(cell) - price;
                let candidate =
                    Candidate { cuboid: index, place, price, gain, weight: cell.weight, looked: None };
                (gain > 0.0).then_some(candidate)
            };
            cuboid.cells().iter().enumerate().filter_map(candidate).collect::<Vec<_>>()
        };
        let by_cuboid: Vec<Vec<Candidate>> = self.cuboids.par_iter().enumerate().map(of_cuboid).collect();
        let mut candidates: Vec<Candidate> = by_cuboid.into_iter().flatten().collect();
        sort(&mut candidates);
        candidates
    }

    /// The place of the candidate whose leaves say most.
    fn best(&mut self, candidates: &mut [Candidate]) -> Option<usize> {
        /// By moments a cause is among the first; what comes later is its parents and parts.
        const LOOKED_AT: usize = 40;
        let mut best: Option<(usize, f64)> = None;
        for (index, candidate) in candidates.iter_mut().take(LOOKED_AT).enumerate() {
            if best.is_some_and(|(_, gain)| gain >= candidate.gain) {
                break;
            }
            let looked = candidate.looked.unwrap_or_else(|| {
                let leaves = self.leaves(candidate.cuboid, candidate.place);
                fit(&self.view.evidence, &leaves)
            });
            candidate.looked = Some(looked);
            let Some(fit) = looked.filter(|fit| self.is_cause(fit, candidate.price)) else { continue };
            let gain = fit.gain - candidate.price;
            if best.is_none_or(|(_, most)| gain > most) {
                best = Some((index, gain));
            }
        }
        best.map(|(index, _)| index)
    }

    /// Those of a cell that are not explained yet.
    fn leaves(&mut self, cuboid: usize, place: usize) -> Vec<u32> {
        let values = self.cuboids[cuboid].values_at(place);
        let (view, live) = (self.view, &self.live);
        // The dimension of most values has the shortest lists.
        let Some((dimension, code)) =
            values.iter().copied().max_by_key(|(dimension, _)| view.sizes[*dimension])
        else {
            return Vec::new();
        };
        let postings = self.postings[dimension]
            .get_or_insert_with(|| Postings::new(&view.codes[dimension], view.sizes[dimension] as usize));
        let is_of_cell = |leaf: &&u32| {
            let leaf = **leaf as usize;
            live[leaf] && values.iter().all(|(dimension, code)| view.codes[*dimension][leaf] == *code)
        };
        postings.of(code).iter().filter(is_of_cell).copied().collect()
    }

    fn take_out(&mut self, leaves: &[u32]) {
        let sums: Vec<(usize, Cell)> =
            leaves.iter().map(|leaf| (*leaf as usize, self.view.sums(*leaf as usize))).collect();
        sums.iter().for_each(|(leaf, _)| self.live[*leaf] = false);
        let codes = &self.view.codes;
        self.cuboids
            .par_iter_mut()
            .for_each(|cuboid| sums.iter().for_each(|(leaf, sums)| cuboid.remove(codes, *leaf, sums)));
    }

    fn update(&self, candidates: &mut Vec<Candidate>) {
        /// Less is what rounding left of nothing.
        const WEIGHT_MIN: f64 = 1e-6;
        candidates.retain_mut(|candidate| {
            let cell = &self.cuboids[candidate.cuboid].cells()[candidate.place];
            if cell.weight < candidate.weight {
                candidate.weight = cell.weight;
                candidate.looked = None;
                candidate.gain = gain_of_moments(cell) - candidate.price;
            }
            cell.weight > WEIGHT_MIN && candidate.gain > 0.0
        });
        sort(candidates);
    }
}

/// The largest gain first; of equal ones that of fewer dimensions, which comes first already.
fn sort(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| b.gain.total_cmp(&a.gain));
}

/// Where the leaves of a dimension's values are.
struct Postings {
    starts: Vec<usize>,
    leaves: Vec<u32>,
}

impl Postings {
    fn new(codes: &[u32], values: usize) -> Self {
        let mut starts = vec![0; values + 1];
        codes.iter().for_each(|code| starts[*code as usize + 1] += 1);
        (0..values).for_each(|value| starts[value + 1] += starts[value]);
        let mut next = starts.clone();
        let mut leaves = vec![0; codes.len()];
        for (leaf, code) in codes.iter().enumerate() {
            leaves[next[*code as usize]] = leaf as u32;
            next[*code as usize] += 1;
        }
        Self { starts, leaves }
    }

    fn of(&self, code: u32) -> &[u32] {
        &self.leaves[self.starts[code as usize]..self.starts[code as usize + 1]]
    }
}
