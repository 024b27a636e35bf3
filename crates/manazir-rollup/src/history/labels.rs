//! What keys were called, and since when.

use std::collections::HashMap;
use std::sync::Arc;

use manazir_model::Timestamp;

use super::AsOf;
use super::segment::{packed, unpacked};
use crate::Key;

/// Labels that were new at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Since when.
    pub since: Timestamp,
    /// Of which keys, and what they are called since.
    pub labels: Vec<(Arc<str>, String)>,
}

/// All of them, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    changes: Vec<Change>,
}

impl Change {
    /// The labels, packed.
    pub fn to_bytes(&self) -> Vec<u8> {
        packed(&self.labels)
    }

    /// `None` if the bytes are none of [`Change::to_bytes`].
    pub fn from_bytes(since: Timestamp, bytes: &[u8]) -> Option<Self> {
        Some(Self { since, labels: unpacked(bytes)? })
    }
}

impl Labels {
    /// In whatever order they come.
    pub fn new(mut changes: Vec<Change>) -> Self {
        changes.sort_by_key(|change| change.since);
        Self { changes }
    }

    /// What of `keys` is called otherwise than before, or was not known; `None` if nothing is.
    pub fn change(&self, keys: &[Key], now: Timestamp) -> Option<Change> {
        let known = self.as_of(AsOf::default());
        let is_new = |key: &&Key| known.get(&key.id) != Some(&key.label);
        let labels: Vec<_> =
            keys.iter().filter(is_new).map(|key| (Arc::clone(&key.id), key.label.clone())).collect();
        // Whoever's clock is behind says what holds from now on all the same.
        let since = self.changes.last().map_or(now, |last| now.max(Timestamp(last.since.micros() + 1)));
        (!labels.is_empty()).then_some(Change { since, labels })
    }

    /// What keys were called at [the moment](AsOf::moment) of a table. A key is called as it was first for all the
    /// time before; one that was not known at [`AsOf::known_at`] is left out.
    pub fn as_of(&self, as_of: AsOf) -> HashMap<Arc<str>, String> {
        let mut named: HashMap<Arc<str>, String> = HashMap::new();
        let moment = as_of.moment();
        for Change { since, labels } in &self.changes {
            if as_of.known_at.is_some_and(|known_at| *since > known_at) {
                break;
            }
            let later = moment.is_some_and(|moment| *since > moment);
            for (key, label) in labels {
                if !later || !named.contains_key(key) {
                    named.insert(Arc::clone(key), label.clone());
                }
            }
        }
        named
    }
}
