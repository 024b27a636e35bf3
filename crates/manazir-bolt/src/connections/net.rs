//! What changes in a row come to, so that few statements make all of them hold.

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;
use manazir_people::{Change, Error, PersonState, TieKind, UserId};

/// A relationship of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Connected,
    Asked,
    Blocked,
    Dismissed,
}

impl From<TieKind> for Kind {
    fn from(kind: TieKind) -> Self {
        match kind {
            TieKind::Asked => Self::Asked,
            TieKind::Blocked => Self::Blocked,
            TieKind::Dismissed => Self::Dismissed,
        }
    }
}

/// Of which kind, from whom, to whom.
pub(super) type Edge = (Kind, UserId, UserId);

/// The last that changes say of each person and of each relationship.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Net {
    pub(super) people: BTreeMap<UserId, PersonState>,
    /// Those who lose all relationships before `edges` hold.
    pub(super) erased: BTreeSet<UserId>,
    /// Since when it is there; `None` if it is not.
    pub(super) edges: BTreeMap<Edge, Option<Timestamp>>,
}

impl Net {
    /// Refuses what cannot hold.
    pub(super) fn of<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Result<Self, Error> {
        let mut net = Self::default();
        for change in changes {
            change.check()?;
            net.add(change);
        }
        Ok(net)
    }

    fn add(&mut self, change: &Change) {
        match *change {
            Change::Person { user, state } => {
                self.people.insert(user, state);
                if state == PersonState::Erased {
                    self.erased.insert(user);
                    self.edges.retain(|(_, from, to), _| ![*from, *to].contains(&user));
                }
            }
            Change::Connected { one, other } => {
                self.edges.insert((Kind::Connected, one, other), Some(Timestamp(0)));
            }
            Change::Disconnected { one, other } => {
                self.edges.insert((Kind::Connected, one, other), None);
            }
            Change::Tied { kind, from, to, at } => {
                self.edges.insert((kind.into(), from, to), Some(at));
            }
            Change::Untied { kind, from, to } => {
                self.edges.insert((kind.into(), from, to), None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_erasing_takes_what_was_before() {
        let (a, b, c) = (UserId(1), UserId(2), UserId(3));
        let kind = TieKind::Asked;
        let changes = [
            Change::connected(a, b),
            Change::Tied { kind, from: c, to: a, at: Timestamp(5) },
            Change::Tied { kind, from: c, to: b, at: Timestamp(6) },
            Change::disconnected(b, c),
            Change::Person { user: a, state: PersonState::Erased },
            Change::Untied { kind, from: c, to: b },
            Change::connected(c, b),
        ];
        let net = Net::of(&changes).unwrap();
        assert_eq!(net.people, BTreeMap::from([(a, PersonState::Erased)]));
        assert_eq!(net.erased, BTreeSet::from([a]));
        let edges = [((Kind::Connected, b, c), Some(Timestamp(0))), ((Kind::Asked, c, b), None)];
        assert_eq!(net.edges, BTreeMap::from(edges));
    }

    #[test]
    fn what_cannot_hold_is_refused() {
        let wrong = Net::of(&[Change::Connected { one: UserId(2), other: UserId(2) }]);
        assert!(matches!(wrong, Err(Error::Damaged { .. })), "{wrong:?}");
    }
}
