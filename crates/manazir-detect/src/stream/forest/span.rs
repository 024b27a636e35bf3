//! Points and bounding boxes in lanes of eight, so that the compiler keeps them in vector registers.

use serde::{Deserialize, Serialize};

/// Values a lane: two SSE registers, one AVX register.
pub(super) const LANES: usize = 8;

/// Eight coordinates of a point; unused ones are 0 in every point, so they never widen a box.
pub(super) type Lane = [f32; LANES];

/// Eight dimensions of a bounding box: one cache line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[repr(align(64))]
pub(super) struct Span {
    pub(super) min: Lane,
    pub(super) max: Lane,
}

impl Span {
    /// The box of one point.
    pub(super) fn of(point: &Lane) -> Self {
        Self { min: *point, max: *point }
    }

    /// The smallest box around both.
    pub(super) fn union(&self, other: &Self) -> Self {
        let mut joined = *self;
        for lane in 0..LANES {
            joined.min[lane] = least(self.min[lane], other.min[lane]);
            joined.max[lane] = greatest(self.max[lane], other.max[lane]);
        }
        joined
    }

    /// Length of each side.
    pub(super) fn sides(&self) -> Lane {
        std::array::from_fn(|lane| self.max[lane] - self.min[lane])
    }

    /// By how much the box would grow on each side to hold the point.
    pub(super) fn growth(&self, point: &Lane) -> Lane {
        std::array::from_fn(|lane| {
            greatest(greatest(point[lane] - self.max[lane], self.min[lane] - point[lane]), 0.0)
        })
    }
}

/// Sum in a fixed order, by halves: the same bits on every machine, and no chain of eight additions.
pub(super) fn sum(lane: &Lane) -> f32 {
    let half: [f32; 4] = std::array::from_fn(|i| lane[i] + lane[i + 4]);
    (half[0] + half[2]) + (half[1] + half[3])
}

/// Adds lane by lane.
pub(super) fn add(total: &mut Lane, lane: &Lane) {
    for (sum, value) in total.iter_mut().zip(lane) {
        *sum += value;
    }
}

// `f32::min` and `f32::max` cost three instructions more for NaN, which never enters a forest.
fn least(left: f32, right: f32) -> f32 {
    if left < right { left } else { right }
}

fn greatest(left: f32, right: f32) -> f32 {
    if left > right { left } else { right }
}
