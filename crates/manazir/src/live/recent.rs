//! What was expected of the last samples: what a late one is judged by.

use std::collections::VecDeque;

use manazir_model::{Sample, Timestamp};
use serde::{Deserialize, Serialize};

/// Samples whose expectations are kept: half an hour of minutes, 1 KiB. A sample that comes later is stored
/// without a verdict.
const KEPT: usize = 32;

/// What was expected of a slot, in the unit of what is judged; NaN where nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Expectation {
    pub(super) expected: f32,
    pub(super) lower: f32,
    pub(super) upper: f32,
}

impl Expectation {
    fn between(one: Self, other: Self, share: f32) -> Self {
        // The one that is known, where only one is: at the edge of a warm-up.
        if one.expected.is_nan() || other.expected.is_nan() {
            return if one.expected.is_nan() { other } else { one };
        }
        let mix = |one: f32, other: f32| one + share * (other - one);
        Self {
            expected: mix(one.expected, other.expected),
            lower: mix(one.lower, other.lower),
            upper: mix(one.upper, other.upper),
        }
    }
}

/// A sample of late, and what was expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// As it came.
    pub(super) sample: Sample,
    /// Growth a second, if it is a counter's; NaN else.
    pub(super) rate: f32,
    pub(super) expectation: Expectation,
}

impl Kept {
    pub(super) fn judged_value(&self) -> f64 {
        if self.rate.is_nan() { self.sample.value } else { f64::from(self.rate) }
    }
}

/// Where a late sample falls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Slot {
    /// Its time and value are known.
    Repeated,
    /// Its time is known with another value; the number of this revision.
    Revised { revision: u16, expectation: Expectation },
    /// Between two that are known: what was expected there.
    New { expectation: Expectation, before: Option<Sample> },
    /// Before all that is kept.
    Forgotten,
}

/// The last samples in the order of their event times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent {
    kept: VecDeque<Kept>,
    /// Event times that came with more than one value, and how many corrections there were.
    revised: Vec<(Timestamp, u16)>,
}

impl Recent {
    /// The oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter()
    }

    /// Appends the newest sample.
    pub(super) fn push(&mut self, kept: Kept) {
        self.make_room();
        self.kept.push_back(kept);
    }

    /// Looks a late sample up.
    pub(super) fn find(&self, sample: Sample) -> Slot {
        let place = self.kept.partition_point(|kept| kept.sample.at < sample.at);
        let Some(after) = self.kept.get(place) else { return Slot::Forgotten };
        if after.sample.at == sample.at {
            if after.sample.value.to_bits() == sample.value.to_bits() {
                return Slot::Repeated;
            }
            let revision = self.revised.iter().find(|(at, _)| *at == sample.at).map_or(0, |(_, last)| *last);
            return Slot::Revised { revision: revision.saturating_add(1), expectation: after.expectation };
        }
        let Some(before) = place.checked_sub(1).and_then(|place| self.kept.get(place)) else {
            return Slot::Forgotten;
        };
        let whole = after.sample.at.micros_since(before.sample.at) as f64;
        let share = sample.at.micros_since(before.sample.at) as f64 / whole;
        let expectation = Expectation::between(before.expectation, after.expectation, share as f32);
        Slot::New { expectation, before: Some(before.sample) }
    }

    /// Takes in a late sample that was found in a slot: from now on it is what is known of it.
    pub(super) fn insert(&mut self, kept: Kept, revision: u16) {
        let same = |other: &&mut Kept| other.sample.at == kept.sample.at;
        if let Some(known) = self.kept.iter_mut().find(same) {
            *known = kept;
        } else {
            self.make_room();
            let place = self.kept.partition_point(|other| other.sample.at < kept.sample.at);
            self.kept.insert(place, kept);
        }
        if revision > 0 {
            self.revised.retain(|(at, _)| *at != kept.sample.at);
            self.revised.push((kept.sample.at, revision));
        }
    }

    /// Before anything is added, so that the ring never takes more room than it needs.
    fn make_room(&mut self) {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
            if let Some(first) = self.kept.front() {
                self.revised.retain(|(at, _)| *at >= first.sample.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(second: i64, value: f64, expected: f32) -> Kept {
        let sample = Sample { at: Timestamp::from_seconds(second), value };
        let expectation = Expectation { expected, lower: expected - 1.0, upper: expected + 1.0 };
        Kept { sample, rate: f32::NAN, expectation }
    }

    #[test]
    fn a_late_sample_finds_what_was_expected_then() {
        let mut recent = Recent::default();
        for second in 0..50 {
            recent.push(kept(10 * second, 5.0, second as f32));
        }
        let find = |recent: &Recent, second, value| {
            recent.find(Sample { at: Timestamp::from_seconds(second), value })
        };
        assert_eq!(find(&recent, 480, 5.0), Slot::Repeated);
        assert_eq!(find(&recent, 10, 5.0), Slot::Forgotten);
        let Slot::New { expectation, .. } = find(&recent, 475, 5.0) else { panic!("it lies between two") };
        assert_eq!(expectation.expected, 47.5);
        for revision in 1..4 {
            let value = 5.0 + f64::from(revision);
            let Slot::Revised { revision: found, expectation } = find(&recent, 480, value) else {
                panic!("another value at a known time")
            };
            assert_eq!((found, expectation.expected), (revision, 48.0));
            recent.insert(kept(480, value, 48.0), found);
            assert_eq!(find(&recent, 480, value), Slot::Repeated);
        }
        assert_eq!(recent.kept.len(), KEPT);
    }
}
