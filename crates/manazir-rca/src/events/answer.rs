//! What is said of an alert.

use manazir_model::Timestamp;

use super::live::EventId;
use super::rules::RuleId;
use super::vocabulary::TypeId;
use crate::topology::EntityId;

/// Candidates for the root cause of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What was asked about.
    pub alert: EventId,
    /// The likeliest first; empty if nothing was found.
    pub causes: Vec<Cause>,
    /// Events that the rules reach from the alert, itself included.
    pub reached: usize,
    /// True if the search ended before it was at an end; it had found the likeliest first.
    pub cut: bool,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// Which event.
    pub event: EventId,
    /// What it is ranked by, ≥ 0 (−1 in GrootRank for an event without links). Comparable within an answer only.
    pub score: f64,
    /// Its part of the scores of all candidates, in 0..=1.
    pub share: f64,
    /// What the score is made of.
    pub factors: Factors,
    /// From the alert to it, along the links that explain most.
    pub path: Vec<Step>,
}

/// What a score is made of. Factors that a method does not know are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Factors {
    /// Weight of the likeliest path from the alert, in 0..=1: rules, lags, severities, bridges.
    pub reach: Option<f64>,
    /// How little of it is explained by its own direct causes, in 0..=1.
    pub origin: Option<f64>,
    /// How likely a root is of this kind or type, in 0..=1.
    pub prior: Option<f64>,
    /// What else it explains: the sum of the weights of its other effects.
    pub support: Option<f64>,
    /// Calls between the entity of the alert and its own, along the path.
    pub distance: Option<u16>,
    /// How often its type was the cause before, with a Beta prior; 0.5 without verdicts.
    pub history: Option<f64>,
    /// Events on the path that nobody reported.
    pub assumed: Option<usize>,
    /// Seconds from its onset to that of the alert.
    pub age_s: Option<f64>,
}

/// One event on the path from the alert to a cause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Which event; `None` if nobody reported it.
    pub event: Option<EventId>,
    /// Where it is, or would be.
    pub entity: EntityId,
    /// Of what type it is, or would be.
    pub event_type: TypeId,
    /// Onset; `None` if nobody reported it.
    pub at: Option<Timestamp>,
    /// The rule by which it causes the one before; `None` of the alert.
    pub rule: Option<RuleId>,
    /// Seconds from its onset to that of the last reported one before; `None` of the alert, and if nobody reported it.
    pub lag_s: Option<f64>,
    /// Weight of the link, in 0..=1; 1 of the alert.
    pub weight: f64,
}

impl Answer {
    /// Ranks candidates by their scores and gives each its share. `before` decides between equal scores.
    pub(super) fn new(
        alert: EventId,
        mut causes: Vec<Cause>,
        mut before: impl FnMut(&Cause, &Cause) -> std::cmp::Ordering,
    ) -> Self {
        causes.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| before(one, other)));
        let total: f64 = causes.iter().map(|cause| cause.score.max(0.0)).sum();
        if total > 0.0 {
            for cause in &mut causes {
                cause.share = cause.score.max(0.0) / total;
            }
        }
        Self { alert, reached: causes.len() + 1, causes, cut: false }
    }
}
