//! Sums over the leaves of each combination of dimension values.
//!
//! A *cuboid* is a set of dimensions, a *cell* of it one combination of their values. The cuboid of all dimensions
//! is summed from the leaves, each other one from the smallest that has one dimension more.

use std::ops::{AddAssign, SubAssign};

use rayon::prelude::*;

/// Sums of leaves, by their weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cell {
    pub(super) weight: f64,
    pub(super) deviation: f64,
    pub(super) square: f64,
    /// Log-density if all of it is noise.
    pub(super) null: f64,
}

impl AddAssign<&Cell> for Cell {
    fn add_assign(&mut self, other: &Cell) {
        self.weight += other.weight;
        self.deviation += other.deviation;
        self.square += other.square;
        self.null += other.null;
    }
}

impl SubAssign<&Cell> for Cell {
    fn sub_assign(&mut self, other: &Cell) {
        self.weight -= other.weight;
        self.deviation -= other.deviation;
        self.square -= other.square;
        self.null -= other.null;
    }
}

/// A set of dimensions and its cells.
#[derive(Clone, Debug)]
pub(super) struct Cuboid {
    /// Places of its dimensions among all, ascending.
    dimensions: Vec<usize>,
    sizes: Vec<u64>,
    cells: Cells,
}

#[derive(Clone, Debug)]
enum Cells {
    /// A place for each combination.
    Dense(Vec<Cell>),
    /// Keys of those that occur, ascending.
    Sparse(Vec<u64>, Vec<Cell>),
}

/// A combination that may be missing is worth its place while there are at most this many for one that occurs.
const DENSE_MAX: u64 = 4;

/// So few combinations are always worth their places.
const DENSE_ALWAYS: u64 = 4_096;

impl Cuboid {
    /// How many combinations there may be.
    pub(super) fn combinations(&self) -> f64 {
        self.sizes.iter().map(|size| *size as f64).product()
    }

    /// Cells by their places.
    pub(super) fn cells(&self) -> &[Cell] {
        match &self.cells {
            Cells::Dense(cells) | Cells::Sparse(_, cells) => cells,
        }
    }

    /// Dimensions and codes of the cell at a place.
    pub(super) fn values_at(&self, place: usize) -> Vec<(usize, u32)> {
        let mut key = match &self.cells {
            Cells::Dense(_) => place as u64,
            Cells::Sparse(keys, _) => keys[place],
        };
        let mut values = Vec::with_capacity(self.sizes.len());
        for (dimension, size) in self.dimensions.iter().zip(&self.sizes).rev() {
            values.push((*dimension, (key % size) as u32));
            key /= size;
        }
        values.reverse();
        values
    }

    /// Takes a leaf out of its cell.
    pub(super) fn remove(&mut self, codes: &[Vec<u32>], leaf: usize, sums: &Cell) {
        let key = self.key(codes, leaf);
        match &mut self.cells {
            Cells::Dense(cells) => cells[key as usize] -= sums,
            Cells::Sparse(keys, cells) => {
                if let Ok(place) = keys.binary_search(&key) {
                    cells[place] -= sums;
                }
            }
        }
    }

    fn key(&self, codes: &[Vec<u32>], leaf: usize) -> u64 {
        let dimensions = self.dimensions.iter().zip(&self.sizes);
        dimensions.fold(0, |key, (dimension, size)| key * size + u64::from(codes[*dimension][leaf]))
    }

    fn of_leaves(dimensions: Vec<usize>, sizes: &[u64], codes: &[Vec<u32>], leaves: &[Cell]) -> Self {
        let sizes = dimensions.iter().map(|dimension| sizes[*dimension]).collect();
        let mut cuboid = Self { dimensions, sizes, cells: Cells::Dense(Vec::new()) };
        let keyed = leaves.iter().enumerate().map(|(leaf, sums)| (cuboid.key(codes, leaf), sums));
        cuboid.cells = Cells::sum(cuboid.bound(), leaves.len(), keyed);
        cuboid
    }

    /// Without the dimension at that place of the parent's.
    fn of_parent(parent: &Self, without: usize) -> Self {
        let (mut dimensions, mut sizes) = (parent.dimensions.clone(), parent.sizes.clone());
        dimensions.remove(without);
        let size = sizes.remove(without);
        let inner: u64 = sizes[without..].iter().product();
        let mut cuboid = Self { dimensions, sizes, cells: Cells::Dense(Vec::new()) };
        cuboid.cells = match &parent.cells {
            Cells::Dense(cells) => Cells::Dense(fold(cells, inner as usize, size as usize)),
            Cells::Sparse(keys, cells) => {
                let keyed = keys.iter().map(|key| key / (inner * size) * inner + key % inner).zip(cells);
                Cells::sum(cuboid.bound(), cells.len(), keyed)
            }
        };
        cuboid
    }

    fn bound(&self) -> u64 {
        self.sizes.iter().product()
    }
}

/// Sums over the middle of three axes.
fn fold(cells: &[Cell], inner: usize, size: usize) -> Vec<Cell> {
    let mut sums = vec![Cell::default(); cells.len() / size];
    for (block, sums) in cells.chunks_exact(inner * size).zip(sums.chunks_exact_mut(inner)) {
        for row in block.chunks_exact(inner) {
            sums.iter_mut().zip(row).for_each(|(sum, cell)| *sum += cell);
        }
    }
    sums
}

impl Cells {
    fn sum<'a>(bound: u64, n: usize, keyed: impl Iterator<Item = (u64, &'a Cell)>) -> Self {
        if bound <= (DENSE_MAX * n as u64).max(DENSE_ALWAYS) {
            let mut cells = vec![Cell::default(); bound as usize];
            keyed.for_each(|(key, cell)| cells[key as usize] += cell);
            return Self::Dense(cells);
        }
        let mut order: Vec<(u64, &Cell)> = keyed.collect();
        // A stable sort: cells of a key are added in the order of the leaves.
        order.sort_by_key(|(key, _)| *key);
        let (mut keys, mut sums) = (Vec::new(), Vec::<Cell>::new());
        for (key, cell) in order {
            if keys.last() != Some(&key) {
                keys.push(key);
                sums.push(Cell::default());
            }
            if let Some(sum) = sums.last_mut() {
                *sum += cell;
            }
        }
        Self::Sparse(keys, sums)
    }
}

/// All cuboids of at most so many dimensions, those of few dimensions first.
///
/// `sizes`: of the dictionaries; `leaves`: their sums. A cuboid with more combinations than a key can tell apart is
/// left out.
pub(super) fn cuboids(sizes: &[u64], codes: &[Vec<u32>], leaves: &[Cell], layers: usize) -> Vec<Cuboid> {
    let mut by_layer: Vec<Vec<Cuboid>> = Vec::new();
    for layer in (1..=layers.min(sizes.len())).rev() {
        let above = by_layer.last().map_or(&[][..], Vec::as_slice);
        let of = |dimensions: Vec<usize>| -> Option<Cuboid> {
            let parents =
                above.iter().filter_map(|parent| Some((parent, missing(&parent.dimensions, &dimensions)?)));
            if let Some((parent, without)) = parents.min_by_key(|(parent, _)| parent.cells().len()) {
                return Some(Cuboid::of_parent(parent, without));
            }
            dimensions.iter().try_fold(1_u64, |bound, dimension| bound.checked_mul(sizes[*dimension]))?;
            Some(Cuboid::of_leaves(dimensions, sizes, codes, leaves))
        };
        let cuboids = subsets(sizes.len(), layer).into_par_iter().filter_map(of).collect();
        by_layer.push(cuboids);
    }
    by_layer.into_iter().rev().flatten().collect()
}

/// The most dimensions that cuboids can have, up to `layers`, before summing them takes too long.
pub(super) fn layers_within(sizes: &[u64], n_leaves: usize, layers: usize) -> usize {
    /// Additions, some nanoseconds each.
    const WORK_MAX: f64 = 2e8;
    /// What sorting a key takes, in additions.
    const SORTING: f64 = 20.0;
    const SUBSETS_MAX: f64 = 1e5;
    let n = n_leaves as f64;
    let (mut work, mut n_subsets) = (0.0, 1.0);
    for layer in 1..=layers.min(sizes.len()) {
        n_subsets *= (sizes.len() + 1 - layer) as f64 / layer as f64;
        if n_subsets <= SUBSETS_MAX {
            for dimensions in subsets(sizes.len(), layer) {
                let bound: f64 = dimensions.iter().map(|dimension| sizes[*dimension] as f64).product();
                let is_dense = bound <= (DENSE_MAX as f64 * n).max(DENSE_ALWAYS as f64);
                work += if is_dense { n } else { SORTING * n };
            }
        }
        if n_subsets > SUBSETS_MAX || work > WORK_MAX {
            return (layer - 1).max(1);
        }
    }
    layers.min(sizes.len())
}

/// The place of the one dimension that the wider set has and the narrower has not.
fn missing(wider: &[usize], narrower: &[usize]) -> Option<usize> {
    let place =
        wider.iter().zip(narrower).position(|(wide, narrow)| wide != narrow).unwrap_or(narrower.len());
    (wider.get(place + 1..) == narrower.get(place..)).then_some(place)
}

/// Sets of `layer` of the first `n` numbers, in the order of the numbers.
fn subsets(n: usize, layer: usize) -> Vec<Vec<usize>> {
    let mut sets = vec![Vec::new()];
    for _ in 0..layer {
        let longer = |set: &Vec<usize>| {
            let set = set.clone();
            (set.last().map_or(0, |last| last + 1)..n).map(move |next| [&set[..], &[next]].concat())
        };
        sets = sets.iter().flat_map(longer).collect();
    }
    sets
}
