//! The trees over one window, for one channel or many.

use serde::{Deserialize, Serialize};

use super::Config;
use super::tree::{Range, Tree};
use crate::Random;
use crate::stream::forest::Move;

/// Rows of the first, shorter window.
const FIRST_ROWS: usize = 64;
/// A range that is nothing, as of a constant series, is taken to be this wide, in units of the scale.
const WIDTH_MIN: f32 = 1e-3;
/// Part of the rows that lie outside the range, half of them on each side, so that outliers do not stretch
/// it.
const OUTSIDE: f64 = 0.04;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Halves {
    trees: Vec<Tree>,
    /// One a dimension.
    ranges: Vec<Range>,
    /// Rows of this window, one after the other.
    rows: Vec<f32>,
    window: usize,
    /// Rows that the reference counts; 0 during warm-up.
    n_reference: usize,
}

impl Halves {
    pub(super) fn new(config: &Config, n_dimensions: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            trees: (0..config.trees).map(|_| Tree::new(config.depth, n_dimensions, &mut random)).collect(),
            ranges: vec![Range { lower: 0.0, width: 1.0 }; n_dimensions],
            rows: Vec::with_capacity(config.window * n_dimensions),
            window: config.window,
            n_reference: 0,
        }
    }

    /// Mean over the trees; `None` during warm-up. `visit` as for [`Tree::score`].
    pub(super) fn score(&self, point: &[f32], mut visit: impl FnMut(usize, f64)) -> Option<f64> {
        if self.n_reference == 0 {
            return None;
        }
        let scores =
            self.trees.iter().map(|tree| tree.score(point, &self.ranges, self.n_reference, &mut visit));
        Some(scores.sum::<f64>() / self.trees.len() as f64)
    }

    pub(super) fn learn(&mut self, point: &[f32]) {
        self.rows.extend_from_slice(point);
        if self.n_reference > 0 {
            self.trees.iter_mut().for_each(|tree| tree.count(point, &self.ranges));
        }
        let n_rows = self.rows.len() / self.ranges.len();
        if n_rows == self.window || (self.n_reference == 0 && n_rows == FIRST_ROWS) {
            self.turn(n_rows);
        }
    }

    /// Ends the window: it becomes the reference, counted again if the data have moved.
    fn turn(&mut self, n_rows: usize) {
        let ranges: Vec<Range> = (0..self.ranges.len()).map(|dimension| self.range(dimension)).collect();
        let moved = ranges.iter().zip(&self.ranges).any(|(new, old)| has_moved(new, old));
        if moved || self.n_reference == 0 {
            self.ranges = ranges;
            for tree in &mut self.trees {
                tree.clear();
                self.rows.chunks_exact(self.ranges.len()).for_each(|row| tree.count(row, &self.ranges));
            }
        }
        self.trees.iter_mut().for_each(Tree::turn);
        self.n_reference = n_rows;
        self.rows.clear();
    }

    fn range(&self, dimension: usize) -> Range {
        let mut values: Vec<f32> =
            self.rows.iter().skip(dimension).step_by(self.ranges.len()).copied().collect();
        values.sort_unstable_by(f32::total_cmp);
        let outside = (values.len() as f64 * OUTSIDE / 2.0) as usize;
        let (lower, upper) = (values[outside], values[values.len() - 1 - outside]);
        Range { lower, width: (upper - lower).max(WIDTH_MIN) }
    }

    /// Follows a move of the scale of the dimensions that `moves` names: their own coordinates stay the same.
    pub(super) fn remap(&mut self, moved: &Move, moves: impl Fn(usize) -> bool) {
        let n_dimensions = self.ranges.len();
        for dimension in (0..n_dimensions).filter(|dimension| moves(*dimension)) {
            let range = &mut self.ranges[dimension];
            let upper = moved.apply(range.lower + range.width);
            range.lower = moved.apply(range.lower);
            range.width = (upper - range.lower).max(f32::MIN_POSITIVE);
            let column = self.rows.iter_mut().skip(dimension).step_by(n_dimensions);
            column.for_each(|z| *z = moved.apply(*z));
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let trees: usize = self.trees.iter().map(|tree| size_of::<Tree>() + tree.heap_bytes()).sum();
        trees + self.ranges.len() * size_of::<Range>() + self.rows.capacity() * size_of::<f32>()
    }
}

/// Whether an end has moved by a tenth of the width: counts in the old range would then mislead.
fn has_moved(new: &Range, old: &Range) -> bool {
    const PART: f32 = 0.1;
    let upper = (new.lower - old.lower) + (new.width - old.width);
    (new.lower - old.lower).abs() > PART * old.width || upper.abs() > PART * old.width
}
