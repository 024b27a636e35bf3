//! One half-space tree: a full binary tree in heap order, drawn before any data is seen.

use serde::{Deserialize, Serialize};

use crate::Random;

/// Where a dimension's coordinates usually lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Range {
    pub(super) lower: f32,
    pub(super) width: f32,
}

impl Range {
    /// The range's own coordinate: 0 at the lower end, 1 at the upper.
    pub(super) fn place(&self, z: f32) -> f32 {
        (z - self.lower) / self.width
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    /// Halves the node's part of the dimension, in the range's own coordinate.
    cut: f32,
    dimension: u16,
    /// Rows of the last window that fell here.
    reference: u16,
    /// Rows of this window so far.
    latest: u16,
}

/// A part with less than this part of the window is not halved further (Tan et al. 2011).
const SMALL: f64 = 0.1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    /// Children of k are 2k and 2k + 1; 0 is unused; shape `(2^(depth + 1),)`.
    nodes: Vec<Node>,
}

impl Tree {
    /// A tree over the given number of dimensions.
    pub(super) fn new(depth: usize, n_dimensions: usize, random: &mut Random) -> Self {
        let blank = Node { cut: 0.0, dimension: 0, reference: 0, latest: 0 };
        let mut tree = Self { nodes: vec![blank; 2 << depth] };
        // The work range of the paper: around a random centre, so wide that 0..1 lies in it in any case.
        let mut ranges: Vec<(f32, f32)> = (0..n_dimensions)
            .map(|_| {
                let centre = random.uniform() as f32;
                let reach = 2.0 * centre.max(1.0 - centre);
                (centre - reach, centre + reach)
            })
            .collect();
        tree.draw(1, &mut ranges, random);
        tree
    }

    fn draw(&mut self, at: usize, ranges: &mut [(f32, f32)], random: &mut Random) {
        if 2 * at >= self.nodes.len() {
            return;
        }
        let dimension = random.below(ranges.len());
        let (lower, upper) = ranges[dimension];
        let cut = (lower + upper) / 2.0;
        (self.nodes[at].cut, self.nodes[at].dimension) = (cut, dimension as u16);
        ranges[dimension] = (lower, cut);
        self.draw(2 * at, ranges, random);
        ranges[dimension] = (cut, upper);
        self.draw(2 * at + 1, ranges, random);
        ranges[dimension] = (lower, upper);
    }

    fn child(&self, at: usize, point: &[f32], ranges: &[Range]) -> usize {
        let node = &self.nodes[at];
        let dimension = usize::from(node.dimension);
        2 * at + usize::from(ranges[dimension].place(point[dimension]) > node.cut)
    }

    /// log₂(1 + rows / ((m + ½)·2^d)) of the part where the point ends. `visit` gets each halved dimension
    /// on the way, with the bits by which the half is emptier than half of the whole; never negative.
    pub(super) fn score(
        &self,
        point: &[f32],
        ranges: &[Range],
        n_rows: usize,
        mut visit: impl FnMut(usize, f64),
    ) -> f64 {
        let (mut at, mut parts) = (1, 1.0);
        let small = SMALL * n_rows as f64;
        while 2 * at < self.nodes.len() && f64::from(self.nodes[at].reference) >= small {
            let child = self.child(at, point, ranges);
            let expected = (f64::from(self.nodes[at].reference) + 1.0) / 2.0;
            let bits = (expected / (f64::from(self.nodes[child].reference) + 0.5)).log2();
            visit(usize::from(self.nodes[at].dimension), bits.max(0.0));
            (at, parts) = (child, 2.0 * parts);
        }
        (n_rows as f64 / ((f64::from(self.nodes[at].reference) + 0.5) * parts)).ln_1p()
            * std::f64::consts::LOG2_E
    }

    /// Counts a row of this window.
    pub(super) fn count(&mut self, point: &[f32], ranges: &[Range]) {
        let mut at = 1;
        while at < self.nodes.len() {
            self.nodes[at].latest += 1;
            if 2 * at >= self.nodes.len() {
                break;
            }
            at = self.child(at, point, ranges);
        }
    }

    /// Begins a new window: what was counted becomes the reference.
    pub(super) fn turn(&mut self) {
        for node in &mut self.nodes {
            node.reference = std::mem::take(&mut node.latest);
        }
    }

    /// Forgets what was counted in this window.
    pub(super) fn clear(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.latest = 0);
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
    }
}
