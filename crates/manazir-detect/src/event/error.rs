//! An error that this call, or this actor, does not get.

use manazir_model::Event;

use super::backoff::Question;
use super::detector::{Asked, Expectation, Seen};
use super::facts::Facts;
use super::hash;
use super::words;

pub(super) const EXPECTATION: Expectation = Expectation {
    name: "rare error",
    summary: "an error that the action or the actor never or seldom meets",
    weight: 0.75,
    ranked: true,
    ask,
    say,
};

/// Given the action, and given the actor; calls that went well are answers too, or no error would be rare.
fn ask(facts: &Facts) -> Asked {
    let of_action = [0, hash::pair(2, facts.action), hash::pair(facts.actor, facts.action)];
    let of_actor = [1, facts.peers, facts.actor];
    Asked::many([
        Question::new(of_action, facts.error, facts.actor),
        Question::new(of_actor, facts.error, facts.actor),
    ])
}

fn say(event: &Event<'_>, seen: &Seen<'_>) -> String {
    let who = words::actor(&event.actor);
    let error = if event.error.is_empty() { "success" } else { &event.error };
    let on = if seen.index == 0 { format!(" on {}", event.action) } else { String::new() };
    match seen.last(2) {
        Some(days) => format!("{who} last met {error}{on} {} ago", words::days(days)),
        None => format!("{who} never met {error}{on}"),
    }
}
