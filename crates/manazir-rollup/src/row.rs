//! What a finding comes to once it is joined.

use std::sync::Arc;

use manazir_model::Timestamp;

/// The largest amount of one finding, either way: nine million of the largest fit into a sum.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// One finding, as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The stream that it stands in, at most 255 bytes.
    pub source: Arc<str>,
    /// Its place there, from 0 on.
    pub position: u64,
    /// A hash of what it says: another finding at the same place is another one, as in a file that began anew. Never
    /// 0.
    pub content: u64,
    /// When it happened.
    pub at: Timestamp,
    /// When it was taken in.
    pub known_at: Timestamp,
    /// For whom it counts, at most 255 bytes.
    pub key: Arc<str>,
    /// Under which of the categories of the [`Shape`](crate::Shape).
    pub category: u16,
    /// How much, at most [`AMOUNT_MAX`] either way.
    pub amount: i64,
    /// The [hash](crate::aggregate::Distinct::hash) of what different things are counted of, if the rollup does.
    pub distinct: Option<u64>,
    /// As it came, for destinations with a [history](crate::History).
    pub raw: Raw,
}

/// A finding as it came, from which it can be worked out anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Raw {
    /// Nobody kept it.
    #[default]
    Nothing,
    /// A line of the stream.
    Line(Arc<[u8]>),
    /// A message of a producer.
    Message(Arc<[u8]>),
}

/// One for whom findings count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Never changes.
    pub id: Arc<str>,
    /// What people call it now.
    pub label: String,
}
