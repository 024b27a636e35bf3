//! One random cut tree in arenas: no pointer, no allocation once it is full.

use serde::{Deserialize, Serialize};

use super::points::Points;
use super::span::{LANES, Lane, Span, add, sum};
use crate::Random;

/// A child is a leaf if this bit is set, an inner node otherwise; the rest is its index.
const LEAF: u16 = 1 << 15;
/// No node, no box.
const NONE: u16 = u16::MAX;

/// An inner node: points with `coordinate[dimension] <= cut` are on the left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    cut: f32,
    /// Sum of the sides of the node's box.
    range: f32,
    children: [u16; 2],
    dimension: u16,
    /// Index of the box, `NONE` over two leaves: two points are their own box, and a third of all nodes are
    /// so.
    span: u16,
}

/// Equal points share a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Leaf {
    point: u32,
    /// How many of them the sample holds.
    mass: u16,
    parent: u16,
}

/// Guha et al. 2016: a node's box is cut in a dimension chosen by the length of its side, at a uniform place.
/// Insertion and removal keep that distribution exactly, whatever the order of points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tree {
    root: u16,
    nodes: Vec<Node>,
    /// Parent of each inner node, apart from the nodes: only removal reads it.
    parents: Vec<u16>,
    leaves: Vec<Leaf>,
    /// Boxes, shape `(n_spans, lanes)`.
    spans: Vec<Span>,
    /// First free node; `parents` holds the next one.
    free_node: u16,
    /// First free leaf; its `parent` is the next one.
    free_leaf: u16,
    free_spans: Vec<u16>,
    lanes: usize,
    /// Points in the tree, equal ones counted each.
    mass: usize,
}

/// A box in whichever form it is at hand.
enum Corner<'tree> {
    Stored(&'tree [Span]),
    Pair(&'tree [Lane], &'tree [Lane]),
    Single(&'tree [Lane]),
}

impl Corner<'_> {
    #[inline(always)]
    fn span(&self, lane: usize) -> Span {
        match self {
            Self::Stored(spans) => spans[lane],
            Self::Pair(left, right) => Span::of(&left[lane]).union(&Span::of(&right[lane])),
            Self::Single(point) => Span::of(&point[lane]),
        }
    }

    /// Total growth of the box to hold `point`.
    #[inline(always)]
    fn growth(&self, point: &[Lane]) -> f32 {
        let mut total = [0.0; LANES];
        for (lane, coordinates) in point.iter().enumerate() {
            add(&mut total, &self.span(lane).growth(coordinates));
        }
        sum(&total)
    }

    /// Sum of the sides.
    fn range(&self, lanes: usize) -> f32 {
        let mut total = [0.0; LANES];
        for lane in 0..lanes {
            add(&mut total, &self.span(lane).sides());
        }
        sum(&total)
    }
}

/// A cut that parts a point from a box.
struct Cut {
    dimension: u16,
    at: f32,
    /// Whether the point lies above.
    above: bool,
}

impl Cut {
    /// The cut that lies `draw` along the sides by which the box would grow, laid end to end.
    fn draw(corner: &Corner, point: &[Lane], mut draw: f32) -> Self {
        let mut cut = Self { dimension: 0, at: 0.0, above: false };
        for (lane, coordinates) in point.iter().enumerate() {
            let span = corner.span(lane);
            for (offset, side) in span.growth(coordinates).into_iter().enumerate() {
                if side <= 0.0 {
                    continue;
                }
                let (value, above) = (coordinates[offset], coordinates[offset] > span.max[offset]);
                let (lower, upper) =
                    if above { (span.max[offset], value) } else { (value, span.min[offset]) };
                // Rounding must not put the cut on the upper end, which belongs to the right-hand side.
                let at = if lower + draw < upper { lower + draw } else { lower };
                cut = Self { dimension: (lane * LANES + offset) as u16, at, above };
                if draw < side {
                    return cut;
                }
                draw -= side;
            }
        }
        // Rounding of the sum: the last side that grows.
        cut
    }
}

impl Tree {
    /// An empty tree for at most `capacity` points of `lanes` lanes.
    pub(super) fn new(capacity: usize, lanes: usize) -> Self {
        Self {
            root: NONE,
            nodes: Vec::with_capacity(capacity.saturating_sub(1)),
            parents: Vec::with_capacity(capacity.saturating_sub(1)),
            leaves: Vec::with_capacity(capacity),
            // A third of the nodes of a random tree lie over two leaves, with small scatter.
            spans: Vec::with_capacity((capacity * 2 / 3 + 32).min(capacity) * lanes),
            free_node: NONE,
            free_leaf: NONE,
            free_spans: Vec::with_capacity(capacity),
            lanes,
            mass: 0,
        }
    }

    /// How strange the point is: expected over the random cuts that would part it from the tree.
    ///
    /// A point parted at depth d scores 1/(d + 1); one that equals a leaf of mass m at depth d scores
    /// (1 − m/2M)/(d + log₂(m + 1)). As in AWS's forests the mean is scaled by log₂(M + 1), M the mass of the
    /// tree, so that it lies near 1 for usual points whatever the size.
    pub(super) fn score(&self, point: &[Lane], points: &Points) -> f32 {
        self.walk(point, points, |_, _| {})
    }

    /// Adds each dimension's part of the score, apart for a point above and below the boxes that it is cut
    /// from.
    pub(super) fn attribute(&self, point: &[Lane], points: &Points, up: &mut [Lane], down: &mut [Lane]) {
        self.walk(point, points, |share, corner| {
            for (lane, coordinates) in point.iter().enumerate() {
                let span = corner.span(lane);
                for (offset, growth) in span.growth(coordinates).into_iter().enumerate() {
                    let above = coordinates[offset] > span.max[offset];
                    let side = if above { &mut *up } else { &mut *down };
                    side[lane][offset] += share * growth;
                }
            }
        });
    }

    /// Walks down to the point's leaf and returns the score. `visit` gets each box on the way, and the part
    /// of the score that each unit by which the box would grow stands for.
    #[inline(always)]
    fn walk(&self, point: &[Lane], points: &Points, mut visit: impl FnMut(f32, &Corner)) -> f32 {
        if self.mass == 0 {
            return 0.0;
        }
        let coordinates = point.as_flattened();
        // `weight`: probability that no cut above has parted the point. `level`: depth + 1.
        let (mut score, mut weight, mut level, mut child) = (0.0, 1.0, 1.0, self.root);
        while child & LEAF == 0 {
            let node = &self.nodes[usize::from(child)];
            let corner = self.corner(node, points);
            let growth = corner.growth(point);
            // A move of the scale may round two points to one, and a box to nothing.
            let part = weight / (growth + node.range).max(f32::MIN_POSITIVE);
            visit(part / level, &corner);
            score += part / level * growth;
            weight = part * node.range;
            level += 1.0;
            child = node.children[usize::from(coordinates[usize::from(node.dimension)] > node.cut)];
        }
        let leaf = &self.leaves[usize::from(child & !LEAF)];
        let corner = Corner::Single(points.get(leaf.point));
        let growth = corner.growth(point);
        score += if growth > 0.0 {
            visit(weight / (level * growth), &corner);
            weight / level
        } else {
            let mass = f32::from(leaf.mass);
            weight * (1.0 - mass / (2 * self.mass) as f32) / (level - 1.0 + (mass + 1.0).log2())
        };
        score * ((self.mass + 1) as f32).log2()
    }

    #[inline(always)]
    fn corner<'tree>(&'tree self, node: &Node, points: &'tree Points) -> Corner<'tree> {
        if node.span != NONE {
            return Corner::Stored(&self.spans[usize::from(node.span) * self.lanes..][..self.lanes]);
        }
        let [left, right] =
            node.children.map(|child| points.get(self.leaves[usize::from(child & !LEAF)].point));
        Corner::Pair(left, right)
    }

    /// Adds the point in `slot` and returns its leaf, which holds an equal point instead if there is one.
    pub(super) fn insert(&mut self, slot: u32, points: &mut Points, random: &mut Random) -> u16 {
        self.mass += 1;
        let (mut child, mut parent) = (self.root, NONE);
        if child == NONE {
            let leaf = self.add_leaf(slot, NONE, points);
            self.root = LEAF | leaf;
            return leaf;
        }
        let cut = loop {
            let point = points.get(slot);
            let (corner, range) = match self.nodes.get(usize::from(child)) {
                Some(node) if child & LEAF == 0 => (self.corner(node, points), node.range),
                _ => (Corner::Single(points.get(self.leaves[usize::from(child & !LEAF)].point)), 0.0),
            };
            let growth = corner.growth(point);
            if growth > 0.0 {
                // A random cut of the grown box parts point and box with probability growth / (growth +
                // range).
                let draw = random.uniform() as f32 * (growth + range);
                if child & LEAF != 0 || draw < growth {
                    break Cut::draw(&corner, point, draw);
                }
                self.grow(child, point);
            } else if child & LEAF != 0 {
                let leaf = child & !LEAF;
                self.leaves[usize::from(leaf)].mass += 1;
                return leaf;
            }
            let node = &self.nodes[usize::from(child)];
            let right = point.as_flattened()[usize::from(node.dimension)] > node.cut;
            parent = child;
            child = node.children[usize::from(right)];
        };
        self.part(child, parent, &cut, slot, points)
    }

    /// Widens a stored box to hold the point; a box over two leaves is settled when one of them is parted.
    fn grow(&mut self, node: u16, point: &[Lane]) {
        let node = &mut self.nodes[usize::from(node)];
        if node.span == NONE {
            return;
        }
        let spans = &mut self.spans[usize::from(node.span) * self.lanes..][..self.lanes];
        for (span, coordinates) in spans.iter_mut().zip(point) {
            *span = span.union(&Span::of(coordinates));
        }
        node.range = Corner::Stored(spans).range(self.lanes);
    }

    /// Puts a node above `child`, with the new leaf on its other side.
    fn part(&mut self, child: u16, parent: u16, cut: &Cut, slot: u32, points: &mut Points) -> u16 {
        let leaf = self.add_leaf(slot, NONE, points);
        let children = if cut.above { [child, LEAF | leaf] } else { [LEAF | leaf, child] };
        let node =
            self.add_node(Node { cut: cut.at, range: 0.0, children, dimension: cut.dimension, span: NONE });
        self.replace(parent, child, node);
        children.into_iter().for_each(|child| self.set_parent(child, node));
        self.settle(node, points);
        if parent != NONE && self.nodes[usize::from(parent)].span == NONE {
            self.settle(parent, points);
        }
        leaf
    }

    /// Takes one point out of a leaf.
    pub(super) fn remove(&mut self, leaf: u16, points: &mut Points) {
        self.mass -= 1;
        let emptied = &mut self.leaves[usize::from(leaf)];
        emptied.mass -= 1;
        if emptied.mass > 0 {
            return;
        }
        let (point, parent) = (emptied.point, emptied.parent);
        points.release(point);
        self.leaves[usize::from(leaf)].parent = std::mem::replace(&mut self.free_leaf, leaf);
        if parent == NONE {
            self.root = NONE;
            return;
        }
        let Node { children, span, .. } = self.nodes[usize::from(parent)];
        let sibling = if children[0] == LEAF | leaf { children[1] } else { children[0] };
        if span != NONE {
            self.free_spans.push(span);
        }
        let mut above = self.parents[usize::from(parent)];
        self.replace(above, parent, sibling);
        self.parents[usize::from(parent)] = std::mem::replace(&mut self.free_node, parent);
        // A free node is told by having no children.
        self.nodes[usize::from(parent)].children = [NONE; 2];
        while above != NONE && self.settle(above, points) {
            above = self.parents[usize::from(above)];
        }
    }

    /// Makes a node's box and range those of its children; false if they were already.
    fn settle(&mut self, node: u16, points: &Points) -> bool {
        let Node { children, span, .. } = self.nodes[usize::from(node)];
        if children[0] & children[1] & LEAF != 0 {
            if span != NONE {
                self.free_spans.push(span);
            }
            self.nodes[usize::from(node)].span = NONE;
            let range = self.corner(&self.nodes[usize::from(node)], points).range(self.lanes);
            self.nodes[usize::from(node)].range = range;
            return true;
        }
        let span = if span == NONE { self.add_span() } else { span };
        let mut changed = self.nodes[usize::from(node)].span == NONE;
        for lane in 0..self.lanes {
            let [left, right] = children.map(|child| self.child_span(child, lane, points));
            let (joined, place) = (left.union(&right), usize::from(span) * self.lanes + lane);
            changed |= self.spans[place] != joined;
            self.spans[place] = joined;
        }
        let range =
            Corner::Stored(&self.spans[usize::from(span) * self.lanes..][..self.lanes]).range(self.lanes);
        self.nodes[usize::from(node)].span = span;
        self.nodes[usize::from(node)].range = range;
        changed
    }

    fn child_span(&self, child: u16, lane: usize, points: &Points) -> Span {
        if child & LEAF != 0 {
            return Span::of(&points.get(self.leaves[usize::from(child & !LEAF)].point)[lane]);
        }
        self.corner(&self.nodes[usize::from(child)], points).span(lane)
    }

    /// Follows a move of the scale that the points have made already: `map(dimension, coordinate)` must not
    /// fall anywhere. Cuts still lie between the points they part, so the tree stays as it is.
    pub(super) fn remap(&mut self, points: &Points, map: impl Fn(usize, f32) -> f32) {
        for node in &mut self.nodes {
            node.cut = map(usize::from(node.dimension), node.cut);
        }
        for spans in self.spans.chunks_exact_mut(self.lanes) {
            for (lane, span) in spans.iter_mut().enumerate() {
                for offset in 0..LANES {
                    span.min[offset] = map(lane * LANES + offset, span.min[offset]);
                    span.max[offset] = map(lane * LANES + offset, span.max[offset]);
                }
            }
        }
        for place in 0..self.nodes.len() {
            if self.nodes[place].children != [NONE; 2] {
                self.nodes[place].range = self.corner(&self.nodes[place], points).range(self.lanes);
            }
        }
    }

    fn replace(&mut self, parent: u16, old: u16, new: u16) {
        self.set_parent(new, parent);
        if parent == NONE {
            self.root = new;
            return;
        }
        let children = &mut self.nodes[usize::from(parent)].children;
        children[usize::from(children[1] == old)] = new;
    }

    fn set_parent(&mut self, child: u16, parent: u16) {
        if child & LEAF != 0 {
            self.leaves[usize::from(child & !LEAF)].parent = parent;
        } else {
            self.parents[usize::from(child)] = parent;
        }
    }

    fn add_node(&mut self, node: Node) -> u16 {
        let free = self.free_node;
        if free == NONE {
            self.nodes.push(node);
            self.parents.push(NONE);
            return (self.nodes.len() - 1) as u16;
        }
        self.free_node = self.parents[usize::from(free)];
        self.nodes[usize::from(free)] = node;
        free
    }

    fn add_leaf(&mut self, slot: u32, parent: u16, points: &mut Points) -> u16 {
        points.hold(slot);
        let (leaf, free) = (Leaf { point: slot, mass: 1, parent }, self.free_leaf);
        if free == NONE {
            self.leaves.push(leaf);
            return (self.leaves.len() - 1) as u16;
        }
        self.free_leaf = self.leaves[usize::from(free)].parent;
        self.leaves[usize::from(free)] = leaf;
        free
    }

    fn add_span(&mut self) -> u16 {
        if let Some(free) = self.free_spans.pop() {
            return free;
        }
        self.spans.resize(self.spans.len() + self.lanes, Span::of(&[0.0; LANES]));
        (self.spans.len() / self.lanes - 1) as u16
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let indexes = self.parents.capacity() + self.free_spans.capacity();
        self.nodes.capacity() * size_of::<Node>()
            + self.leaves.capacity() * size_of::<Leaf>()
            + self.spans.capacity() * size_of::<Span>()
            + indexes * size_of::<u16>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Checks the subtree and returns its box and mass.
    fn check_below(tree: &Tree, points: &Points, child: u16, parent: u16) -> (Span, usize) {
        if child & LEAF != 0 {
            let leaf = &tree.leaves[usize::from(child & !LEAF)];
            assert_eq!(leaf.parent, parent);
            return (Span::of(&points.get(leaf.point)[0]), usize::from(leaf.mass));
        }
        let node = &tree.nodes[usize::from(child)];
        assert_eq!(tree.parents[usize::from(child)], parent);
        let [(left, left_mass), (right, right_mass)] =
            node.children.map(|below| check_below(tree, points, below, child));
        let dimension = usize::from(node.dimension);
        assert!(
            left.max[dimension] <= node.cut && right.min[dimension] > node.cut,
            "a point on the wrong side"
        );
        let joined = left.union(&right);
        assert_eq!(tree.corner(node, points).span(0), joined, "a box that does not fit");
        assert_eq!(node.range, sum(&joined.sides()));
        assert_eq!(node.span == NONE, node.children[0] & node.children[1] & LEAF != 0);
        (joined, left_mass + right_mass)
    }

    proptest! {
        /// Few distinct coordinates, so that equal points, flat boxes and empty trees occur.
        #[test]
        fn a_tree_keeps_its_order_under_any_insertions_and_removals(
            steps in proptest::collection::vec((any::<bool>(), 0u8..4, 0u8..4, any::<u16>()), 1..200),
        ) {
            let (mut tree, mut points) = (Tree::new(256, 1), Points::new(2, 256));
            let mut random = Random::new(1);
            let mut held: Vec<u16> = Vec::new();
            for (insert, x, y, pick) in steps {
                if insert || held.is_empty() {
                    let mut point = [0.0; LANES];
                    (point[0], point[1]) = (f32::from(x), f32::from(y) * 1e-30);
                    let slot = points.insert(&[point]);
                    held.push(tree.insert(slot, &mut points, &mut random));
                    points.drop_if_unheld(slot);
                } else {
                    let leaf = held.swap_remove(usize::from(pick) % held.len());
                    tree.remove(leaf, &mut points);
                }
                prop_assert_eq!(tree.mass, held.len());
                if tree.root != NONE {
                    prop_assert_eq!(check_below(&tree, &points, tree.root, NONE).1, held.len());
                }
                prop_assert!(tree.score(&[[1.5; LANES]], &points).is_finite());
            }
        }
    }
}
