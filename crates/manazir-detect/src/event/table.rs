//! The one table of event detectors.
//!
//! A new detector of rarity is a file and a line here; entries are only added at the end, because saved states
//! name them by position.

use super::detector::Expectation;
use super::{action, error, origin, place, principal, resource, sequence, time_of_week};

/// Detectors that ask how expected a value is.
pub(super) const EXPECTATIONS: [&Expectation; 9] = [
    &action::EXPECTATION,
    &principal::EXPECTATION,
    &resource::EXPECTATION,
    &place::EXPECTATION,
    &origin::ADDRESS,
    &origin::AGENT,
    &error::EXPECTATION,
    &time_of_week::EXPECTATION,
    &sequence::EXPECTATION,
];

/// Positions of those whose answers others need.
pub(super) const ACTION: usize = 0;
pub(super) const PRINCIPAL: usize = 1;

/// A detector that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counting {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) weight: f64,
}

/// What no peer does.
pub(super) const PEERS: Counting = Counting {
    name: "unlike peers",
    summary: "an action new to the actor that few of its peers ever took",
    weight: 0.5,
};
/// Many new things at once.
pub(super) const SPREE: Counting =
    Counting { name: "spree", summary: "many actions in one hour that are new to the actor", weight: 0.5 };
/// More calls.
pub(super) const CALLS: Counting =
    Counting { name: "burst", summary: "more calls of an actor in ten minutes than usual", weight: 0.5 };
/// More errors.
pub(super) const ERRORS: Counting = Counting {
    name: "burst of errors",
    summary: "more failed calls of an actor in ten minutes than usual",
    weight: 0.75,
};
/// More of one action.
pub(super) const ACTIONS: Counting = Counting {
    name: "burst of an action",
    summary: "one action more often in ten minutes, by whomever",
    weight: 0.5,
};

const COUNTING: [Counting; 5] = [PEERS, SPREE, CALLS, ERRORS, ACTIONS];

/// What there is to know of an event detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventInfo {
    /// Its name in verdicts.
    pub name: &'static str,
    /// What it notices, in one line.
    pub summary: &'static str,
    /// Share of its surprise in the score.
    pub weight: f64,
}

/// All event detectors.
pub fn detectors() -> impl Iterator<Item = EventInfo> {
    let rare =
        EXPECTATIONS.iter().map(|of| EventInfo { name: of.name, summary: of.summary, weight: of.weight });
    let counting =
        COUNTING.iter().map(|of| EventInfo { name: of.name, summary: of.summary, weight: of.weight });
    rare.chain(counting)
}
