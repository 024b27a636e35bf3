//! All event detectors together: one event in, one verdict out.

use manazir_model::{Event, EventVerdict, Reason};
use serde::{Deserialize, Serialize};

use super::budget::Budget;
use super::detector::{Rarity, Seen, Surprise};
use super::facts::Facts;
use super::names::Names;
use super::peer::{Peers, Share, Spree};
use super::rate::{Rate, Running};
use super::sequence::Trail;
use super::table::{ACTION, ACTIONS, CALLS, Counting, ERRORS, EXPECTATIONS, PEERS, PRINCIPAL, SPREE};
use super::{hash, weight, words};

/// What can be set of an [`EventJudge`]; values outside a range are moved to its nearer end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventConfig {
    /// Alarms that a day should bring, 1..=16; 4.
    pub alarms_per_day: usize,
    /// Values that each detector remembers, 256..=4,194,304; 16,384. Memory grows with it.
    pub entries: usize,
}

impl Default for EventConfig {
    fn default() -> Self {
        Self { alarms_per_day: 4, entries: 1 << 14 }
    }
}

/// Score from which an event says why.
const NOTABLE: f64 = 1.0;
/// A surprise that an hour in ten holds is none.
const ORDINARY: f64 = 1.0;
/// No sum of surprises says more than this, before the weight of the action.
const SUM_MAX: f64 = 12.0;

/// Judges the events of one account, in the order in which they come.
///
/// score = w(action) · min(12, Σ wᵢ · max(0, sᵢ − 1))
///
/// where sᵢ is the calibrated surprise of detector i, wᵢ its weight and w what the action could do. Memory is
/// fixed at construction; the state is a plain value that goes on with the same bits after save and restore.
/// An event that comes late is judged as one of the latest hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventJudge {
    rarities: Vec<Rarity>,
    names: Names,
    trail: Trail,
    peers: Peers,
    spree: Spree,
    calls: Rate,
    errors: Rate,
    actions: Rate,
    budget: Budget,
}

/// What all detectors said of one event.
struct Said {
    rare: [Surprise; EXPECTATIONS.len()],
    share: Share,
    spree: (f64, u32),
    calls: Running,
    errors: Running,
    actions: Running,
}

impl EventJudge {
    /// Knows nothing yet.
    pub fn new(config: EventConfig) -> Self {
        let entries = config.entries.clamp(256, 1 << 22);
        Self {
            rarities: EXPECTATIONS.iter().map(|_| Rarity::new(entries)).collect(),
            names: Names::new(entries / 16),
            trail: Trail::new(entries / 8),
            peers: Peers::new(entries),
            spree: Spree::new(entries),
            calls: Rate::new(entries / 16),
            errors: Rate::new(entries / 16),
            actions: Rate::new(entries / 8),
            budget: Budget::new(config.alarms_per_day, entries / 16),
        }
    }

    /// Judges an event by what was learnt before it, then learns from it.
    pub fn update(&mut self, event: &Event<'_>) -> EventVerdict {
        let mut facts = Facts::of(event);
        let weight = weight::weight(&event.action, event.writes);
        facts.rank = weight::rank(weight);
        facts.previous = self.trail.step(&facts);
        let first_hour = self.names.note(facts.actor, &event.actor, facts.hour);
        let said = self.ask(&facts, event);
        let sum = said.sum();
        let score = sum.min(SUM_MAX) * weight;
        let anomaly = self.budget.judge(facts.actor, event.at, score);
        let reasons =
            if score >= NOTABLE { self.reasons(event, &facts, &said, first_hour) } else { Vec::new() };
        EventVerdict { score, anomaly, reasons }
    }

    fn ask(&mut self, facts: &Facts, event: &Event<'_>) -> Said {
        let mut rare = [Surprise::default(); EXPECTATIONS.len()];
        for ((surprise, rarity), expectation) in rare.iter_mut().zip(&mut self.rarities).zip(EXPECTATIONS) {
            *surprise = rarity.judge(expectation, facts);
        }
        let (new_actor, first) = (rare[PRINCIPAL].first, rare[ACTION].first);
        let (share, spree) = if rare[ACTION].fresh {
            (self.peers.judge(facts, new_actor, first), self.spree.judge(facts, first))
        } else {
            Default::default()
        };
        let errors = if facts.error == 0 {
            Running::default()
        } else {
            self.errors.count(facts.actor, facts.peers, event.at, facts.hour)
        };
        let calls = self.calls.count(facts.actor, facts.peers, event.at, facts.hour);
        let actions = self.actions.count(facts.action, hash::text("actions"), event.at, facts.hour);
        Said { rare, share, spree, calls, errors, actions }
    }

    fn reasons(&self, event: &Event<'_>, facts: &Facts, said: &Said, first_hour: u32) -> Vec<Reason> {
        let known_days = f64::from(facts.hour.saturating_sub(first_hour)) / 24.0;
        let mut weighed: Vec<(f64, Reason)> = Vec::new();
        for ((surprise, rarity), expectation) in said.rare.iter().zip(&self.rarities).zip(EXPECTATIONS) {
            let Some((index, question)) = surprise.question else { continue };
            if surprise.surprise > ORDINARY {
                let memory = rarity.memory();
                let seen = Seen { memory, names: &self.names, question, index, hour: facts.hour, known_days };
                let text = (expectation.say)(event, &seen);
                weighed.push(weighed_reason(expectation.name, surprise.surprise, expectation.weight, text));
            }
        }
        for (counting, surprise, text) in said.counted(event) {
            if surprise > ORDINARY {
                weighed.push(weighed_reason(counting.name, surprise, counting.weight, text));
            }
        }
        weighed.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut reasons: Vec<Reason> = weighed.into_iter().map(|(_, reason)| reason).collect();
        if let (Some(reason), Some(family)) = (reasons.first_mut(), weight::family(&event.action)) {
            reason.text.push_str(&format!("; this is {}: {}", family.name, family.why));
        }
        reasons
    }

    /// Bytes that this judge costs: the value itself and what it has on the heap.
    pub fn state_bytes(&self) -> usize {
        let rarities: usize = self.rarities.iter().map(Rarity::bytes).sum();
        let rates = [&self.calls, &self.errors, &self.actions].map(Rate::bytes).iter().sum::<usize>();
        let others = self.names.bytes() + self.trail.bytes() + self.peers.bytes() + self.spree.bytes();
        size_of::<Self>() + rarities + rates + others + self.budget.bytes()
    }
}

fn weighed_reason(detector: &str, surprise: f64, weight: f64, text: String) -> (f64, Reason) {
    ((surprise - ORDINARY) * weight, Reason { detector: detector.to_owned(), surprise, text })
}

impl Said {
    fn sum(&self) -> f64 {
        let rare = self.rare.iter().zip(EXPECTATIONS).map(|(said, of)| (said.surprise, of.weight));
        let counted = [
            (self.share.surprise, PEERS.weight),
            (self.spree.0, SPREE.weight),
            (self.calls.surprise, CALLS.weight),
            (self.errors.surprise, ERRORS.weight),
            (self.actions.surprise, ACTIONS.weight),
        ];
        rare.chain(counted).map(|(surprise, weight)| weight * (surprise - ORDINARY).max(0.0)).sum()
    }

    fn counted(&self, event: &Event<'_>) -> [(Counting, f64, String); 5] {
        let (who, what) = (words::actor(&event.actor), &event.action);
        let share =
            format!("{} of {} peers of {who} ever called {what}", self.share.doers, self.share.members);
        let spree = format!("{who} did {} things in this hour that it never did", self.spree.1);
        let burst = |running: &Running, of: &str| {
            format!("{} {of} in ten minutes, {:.1} are usual", running.count, running.expected)
        };
        [
            (PEERS, self.share.surprise, share),
            (SPREE, self.spree.0, spree),
            (CALLS, self.calls.surprise, burst(&self.calls, &format!("calls of {who}"))),
            (ERRORS, self.errors.surprise, burst(&self.errors, &format!("failed calls of {who}"))),
            (ACTIONS, self.actions.surprise, burst(&self.actions, &format!("calls of {what}"))),
        ]
    }
}
