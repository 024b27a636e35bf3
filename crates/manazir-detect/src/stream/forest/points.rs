//! The points that all trees of a forest share, each stored once however many trees hold it.

use serde::{Deserialize, Serialize};

use super::span::{LANES, Lane};

/// An arena of points with a count of holders each; a point without holders gives its slot back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Points {
    /// Lanes of one point after the other, shape `(n_slots, lanes)`.
    values: Vec<Lane>,
    /// Trees that hold the point, shape `(n_slots,)`.
    holders: Vec<u16>,
    free: Vec<u32>,
    lanes: usize,
}

impl Points {
    /// Room for `capacity` points of `dimensions` coordinates.
    pub(super) fn new(dimensions: usize, capacity: usize) -> Self {
        let lanes = dimensions.div_ceil(LANES);
        Self {
            values: Vec::with_capacity(capacity * lanes),
            holders: Vec::with_capacity(capacity),
            free: Vec::with_capacity(capacity),
            lanes,
        }
    }

    /// Lanes a point.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// The point in a slot.
    pub(super) fn get(&self, slot: u32) -> &[Lane] {
        &self.values[slot as usize * self.lanes..][..self.lanes]
    }

    /// Stores a point that nobody holds yet.
    pub(super) fn insert(&mut self, point: &[Lane]) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.values[slot as usize * self.lanes..][..self.lanes].copy_from_slice(point);
            return slot;
        }
        self.values.extend_from_slice(point);
        self.holders.push(0);
        (self.holders.len() - 1) as u32
    }

    /// One more tree holds the point.
    pub(super) fn hold(&mut self, slot: u32) {
        self.holders[slot as usize] += 1;
    }

    /// One tree less holds it.
    pub(super) fn release(&mut self, slot: u32) {
        let holders = &mut self.holders[slot as usize];
        *holders -= 1;
        if *holders == 0 {
            self.free.push(slot);
        }
    }

    /// Gives the slot back if no tree took the point.
    pub(super) fn drop_if_unheld(&mut self, slot: u32) {
        if self.holders[slot as usize] == 0 {
            self.free.push(slot);
        }
    }

    /// Applies `map(dimension, coordinate)` to every point.
    pub(super) fn remap(&mut self, map: impl Fn(usize, f32) -> f32) {
        for point in self.values.chunks_exact_mut(self.lanes) {
            for (dimension, coordinate) in point.as_flattened_mut().iter_mut().enumerate() {
                *coordinate = map(dimension, *coordinate);
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<Lane>()
            + self.holders.capacity() * size_of::<u16>()
            + self.free.capacity() * size_of::<u32>()
    }
}
