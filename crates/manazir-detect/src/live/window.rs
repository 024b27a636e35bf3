//! Means of the last 8, 32 and 128 samples, from one ring.

use serde::{Deserialize, Serialize};

const RING: usize = 128;

/// The lengths whose means are kept, in samples.
pub(super) const LENGTHS: [usize; 3] = [8, 32, 128];

/// The last 128 samples, as single-precision distances from an origin near them, and their running sums.
///
/// Single precision halves the memory; distances from the origin keep what it could lose: a price of
/// 1,000,000 that moves by cents. The sums are taken afresh once a turn, so rounding never adds up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Windows {
    ring: Box<[f32]>,
    sums: [f64; 3],
    seen: u64,
}

impl Default for Windows {
    fn default() -> Self {
        Self { ring: vec![0.0; RING].into_boxed_slice(), sums: [0.0; 3], seen: 0 }
    }
}

impl Windows {
    pub(super) fn push(&mut self, value: f64) {
        let next = (self.seen % RING as u64) as usize;
        let stored = value as f32;
        for (sum, length) in self.sums.iter_mut().zip(LENGTHS) {
            let leaving = self.ring[(next + RING - length) % RING];
            *sum += f64::from(stored) - f64::from(leaving);
        }
        self.ring[next] = stored;
        self.seen += 1;
        if next == RING - 1 {
            self.sum_afresh();
        }
    }

    /// Mean of the window at `position` of [`LENGTHS`]; `None` until more samples than its length came.
    #[inline]
    pub(super) fn mean(&self, position: usize) -> Option<f64> {
        let length = LENGTHS[position];
        (self.seen > length as u64).then(|| self.sums[position] / length as f64)
    }

    /// The newest is at the end of the ring when this is called.
    fn sum_afresh(&mut self) {
        for (sum, length) in self.sums.iter_mut().zip(LENGTHS) {
            *sum = self.ring[RING - length..].iter().copied().map(f64::from).sum();
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.ring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn means_are_those_of_the_last_samples_for_ever() {
        let mut random = Random::new(5);
        let values: Vec<f64> = (0..10_000).map(|_| f64::from(random.normal() as f32)).collect();
        let mut windows = Windows::default();
        for (index, &value) in values.iter().enumerate() {
            windows.push(value);
            for (position, length) in LENGTHS.into_iter().enumerate() {
                let Some(mean) = windows.mean(position) else {
                    assert!(index < length);
                    continue;
                };
                let direct = values[index + 1 - length..=index].iter().sum::<f64>() / length as f64;
                assert!((mean - direct).abs() < 1e-9, "{mean} {direct}");
            }
        }
    }
}
