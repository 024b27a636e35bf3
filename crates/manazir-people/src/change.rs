//! What holds from now on: the entries of the change log.

use manazir_model::Timestamp;

use crate::{Error, PersonState, USERS_MAX, UserId};

/// A one-way tie between two people that is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TieKind {
    /// The one asks to be a contact of the other.
    Asked,
    /// The one blocks the other.
    Blocked,
    /// The one does not want the other to be suggested.
    Dismissed,
}

/// One entry of the log.
///
/// Each says what holds, whatever held before, and changes nothing if it is applied again. So a copy that was read while
/// others wrote is right once the entries from before the reading on have been applied to it.
///
/// The order of the first three kinds is the order in which a snapshot lists them; the last two are in no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// A person joined, left, came back; an erased person loses all ties, in both directions.
    Person {
        /// Who.
        user: UserId,
        /// How they take part from now on.
        state: PersonState,
    },
    /// Two people are connected.
    Connected {
        /// The smaller number.
        one: UserId,
        /// The larger number.
        other: UserId,
    },
    /// There is a one-way tie.
    Tied {
        /// Which.
        kind: TieKind,
        /// From whom.
        from: UserId,
        /// To whom.
        to: UserId,
        /// Since when.
        at: Timestamp,
    },
    /// Two people are not connected.
    Disconnected {
        /// The smaller number.
        one: UserId,
        /// The larger number.
        other: UserId,
    },
    /// There is no such tie.
    Untied {
        /// Which.
        kind: TieKind,
        /// From whom.
        from: UserId,
        /// To whom.
        to: UserId,
    },
}

impl Change {
    /// The two are connected.
    pub fn connected(one: UserId, other: UserId) -> Self {
        Self::Connected { one: one.min(other), other: one.max(other) }
    }

    /// The two are not connected.
    pub fn disconnected(one: UserId, other: UserId) -> Self {
        Self::Disconnected { one: one.min(other), other: one.max(other) }
    }

    /// Refuses what cannot hold (CM-W1): numbers out of bounds, ties of a person with themselves, and a connection whose
    /// numbers stand in the wrong order.
    pub fn check(&self) -> Result<(), Error> {
        let [one, other] = self.people();
        let in_order = match self {
            Self::Person { .. } => true,
            Self::Connected { .. } | Self::Disconnected { .. } => one < other,
            Self::Tied { .. } | Self::Untied { .. } => one != other,
        };
        if one.max(other).0 < USERS_MAX && in_order {
            return Ok(());
        }
        Err(Error::Damaged { what: format!("{self:?}"), why: "no such ties can be".to_owned() })
    }

    /// Everyone whose ties it changes; the same person twice where it is one.
    pub fn people(&self) -> [UserId; 2] {
        match *self {
            Self::Person { user, .. } => [user, user],
            Self::Connected { one, other } | Self::Disconnected { one, other } => [one, other],
            Self::Tied { from, to, .. } | Self::Untied { from, to, .. } => [from, to],
        }
    }
}
