//! What one person may do to another: the state machine of relations.
//!
//! ```text
//!            ask                  accept by the asked · ask by the asked
//!   none ───────────► asked ────────────────────────────────────────────► connected
//!    ▲                  │ cancel by the asker · reject by the asked           │
//!    ├──────────────────┘                                                     │
//!    ├──────────────────────────────── disconnect by either ──────────────────┤
//!    └── connect by a service, without consent ──►  connected                 │
//!   any ── block ──► blocked (neither connected nor asked) ── unblock ──► none
//! ```
//!
//! Dismissing a suggestion goes beside it and changes no relation.

use manazir_model::Timestamp;

use crate::{Change, PersonState, Refusal, TieKind, UserId};

/// What someone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A service connects two people; no consent is asked for.
    Connect,
    /// As [`Connect`](Self::Connect), for data that was right where it comes from: past the limit, and for the
    /// deactivated.
    Import,
    /// No longer a contact.
    Disconnect,
    /// Asks to become a contact. Who asks whoever has asked them is connected at once.
    Ask,
    /// Grants what the other has asked for.
    Accept,
    /// Refuses what the other has asked for.
    Reject,
    /// Takes the own request back.
    Cancel,
    /// Wants nothing to do with the other: no connection, no request, no suggestion, either way.
    Block,
    /// Takes a block back. What it ended does not come back.
    Unblock,
    /// Does not want to see the other suggested, ever again.
    Dismiss,
}

/// One thing that someone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Act {
    /// Who does it, or for whom it is done.
    pub by: UserId,
    /// To whom.
    pub to: UserId,
    /// What.
    pub action: Action,
    /// When.
    pub at: Timestamp,
}

/// How many of what a person may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Contacts.
    pub contacts: usize,
    /// Requests that wait for an answer, those sent and those received counted apart; blocks; dismissals.
    pub ties: usize,
}

impl Default for Limits {
    /// 5,000 contacts, as the originals promise, and twice as many of each other tie.
    fn default() -> Self {
        Self { contacts: 5_000, ties: 10_000 }
    }
}

/// What the rules look at of one of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// `None` if there is no such person.
    pub state: Option<PersonState>,
    /// Contacts.
    pub contacts: usize,
    /// Requests sent that wait.
    pub asked: usize,
    /// Requests received that wait.
    pub asked_by: usize,
    /// People they block.
    pub blocked: usize,
    /// Suggestions they dismissed.
    pub dismissed: usize,
}

/// What holds between the two, seen by who acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// They are connected.
    pub connected: bool,
    /// The one who acts has asked.
    pub asked: bool,
    /// The other has asked.
    pub asked_by: bool,
    /// The one who acts blocks the other.
    pub blocked: bool,
    /// The other blocks the one who acts.
    pub blocked_by: bool,
    /// The one who acts has dismissed the other.
    pub dismissed: bool,
}

/// All that the rules look at. A store reads it from locked rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Of who acts.
    pub by: Side,
    /// Of the other.
    pub to: Side,
    /// Of both.
    pub pair: Pair,
}

/// What a person sees of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The same person.
    Oneself,
    /// Nothing; also where the other blocks.
    None,
    /// The person has asked.
    AskedTo,
    /// The other has asked.
    AskedBy,
    /// They are contacts.
    Connected,
    /// The person blocks the other.
    Blocked,
}

impl Pair {
    /// What the one who acts sees.
    pub fn relation(self) -> Relation {
        match self {
            Self { blocked: true, .. } => Relation::Blocked,
            Self { connected: true, .. } => Relation::Connected,
            Self { asked: true, .. } => Relation::AskedTo,
            Self { asked_by: true, .. } => Relation::AskedBy,
            _ => Relation::None,
        }
    }
}

/// What changes by an act, or why nothing does. It is nothing where what is wanted holds already and saying so would
/// help nobody: blocks and dismissals can be repeated.
///
/// The one place of these rules. A store reads the facts, asks, and writes what comes back in one transaction in which
/// nobody else changes either person.
pub fn decide(act: &Act, facts: &Facts, limits: &Limits) -> Result<Vec<Change>, Refusal> {
    if act.by == act.to {
        return Err(Refusal::Oneself);
    }
    for (user, side) in [(act.by, &facts.by), (act.to, &facts.to)] {
        if matches!(side.state, None | Some(PersonState::Erased)) {
            return Err(Refusal::UnknownUser(user));
        }
    }
    let rules = Rules { act, facts, limits };
    match act.action {
        Action::Connect => rules.connect(),
        Action::Import => rules.import(),
        Action::Disconnect => rules.disconnect(),
        Action::Ask => rules.ask(),
        Action::Accept => rules.accept(),
        Action::Reject => rules.answer(facts.pair.asked_by),
        Action::Cancel => rules.answer(facts.pair.asked),
        Action::Block => rules.block(),
        Action::Unblock => Ok(rules.untie(TieKind::Blocked, facts.pair.blocked)),
        Action::Dismiss => rules.dismiss(),
    }
}

struct Rules<'a> {
    act: &'a Act,
    facts: &'a Facts,
    limits: &'a Limits,
}

impl Rules<'_> {
    fn connect(&self) -> Result<Vec<Change>, Refusal> {
        self.takes_part()?;
        self.not_connected()?;
        self.room_for_a_contact()?;
        Ok(self.connected())
    }

    fn import(&self) -> Result<Vec<Change>, Refusal> {
        self.not_connected()?;
        Ok(self.connected())
    }

    fn disconnect(&self) -> Result<Vec<Change>, Refusal> {
        match self.facts.pair.connected {
            true => Ok(vec![Change::disconnected(self.act.by, self.act.to)]),
            false => Err(Refusal::NotConnected),
        }
    }

    fn ask(&self) -> Result<Vec<Change>, Refusal> {
        self.takes_part()?;
        self.not_connected()?;
        // A request that could not be accepted as things stand would keep two people waiting.
        self.room_for_a_contact()?;
        match self.facts.pair {
            Pair { asked_by: true, .. } => Ok(self.connected()),
            Pair { asked: true, .. } => Err(Refusal::AlreadyAsked),
            _ => {
                self.room_for_a_tie(self.act.by, self.facts.by.asked, "requests that wait for an answer")?;
                self.room_for_a_tie(self.act.to, self.facts.to.asked_by, "requests to answer")?;
                Ok(vec![self.tied(TieKind::Asked)])
            }
        }
    }

    fn accept(&self) -> Result<Vec<Change>, Refusal> {
        self.not_connected()?;
        if !self.facts.pair.asked_by {
            return Err(Refusal::NoRequest);
        }
        self.takes_part()?;
        self.room_for_a_contact()?;
        Ok(self.connected())
    }

    fn answer(&self, is_asked: bool) -> Result<Vec<Change>, Refusal> {
        if is_asked { Ok(self.no_requests()) } else { Err(Refusal::NoRequest) }
    }

    fn block(&self) -> Result<Vec<Change>, Refusal> {
        if self.facts.pair.blocked {
            return Ok(Vec::new());
        }
        self.room_for_a_tie(self.act.by, self.facts.by.blocked, "blocks")?;
        let mut changes = self.no_requests();
        if self.facts.pair.connected {
            changes.push(Change::disconnected(self.act.by, self.act.to));
        }
        changes.push(self.tied(TieKind::Blocked));
        Ok(changes)
    }

    fn dismiss(&self) -> Result<Vec<Change>, Refusal> {
        if self.facts.pair.dismissed {
            return Ok(Vec::new());
        }
        self.room_for_a_tie(self.act.by, self.facts.by.dismissed, "dismissed suggestions")?;
        Ok(vec![self.tied(TieKind::Dismissed)])
    }

    fn takes_part(&self) -> Result<(), Refusal> {
        for (user, side) in [(self.act.by, &self.facts.by), (self.act.to, &self.facts.to)] {
            if side.state != Some(PersonState::Active) {
                return Err(Refusal::Deactivated(user));
            }
        }
        Ok(())
    }

    fn not_connected(&self) -> Result<(), Refusal> {
        match self.facts.pair {
            Pair { blocked: true, .. } | Pair { blocked_by: true, .. } => Err(Refusal::Blocked),
            Pair { connected: true, .. } => Err(Refusal::AlreadyConnected),
            _ => Ok(()),
        }
    }

    fn room_for_a_contact(&self) -> Result<(), Refusal> {
        let max = self.limits.contacts;
        for (user, side) in [(self.act.by, &self.facts.by), (self.act.to, &self.facts.to)] {
            if side.contacts >= max {
                return Err(Refusal::Full { user, max });
            }
        }
        Ok(())
    }

    fn room_for_a_tie(&self, user: UserId, has: usize, what: &'static str) -> Result<(), Refusal> {
        let max = self.limits.ties;
        if has < max { Ok(()) } else { Err(Refusal::TooMany { user, what, max }) }
    }

    /// Connected, with no request left over.
    fn connected(&self) -> Vec<Change> {
        let mut changes = self.no_requests();
        changes.push(Change::connected(self.act.by, self.act.to));
        changes
    }

    fn no_requests(&self) -> Vec<Change> {
        let Act { by, to, .. } = *self.act;
        let requests = [(self.facts.pair.asked, by, to), (self.facts.pair.asked_by, to, by)];
        let untied = |(_, from, to)| Change::Untied { kind: TieKind::Asked, from, to };
        requests.into_iter().filter(|(waits, ..)| *waits).map(untied).collect()
    }

    fn untie(&self, kind: TieKind, is_tied: bool) -> Vec<Change> {
        let untied = Change::Untied { kind, from: self.act.by, to: self.act.to };
        is_tied.then_some(untied).into_iter().collect()
    }

    fn tied(&self, kind: TieKind) -> Change {
        Change::Tied { kind, from: self.act.by, to: self.act.to, at: self.act.at }
    }
}

#[cfg(test)]
mod tests;
