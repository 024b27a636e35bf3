//! A table of few rows that says where a change sits.
//!
//! Rows are nodes of a tree of dimensions: country, app within country, and so on. A node that is no row of its own
//! is told by the nearest row above it, and costs as much as that row misleads about it:
//!
//! cost = (actual − r · expected) · ln(1 + (actual / (r · expected) − 1) · size share)
//!
//! with r = actual / expected of the row; nodes of less than 3 % of the whole change cost nothing. Cost and floor are
//! those of ThirdEye (`BalancedCostFunction`). The rows are those of least total cost, by a dynamic programme over
//! the tree. A row shows what is left of it without the rows below, so that all rows sum to the whole.

use std::collections::HashMap;

use super::cube::{Cube, Totals};

/// Which moves are worth rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Ups and downs alike.
    #[default]
    Both,
    /// Gainers only.
    Up,
    /// Losers only.
    Down,
}

/// What the table looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryConfig {
    /// Rows at most, that of everything else included; at least 1.
    pub rows: usize,
    /// Dimensions that a row fixes at most.
    pub depth: usize,
    /// Whether ups, downs or both are looked for.
    pub side: Side,
    /// A node with less of the whole change is not worth a row, 0..=1.
    pub share_min: f64,
    /// Order of dimensions from the top; `None`: those that cost most without rows first.
    pub order: Option<Vec<usize>>,
}

impl Default for SummaryConfig {
    fn default() -> Self {
        Self { rows: 8, depth: 3, side: Side::Both, share_min: 0.03, order: None }
    }
}

/// A row, without those below it.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRow {
    /// Dimension and code, from the top of the tree; none in the row of everything else.
    pub values: Vec<(usize, u32)>,
    /// What is left of it; of a ratio, numerators as they are and as the expected rate would have made them.
    pub totals: Totals,
    /// What that adds to the change of the whole, in the unit of the measure.
    pub contribution: f64,
    /// The same as a share of the change; 0 if there is none.
    pub share: f64,
    /// Rows that are parts of it and stand for themselves.
    pub without: usize,
}

/// The table; the row of everything else is the first, each other row comes after what it is a part of.
/// O(leaves · depth), and the tree of nodes of at least 3 %, which is small.
pub fn summary(cube: &Cube, config: &SummaryConfig) -> Vec<SummaryRow> {
    /// How often rows are chosen anew with the ratios of what the choice before left of them.
    const ROUNDS: usize = 5;
    let tree = Tree::new(cube, config);
    let rows = config.rows.max(1) - 1;
    let mut ratios: Vec<f64> = tree.nodes.iter().map(|node| ratio(node.totals)).collect();
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..ROUNDS {
        let chosen = tree.choose(&ratios, rows);
        let rest = tree.rest(&chosen);
        for node in &chosen {
            ratios[*node] = ratio(rest[node].totals);
        }
        ratios[0] = ratio(rest[&0].totals);
        let cost = tree.cost_of(&chosen, &ratios);
        let is_same = best.as_ref().is_some_and(|(_, rows)| *rows == chosen);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, chosen));
        }
        if is_same {
            break;
        }
    }
    let (_, chosen) = best.unwrap_or_default();
    tree.rows(&chosen)
}

fn ratio(totals: Totals) -> f64 {
    if totals.expected > 0.0 { totals.actual.max(0.0) / totals.expected } else { 1.0 }
}

#[derive(Clone, Debug, Default)]
struct Node {
    values: Vec<(usize, u32)>,
    parent: usize,
    children: Vec<usize>,
    totals: Totals,
    contribution: f64,
}

/// Node 0 is everything; parents come before their children.
struct Tree<'a> {
    config: &'a SummaryConfig,
    nodes: Vec<Node>,
}

impl<'a> Tree<'a> {
    fn new(cube: &Cube, config: &'a SummaryConfig) -> Self {
        let (actual, expected) = cube.compared();
        let changes = cube.changes();
        let mut tree = Self { config, nodes: vec![Node::default()] };
        let leaf = |leaf: usize| (Totals { actual: actual[leaf], expected: expected[leaf] }, changes[leaf]);
        (0..cube.len()).for_each(|place| tree.nodes[0].add(leaf(place)));
        let order = config.order.clone().unwrap_or_else(|| tree.order(cube, &leaf));
        let mut by_value: HashMap<(usize, u32), usize> = HashMap::new();
        for place in 0..cube.len() {
            let mut node = 0;
            for (level, dimension) in order.iter().take(config.depth).enumerate() {
                let code = cube.codes()[*dimension][place];
                // Nodes of a level are told apart by their parents, which are of the level above.
                debug_assert!(tree.nodes[node].values.len() == level);
                node = *by_value.entry((node, code)).or_insert_with(|| {
                    let mut values = tree.nodes[node].values.clone();
                    values.push((*dimension, code));
                    tree.nodes.push(Node { values, parent: node, ..Node::default() });
                    tree.nodes.len() - 1
                });
                tree.nodes[node].add(leaf(place));
            }
        }
        tree.link();
        tree
    }

    /// Dimensions by what their values would cost if they were told by the whole alone.
    fn order(&self, cube: &Cube, leaf: &dyn Fn(usize) -> (Totals, f64)) -> Vec<usize> {
        let cost = |dimension: usize| {
            let mut nodes = vec![Node::default(); cube.dimensions()[dimension].values.len()];
            for (place, code) in cube.codes()[dimension].iter().enumerate() {
                nodes[*code as usize].add(leaf(place));
            }
            nodes.iter().map(|node| self.cost(node, ratio(self.nodes[0].totals))).sum::<f64>()
        };
        let mut costs: Vec<(f64, usize)> =
            (0..cube.dimensions().len()).map(|dimension| (cost(dimension), dimension)).collect();
        costs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        costs.into_iter().map(|(_, dimension)| dimension).collect()
    }

    /// Ties children to parents, those only that cost something or have one below that does.
    fn link(&mut self) {
        let mut is_seen: Vec<bool> = self.nodes.iter().map(|node| self.is_large(node)).collect();
        for node in (1..self.nodes.len()).rev() {
            if is_seen[node] {
                let parent = self.nodes[node].parent;
                is_seen[parent] = true;
                self.nodes[parent].children.push(node);
            }
        }
        self.nodes.iter_mut().for_each(|node| node.children.reverse());
    }

    fn is_large(&self, node: &Node) -> bool {
        let (change, whole) = (node.totals.change(), self.nodes[0].totals.change());
        let is_side = match self.config.side {
            Side::Both => change != 0.0,
            Side::Up => change > 0.0,
            Side::Down => change < 0.0,
        };
        is_side && change.abs() >= self.config.share_min * whole.abs()
    }

    /// Of telling a node by a row of that ratio.
    fn cost(&self, node: &Node, ratio: f64) -> f64 {
        /// Something where nothing was to be expected: as if it were so many times as much.
        const QUOTIENT_MAX: f64 = 1e3;
        const LEFT_MIN: f64 = 1e-3;
        if !self.is_large(node) {
            return 0.0;
        }
        let size = |totals: Totals| totals.actual.abs() + totals.expected.abs();
        let told = ratio * node.totals.expected;
        let quotient =
            if told > 0.0 { (node.totals.actual / told).clamp(0.0, QUOTIENT_MAX) } else { QUOTIENT_MAX };
        let share = size(node.totals) / size(self.nodes[0].totals);
        ((node.totals.actual - told) * (1.0 + (quotient - 1.0) * share).max(LEFT_MIN).ln()).max(0.0)
    }

    /// The rows of least cost, in the order of nodes.
    fn choose(&self, ratios: &[f64], rows: usize) -> Vec<usize> {
        let mut chosen =
            self.below(0, ratios[0], ratios, rows).pop().map(|plan| plan.rows).unwrap_or_default();
        chosen.sort_unstable();
        chosen
    }

    /// For each number of rows the best plan for the nodes below, told by a row of that ratio if by none of their own.
    fn below(&self, node: usize, ratio: f64, ratios: &[f64], rows: usize) -> Vec<Plan> {
        let none = vec![Plan::default(); rows + 1];
        self.nodes[node].children.iter().fold(none, |plans, child| {
            let child = self.at(*child, ratio, ratios, rows);
            let best = |n: usize| {
                let with = |own: usize| plans[n - own].and(&child[own]);
                (1..=n).map(with).fold(with(0), Plan::less)
            };
            (0..=rows).map(best).collect()
        })
    }

    fn at(&self, node: usize, ratio: f64, ratios: &[f64], rows: usize) -> Vec<Plan> {
        let cost = self.cost(&self.nodes[node], ratio);
        let told = self.below(node, ratio, ratios, rows);
        let told = told.into_iter().map(|plan| Plan { cost: plan.cost + cost, ..plan });
        if rows == 0 {
            return told.collect();
        }
        let itself = self.below(node, ratios[node], ratios, rows - 1);
        let row = Plan { cost: 0.0, rows: vec![node] };
        let itself = std::iter::once(None).chain(itself.iter().map(|plan| Some(row.and(plan))));
        told.zip(itself)
            .map(|(told, itself)| itself.map_or(told.clone(), |itself| told.less(itself)))
            .collect()
    }

    /// What is left of each row, and of everything else at 0.
    fn rest(&self, chosen: &[usize]) -> HashMap<usize, Node> {
        let mut rest: HashMap<usize, Node> =
            chosen.iter().chain(&[0]).map(|node| (*node, self.nodes[*node].clone())).collect();
        for node in chosen {
            let above = self.above(*node, chosen);
            if let Some(above) = rest.get_mut(&above) {
                above.totals.actual -= self.nodes[*node].totals.actual;
                above.totals.expected -= self.nodes[*node].totals.expected;
                above.contribution -= self.nodes[*node].contribution;
            }
        }
        rest
    }

    /// The nearest row above a node.
    fn above(&self, node: usize, chosen: &[usize]) -> usize {
        let parents =
            std::iter::successors(Some(self.nodes[node].parent), |node| Some(self.nodes[*node].parent));
        parents.into_iter().find(|node| *node == 0 || chosen.contains(node)).unwrap_or(0)
    }

    fn cost_of(&self, chosen: &[usize], ratios: &[f64]) -> f64 {
        let told =
            (1..self.nodes.len()).filter(|node| !chosen.contains(node) && self.is_large(&self.nodes[*node]));
        told.map(|node| self.cost(&self.nodes[node], ratios[self.above(node, chosen)])).sum()
    }

    fn rows(&self, chosen: &[usize]) -> Vec<SummaryRow> {
        let change: f64 = self.nodes[0].contribution;
        let rest = self.rest(chosen);
        let row = |node: &usize| {
            let left = &rest[node];
            SummaryRow {
                values: self.nodes[*node].values.clone(),
                totals: left.totals,
                contribution: left.contribution,
                share: if change == 0.0 { 0.0 } else { left.contribution / change },
                without: chosen.iter().filter(|other| self.above(**other, chosen) == *node).count(),
            }
        };
        std::iter::once(&0).chain(chosen).map(row).collect()
    }
}

impl Node {
    fn add(&mut self, (totals, contribution): (Totals, f64)) {
        self.totals.actual += totals.actual;
        self.totals.expected += totals.expected;
        self.contribution += contribution;
    }
}

/// Rows and what the nodes without one cost.
#[derive(Clone, Debug, Default)]
struct Plan {
    cost: f64,
    rows: Vec<usize>,
}

impl Plan {
    fn and(&self, other: &Self) -> Self {
        Self { cost: self.cost + other.cost, rows: [&self.rows[..], &other.rows[..]].concat() }
    }

    /// A row more has to be worth it.
    fn less(self, other: Self) -> Self {
        if other.cost < self.cost || (other.cost == self.cost && other.rows.len() < self.rows.len()) {
            other
        } else {
            self
        }
    }
}
