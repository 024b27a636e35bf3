//! A new edge: an actor touches what it never touched.

use manazir_model::Event;

use super::backoff::Question;
use super::detector::{Asked, Expectation, Seen};
use super::facts::Facts;
use super::words;

/// Half a weight: fresh instances and objects have names that nobody has seen, every day.
pub(super) const EXPECTATION: Expectation = Expectation {
    name: "new edge",
    summary: "a resource that the actor never touched, backing off to its peers and to all",
    weight: 0.5,
    ranked: false,
    ask,
    say,
};

fn ask(facts: &Facts) -> Asked {
    Asked::many(
        facts.resources[..facts.n_resources]
            .iter()
            .map(|&resource| Question::new([0, facts.peers, facts.actor], resource, facts.actor)),
    )
}

fn say(event: &Event<'_>, seen: &Seen<'_>) -> String {
    let who = words::actor(&event.actor);
    let resource = event.resources.get(seen.index).map_or("a resource", |name| words::short(name));
    match seen.last(2) {
        Some(days) => format!("{who} last touched {resource} {} ago{}", words::days(days), seen.others()),
        None => format!("{who} never touched {resource} before{}", seen.others()),
    }
}
