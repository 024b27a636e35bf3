//! Isolation forest on what windows look like: how few random cuts set a window apart.
//!
//! score = 2^(−mean depth / c(sample))
//!
//! Liu, Ting and Zhou 2008, with their 100 trees of 256 windows each. A window of a channel is told by six
//! numbers: mean, standard deviation, minimum, maximum, largest step and net change; on raw lags the forest is
//! as good as blind on many channels. For spikes, shifts, changes of noise; blind to order within a window.
//! O(n_samples · (trees · log sample + window · n_features)).

use super::Frame;
use super::prepare::Scaling;
use super::windows::Windows;
use crate::Random;

/// Window and forest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Samples in a window, at least 2.
    pub window: usize,
    /// Trees, at least 1.
    pub trees: usize,
    /// Windows that a tree is grown from, at least 2.
    pub sample: usize,
}

impl Config {
    /// With windows of that length.
    pub fn with_window(window: usize) -> Self {
        Self { window, ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { window: super::SHORT, trees: 100, sample: 256 }
    }
}

/// Values are scaled to a deviation of 1; traits that differ by less than this are equal but for rounding. A cut
/// between two of them would part nothing, and would take a random number that the same series, moved, does not.
const ROUNDING: f64 = 1e-9;

/// Numbers that tell a window of a channel.
const TRAITS: usize = 6;

/// Scores, shape `(n_samples,)`, 0..=1; a point takes the mean of the windows that cover it. A row without any
/// number gets the median score, a frame of less than eight rows 0 throughout.
pub fn scores(frame: &Frame, config: &Config, seed: u64) -> Vec<f64> {
    let Some(windows) = Windows::new(frame, Scaling::Moments, config.window, usize::MAX) else {
        return vec![0.0; frame.n_samples()];
    };
    let mut random = Random::new(seed);
    let sample = config.sample.clamp(2, windows.learn().len().max(2));
    let trees: Vec<Tree> =
        (0..config.trees.max(1)).map(|_| Tree::grow(&windows, sample, &mut random)).collect();
    let usual = usual_depth(sample as f64) * trees.len() as f64;
    let mut traits = vec![0.0; TRAITS * frame.n_features()];
    let score = |start| {
        write_traits(&windows, start, &mut traits);
        let depth: f64 = trees.iter().map(|tree| tree.depth(&traits)).sum();
        (-depth / usual).exp2()
    };
    windows.finish(&(0..windows.len()).map(score).collect::<Vec<_>>())
}

fn write_traits(windows: &Windows, start: usize, traits: &mut [f64]) {
    for (values, traits) in windows.parts(start).zip(traits.chunks_exact_mut(TRAITS)) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let (mut variance, mut low, mut high, mut step) = (0.0, f64::MAX, f64::MIN, 0.0_f64);
        let mut before = values[0];
        for &value in values {
            variance += (value - mean) * (value - mean) / n;
            (low, high) = (low.min(value), high.max(value));
            step = step.max((value - before).abs());
            before = value;
        }
        traits.copy_from_slice(&[mean, variance.sqrt(), low, high, step, before - values[0]]);
    }
}

/// Mean depth of an unsuccessful search in a binary tree of n leaves (Liu et al., equation 1).
fn usual_depth(n: f64) -> f64 {
    const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;
    if n <= 1.0 {
        0.0
    } else if n <= 2.0 {
        1.0
    } else {
        2.0 * ((n - 1.0).ln() + EULER_GAMMA) - 2.0 * (n - 1.0) / n
    }
}

/// Nodes in the order they were grown; the root is first.
struct Tree(Vec<Node>);

#[derive(Clone, Copy)]
enum Node {
    /// `lower` is the next node.
    Cut { feature: u32, at: f64, higher: u32 },
    /// Depth, with that of the tree which the rest would have made.
    Leaf(f64),
}

impl Tree {
    fn grow(windows: &Windows, sample: usize, random: &mut Random) -> Self {
        let learn = windows.learn();
        let width = TRAITS * windows.channels().len();
        let mut rows: Vec<Vec<f64>> = (0..sample)
            .map(|_| {
                let mut traits = vec![0.0; width];
                write_traits(windows, learn.start + random.below(learn.len()), &mut traits);
                traits
            })
            .collect();
        let mut tree = Self(Vec::with_capacity(2 * sample));
        let depth_max = (sample as f64).log2().ceil() as usize;
        tree.add(&mut rows, 0, depth_max, random);
        tree
    }

    fn add(&mut self, rows: &mut [Vec<f64>], depth: usize, depth_max: usize, random: &mut Random) {
        let place = self.0.len();
        self.0.push(Node::Leaf(depth as f64 + usual_depth(rows.len() as f64)));
        if depth >= depth_max {
            return;
        }
        let Some((feature, at)) = cut(rows, random) else { return };
        let mut lower = 0;
        for row in 0..rows.len() {
            if rows[row][feature] <= at {
                rows.swap(row, lower);
                lower += 1;
            }
        }
        let (below, above) = rows.split_at_mut(lower);
        self.add(below, depth + 1, depth_max, random);
        self.0[place] = Node::Cut { feature: feature as u32, at, higher: self.0.len() as u32 };
        self.add(above, depth + 1, depth_max, random);
    }

    fn depth(&self, traits: &[f64]) -> f64 {
        let mut place = 0;
        loop {
            match self.0[place] {
                Node::Leaf(depth) => return depth,
                Node::Cut { feature, at, .. } if traits[feature as usize] <= at => place += 1,
                Node::Cut { higher, .. } => place = higher as usize,
            }
        }
    }
}

/// A feature that differs and a place between its least and largest value; `None` if ten draws find no such
/// feature, which then are few.
fn cut(rows: &[Vec<f64>], random: &mut Random) -> Option<(usize, f64)> {
    const DRAWS: usize = 10;
    let width = rows.first()?.len();
    (0..DRAWS).find_map(|_| {
        let feature = random.below(width);
        let values = rows.iter().map(|row| row[feature]);
        let (low, high) =
            values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let at = low + random.uniform() * (high - low);
        (high - low > ROUNDING).then_some((feature, at))
    })
}
