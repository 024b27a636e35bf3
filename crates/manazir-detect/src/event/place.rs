//! A region where this actor does not work.

use manazir_model::Event;

use super::backoff::Question;
use super::detector::{Asked, Expectation, Seen};
use super::facts::Facts;
use super::words;

pub(super) const EXPECTATION: Expectation = Expectation {
    name: "rare place",
    summary: "a region or cluster in which the actor never or seldom worked",
    weight: 0.75,
    ranked: false,
    ask,
    say,
};

fn ask(facts: &Facts) -> Asked {
    Asked::one(Question::new([0, facts.peers, facts.actor], facts.place, facts.actor))
}

fn say(event: &Event<'_>, seen: &Seen<'_>) -> String {
    let (who, place) = (words::actor(&event.actor), &event.place);
    match seen.last(2) {
        Some(days) => format!("{who} last worked in {place} {} ago{}", words::days(days), seen.others()),
        None => format!("{who} never worked in {place}{}", seen.others()),
    }
}
