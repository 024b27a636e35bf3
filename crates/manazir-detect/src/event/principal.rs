//! Somebody who was never here.

use manazir_model::Event;

use super::backoff::Question;
use super::detector::{Asked, Expectation, Seen};
use super::facts::Facts;
use super::words;

/// Half a weight: new people and roles are ordinary; what they do is what counts.
pub(super) const EXPECTATION: Expectation = Expectation {
    name: "rare actor",
    summary: "an actor that is new, or comes back after long",
    weight: 0.5,
    ranked: false,
    ask,
    say,
};

fn ask(facts: &Facts) -> Asked {
    Asked::one(Question::new([0, facts.peers], facts.actor, facts.actor))
}

fn say(event: &Event<'_>, seen: &Seen<'_>) -> String {
    let who = words::actor(&event.actor);
    match seen.last(1) {
        Some(days) => format!("{who} was last seen {} ago", words::days(days)),
        None => format!("{who} is new here"),
    }
}
