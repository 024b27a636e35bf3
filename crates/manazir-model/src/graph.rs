//! What happens to entities and who depends on whom, in names: the words of the event graph, as they are stored and sent.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Something that happened to an entity: a symptom, a change, an alert of another tool.
///
/// Every text may be long, and nothing of it is trusted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphEvent {
    /// Its identity: the same again is the same event, seen once more.
    pub id: String,
    /// To what: a service, host, table, account.
    pub entity: String,
    /// Of what type, as the rules of the event graph name it, or a name that they do not know.
    pub event_type: String,
    /// Onset.
    pub from: Timestamp,
    /// When it was last seen; equal to `from` for what has no length.
    pub until: Timestamp,
    /// When this was known.
    pub received_at: Timestamp,
    /// How grave, in 0..=1.
    pub severity: f32,
    /// The entity that it names, if it names another.
    pub target: Option<String>,
    /// What it is limited to: zone, version, country. Sorted by name, each name once.
    pub dims: Vec<(String, String)>,
    /// Who reported it.
    pub source: String,
    /// For people.
    pub sentence: String,
}

/// One entity depended on another for some time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dependency {
    /// Who calls, reads or runs on the other.
    pub caller: String,
    /// The other.
    pub callee: String,
    /// Who says so: `given`, `traces`, `labels`, `lag`.
    pub source: String,
    /// The first instant.
    pub from: Timestamp,
    /// The instant at which it no longer held, the largest if it still does.
    pub until: Timestamp,
}
