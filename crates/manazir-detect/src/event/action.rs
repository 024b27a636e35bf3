//! Something this actor has not done, or long not.

use manazir_model::Event;

use super::backoff::Question;
use super::detector::{Asked, Expectation, Seen};
use super::facts::Facts;
use super::words;

pub(super) const EXPECTATION: Expectation = Expectation {
    name: "rare action",
    summary: "an action that the actor never or seldom took, backing off to its peers and to all",
    weight: 1.0,
    ranked: true,
    ask,
    say,
};

fn ask(facts: &Facts) -> Asked {
    Asked::one(Question::new([0, facts.peers, facts.actor], facts.action, facts.actor))
}

fn say(event: &Event<'_>, seen: &Seen<'_>) -> String {
    let (who, what) = (words::actor(&event.actor), &event.action);
    match seen.last(2) {
        Some(days) => format!("{who} last called {what} {} ago{}", words::days(days), seen.others()),
        None => format!("{who} never called {what} in {}{}", words::days(seen.known_days), seen.others()),
    }
}
