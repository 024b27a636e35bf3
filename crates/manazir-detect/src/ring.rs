//! The last samples of a series, in one fixed block of memory.

use serde::{Deserialize, Serialize};

/// The last `capacity` values pushed; allocates once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub(crate) struct Ring {
    values: Box<[f64]>,
    /// Where the next value goes; the oldest one lies there once the ring is full.
    next: usize,
    len: usize,
}

/// What a snapshot holds, before it is believed.
#[derive(Deserialize)]
#[serde(rename = "Ring")]
struct Stored {
    values: Box<[f64]>,
    next: usize,
    len: usize,
}

impl TryFrom<Stored> for Ring {
    type Error = &'static str;

    fn try_from(Stored { values, next, len }: Stored) -> Result<Self, Self::Error> {
        let fits = next < values.len() && len <= values.len() && (len == values.len() || len == next);
        if fits { Ok(Self { values, next, len }) } else { Err("ring with positions outside its block") }
    }
}

impl Ring {
    /// Holds at least one value.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { values: vec![0.0; capacity.max(1)].into_boxed_slice(), next: 0, len: 0 }
    }

    /// Appends a value and returns the one that it drives out.
    #[inline]
    pub(crate) fn push(&mut self, value: f64) -> Option<f64> {
        let oldest = std::mem::replace(&mut self.values[self.next], value);
        self.next += 1;
        if self.next == self.values.len() {
            self.next = 0;
        }
        if self.is_full() {
            Some(oldest)
        } else {
            self.len += 1;
            None
        }
    }

    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.len == self.values.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn capacity(&self) -> usize {
        self.values.len()
    }

    /// The value pushed `age` pushes ago; 0 is the newest. `None` if the ring does not reach so far back.
    #[inline]
    pub(crate) fn back(&self, age: usize) -> Option<f64> {
        if age >= self.len {
            return None;
        }
        let position =
            if self.next > age { self.next - 1 - age } else { self.next + self.values.len() - 1 - age };
        Some(self.values[position])
    }

    /// Oldest first, as two slices.
    pub(crate) fn halves(&self) -> (&[f64], &[f64]) {
        if self.is_full() {
            (&self.values[self.next..], &self.values[..self.next])
        } else {
            (&self.values[..self.len], &[])
        }
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        let (older, newer) = self.halves();
        older.iter().chain(newer).copied()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.values)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::Ring;

    #[track_caller]
    fn check(capacity: usize, pushes: usize, expect: Expect) {
        let mut ring = Ring::new(capacity);
        let driven_out: Vec<f64> = (0..pushes).filter_map(|value| ring.push(value as f64)).collect();
        let held: Vec<f64> = ring.iter().collect();
        let from_newest: Vec<f64> = (0..).map_while(|age| ring.back(age)).collect();
        assert!(held.iter().rev().eq(&from_newest));
        expect.assert_eq(&format!("out {driven_out:?} held {held:?}"));
    }

    #[test]
    fn holds_the_last_values_and_hands_out_the_oldest() {
        check(3, 0, expect!["out [] held []"]);
        check(3, 2, expect!["out [] held [0.0, 1.0]"]);
        check(3, 3, expect!["out [] held [0.0, 1.0, 2.0]"]);
        check(3, 7, expect!["out [0.0, 1.0, 2.0, 3.0] held [4.0, 5.0, 6.0]"]);
        check(0, 2, expect!["out [0.0] held [1.0]"]);
    }

    #[test]
    fn a_snapshot_with_positions_outside_the_block_is_refused() {
        let stored = postcard::to_allocvec(&(vec![1.0, 2.0], 2usize, 2usize)).unwrap();
        assert!(postcard::from_bytes::<Ring>(&stored).is_err());
    }
}
