//! A sample of a stream in which the chance to stay decays with age.

use serde::{Deserialize, Serialize};

use crate::Random;

/// Which leaf left the sample and whether the new point may enter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Admission {
    /// The point does not enter.
    Pass,
    /// It enters a sample that is not full.
    Fill,
    /// It enters in the place of a point in this leaf.
    Replace(u16),
}

/// Weighted reservoir (Efraimidis and Spirakis 2006) with weights exp(λ·t), as in Guha et al. 2016: a point
/// of age a is in the sample with probability ∝ exp(−λ·a) as soon as the sample is full.
///
/// Each point has the key ln(−ln u) − λ·t, u uniform; the `capacity` smallest keys stay. Instead of a draw
/// for every point, the time of the next admission is drawn ("exponential jumps", same source), so that
/// nearly all points cost one comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Reservoir {
    /// Keys relative to `base`, a heap with the largest first.
    keys: Vec<f32>,
    /// Leaf of each key, same order.
    leaves: Vec<u16>,
    capacity: usize,
    /// λ, per point.
    decay: f64,
    /// Points seen so far.
    time: u64,
    /// Time that keys refer to; moved on before λ·(time − base) costs `f32` its last digits.
    base: u64,
    /// Time of the next admission once the sample is full.
    next: u64,
}

/// λ·(time − base) at which `base` moves on: keys are then still exact to 2⁻¹⁹.
const REBASE: f64 = 16.0;

impl Reservoir {
    /// `capacity` ≥ 1 points, decay λ ≥ 0 a point.
    pub(super) fn new(capacity: usize, decay: f64) -> Self {
        Self {
            keys: Vec::with_capacity(capacity),
            leaves: Vec::with_capacity(capacity),
            capacity,
            decay,
            time: 0,
            base: 0,
            next: 0,
        }
    }

    /// Points in the sample.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// One point passes by. Unless it is passed over, [`Self::admit`] must follow.
    pub(super) fn offer(&mut self) -> Admission {
        self.time += 1;
        if self.keys.len() < self.capacity {
            Admission::Fill
        } else if self.time < self.next {
            Admission::Pass
        } else {
            Admission::Replace(self.leaves[0])
        }
    }

    /// Enters the point that was offered, now in `leaf`.
    pub(super) fn admit(&mut self, leaf: u16, random: &mut Random) {
        if self.keys.len() < self.capacity {
            let key = exponential(random).ln() - self.age();
            self.keys.push(key as f32);
            self.leaves.push(leaf);
            self.sift_up();
        } else {
            // Given that the point is admitted, −ln u is exponential below the hazard.
            let hazard = self.hazard();
            let draw = -(random.uniform() * (-hazard).exp_m1()).ln_1p();
            self.keys[0] = (draw.max(f64::MIN_POSITIVE).ln() - self.age()) as f32;
            self.leaves[0] = leaf;
            self.sift_down();
        }
        if self.keys.len() == self.capacity {
            self.schedule(random);
        }
    }

    /// Draws the time of the next admission: the first n at which the hazards of n points exceed an
    /// exponential draw, h·(e^(λ·n) − 1)/(1 − e^(−λ)) ≥ E with the hazard h of now.
    fn schedule(&mut self, random: &mut Random) {
        if self.age() > REBASE {
            let shift = self.age() as f32;
            self.keys.iter_mut().for_each(|key| *key += shift);
            self.base = self.time;
        }
        let needed = exponential(random) / self.hazard();
        let points =
            if self.decay > 0.0 { (needed * -(-self.decay).exp_m1()).ln_1p() / self.decay } else { needed };
        self.next = self.time.saturating_add(points.ceil().max(1.0) as u64);
    }

    /// −ln(1 − P(admission)) of the present point.
    fn hazard(&self) -> f64 {
        (f64::from(self.keys[0]) + self.age()).exp()
    }

    /// λ·(time − base).
    fn age(&self) -> f64 {
        self.decay * (self.time - self.base) as f64
    }

    fn sift_up(&mut self) {
        let mut child = self.keys.len() - 1;
        while child > 0 {
            let parent = (child - 1) / 2;
            if self.keys[parent] >= self.keys[child] {
                break;
            }
            self.swap(parent, child);
            child = parent;
        }
    }

    fn sift_down(&mut self) {
        let mut parent = 0;
        loop {
            let left = 2 * parent + 1;
            let right = left + 1;
            if left >= self.keys.len() {
                break;
            }
            let child =
                if right < self.keys.len() && self.keys[right] > self.keys[left] { right } else { left };
            if self.keys[parent] >= self.keys[child] {
                break;
            }
            self.swap(parent, child);
            parent = child;
        }
    }

    fn swap(&mut self, left: usize, right: usize) {
        self.keys.swap(left, right);
        self.leaves.swap(left, right);
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.keys.capacity() * size_of::<f32>() + self.leaves.capacity() * size_of::<u16>()
    }
}

/// Exponential with mean 1, always positive.
fn exponential(random: &mut Random) -> f64 {
    -random.uniform().max(f64::MIN_POSITIVE).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ages of the points in the sample after `n_points`, of many samples.
    fn ages(capacity: usize, decay: f64, n_points: u64) -> Vec<f64> {
        let (mut random, mut ages) = (Random::new(4), Vec::new());
        for _ in 0..20_000 / capacity {
            let mut reservoir = Reservoir::new(capacity, decay);
            let mut held = vec![0; capacity];
            for time in 1..=n_points {
                let leaf = match reservoir.offer() {
                    Admission::Pass => continue,
                    Admission::Fill => reservoir.len() as u16,
                    Admission::Replace(leaf) => leaf,
                };
                held[usize::from(leaf)] = time;
                reservoir.admit(leaf, &mut random);
            }
            ages.extend(held.into_iter().map(|time| (n_points - time) as f64));
        }
        ages
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn without_decay_all_ages_are_alike() {
        let ages = ages(10, 0.0, 1_000);
        assert!((mean(&ages) - 499.5).abs() < 8.0, "{}", mean(&ages));
    }

    #[test]
    fn with_decay_ages_are_exponential() {
        // Sampling without replacement from a window of many memories: mean 1/λ up to the sample's own size.
        let ages = ages(10, 0.01, 5_000);
        let mean = mean(&ages);
        assert!((98.0..112.0).contains(&mean), "{mean}");
        let old = ages.iter().filter(|&&age| age > 200.0).count() as f64 / ages.len() as f64;
        assert!((old - (-2.0f64).exp()).abs() < 0.03, "{old}");
    }

    #[test]
    fn ten_million_points_later_it_samples_as_at_first() {
        let (mut random, mut reservoir) = (Random::new(8), Reservoir::new(16, 1e-2));
        let mut admitted = 0;
        for time in 0..10_000_000u64 {
            if reservoir.offer() != Admission::Pass {
                reservoir.admit(0, &mut random);
                admitted += u64::from(time > 9_000_000);
            }
        }
        let rate = admitted as f64 / 1e6;
        assert!((rate - 0.16).abs() < 0.02, "{rate}");
    }
}
