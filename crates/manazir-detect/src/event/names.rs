//! Names of actors, for the sentences that mention them, and since when they are known.

use serde::{Deserialize, Serialize};

use super::store::{Store, Worth};

/// Longer names are cut.
const NAME_BYTES_MAX: usize = 128;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Name {
    text: Box<str>,
    first_hour: u32,
    hour: u32,
}

impl Worth for Name {
    fn worth(&self) -> f32 {
        self.hour as f32 + 0.5 * self.hour.saturating_sub(self.first_hour) as f32
    }
}

/// Actors by their hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Names {
    names: Store<Name>,
}

impl Names {
    pub(super) fn new(entries: usize) -> Self {
        Self { names: Store::new(entries) }
    }

    /// Notes that an actor is here; the hour in which it was first seen.
    pub(super) fn note(&mut self, actor: u64, text: &str, hour: u32) -> u32 {
        let (name, fresh) = self.names.entry(actor);
        if fresh {
            let mut end = text.len().min(NAME_BYTES_MAX);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            *name = Name { text: text[..end].into(), first_hour: hour, hour };
        }
        name.hour = name.hour.max(hour);
        name.first_hour
    }

    pub(super) fn get(&self, actor: u64) -> Option<&str> {
        self.names.get(actor).map(|name| &*name.text)
    }

    pub(super) fn bytes(&self) -> usize {
        self.names.bytes() + self.names.values().map(|name| name.text.len()).sum::<usize>()
    }
}
