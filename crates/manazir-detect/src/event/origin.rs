//! From where and with what: the block of the address and the family of the agent.

use manazir_model::Event;

use super::backoff::Question;
use super::detector::{Asked, Expectation, Seen};
use super::facts::{self, Facts};
use super::hash;
use super::words;

pub(super) const ADDRESS: Expectation = Expectation {
    name: "rare address",
    summary: "a network (/24, /48) or service from which the actor never or seldom came",
    weight: 0.75,
    ranked: false,
    ask: |facts| Asked::one(Question::new([0, facts.peers, facts.actor], facts.block, facts.actor)),
    say: say_address,
};

pub(super) const AGENT: Expectation = Expectation {
    name: "rare agent",
    summary: "a program that the actor never or seldom used, alone or for this service",
    weight: 0.75,
    ranked: false,
    ask: ask_agent,
    say: say_agent,
};

/// The program alone, and the program for this action.
fn ask_agent(facts: &Facts) -> Asked {
    let alone = Question::new([0, facts.peers, facts.actor], facts.agent, facts.actor);
    let for_action = [1, hash::pair(1, facts.action), hash::pair(facts.actor, facts.action)];
    Asked::many([alone, Question::new(for_action, facts.agent, facts.actor)])
}

fn say_address(event: &Event<'_>, seen: &Seen<'_>) -> String {
    let (who, block) = (words::actor(&event.actor), facts::block(&event.address));
    match seen.last(2) {
        Some(days) => format!("{who} last came from {block} {} ago{}", words::days(days), seen.others()),
        None => format!("{who} never came from {block}{}", seen.others()),
    }
}

fn say_agent(event: &Event<'_>, seen: &Seen<'_>) -> String {
    let (who, agent) = (words::actor(&event.actor), facts::agent_words(&event.agent));
    let (what, others) = match seen.index {
        1 => (format!(" for {}", event.action), String::new()),
        _ => (String::new(), seen.others()),
    };
    match seen.last(2) {
        Some(days) => format!("{who} last used {agent}{what} {} ago{others}", words::days(days)),
        None => format!("{who} never used {agent}{what}{others}"),
    }
}
