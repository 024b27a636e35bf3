//! The port through which an outbox is copied into the relational truth.

use async_trait::async_trait;
use manazir_model::GraphEvent;

use crate::Error;
use crate::dead_letters::NewDeadLetter;
use crate::findings::NewFinding;

/// Shows in the truth what a store found, each thing once.
#[async_trait]
pub trait Projection: Send + Sync {
    /// The entry of this outbox up to which everything is in the truth; 0 before the first.
    async fn projected(&self, outbox: &str) -> Result<u64, Error>;

    /// Adds what this outbox's entries after `after` and up to `through` are about and remembers `through`, all in one
    /// transaction; gives the position as it is then.
    ///
    /// Of `happened`, an event whose identity is known is seen once more: its `until`, severity and sentence become those
    /// given if its `until` is not earlier; all else stays.
    ///
    /// Nothing changes if the truth does not stand at `after`: then somebody else was there first, or this is
    /// the same call once more, and the position says where to go on.
    async fn apply(
        &self,
        outbox: &str,
        after: u64,
        through: u64,
        findings: &[NewFinding],
        letters: &[NewDeadLetter],
        happened: &[GraphEvent],
    ) -> Result<u64, Error>;
}
