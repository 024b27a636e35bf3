//! How events leave the store of verdicts: they are read in their order, to be exported, and forgotten when they are
//! old.

use std::collections::BTreeMap;

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::{Error, Judged};

/// Of each partition the place of a message.
pub type Places = BTreeMap<u16, u64>;

/// What a store of verdicts lets go.
#[async_trait]
pub trait Archive: Send + Sync {
    /// The name of the store, which no other has or had: places mean nothing in another one.
    async fn store_name(&self) -> Result<String, Error>;

    /// What was judged of a partition after `after`, in the order of its places, at most `max`.
    async fn events(&self, partition: u16, after: u64, max: usize) -> Result<Vec<Judged>, Error>;

    /// Forgets events that arrived before `before`, the oldest first, about `max` of them at a time, unless a
    /// restart may need them; how many went. Of each partition those up to its place in `until`, if that is given.
    /// One that is sent again afterwards is a new event.
    async fn forget(&self, before: Timestamp, until: Option<&Places>, max: usize) -> Result<u64, Error>;
}
