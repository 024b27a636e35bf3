//! The port of the store that holds verdicts.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use manazir_model::{EventVerdict, GraphEvent, SeriesFinding, SeriesRows, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, EventId, Format, Message};

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
    /// Its partition.
    pub partition: u16,
    /// Its place among the messages of its partition.
    pub seq: u64,
    /// When it arrived.
    pub received_at: Timestamp,
    /// What it is about.
    pub event: Stored,
    /// What was said of it.
    pub verdict: EventVerdict,
}

impl Judged {
    /// What was said of a message at its place.
    pub fn new(message: &Message, seq: u64, event: Stored, verdict: EventVerdict) -> Self {
        let Message { id, partition, received_at, .. } = message;
        Self { id: id.clone(), partition: *partition, seq, received_at: *received_at, event, verdict }
    }

    /// False for a message of samples, of which nothing but its arrival stands here: the rest is in the lake.
    pub fn is_event(&self) -> bool {
        self.event != Stored { at: self.received_at, ..Stored::default() }
    }
}

/// What samples came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampled {
    /// Rows for the lake.
    pub rows: Vec<SeriesRows>,
    /// Episodes that began, grew worse or ended.
    pub findings: Vec<SeriesFinding>,
}

impl Sampled {
    /// Adds what came later.
    pub fn extend(&mut self, later: Self) {
        self.rows.extend(later.rows);
        self.findings.extend(later.findings);
    }

    /// Samples in it.
    pub fn len(&self) -> usize {
        self.rows.iter().map(|series| series.samples.len()).sum()
    }

    /// True if there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.findings.is_empty()
    }
}

/// A message that could not be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which event.
    pub id: EventId,
    /// Its partition.
    pub partition: u16,
    /// Its place among the messages of its partition.
    pub seq: u64,
    /// Why, for a person.
    pub reason: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// How the body is written.
    pub format: Format,
    /// The record as it came, to be repaired and judged again.
    pub body: Vec<u8>,
}

/// The models of one partition as they were after one of its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which partition.
    pub partition: u16,
    /// Everything up to here is in them.
    pub seq: u64,
    /// The models, as they write themselves.
    pub state: Vec<u8>,
}

/// A partition that this worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which one.
    pub partition: u16,
    /// Grows each time the partition is taken over: a commit under an older one is refused.
    pub epoch: u64,
    /// How often in a row workers took it over at this very place and got no further; 0 is the ordinary case.
    pub failures: u32,
    /// The message that the last of them was alone with when it ended.
    pub suspect: Option<EventId>,
}

/// What a worker holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Its partitions.
    pub leases: Vec<Lease>,
    /// Those among them that are asked for by others: write their models down and [`EventStore::release`] them.
    pub asked_back: Vec<u16>,
}

/// What one batch came to. Of each partition it is stored whole or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit<'a> {
    /// The partitions that it concerns.
    pub leases: Vec<Lease>,
    /// The largest receipt in it, for a store that is one with its queue.
    pub receipt: Option<u64>,
    /// Events that were judged for the first time.
    pub judged: Vec<Judged>,
    /// Their messages, in the same order, for a store whose queue forgets them.
    pub messages: Vec<&'a Message>,
    /// Messages that could not be.
    pub dead: Vec<DeadLetter>,
    /// Samples that were judged, by the partition that judged them.
    pub sampled: BTreeMap<u16, Sampled>,
    /// What the batch means on the event graph, by the partition whose messages say so. The same identity again is the
    /// same event, seen for longer.
    pub happened: BTreeMap<u16, Vec<GraphEvent>>,
    /// Models that were written down: each takes the place of the earlier ones of its partition.
    pub snapshots: Vec<Snapshot>,
}

/// Where a partition stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its last message that was committed; 0 before the first.
    pub seq: u64,
    /// Its models as they were last written down.
    pub snapshot: Option<Snapshot>,
}

/// Keeps verdicts, the identities of events, dead letters and the models, all in step, and knows who may
/// write which partition.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Renews what this worker holds, takes what is free, and says what it holds now. To be called before
    /// each batch: it costs nothing unless a renewal is due, and gives the same `Arc` while nothing changes.
    async fn hold(&self) -> Result<Arc<Held>, Error>;

    /// Lets others have these partitions, whose work is done as far as it was received.
    async fn release(&self, leases: &[Lease]) -> Result<(), Error>;

    /// Remembers that the worker is about to judge this message alone, should it die of it.
    async fn suspect(&self, lease: &Lease, id: &EventId) -> Result<(), Error>;

    /// Stores a batch, on disk when it returns. Gives the partitions that another worker has taken over:
    /// nothing of those was stored. The same commit again changes nothing.
    async fn commit(&self, commit: &Commit<'_>) -> Result<Vec<u16>, Error>;

    /// The stored verdicts of events, `None` for those that were never judged; in the same order.
    async fn judged(&self, ids: &[EventId]) -> Result<Vec<Option<Judged>>, Error>;

    /// Where a partition stands.
    async fn standing(&self, partition: u16) -> Result<Standing, Error>;

    /// Messages of a partition after `after`, at most `max`, whose events were judged at that very place:
    /// what brings a snapshot up to date.
    async fn replay(&self, partition: u16, after: u64, max: usize) -> Result<Vec<(u64, Message)>, Error>;
}
