//! The trees of a forest over their shared points.

use serde::{Deserialize, Serialize};

use super::points::Points;
use super::reservoir::{Admission, Reservoir};
use super::span::Lane;
use super::tree::Tree;
use crate::Random;

/// Random cut trees, each over a sample of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Grove {
    points: Points,
    trees: Vec<Tree>,
    reservoirs: Vec<Reservoir>,
    random: Random,
}

impl Grove {
    /// `trees` of at most `sample_size` points of `dimensions` coordinates; `decay` a point.
    pub(super) fn new(
        trees: usize,
        sample_size: usize,
        dimensions: usize,
        decay: f64,
        random: Random,
    ) -> Self {
        // Every tree may hold other points, and one more is stored while they are asked.
        let points = Points::new(dimensions, trees * sample_size + 1);
        Self {
            // Not `vec![…; n]`: clones have no spare capacity.
            trees: (0..trees).map(|_| Tree::new(sample_size, points.lanes())).collect(),
            reservoirs: (0..trees).map(|_| Reservoir::new(sample_size, decay)).collect(),
            points,
            random,
        }
    }

    /// Points in a tree; all trees fill alike.
    pub(super) fn mass(&self) -> usize {
        self.reservoirs.first().map_or(0, Reservoir::len)
    }

    /// Mean score over the trees.
    pub(super) fn score(&self, point: &[Lane]) -> f64 {
        let total: f64 = self.trees.iter().map(|tree| f64::from(tree.score(point, &self.points))).sum();
        total / self.trees.len() as f64
    }

    /// Each dimension's part of the score, up and down, as the sum over the trees.
    pub(super) fn attribute(&self, point: &[Lane], up: &mut [Lane], down: &mut [Lane]) {
        up.as_flattened_mut().fill(0.0);
        down.as_flattened_mut().fill(0.0);
        for tree in &self.trees {
            tree.attribute(point, &self.points, up, down);
        }
    }

    /// Offers the point to every sample.
    pub(super) fn learn(&mut self, point: &[Lane]) {
        let slot = self.points.insert(point);
        for (tree, reservoir) in self.trees.iter_mut().zip(&mut self.reservoirs) {
            match reservoir.offer() {
                Admission::Pass => continue,
                Admission::Fill => {}
                Admission::Replace(leaf) => tree.remove(leaf, &mut self.points),
            }
            let leaf = tree.insert(slot, &mut self.points, &mut self.random);
            reservoir.admit(leaf, &mut self.random);
        }
        self.points.drop_if_unheld(slot);
    }

    /// Moves everything to another scale: `map(dimension, coordinate)` must not fall anywhere.
    pub(super) fn remap(&mut self, map: impl Fn(usize, f32) -> f32) {
        self.points.remap(&map);
        for tree in &mut self.trees {
            tree.remap(&self.points, &map);
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let trees: usize = self.trees.iter().map(|tree| size_of::<Tree>() + tree.heap_bytes()).sum();
        let reservoirs: usize =
            self.reservoirs.iter().map(|reservoir| size_of::<Reservoir>() + reservoir.heap_bytes()).sum();
        trees + reservoirs + self.points.heap_bytes()
    }
}
