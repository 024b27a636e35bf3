//! What happened to an entity.

use manazir_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::vocabulary::{DimsId, SourceId, TypeId};
use crate::topology::EntityId;

/// What sort of evidence an event is. It decides how likely an event of its type is the end of a chain.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How well an entity serves others: latency, errors, traffic. A symptom, as a rule.
    #[default]
    Performance,
    /// What an entity says of another or of itself: marked down, circuit open, probe failed. A symptom, as a rule.
    Status,
    /// What an entity consumes or runs on: processor, memory, disk, threads, host.
    Resource,
    /// What somebody did: deployment, configuration, flag, script.
    Change,
    /// What lies outside: a third party, a network, a data centre, the clock.
    External,
}

impl Kind {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 5] =
        [Self::Performance, Self::Status, Self::Resource, Self::Change, Self::External];

    /// As an index into what is kept for each kind.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Something that happened to an entity, in some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// To what.
    pub entity: EntityId,
    /// Of what type.
    pub event_type: TypeId,
    /// What sort of evidence it is.
    pub kind: Kind,
    /// Onset.
    pub from: Timestamp,
    /// When it was last seen; equal to `from` for what has no length, as a deployment.
    pub until: Timestamp,
    /// How grave, in 0..=1, to be compared across types (see [`Calibration`](super::Calibration)).
    pub severity: f32,
    /// The entity that it names: what was marked down, who was called.
    pub target: Option<EntityId>,
    /// Data centre, zone, version and whatever else it is limited to.
    pub dims: DimsId,
    /// Who reported it.
    pub source: SourceId,
}

impl Event {
    /// An event without length, target and dimensions, of severity 1; the kind of its type.
    pub fn new(entity: EntityId, event_type: TypeId, kind: Kind, at: Timestamp) -> Self {
        Self {
            entity,
            event_type,
            kind,
            from: at,
            until: at,
            severity: 1.0,
            target: None,
            dims: DimsId::default(),
            source: SourceId::default(),
        }
    }

    /// Severity in 0..=1, whatever was written there: a score that is not a number is 0.
    pub fn severity(&self) -> f64 {
        f64::from(self.severity).clamp(0.0, 1.0).max(0.0)
    }
}
