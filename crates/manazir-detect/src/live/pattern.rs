//! Pattern memory: how far is the form of the last samples from every form seen before.

use serde::{Deserialize, Serialize};

/// Steps of a form.
const STEPS: usize = 8;
/// Forms that are remembered. 128 of them gave one point of NAB more, for eight times the time and memory.
const FORMS: usize = 16;
/// Fixed-point resolution of a step: 1/256.
const FIXED: f64 = 256.0;
/// Range of a step, ±32: the square of the longest distance still fits into 32 bits.
const FIXED_MAX: f64 = 8_191.0;

/// An online codebook of forms in the manner of adaptive resonance (Carpenter and Grossberg 1987) without its
/// vigilance parameter: the distance at which a form counts as new is the running mean of the distances.
///
/// A step is the most extreme of `samples_per_step` samples, so that a spike survives the thinning; its value
/// is the standardised level on an inverse hyperbolic sine, so that a spike does not outshout the form around
/// it. About 450 bytes; O(16 × 8) a step. Not for series whose noise hides every form: there the distances
/// are all alike, and their tail says so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PatternMemory {
    forms: [[i16; STEPS]; FORMS],
    hits: [u16; FORMS],
    recent: [i16; STEPS],
    n_forms: u8,
    n_recent: u8,
    samples_per_step: u8,
    in_step: u8,
    step_sum: f32,
    step_min: f32,
    step_max: f32,
    mean_distance: f32,
    n_distances: u32,
}

impl PatternMemory {
    pub(super) fn new(samples_per_step: u8) -> Self {
        Self {
            forms: [[0; STEPS]; FORMS],
            hits: [0; FORMS],
            recent: [0; STEPS],
            n_forms: 0,
            n_recent: 0,
            samples_per_step: samples_per_step.max(1),
            in_step: 0,
            step_sum: 0.0,
            step_min: f32::MAX,
            step_max: f32::MIN,
            mean_distance: 0.0,
            n_distances: 0,
        }
    }

    /// Takes in a standardised sample; at the end of a step returns the distance to the nearest form and the
    /// mean of such distances.
    pub(super) fn update(&mut self, standardised: f64) -> Option<(f64, f64)> {
        let value = standardised as f32;
        self.in_step += 1;
        self.step_sum += value;
        self.step_min = self.step_min.min(value);
        self.step_max = self.step_max.max(value);
        if self.in_step < self.samples_per_step {
            return None;
        }
        let step = self.close_step();
        self.recent.copy_within(1.., 0);
        self.recent[STEPS - 1] = (f64::from(step) * FIXED).clamp(-FIXED_MAX, FIXED_MAX) as i16;
        if usize::from(self.n_recent) < STEPS - 1 {
            self.n_recent += 1;
            return None;
        }
        self.judge_form()
    }

    fn close_step(&mut self) -> f32 {
        let mean = self.step_sum / f32::from(self.in_step);
        let extreme = if self.step_max - mean > mean - self.step_min { self.step_max } else { self.step_min };
        self.in_step = 0;
        self.step_sum = 0.0;
        self.step_min = f32::MAX;
        self.step_max = f32::MIN;
        extreme
    }

    fn judge_form(&mut self) -> Option<(f64, f64)> {
        self.n_distances = self.n_distances.saturating_add(1);
        let Some((nearest, distance)) = self.nearest() else {
            self.remember();
            return None;
        };
        let usual = f64::from(self.mean_distance);
        if distance > usual {
            self.remember();
        } else {
            self.pull(nearest);
        }
        // The mean over the first hundred forms, then a slow average; a single strange form counts for three.
        let weight = (1.0 / f64::from(self.n_distances)).max(0.01);
        let bounded = distance.min(3.0 * usual.max(0.05));
        self.mean_distance += (weight * (bounded - usual)) as f32;
        Some((distance, usual))
    }

    fn nearest(&self) -> Option<(usize, f64)> {
        let mut best: Option<(usize, i32)> = None;
        for (position, form) in self.forms[..usize::from(self.n_forms)].iter().enumerate() {
            let squares = form.iter().zip(&self.recent).map(|(&a, &b)| {
                let difference = i32::from(a) - i32::from(b);
                difference * difference
            });
            let distance: i32 = squares.sum();
            if best.is_none_or(|(_, nearest)| distance < nearest) {
                best = Some((position, distance));
            }
        }
        best.map(|(position, squared)| (position, f64::from(squared).sqrt() / FIXED))
    }

    /// Stores the recent form, in the place of the one that was met least often.
    fn remember(&mut self) {
        let n_forms = usize::from(self.n_forms);
        let place = if n_forms < FORMS {
            self.n_forms += 1;
            n_forms
        } else {
            (0..FORMS).min_by_key(|&place| self.hits[place]).unwrap_or(0)
        };
        self.forms[place] = self.recent;
        self.hits[place] = 1;
    }

    /// Moves a form towards the recent one: to the mean of the first twenty, then by a twentieth.
    fn pull(&mut self, place: usize) {
        let weight = (1.0 / (f64::from(self.hits[place]) + 1.0)).max(0.05);
        for (step, &recent) in self.forms[place].iter_mut().zip(&self.recent) {
            *step += (weight * (f64::from(recent) - f64::from(*step))).round() as i16;
        }
        self.hits[place] = self.hits[place].saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances(memory: &mut PatternMemory, values: impl Iterator<Item = f64>) -> Vec<f64> {
        values.filter_map(|value| memory.update(value)).map(|(distance, _)| distance).collect()
    }

    #[test]
    fn a_form_that_repeats_is_near_and_a_new_one_is_far() {
        let mut memory = PatternMemory::new(1);
        let usual = distances(&mut memory, (0..800).map(|index| f64::from(index % 8)));
        assert!(usual[100..].iter().all(|&distance| distance < 1.0), "{usual:?}");
        let strange = distances(&mut memory, (0..8).map(|index| f64::from(index % 2) * 7.0));
        assert!(strange.iter().any(|&distance| distance > 3.0), "{strange:?}");
    }

    #[test]
    fn a_spike_survives_the_thinning() {
        let mut memory = PatternMemory::new(4);
        distances(&mut memory, (0..400).map(|_| 0.0));
        let spike = distances(&mut memory, [0.0, 5.0, 0.0, 0.0].into_iter());
        assert!(spike[0] > 4.9, "{spike:?}");
    }
}
