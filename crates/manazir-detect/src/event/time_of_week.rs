//! An hour at which this actor does not work.

use manazir_model::Event;

use super::backoff::Question;
use super::detector::{Asked, Expectation, Seen};
use super::facts::Facts;
use super::words;

/// Half a weight: whoever is called at night works at night.
pub(super) const EXPECTATION: Expectation = Expectation {
    name: "rare hour",
    summary: "an hour of the day, on working days or weekends, at which the actor never or seldom works",
    weight: 0.5,
    ranked: false,
    ask,
    say,
};

fn ask(facts: &Facts) -> Asked {
    Asked::one(Question::new([0, facts.peers, facts.actor], facts.time_of_week, facts.actor))
}

fn say(event: &Event<'_>, seen: &Seen<'_>) -> String {
    let who = words::actor(&event.actor);
    let when = words::time_of_week(event.at);
    match seen.last(2) {
        Some(days) => format!("{who} last worked {when} {} ago", words::days(days)),
        None => format!("{who} never worked {when} in {}", words::days(seen.known_days)),
    }
}
