//! An action that does not follow on the ones before it.

use manazir_model::Event;
use serde::{Deserialize, Serialize};

use super::backoff::Question;
use super::detector::{Asked, Expectation, Seen};
use super::facts::Facts;
use super::hash;
use super::store::{Store, Worth};
use super::words;

/// Half a weight: a new action is surprising in every sequence, and "rare action" has said so.
pub(super) const EXPECTATION: Expectation = Expectation {
    name: "odd sequence",
    summary: "an action that never or seldom followed the two before it: a Markov chain of variable order",
    weight: 0.5,
    ranked: true,
    ask,
    say,
};

/// From what all do, over what all do after the last action, to what this actor does after the last one and
/// after the last two: the longest context that has been seen decides (Begleiter, El-Yaniv and Yona 2004, *On
/// prediction using variable order Markov models*).
fn ask(facts: &Facts) -> Asked {
    let [last, earlier] = facts.previous;
    let own = hash::pair(facts.actor, last);
    Asked::one(Question::new([0, last, own, hash::pair(own, earlier)], facts.action, facts.actor))
}

fn say(event: &Event<'_>, _: &Seen<'_>) -> String {
    format!("{} does not follow on what {} did before it", event.action, words::actor(&event.actor))
}

/// The last two different actions of each session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Trail {
    sessions: Store<Steps>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Steps {
    previous: [u64; 2],
    hour: u32,
}

impl Worth for Steps {
    fn worth(&self) -> f32 {
        self.hour as f32
    }
}

impl Trail {
    pub(super) fn new(entries: usize) -> Self {
        Self { sessions: Store::new(entries) }
    }

    /// The two actions before this one; a loop over one action is one step.
    pub(super) fn step(&mut self, facts: &Facts) -> [u64; 2] {
        let (steps, _) = self.sessions.entry(facts.session);
        let previous = steps.previous;
        steps.hour = facts.hour;
        if previous[0] != facts.action {
            steps.previous = [facts.action, previous[0]];
        }
        previous
    }

    pub(super) fn bytes(&self) -> usize {
        self.sessions.bytes()
    }
}
