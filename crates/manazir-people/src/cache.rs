//! Answers kept aside, so that the truth is asked less often.
//!
//! [`Cached`] stands before any store of this crate and keeps what it answered in a [`Cache`]: in the process
//! ([`InProcessCache`]) or in a server that several processes share. Whatever becomes of that cache, answers are those of
//! the truth: one that is lost, slow or full only makes them slower (BB-W5, BB-W56).
//!
//! Nothing stale outlives a write. Each person has a *generation*, a random number in the cache, and what is kept of them
//! bears the generation that was there *before* it was asked for; it counts only while that one is still there. A write
//! takes the generation away after its commit. So who had read the old value before puts it back in vain (BB-W17, BB-W27),
//! and a write need not know which pages there are (BB-W22).
//!
//! | who wrote | seen at the latest |
//! |---|---|
//! | this process | when its write returns |
//! | another one with the same cache | when its write returns; after the life of an entry if it could not reach the cache |
//! | another one with a cache of its own | once the log is followed ([`Cached::forget_changes`]); what is not in the log, after the life of an entry |

mod cached;
mod flights;
mod graph;
mod in_process;
mod kept;
mod people;
mod scope;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;

pub use cached::{Cached, Counts};
pub use in_process::InProcessCache;

/// Longest life of anything in a cache.
pub const LIFE_MAX: Duration = Duration::from_secs(3_600);

/// Keeps bytes for a while, and may lose any of them at any time. Nobody waits for it long, and it never fails: what
/// cannot be done is left.
#[async_trait]
pub trait Cache: Send + Sync {
    /// What is kept under these keys, all at one time, each in the place of its key.
    async fn get(&self, keys: &[String]) -> Vec<Option<Vec<u8>>>;

    /// Keeps each value under its key, in the place of what is there, until `life` (at most [`LIFE_MAX`]) is over.
    async fn put(&self, entries: Vec<(String, Vec<u8>)>, life: Duration);

    /// Takes these away. True if nobody finds any of them from now on; after false they may be found still, and whoever
    /// asked must ask again before they believe what they find.
    #[must_use]
    async fn forget(&self, keys: &[String]) -> bool;
}
