//! Windows that were seen: an even choice from the whole past, in one block of memory.

use serde::{Deserialize, Serialize};

use super::scale::Move;

/// At most `capacity` vectors, those of every `stride`-th row; when they are full, every second one goes and
/// the stride doubles. So the past is covered evenly however long it is, without random numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    capacity: usize,
    width: usize,
    stride: u64,
    /// Last row of each window.
    ends: Vec<u64>,
    /// Shape `(ends.len(), width)`.
    vectors: Vec<f32>,
    /// The last neighbour: the next window's is most often the one after it.
    recent: usize,
}

impl Memory {
    pub(super) fn new(capacity: usize, width: usize) -> Self {
        Self {
            capacity,
            width: width.max(1),
            stride: 1,
            ends: Vec::with_capacity(capacity),
            vectors: Vec::with_capacity(capacity * width),
            recent: 0,
        }
    }

    pub(super) fn wants(&self, end: u64) -> bool {
        end.is_multiple_of(self.stride)
    }

    pub(super) fn add(&mut self, end: u64, vector: &[f32]) {
        self.ends.push(end);
        self.vectors.extend_from_slice(vector);
        if self.ends.len() >= self.capacity {
            self.thin();
        }
    }

    fn thin(&mut self) {
        self.stride *= 2;
        let mut kept = 0;
        for at in 0..self.ends.len() {
            if self.ends[at].is_multiple_of(self.stride) {
                self.ends[kept] = self.ends[at];
                self.vectors.copy_within(at * self.width..(at + 1) * self.width, kept * self.width);
                kept += 1;
            }
        }
        self.ends.truncate(kept);
        self.vectors.truncate(kept * self.width);
    }

    /// Squared distance of the nearest, and the nearest itself.
    pub(super) fn nearest(&mut self, vector: &[f32]) -> Option<(f32, &[f32])> {
        let mut best = (f32::INFINITY, 0);
        // A good bound from the start lets most distances be given up after a few numbers.
        let likely = [self.recent + 1, self.recent];
        let all = likely.into_iter().chain(0..self.ends.len());
        for at in all {
            let Some(reference) = self.vectors.get(at * self.width..(at + 1) * self.width) else { continue };
            let squared = squared_distance(vector, reference, best.0);
            if squared < best.0 {
                best = (squared, at);
            }
        }
        self.recent = best.1;
        let reference = self.vectors.get(best.1 * self.width..(best.1 + 1) * self.width)?;
        Some((best.0, reference))
    }

    /// Brings all vectors to new scales, one for each channel of `n_blocks` numbers.
    pub(super) fn rescale(&mut self, moves: &[Move], n_blocks: usize) {
        for vector in self.vectors.chunks_exact_mut(self.width) {
            for (channel, scale) in vector.chunks_exact_mut(n_blocks).zip(moves) {
                channel.iter_mut().for_each(|z| *z = scale.apply(*z));
            }
        }
    }

    /// Of all that it may come to hold.
    pub(super) fn heap_bytes(&self) -> usize {
        self.capacity * (size_of::<u64>() + self.width * size_of::<f32>())
    }
}

/// Given up, at some number not below `bound`, once it cannot be less.
fn squared_distance(left: &[f32], right: &[f32], bound: f32) -> f32 {
    /// Additions that the processor overlaps, and how many of them pass between two looks at the bound.
    const LANES: usize = 8;
    const PART: usize = 4 * LANES;
    let mut sum = 0.0;
    for (left, right) in left.chunks(PART).zip(right.chunks(PART)) {
        let mut sums = [0.0f32; LANES];
        let (left_lanes, right_lanes) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
        for (x, y) in left_lanes.remainder().iter().zip(right_lanes.remainder()) {
            sum += (x - y) * (x - y);
        }
        for (x, y) in left_lanes.zip(right_lanes) {
            for lane in 0..LANES {
                let difference = x[lane] - y[lane];
                sums[lane] += difference * difference;
            }
        }
        sum += sums.iter().sum::<f32>();
        if sum >= bound {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_covered_evenly_however_long_it_is() {
        let mut memory = Memory::new(16, 1);
        for end in 0..1_000u64 {
            if memory.wants(end) {
                memory.add(end, &[end as f32]);
            }
        }
        assert_eq!(memory.ends, (0..1_000).step_by(128).collect::<Vec<_>>()[..memory.ends.len()]);
        assert!((8..=16).contains(&memory.ends.len()), "{}", memory.ends.len());
        assert_eq!(memory.nearest(&[130.0]), Some((4.0, &[128.0][..])));
    }

    #[test]
    fn nothing_has_no_neighbour() {
        assert_eq!(Memory::new(16, 3).nearest(&[0.0; 3]), None);
    }
}
