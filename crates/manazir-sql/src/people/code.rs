//! Numbers that stand for states, ties and changes in rows. They are kept: they stay what they are.

use manazir_model::Timestamp;
use manazir_people::{Change, Error, PersonState, TieKind, UserId};

const KINDS: [TieKind; 3] = [TieKind::Asked, TieKind::Blocked, TieKind::Dismissed];

const PERSON: i64 = 0;
const CONNECTED: i64 = 1;
const DISCONNECTED: i64 = 2;
const TIED: i64 = 10;
const UNTIED: i64 = 20;

/// Kind, the two people (or a person and their state), time.
pub(super) type ChangeRow = (i64, i64, i64, i64);

pub(super) fn of_state(state: PersonState) -> i64 {
    match state {
        PersonState::Active => 0,
        PersonState::Deactivated => 1,
        PersonState::Erased => 2,
    }
}

pub(super) fn state(code: i64) -> Result<PersonState, Error> {
    let states = [PersonState::Active, PersonState::Deactivated, PersonState::Erased];
    states.into_iter().find(|state| of_state(*state) == code).ok_or_else(|| damaged("a state", code))
}

pub(super) fn of_kind(kind: TieKind) -> i64 {
    match kind {
        TieKind::Asked => 0,
        TieKind::Blocked => 1,
        TieKind::Dismissed => 2,
    }
}

pub(super) fn kind(code: i64) -> Result<TieKind, Error> {
    KINDS.into_iter().find(|kind| of_kind(*kind) == code).ok_or_else(|| damaged("a kind of tie", code))
}

pub(super) fn user(number: i64) -> Result<UserId, Error> {
    u32::try_from(number).map(UserId).map_err(|_| damaged("a user", number))
}

pub(super) fn of_change(change: &Change) -> ChangeRow {
    let users = |one: UserId, other: UserId| (i64::from(one.0), i64::from(other.0));
    let [one, other] = change.people();
    let (one, other) = users(one, other);
    match change {
        Change::Person { state, .. } => (PERSON, one, of_state(*state), 0),
        Change::Connected { .. } => (CONNECTED, one, other, 0),
        Change::Disconnected { .. } => (DISCONNECTED, one, other, 0),
        Change::Tied { kind, at, .. } => (TIED + of_kind(*kind), one, other, at.micros()),
        Change::Untied { kind, .. } => (UNTIED + of_kind(*kind), one, other, 0),
    }
}

pub(super) fn change((code, one, other, at): ChangeRow) -> Result<Change, Error> {
    Ok(match code {
        PERSON => Change::Person { user: user(one)?, state: state(other)? },
        CONNECTED => Change::Connected { one: user(one)?, other: user(other)? },
        DISCONNECTED => Change::Disconnected { one: user(one)?, other: user(other)? },
        UNTIED.. => Change::Untied { kind: kind(code - UNTIED)?, from: user(one)?, to: user(other)? },
        _ => {
            let kind = kind(code.saturating_sub(TIED))?;
            Change::Tied { kind, from: user(one)?, to: user(other)?, at: Timestamp(at) }
        }
    })
}

fn damaged(what: &str, code: i64) -> Error {
    Error::Damaged { what: what.to_owned(), why: format!("there is none with the number {code}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_back_as_they_were() {
        let (one, other) = (UserId(3), UserId(7));
        let mut changes = vec![Change::connected(one, other), Change::disconnected(one, other)];
        for kind in KINDS {
            changes.push(Change::Tied { kind, from: other, to: one, at: Timestamp(-5) });
            changes.push(Change::Untied { kind, from: other, to: one });
        }
        for state in [PersonState::Active, PersonState::Deactivated, PersonState::Erased] {
            changes.push(Change::Person { user: other, state });
        }
        for (index, made) in changes.iter().enumerate() {
            assert_eq!(change(of_change(made)).unwrap(), *made);
            assert!(changes[..index].iter().all(|other| of_change(other) != of_change(made)));
        }
        for row in [(3, 1, 2, 0), (13, 1, 2, 0), (23, 1, 2, 0), (-1, 1, 2, 0), (1, -1, 2, 0), (0, 1, 3, 0)] {
            assert!(matches!(change(row), Err(Error::Damaged { .. })), "{row:?}");
        }
    }
}
