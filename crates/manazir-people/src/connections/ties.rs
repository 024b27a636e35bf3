//! One-way ties of one person, seen from both ends.

use std::collections::BTreeMap;

use manazir_model::Timestamp;

use crate::{List, Pair, Side, TieKind, UserId};

/// With whom, and since when.
type Tied = BTreeMap<UserId, Timestamp>;

/// Each tie stands with both people but a dismissal, of which the dismissed are not told anything: they hold it for
/// erasing only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ties {
    /// By kind: to whom.
    to: [Tied; 3],
    /// By kind: from whom.
    by: [Tied; 3],
}

impl Ties {
    pub(super) fn tie(&mut self, kind: TieKind, to: UserId, at: Timestamp) {
        self.to[kind as usize].insert(to, at);
    }

    pub(super) fn tied_by(&mut self, kind: TieKind, from: UserId, at: Timestamp) {
        self.by[kind as usize].insert(from, at);
    }

    pub(super) fn untie(&mut self, kind: TieKind, to: UserId) {
        self.to[kind as usize].remove(&to);
    }

    pub(super) fn untied_by(&mut self, kind: TieKind, from: UserId) {
        self.by[kind as usize].remove(&from);
    }

    pub(super) fn forget(&mut self, user: UserId) {
        for tied in self.to.iter_mut().chain(&mut self.by) {
            tied.remove(&user);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.to.iter().chain(&self.by).all(BTreeMap::is_empty)
    }

    /// To whom there are ties of a kind.
    pub(super) fn of(&self, kind: TieKind) -> &Tied {
        &self.to[kind as usize]
    }

    /// Contacts are no such list.
    pub(super) fn listed(&self, list: List) -> &Tied {
        static NONE: Tied = BTreeMap::new();
        match list {
            List::Contacts => &NONE,
            List::AskedTo => self.of(TieKind::Asked),
            List::AskedBy => &self.by[TieKind::Asked as usize],
            List::Blocked => self.of(TieKind::Blocked),
            List::Dismissed => self.of(TieKind::Dismissed),
        }
    }

    /// What holds with one other, but for a connection.
    pub(super) fn pair(&self, other: UserId) -> Pair {
        Pair {
            connected: false,
            asked: self.of(TieKind::Asked).contains_key(&other),
            asked_by: self.by[TieKind::Asked as usize].contains_key(&other),
            blocked: self.of(TieKind::Blocked).contains_key(&other),
            blocked_by: self.by[TieKind::Blocked as usize].contains_key(&other),
            dismissed: self.of(TieKind::Dismissed).contains_key(&other),
        }
    }

    /// How many of each, but for contacts.
    pub(super) fn side(&self) -> Side {
        Side {
            asked: self.of(TieKind::Asked).len(),
            asked_by: self.by[TieKind::Asked as usize].len(),
            blocked: self.of(TieKind::Blocked).len(),
            dismissed: self.of(TieKind::Dismissed).len(),
            ..Side::default()
        }
    }

    /// Everyone at the other end of a tie; some more than once.
    pub(super) fn others(&self) -> impl Iterator<Item = UserId> + '_ {
        self.to.iter().chain(&self.by).flat_map(|tied| tied.keys().copied())
    }

    /// Everyone who must not be suggested for these ties; some more than once.
    pub(super) fn kept_from(&self) -> impl Iterator<Item = UserId> + '_ {
        let by = [TieKind::Asked, TieKind::Blocked].map(|kind| &self.by[kind as usize]);
        self.to.iter().chain(by).flat_map(|tied| tied.keys().copied())
    }
}
