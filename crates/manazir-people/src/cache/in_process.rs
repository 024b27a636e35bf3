//! A cache in the memory of the process.

use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use quick_cache::Weighter;
use quick_cache::sync;

use super::Cache;

/// What an entry takes besides its key and its value, about.
const OVERHEAD_BYTES: u64 = 96;
/// An answer with its key, about: what the table is laid out for at first.
const ENTRY_BYTES: u64 = 512;

/// Bounded by bytes: what is asked for least makes room.
pub struct InProcessCache(sync::Cache<String, Entry, Bytes>);

#[derive(Clone)]
struct Entry {
    value: Vec<u8>,
    until: Instant,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<String, Entry> for Bytes {
    fn weight(&self, key: &String, entry: &Entry) -> u64 {
        (key.len() + entry.value.len()) as u64 + OVERHEAD_BYTES
    }
}

impl InProcessCache {
    /// Holds at most about so many bytes.
    pub fn new(bytes_max: u64) -> Self {
        Self(sync::Cache::with_weighter((bytes_max / ENTRY_BYTES) as usize, bytes_max, Bytes))
    }

    /// What it holds now.
    pub fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

impl fmt::Debug for InProcessCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a cache of {} bytes", self.bytes())
    }
}

#[async_trait]
impl Cache for InProcessCache {
    async fn get(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        let now = Instant::now();
        let one = |key: &String| {
            let entry = self.0.get(key)?;
            if entry.until > now {
                return Some(entry.value);
            }
            self.0.remove_if(key, |entry| entry.until <= now);
            None
        };
        keys.iter().map(one).collect()
    }

    async fn put(&self, entries: Vec<(String, Vec<u8>)>, life: Duration) {
        let until = Instant::now() + life;
        for (key, value) in entries {
            self.0.insert(key, Entry { value, until });
        }
    }

    async fn forget(&self, keys: &[String]) -> bool {
        for key in keys {
            self.0.remove(key);
        }
        true
    }
}
