//! The season of a series: which samples are visits of the same slot, and what a slot usually gives.

use manazir_model::Grain;

use super::Repeats;
use crate::robust::median;

/// Visits of a slot that a profile needs: the median of three ignores one anomaly.
pub(super) const VISITS_MIN: usize = 3;

/// Visits from which on the mean of the middle half stands for a slot: as hard to move as it must be, and
/// for counts it is a rate where the median is a whole number.
const MIDDLE_MIN: usize = 8;

/// Slots on each side are looked at, too, while a slot has fewer visits than this.
const VISITS_WANTED: usize = 9;

/// A season and the slot of each sample in it.
#[derive(Clone, Debug)]
pub(super) struct Season {
    pub(super) repeats: Repeats,
    /// Samples in one round.
    pub(super) round_samples: usize,
    slots: Vec<u32>,
    n_slots: usize,
    /// True in every other round.
    odd: Vec<bool>,
    /// Neighbours on each side whose visits may be lent.
    lent: usize,
}

impl Season {
    /// `None` if the series does not last for enough rounds.
    pub(super) fn new(
        repeats: Repeats,
        n_samples: usize,
        local_micros: &[i64],
        grain: Option<Grain>,
    ) -> Option<Self> {
        let calendar = |span: i64, width_min: i64| {
            let grain = grain.filter(|_| local_micros.len() == n_samples)?;
            let width = grain.micros().max(width_min);
            let rounds = n_samples as i64 * grain.micros() / span;
            let enough = rounds >= VISITS_MIN as i64 && 4 * grain.micros() <= span;
            enough.then(|| Self {
                repeats,
                round_samples: grain.samples_in(span),
                slots: local_micros.iter().map(|local| (local.rem_euclid(span) / width) as u32).collect(),
                n_slots: ((span - 1) / width + 1) as usize,
                odd: local_micros.iter().map(|local| local.div_euclid(span) % 2 != 0).collect(),
                // Half an hour to each side.
                lent: (Grain::HOUR.micros() / 2 / width) as usize,
            })
        };
        match repeats {
            Repeats::Level => None,
            Repeats::TimeOfDay => calendar(Grain::DAY.micros(), 5 * Grain::MINUTE.micros()),
            Repeats::HourOfWeek => calendar(7 * Grain::DAY.micros(), 15 * Grain::MINUTE.micros()),
            Repeats::Samples(period) => (period >= 4 && n_samples >= VISITS_MIN * period).then(|| Self {
                repeats,
                round_samples: period,
                slots: (0..n_samples).map(|index| (index % period) as u32).collect(),
                n_slots: period,
                odd: (0..n_samples).map(|index| index / period % 2 != 0).collect(),
                lent: period / 48,
            }),
        }
    }

    /// Samples a slot has on average.
    pub(super) fn visits(&self) -> f64 {
        self.slots.len() as f64 / self.n_slots as f64
    }

    /// What each sample's slot gives, from all of its visits. Shape `(n_samples,)`.
    pub(super) fn usual(&self, values: &[f64]) -> Vec<f64> {
        let profile = self.profile(values, |_| true);
        self.slots.iter().map(|&slot| profile[slot as usize]).collect()
    }

    /// What each sample's slot gives in the rounds of the other parity: a forecast that has not seen it.
    pub(super) fn usual_elsewhere(&self, values: &[f64]) -> Vec<f64> {
        let (odd, even) =
            (self.profile(values, |index| self.odd[index]), self.profile(values, |index| !self.odd[index]));
        let other = |(&slot, &is_odd): (&u32, &bool)| (if is_odd { &even } else { &odd })[slot as usize];
        self.slots.iter().zip(&self.odd).map(other).collect()
    }

    /// One value for each slot. Slots with few visits borrow those of their neighbours.
    fn profile(&self, values: &[f64], counts: impl Fn(usize) -> bool) -> Vec<f64> {
        let counted = |index: usize| values[index].is_finite() && counts(index);
        let mut ends = vec![0usize; self.n_slots + 1];
        for (index, &slot) in self.slots.iter().enumerate() {
            ends[slot as usize + 1] += usize::from(counted(index));
        }
        for slot in 0..self.n_slots {
            ends[slot + 1] += ends[slot];
        }
        let mut next = ends.clone();
        let mut sorted = vec![0.0; ends[self.n_slots]];
        for (index, &slot) in self.slots.iter().enumerate() {
            if counted(index) {
                sorted[next[slot as usize]] = values[index];
                next[slot as usize] += 1;
            }
        }
        let mut pooled = Vec::new();
        (0..self.n_slots)
            .map(|slot| {
                pooled.clear();
                pooled.extend_from_slice(&sorted[ends[slot]..ends[slot + 1]]);
                for away in 1..=self.n_slots / 2 {
                    let lends = away <= self.lent && pooled.len() < VISITS_WANTED;
                    if pooled.len() >= VISITS_MIN.min(sorted.len()) && !lends {
                        break;
                    }
                    for neighbour in [slot + self.n_slots - away, slot + away] {
                        let neighbour = neighbour % self.n_slots;
                        pooled.extend_from_slice(&sorted[ends[neighbour]..ends[neighbour + 1]]);
                    }
                }
                middle(&mut pooled)
            })
            .collect()
    }
}

/// Mean of the middle half of the values, or the median of few; 0 of none. Reorders them.
pub(super) fn middle(values: &mut [f64]) -> f64 {
    if values.len() < MIDDLE_MIN {
        return median(values);
    }
    let cut = values.len() / 4;
    let (_, _, above) = values.select_nth_unstable_by(cut - 1, f64::total_cmp);
    let kept = above.len() - cut;
    above.select_nth_unstable_by(kept - 1, f64::total_cmp);
    above[..kept].iter().sum::<f64>() / kept as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_a_mean_that_a_quarter_of_strange_values_cannot_move_far() {
        assert_eq!(middle(&mut []), 0.0);
        assert_eq!(middle(&mut [1.0, 2.0, 90.0]), 2.0);
        assert_eq!(middle(&mut [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 900.0, 900.0]), 1.5);
        assert_eq!(middle(&mut [3.0; 40]), 3.0);
    }

    #[test]
    fn a_slot_without_visits_borrows_from_its_neighbours() {
        let values = [1.0, 2.0, f64::NAN, 4.0].repeat(5);
        let season = Season::new(Repeats::Samples(4), values.len(), &[], None).unwrap();
        assert_eq!(season.usual(&values)[..4], [1.0, 2.0, 3.0, 4.0]);
        assert!(Season::new(Repeats::Samples(4), 11, &[], None).is_none());
    }
}
