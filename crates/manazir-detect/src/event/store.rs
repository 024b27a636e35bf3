//! A table that does not grow.

use serde::{Deserialize, Serialize};

/// Places that one key may take.
const WAYS: usize = 8;

/// What an entry is worth when room is needed.
pub(super) trait Worth {
    /// The least worthy of the entries that share a set is given up.
    fn worth(&self) -> f32;
}

/// A set-associative table: a key may lie in eight places; if all are taken, the entry of least worth goes.
///
/// Fixed memory and constant time whatever comes, and the same content for the same input on every machine,
/// which no hash map of a library promises. The price: a key can be forgotten while there is room elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Store<V> {
    /// 0 is a free place.
    keys: Vec<u64>,
    values: Vec<V>,
}

impl<V: Worth + Clone + Default> Store<V> {
    /// Room for about `entries`, rounded up to a power of two of at least eight.
    pub(super) fn new(entries: usize) -> Self {
        let entries = entries.clamp(WAYS, 1 << 24).next_power_of_two();
        Self { keys: vec![0; entries], values: vec![V::default(); entries] }
    }

    fn first_place(&self, key: u64) -> usize {
        let n_sets = (self.keys.len() / WAYS).max(1);
        ((key >> 20) as usize & (n_sets - 1)) * WAYS
    }

    fn place(&self, key: u64) -> Option<usize> {
        let first = self.first_place(key);
        let set = self.keys.get(first..first + WAYS)?;
        set.iter().position(|&held| held == key).map(|way| first + way)
    }

    pub(super) fn get(&self, key: u64) -> Option<&V> {
        let place = self.place(key.max(1))?;
        self.values.get(place)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let place = self.place(key.max(1))?;
        self.values.get_mut(place)
    }

    /// The entry of a key; a fresh one in place of the least worthy if there is none. True if it is fresh.
    pub(super) fn entry(&mut self, key: u64) -> (&mut V, bool) {
        let key = key.max(1);
        if let Some(place) = self.place(key) {
            return (&mut self.values[place], false);
        }
        let first = self.first_place(key);
        let worth = |place: usize| {
            if self.keys[place] == 0 { f32::NEG_INFINITY } else { self.values[place].worth() }
        };
        let mut least = first;
        for place in first + 1..first + WAYS {
            if worth(place) < worth(least) {
                least = place;
            }
        }
        self.keys[least] = key;
        self.values[least] = V::default();
        (&mut self.values[least], true)
    }

    /// Entries in use.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.keys.iter().zip(&self.values).filter(|(key, _)| **key != 0).map(|(_, value)| value)
    }

    /// Bytes on the heap, without what values own there.
    pub(super) fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<u64>() + self.values.capacity() * size_of::<V>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::hash;

    #[derive(Clone, Debug, Default)]
    struct Uses(f32);

    impl Worth for Uses {
        fn worth(&self) -> f32 {
            self.0
        }
    }

    #[test]
    fn what_is_used_most_survives_a_flood() {
        let mut store = Store::<Uses>::new(1_024);
        let bytes = store.bytes();
        let key = |index: u64| hash::pair(7, index);
        for index in 0..64 {
            store.entry(key(index)).0.0 = 9.0;
        }
        for index in 64..100_000 {
            let (uses, fresh) = store.entry(key(index));
            assert!(fresh);
            uses.0 = 1.0;
        }
        assert_eq!((0..64).filter(|&index| store.get(key(index)).is_some()).count(), 64);
        assert_eq!(store.bytes(), bytes);
        assert_eq!(store.values().count(), 1_024);
        assert!(!store.entry(key(3)).1);
        assert!(store.get(0).is_none() && store.get_mut(key(3)).is_some());
    }
}
