//! Running median of a short window.

use serde::{Deserialize, Serialize};

use crate::ring::Ring;

/// The last samples in order of time and in order of size.
///
/// A push costs two binary searches and one move of at most the whole window, which beats any tree below some
/// two hundred samples; the windows here hold 8 to 64.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SortedWindow {
    ring: Ring,
    sorted: Vec<f64>,
}

impl SortedWindow {
    pub(crate) fn new(capacity: usize) -> Self {
        let ring = Ring::new(capacity);
        let sorted = Vec::with_capacity(ring.capacity());
        Self { ring, sorted }
    }

    /// Takes in a number and returns the one that it drives out.
    #[inline]
    pub(crate) fn push(&mut self, value: f64) -> Option<f64> {
        debug_assert!(!value.is_nan());
        let oldest = self.ring.push(value);
        match oldest {
            None => {
                let at = self.sorted.partition_point(|held| *held < value);
                self.sorted.insert(at, value);
            }
            Some(oldest) => self.replace(oldest, value),
        }
        oldest
    }

    /// Moves only what lies between the place that empties and the one that is taken.
    #[inline]
    fn replace(&mut self, oldest: f64, value: f64) {
        let last = self.sorted.len().saturating_sub(1);
        let from = self.sorted.partition_point(|held| *held < oldest).min(last);
        let to = self.sorted.partition_point(|held| *held < value);
        let to = if to > from { to - 1 } else { to };
        if from < to {
            self.sorted.copy_within(from + 1..=to, from);
        } else {
            self.sorted.copy_within(to..from, to + 1);
        }
        if let Some(place) = self.sorted.get_mut(to) {
            *place = value;
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.ring.is_full()
    }

    /// The lower of the two in the middle where there are two; 0 of none.
    #[inline]
    pub(crate) fn median(&self) -> f64 {
        self.sorted.get(self.sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
    }

    /// In order of time, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.ring.iter()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.ring.heap_bytes() + self.sorted.capacity() * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::SortedWindow;

    proptest! {
        #[test]
        fn equals_a_window_that_is_sorted_anew(
            capacity in 1usize..9,
            values in prop::collection::vec((-4i32..5).prop_map(f64::from), 1..60),
        ) {
            let mut window = SortedWindow::new(capacity);
            for end in 1..=values.len() {
                window.push(values[end - 1]);
                let mut held = values[end.saturating_sub(capacity)..end].to_vec();
                held.sort_by(f64::total_cmp);
                prop_assert_eq!(&window.sorted, &held);
                prop_assert_eq!(window.median(), held[(held.len() - 1) / 2]);
            }
        }
    }
}
