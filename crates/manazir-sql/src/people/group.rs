//! The people whom some acts are about, and how what holds between them changes while the acts are decided.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use manazir_model::Timestamp;
use manazir_people::{Act, Change, Error, Facts, Pair, Side, TieKind, UserId};

use super::{ROWS_A_STATEMENT, code, failed, id, number};
use crate::statement::{Connection, Statement, unsigned};

const KINDS: [TieKind; 3] = [TieKind::Asked, TieKind::Blocked, TieKind::Dismissed];

/// Statements about rows that are named by their keys, which follow, and [`NAMED`]. SQLite uses an index only for values
/// of the type of its columns.
const CONNECTIONS: &str = "SELECT one, other FROM connections WHERE (one, other) IN \
    (SELECT CAST(column1 AS BIGINT), CAST(column2 AS BIGINT) FROM (";
const NO_CONNECTIONS: &str = "DELETE FROM connections WHERE (one, other) IN \
    (SELECT CAST(column1 AS BIGINT), CAST(column2 AS BIGINT) FROM (";
const TIES: &str = "SELECT kind, from_user, to_user, at FROM ties WHERE (kind, from_user, to_user) IN \
    (SELECT CAST(column1 AS BIGINT), CAST(column2 AS BIGINT), CAST(column3 AS BIGINT) FROM (";
const NO_TIES: &str = "DELETE FROM ties WHERE (kind, from_user, to_user) IN \
    (SELECT CAST(column1 AS BIGINT), CAST(column2 AS BIGINT), CAST(column3 AS BIGINT) FROM (";
const NAMED: &str = ") AS named)";

/// Number, state, and counts in the order of [`Side`].
type SideRow = [i64; 7];

/// A one-way tie: which, from whom, to whom.
type Tie = (TieKind, UserId, UserId);

/// What the rules look at, of all pairs of some acts.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    sides: HashMap<UserId, Side>,
    /// The smaller number first.
    connected: BTreeSet<(UserId, UserId)>,
    ties: BTreeMap<Tie, Timestamp>,
}

impl Group {
    /// Locks the people and reads what holds between them.
    pub(super) async fn locked(connection: &mut Connection<'_>, acts: &[Act]) -> Result<Self, Error> {
        let mut group = Self::default();
        let users: BTreeSet<UserId> = acts.iter().flat_map(|act| [act.by, act.to]).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        for some in users.chunks(ROWS_A_STATEMENT) {
            group.lock(connection, some).await?;
        }
        let known =
            |act: &&Act| act.by != act.to && [act.by, act.to].iter().all(|user| group.is_known(*user));
        let pairs: BTreeSet<(UserId, UserId)> =
            acts.iter().filter(known).map(|act| (act.by.min(act.to), act.by.max(act.to))).collect();
        let pairs: Vec<(UserId, UserId)> = pairs.into_iter().collect();
        for some in pairs.chunks(ROWS_A_STATEMENT) {
            group.read_connections(connection, some).await?;
        }
        let ties: Vec<Tie> = pairs.iter().flat_map(|pair| group.possible(*pair)).collect();
        for some in ties.chunks(ROWS_A_STATEMENT) {
            group.read_ties(connection, some).await?;
        }
        Ok(group)
    }

    async fn lock(&mut self, connection: &mut Connection<'_>, users: &[UserId]) -> Result<(), Error> {
        let select =
            "SELECT id, state, contacts, asked, asked_by, blocked, dismissed FROM people WHERE id IN (";
        let rows = Statement::new(select).user_list(users).then(") ORDER BY id").locking(connection);
        let rows: Vec<SideRow> = rows.planned_anew().fetch_numbers_in(connection).await.map_err(failed)?;
        for [user, state, contacts, asked, asked_by, blocked, dismissed] in rows {
            let count = |count: i64| unsigned(count) as usize;
            let side = Side {
                state: Some(code::state(state)?),
                contacts: count(contacts),
                asked: count(asked),
                asked_by: count(asked_by),
                blocked: count(blocked),
                dismissed: count(dismissed),
            };
            self.sides.insert(code::user(user)?, side);
        }
        Ok(())
    }

    async fn read_connections(
        &mut self,
        connection: &mut Connection<'_>,
        pairs: &[(UserId, UserId)],
    ) -> Result<(), Error> {
        let rows: Vec<_> = pairs.iter().map(|pair| vec![id(pair.0), id(pair.1)]).collect();
        let rows = Statement::new(CONNECTIONS).table(&rows, connection).then(NAMED);
        let rows = rows.planned_anew().fetch_numbers_in(connection).await.map_err(failed)?;
        for [one, other] in rows {
            self.connected.insert((code::user(one)?, code::user(other)?));
        }
        Ok(())
    }

    async fn read_ties(&mut self, connection: &mut Connection<'_>, ties: &[Tie]) -> Result<(), Error> {
        let rows: Vec<_> = ties.iter().map(|tie| tie_row(*tie)).collect();
        let rows = Statement::new(TIES).table(&rows, connection).then(NAMED);
        let rows = rows.planned_anew().fetch_numbers_in(connection).await.map_err(failed)?;
        for [kind, from, to, at] in rows {
            self.ties.insert((code::kind(kind)?, code::user(from)?, code::user(to)?), Timestamp(at));
        }
        Ok(())
    }

    /// Ties there may be between two, as far as their counts say.
    fn possible(&self, (one, other): (UserId, UserId)) -> Vec<Tie> {
        let count = |kind, user| match (kind, self.side(user)) {
            (TieKind::Asked, side) => side.asked,
            (TieKind::Blocked, side) => side.blocked,
            (TieKind::Dismissed, side) => side.dismissed,
        };
        let both = [(one, other), (other, one)];
        let ties = both.into_iter().flat_map(|(from, to)| KINDS.map(|kind| (kind, from, to)));
        ties.filter(|(kind, from, _)| count(*kind, *from) > 0).collect()
    }

    fn is_known(&self, user: UserId) -> bool {
        self.sides.contains_key(&user)
    }

    fn side(&self, user: UserId) -> Side {
        self.sides.get(&user).copied().unwrap_or_default()
    }

    /// What the rules look at when `by` does something to `to`.
    pub(super) fn facts(&self, by: UserId, to: UserId) -> Facts {
        let tied = |kind, from, to| self.ties.contains_key(&(kind, from, to));
        let pair = Pair {
            connected: self.connected.contains(&(by.min(to), by.max(to))),
            asked: tied(TieKind::Asked, by, to),
            asked_by: tied(TieKind::Asked, to, by),
            blocked: tied(TieKind::Blocked, by, to),
            blocked_by: tied(TieKind::Blocked, to, by),
            dismissed: tied(TieKind::Dismissed, by, to),
        };
        Facts { by: self.side(by), to: self.side(to), pair }
    }

    /// Makes a change of ties hold.
    pub(super) fn apply(&mut self, change: &Change) {
        match *change {
            Change::Person { .. } => {}
            Change::Connected { one, other } => {
                if self.connected.insert((one, other)) {
                    [one, other].iter().for_each(|user| self.count(*user, |side| &mut side.contacts, true));
                }
            }
            Change::Disconnected { one, other } => {
                if self.connected.remove(&(one, other)) {
                    [one, other].iter().for_each(|user| self.count(*user, |side| &mut side.contacts, false));
                }
            }
            Change::Tied { kind, from, to, at } => {
                if self.ties.insert((kind, from, to), at).is_none() {
                    self.count_tie((kind, from, to), true);
                }
            }
            Change::Untied { kind, from, to } => {
                if self.ties.remove(&(kind, from, to)).is_some() {
                    self.count_tie((kind, from, to), false);
                }
            }
        }
    }

    fn count_tie(&mut self, (kind, from, to): Tie, is_more: bool) {
        match kind {
            TieKind::Asked => {
                self.count(from, |side| &mut side.asked, is_more);
                self.count(to, |side| &mut side.asked_by, is_more);
            }
            TieKind::Blocked => self.count(from, |side| &mut side.blocked, is_more),
            TieKind::Dismissed => self.count(from, |side| &mut side.dismissed, is_more),
        }
    }

    fn count(&mut self, user: UserId, of: impl Fn(&mut Side) -> &mut usize, is_more: bool) {
        let count = of(self.sides.entry(user).or_default());
        *count = if is_more { *count + 1 } else { count.saturating_sub(1) };
    }

    /// Writes what is different from `before`.
    pub(super) async fn store(
        &self,
        before: &Self,
        connection: &mut Connection<'_>,
    ) -> Result<(), sqlx::Error> {
        let both = |(one, other): &(UserId, UserId)| [(*one, *other), (*other, *one)];
        let pair = |(one, other): (UserId, UserId)| vec![id(one), id(other)];
        let gone = before.connected.difference(&self.connected).flat_map(both).map(pair).collect();
        in_parts(connection, (NO_CONNECTIONS, NAMED), gone).await?;
        let new = self.connected.difference(&before.connected).flat_map(both).map(pair).collect();
        in_parts(connection, ("INSERT INTO connections (one, other) ", ""), new).await?;
        let unlike = |one: &Self, other: &Self| -> Vec<(Tie, Timestamp)> {
            let ties = one.ties.iter().filter(|(tie, at)| other.ties.get(tie) != Some(at));
            ties.map(|(tie, at)| (*tie, *at)).collect()
        };
        let gone = unlike(before, self).into_iter().map(|(tie, _)| tie_row(tie)).collect();
        in_parts(connection, (NO_TIES, NAMED), gone).await?;
        let tied = |(tie, at): (Tie, Timestamp)| [tie_row(tie), vec![number(at.micros())]].concat();
        let new = unlike(self, before).into_iter().map(tied).collect();
        in_parts(connection, ("INSERT INTO ties (kind, from_user, to_user, at) ", ""), new).await?;
        self.store_counts(before, connection).await
    }

    async fn store_counts(&self, before: &Self, connection: &mut Connection<'_>) -> Result<(), sqlx::Error> {
        let mut changed: Vec<(&UserId, &Side)> =
            self.sides.iter().filter(|(user, side)| before.sides.get(user) != Some(side)).collect();
        changed.sort_by_key(|(user, _)| **user);
        let row = |(user, side): (&UserId, &Side)| {
            let counts = [side.contacts, side.asked, side.asked_by, side.blocked, side.dismissed];
            std::iter::once(id(*user)).chain(counts.map(|count| number(count as i64))).collect()
        };
        let update = "UPDATE people SET contacts = counted.column2, asked = counted.column3, asked_by = counted.column4, \
            blocked = counted.column5, dismissed = counted.column6 FROM (";
        let whose = ") AS counted WHERE people.id = counted.column1";
        in_parts(connection, (update, whose), changed.into_iter().map(row).collect()).await
    }
}

fn tie_row((kind, from, to): Tie) -> Vec<crate::statement::Value> {
    vec![number(code::of_kind(kind)), id(from), id(to)]
}

/// Runs a statement with these rows between its two halves, in as many parts as it takes.
pub(super) async fn in_parts(
    connection: &mut Connection<'_>,
    (begin, end): (&'static str, &'static str),
    rows: Vec<Vec<crate::statement::Value>>,
) -> Result<(), sqlx::Error> {
    for some in rows.chunks(ROWS_A_STATEMENT) {
        let statement = Statement::new(begin).table(some, connection).then(end).giving_up(connection);
        statement.execute(connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Truth;

    /// Else each act would look through all connections of everybody.
    #[tokio::test]
    async fn what_holds_between_two_is_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("truth.db").display());
        let truth = Truth::open(&url).await.unwrap();
        for (begin, columns) in [(CONNECTIONS, 2), (NO_CONNECTIONS, 2), (TIES, 3), (NO_TIES, 3)] {
            let rows = (0..5).map(|row| vec![number(row); columns]);
            let plan = Statement::new(begin).then("VALUES ").rows(rows).then(NAMED).plan(&truth).await;
            assert!(plan[0].starts_with("SEARCH") && plan[0].contains("USING PRIMARY KEY"), "{plan:?}");
        }
    }
}
