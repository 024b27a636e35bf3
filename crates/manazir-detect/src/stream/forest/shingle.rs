//! The last rows of a stream as one point.

use serde::{Deserialize, Serialize};

use super::scale::Move;
use super::span::{LANES, Lane};

/// `length` rows of `n_channels`, oldest first, padded to whole lanes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shingle {
    values: Vec<Lane>,
    /// Whether the coordinate was filled in with the last known one.
    filled_in: Vec<bool>,
    n_filled_in: usize,
    n_channels: usize,
    /// Rows so far, at most as many as it holds.
    n_rows: usize,
}

impl Shingle {
    /// An empty one.
    pub(crate) fn new(n_channels: usize, length: usize) -> Self {
        let dimensions = n_channels * length;
        Self {
            values: vec![[0.0; LANES]; dimensions.div_ceil(LANES)],
            filled_in: vec![true; dimensions],
            n_filled_in: dimensions,
            n_channels,
            n_rows: 0,
        }
    }

    /// Appends a row and drops the oldest. NaN means missing and repeats the channel's last value.
    pub(crate) fn push(&mut self, row: impl Iterator<Item = f32>) {
        let (dimensions, width) = (self.filled_in.len(), self.n_channels);
        let values = self.values.as_flattened_mut();
        let leaving = self.filled_in[..width].iter().filter(|filled| **filled).count();
        values.copy_within(width..dimensions, 0);
        self.filled_in.copy_within(width..dimensions, 0);
        self.n_filled_in -= leaving;
        // The last row still holds the values of the row before, which is what a missing one repeats.
        for (value, (filled, z)) in values[dimensions - width..]
            .iter_mut()
            .zip(self.filled_in[dimensions - width..].iter_mut().zip(row))
        {
            *filled = z.is_nan();
            self.n_filled_in += usize::from(*filled);
            if !*filled {
                *value = z;
            }
        }
        self.n_rows = (self.n_rows + 1).min(dimensions / width);
    }

    /// The point, once all rows are there.
    pub(crate) fn point(&self) -> Option<&[Lane]> {
        (self.n_rows * self.n_channels == self.filled_in.len()).then_some(&self.values)
    }

    /// The point to learn, if at least half of it was seen rather than filled in.
    pub(crate) fn learnable(&self) -> Option<&[Lane]> {
        self.point().filter(|_| 2 * self.n_filled_in <= self.filled_in.len())
    }

    /// Coordinates.
    pub(crate) fn dimensions(&self) -> usize {
        self.filled_in.len()
    }

    /// Moves a channel to another scale.
    pub(crate) fn remap(&mut self, channel: usize, moved: &Move) {
        let values = &mut self.values.as_flattened_mut()[..self.filled_in.len()];
        values[channel..].iter_mut().step_by(self.n_channels).for_each(|value| *value = moved.apply(*value));
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<Lane>() + self.filled_in.capacity()
    }
}
