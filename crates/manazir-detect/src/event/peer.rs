//! What few of the actor's peers do, and how many new things it does at once.

use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::facts::Facts;
use super::hash;
use super::store::{Store, Worth};

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Tally {
    count: u32,
    hour: u32,
}

impl Worth for Tally {
    fn worth(&self) -> f32 {
        self.hour as f32 + 24.0 * self.count.min(60) as f32
    }
}

/// Share of the peers that ever did what the actor does for the first time:
///
/// raw = −log₁₀ (n(peers that did it) + ½) / (n(peers) + 1)
///
/// Heads are counted, not events: one busy peer does not make an action common.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Peers {
    members: Store<Tally>,
    doers: Store<Tally>,
    calibration: Calibration,
}

/// What is known of the peers at a first sight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Share {
    pub(super) surprise: f64,
    pub(super) doers: u32,
    pub(super) members: u32,
}

impl Peers {
    pub(super) fn new(entries: usize) -> Self {
        let members = Store::new(entries / 64);
        Self { members, doers: Store::new(entries), calibration: Calibration::new(entries / 16) }
    }

    /// `new_actor` and `first`: the actor, and the action of this actor, were never seen before.
    pub(super) fn judge(&mut self, facts: &Facts, new_actor: bool, first: bool) -> Share {
        let (members, _) = self.members.entry(facts.peers);
        let others = members.count.saturating_sub(u32::from(!new_actor));
        members.hour = facts.hour;
        members.count = members.count.saturating_add(u32::from(new_actor));
        let mut share = Share { surprise: 0.0, doers: 0, members: others };
        let mut raw = 0.0;
        if first {
            let (doers, _) = self.doers.entry(hash::pair(facts.peers, facts.action));
            share.doers = doers.count.min(others);
            raw = -((f64::from(share.doers) + 0.5) / (f64::from(others) + 1.0)).min(1.0).log10();
            *doers = Tally { count: doers.count.saturating_add(1), hour: facts.hour };
        }
        let surprise = self.calibration.judge(raw, facts.rank, facts.actor, facts.peers, facts.hour);
        share.surprise = if first { surprise } else { 0.0 };
        share
    }

    pub(super) fn bytes(&self) -> usize {
        self.members.bytes() + self.doers.bytes() + self.calibration.bytes()
    }
}

/// How many actions are new to the actor in this hour: whoever looks around tries many.
///
/// raw = log₂ (1 + n)
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Spree {
    hours: Store<Tally>,
    calibration: Calibration,
}

impl Spree {
    pub(super) fn new(entries: usize) -> Self {
        Self { hours: Store::new(entries / 16), calibration: Calibration::new(entries / 16) }
    }

    /// Surprise and the number of new actions so far in this hour.
    pub(super) fn judge(&mut self, facts: &Facts, first: bool) -> (f64, u32) {
        let (tally, _) = self.hours.entry(facts.actor);
        if tally.hour < facts.hour {
            *tally = Tally { count: 0, hour: facts.hour };
        }
        tally.count = tally.count.saturating_add(u32::from(first));
        let (count, raw) = (tally.count, (1.0 + f64::from(tally.count)).log2());
        let surprise = self.calibration.judge(raw, facts.rank, facts.actor, facts.peers, facts.hour);
        (if first && count > 1 { surprise } else { 0.0 }, count)
    }

    pub(super) fn bytes(&self) -> usize {
        self.hours.bytes() + self.calibration.bytes()
    }
}
