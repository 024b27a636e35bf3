//! How far the copy has come, in the same database and in the same transaction as what it has copied.

use manazir_model::Timestamp;
use manazir_people::{Change, PersonState, TieKind, UserId};
use neo4rs::{BoltType, Txn};
use serde::Deserialize;

use crate::link::{Said, query, rows};

const LOCK: &str = "MERGE (c:ManazirCopy {key: 'connection graph'}) \
    ON CREATE SET c.phase = 'new', c.seq = 0, c.after = [], c.loads = 0 \
    SET c.changes = coalesce(c.changes, 0) + 1 \
    RETURN c.phase AS phase, c.seq AS seq, c.after AS after, c.loads AS loads";

const MOVE: &str = "MATCH (c:ManazirCopy {key: 'connection graph'}) \
    SET c.phase = $phase, c.seq = $seq, c.after = $after, c.loads = $loads";

pub(super) const PLACE: &str = "MATCH (c:ManazirCopy {key: 'connection graph'}) \
    RETURN c.phase AS phase, c.seq AS seq, c.after AS after, c.loads AS loads";

/// What the copy is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nobody has begun.
    #[default]
    New,
    /// What an earlier load left is taken away.
    Emptying,
    /// A snapshot is read, part by part.
    Loading,
    /// It is whole, and follows the log.
    Following,
}

/// How far the copy has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) phase: Phase,
    /// The last change of the log that it holds; while it loads, that from before the snapshot.
    pub(super) seq: u64,
    /// The end of the parts of the snapshot that it holds.
    pub(super) after: Option<Change>,
    /// How many times it was loaded.
    pub(super) loads: u64,
}

impl Place {
    /// Everything is read again.
    pub(super) fn anew(self) -> Self {
        Self { phase: Phase::Emptying, seq: 0, after: None, loads: self.loads + 1 }
    }
}

/// A place as the database gives it.
#[derive(Deserialize)]
pub(super) struct Row {
    phase: String,
    seq: i64,
    after: Vec<i64>,
    loads: i64,
}

impl From<Row> for Place {
    /// What is none of ours is loaded anew.
    fn from(row: Row) -> Self {
        let phase = match row.phase.as_str() {
            "emptying" => Phase::Emptying,
            "loading" => Phase::Loading,
            "following" => Phase::Following,
            _ => Phase::New,
        };
        let loads = u64::try_from(row.loads).unwrap_or_default();
        let place = u64::try_from(row.seq).ok().zip(change(&row.after));
        place.map_or(Self { loads, ..Self::default() }, |(seq, after)| Self { phase, seq, after, loads })
    }
}

/// Keeps others from writing until the transaction ends, or lets all but the first to commit fail; how far the copy has
/// come.
pub(super) async fn lock(transaction: &mut Txn) -> Said<Place> {
    let places: Vec<Row> = rows(transaction, query(LOCK)).await?;
    Ok(places.into_iter().next().map(Place::from).unwrap_or_default())
}

pub(super) async fn move_to(transaction: &mut Txn, place: Place) -> Said<()> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let phase = match place.phase {
        Phase::New => "new",
        Phase::Emptying => "emptying",
        Phase::Loading => "loading",
        Phase::Following => "following",
    };
    let moved = query(MOVE)
        .param("phase", phase)
        .param("seq", number(place.seq))
        .param("after", BoltType::from(numbers(place.after)))
        .param("loads", number(place.loads));
    transaction.run(moved).await
}

const STATES: [PersonState; 3] = [PersonState::Active, PersonState::Deactivated, PersonState::Erased];
const KINDS: [TieKind; 3] = [TieKind::Asked, TieKind::Blocked, TieKind::Dismissed];

/// A change of a snapshot as a list of numbers; none is an empty one.
fn numbers(change: Option<Change>) -> Vec<i64> {
    let user = |user: UserId| i64::from(user.0);
    match change {
        Some(Change::Person { user: one, state }) => vec![0, user(one), state as i64],
        Some(Change::Connected { one, other }) => vec![1, user(one), user(other)],
        Some(Change::Tied { kind, from, to, at }) => {
            vec![2, kind as i64, user(from), user(to), at.micros()]
        }
        // No snapshot ends with these.
        None | Some(Change::Disconnected { .. } | Change::Untied { .. }) => Vec::new(),
    }
}

/// The way back; `None` if it is none of ours.
fn change(numbers: &[i64]) -> Option<Option<Change>> {
    let user = |number: i64| u32::try_from(number).ok().map(UserId);
    let index = |number: i64| usize::try_from(number).ok();
    Some(Some(match *numbers {
        [] => return Some(None),
        [0, one, state] => Change::Person { user: user(one)?, state: *STATES.get(index(state)?)? },
        [1, one, other] => Change::Connected { one: user(one)?, other: user(other)? },
        [2, kind, from, to, at] => {
            let kind = *KINDS.get(index(kind)?)?;
            Change::Tied { kind, from: user(from)?, to: user(to)?, at: Timestamp(at) }
        }
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_snapshot_ends_with_comes_back() {
        let (one, other, at) = (UserId(3), UserId(9), Timestamp(-5));
        let mut changes = vec![None, Some(Change::Connected { one, other })];
        changes.extend(STATES.map(|state| Some(Change::Person { user: one, state })));
        changes.extend(KINDS.map(|kind| Some(Change::Tied { kind, from: one, to: other, at })));
        for after in changes {
            assert_eq!(change(&numbers(after)), Some(after));
        }
        for wrong in [vec![0, 1], vec![0, 1, 3], vec![1, -1, 2], vec![2, 9, 1, 2, 3], vec![7]] {
            assert_eq!(change(&wrong), None, "{wrong:?}");
            let row = Row { phase: "following".to_owned(), seq: 7, after: wrong, loads: 2 };
            assert_eq!(Place::from(row), Place { loads: 2, ..Place::default() });
        }
    }
}
