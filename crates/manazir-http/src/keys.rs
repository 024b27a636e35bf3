//! Idempotency keys that were seen: one that comes again with another body is a mistake of its sender.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// More keys are not remembered at a time: with them all are forgotten.
const KNOWN_MAX: usize = 10_000;

/// What a body comes down to.
pub(crate) type Digest = [u8; 32];

/// Keys with the bodies that they came with; clones share them.
///
/// What makes a batch the same batch again is its body, which the store remembers; a key adds nothing to that, and
/// nothing is ever left out because of one. That is why it is enough to know the keys of this process, since it began.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    known: Arc<Mutex<HashMap<String, Digest>>>,
}

impl Keys {
    /// False if the key came with another body before.
    pub(crate) fn fits(&self, key: String, digest: Digest) -> bool {
        // A map is whole after every statement: a panic elsewhere cannot have broken it.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX && !known.contains_key(&key) {
            known.clear();
        }
        *known.entry(key).or_insert(digest) == digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_with_its_body_and_memory_stays_bounded() {
        let keys = Keys::default();
        assert!(keys.fits("a".to_owned(), [1; 32]));
        assert!(keys.fits("a".to_owned(), [1; 32]));
        assert!(!keys.fits("a".to_owned(), [2; 32]));
        (0..=KNOWN_MAX).for_each(|key| assert!(keys.fits(key.to_string(), [3; 32])));
        assert!(keys.known.lock().unwrap().len() <= KNOWN_MAX);
    }
}
