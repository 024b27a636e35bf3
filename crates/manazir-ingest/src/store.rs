//! The port of the store that holds verdicts.

use async_trait::async_trait;
use manazir_model::{EventVerdict, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Delivery, Error, EventId};

/// What an event is about, in the words that people search for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// When it happened.
    pub at: Timestamp,
    /// Identity of the request that it belongs to; empty if there is none.
    pub request_id: String,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what, each as it came.
    pub resources: Vec<String>,
}

/// An event with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Which event.
    pub id: EventId,
    /// Where it stood in the queue.
    pub position: u64,
    /// When it arrived.
    pub received_at: Timestamp,
    /// What it is about.
    pub event: Stored,
    /// What was said of it.
    pub verdict: EventVerdict,
}

/// A message that could not be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which event.
    pub id: EventId,
    /// Where it stood in the queue.
    pub position: u64,
    /// Why, for a person.
    pub reason: String,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// The models of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Models {
    /// Which partition.
    pub partition: u16,
    /// The models, as they write themselves.
    pub state: Vec<u8>,
}

/// Models as they were after a position: those that changed since the last snapshot, or, when read back, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Everything up to here is in them.
    pub position: u64,
    /// One entry a partition.
    pub models: Vec<Models>,
}

/// What one batch came to. It is stored whole or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// Everything up to here is done.
    pub position: u64,
    /// Events that were judged for the first time.
    pub judged: Vec<Judged>,
    /// Messages that could not be.
    pub dead: Vec<DeadLetter>,
    /// Models that were written down: they take the place of those of the same partitions, and all that are
    /// kept count as of this position.
    pub snapshot: Option<Snapshot>,
}

/// Keeps verdicts, the identities of events, dead letters and the models, all in step.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Stores a batch, on disk when it returns. The same commit again changes nothing.
    async fn commit(&self, commit: &Commit) -> Result<(), Error>;

    /// The stored verdicts of events, `None` for those that were never judged; in the same order.
    async fn judged(&self, ids: &[EventId]) -> Result<Vec<Option<Judged>>, Error>;

    /// The position up to which batches were committed; 0 before the first.
    async fn position(&self) -> Result<u64, Error>;

    /// The models of all partitions as of the last snapshot; empty before the first.
    async fn snapshot(&self) -> Result<Snapshot, Error>;

    /// Messages after `after` and up to the committed position, at most `max`, whose events were judged at
    /// that very place: what brings a snapshot up to date.
    async fn replay(&self, after: u64, max: usize) -> Result<Vec<Delivery>, Error>;

    /// Anomalies, the newest first, those before `before` if it is given, at most `max`.
    async fn anomalies(&self, before: Option<u64>, max: usize) -> Result<Vec<Judged>, Error>;

    /// Dead letters, the newest first, as above.
    async fn dead_letters(&self, before: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, Error>;
}
