//! The change log, and what its changes add up to.

use async_trait::async_trait;
use manazir_model::Timestamp;
use manazir_people::{Change, ConnectionLog, Error, Numbered, UserId};

use super::group::in_parts;
use super::{SqlPeople, code, failed, number};
use crate::statement::{Connection, Statement, counter, raise, signed, unsigned};

const COUNTER: &str = "people_changes";

/// Numbers these changes and writes them; the number of the last one that there is then. From here on everyone who
/// changes anything waits until the transaction ends, so it comes last in it.
pub(super) async fn append(
    connection: &mut Connection<'_>,
    changes: &[Change],
    kept_max: u64,
) -> Result<u64, sqlx::Error> {
    let last = raise(connection, COUNTER, changes.len() as u64).await?;
    let first = last - changes.len() as i64 + 1;
    let row = |(seq, change): (i64, &Change)| {
        let (kind, one, other, at) = code::of_change(change);
        [seq, kind, one, other, at].map(number).to_vec()
    };
    let rows = (first..).zip(changes).map(row).collect();
    in_parts(connection, ("INSERT INTO people_changes (seq, kind, one, other, at) ", ""), rows).await?;
    Statement::new("DELETE FROM people_changes WHERE seq <= ")
        .number(last.saturating_sub(signed(kept_max)))
        .execute(connection)
        .await?;
    Ok(unsigned(last))
}

/// The number of the last change, read within a transaction that changes nothing.
pub(super) async fn last_in(connection: &mut Connection<'_>) -> Result<u64, sqlx::Error> {
    let value = Statement::new("SELECT value FROM counters WHERE name = ").text(COUNTER);
    let rows: Vec<(i64,)> = value.fetch_in(connection).await?;
    rows.first().map(|row| unsigned(row.0)).ok_or(sqlx::Error::RowNotFound)
}

/// Number of the last change of all, then that of one and what it is; zeros if there are none.
type Row = [i64; 6];

#[async_trait]
impl ConnectionLog for SqlPeople {
    async fn last_change(&self) -> Result<u64, Error> {
        counter(&self.truth, COUNTER).await.map_err(failed)
    }

    async fn changes_after(&self, seq: u64, max: usize) -> Result<Vec<Numbered>, Error> {
        let changes = Statement::new(
            "SELECT value, coalesce(seq, 0), coalesce(kind, 0), coalesce(one, 0), coalesce(other, 0), \
             coalesce(at, 0) FROM counters LEFT JOIN (SELECT seq, kind, one, other, at FROM people_changes \
             WHERE seq > ",
        )
        .number(signed(seq))
        .then(" ORDER BY seq LIMIT ")
        .number(signed(max as u64))
        .then(") AS later ON TRUE WHERE name = ")
        .text(COUNTER);
        let mut rows: Vec<Row> = changes.fetch_numbers(&self.truth).await.map_err(failed)?;
        rows.sort_unstable_by_key(|row| row[1]);
        let last = rows.first().map_or(0, |row| unsigned(row[0]));
        let there = rows.into_iter().filter(|row| row[1] > 0);
        let changes = there.map(|[_, seq, kind, one, other, at]| {
            Ok(Numbered { seq: unsigned(seq), change: code::change((kind, one, other, at))? })
        });
        let changes: Vec<Numbered> = changes.collect::<Result<_, Error>>()?;
        match changes.first() {
            Some(first) if first.seq != seq + 1 => Err(Error::Forgotten(first.seq - 1)),
            None if max > 0 && last > seq => Err(Error::Forgotten(last)),
            _ => Ok(changes),
        }
    }

    async fn snapshot_after(&self, after: Option<Change>, max: usize) -> Result<Vec<Change>, Error> {
        let mut part = Vec::new();
        // What a part leaves of its room is filled by what is listed next.
        if let None | Some(Change::Person { .. }) = after {
            let after = after.map_or(UserId(0), |after| after.people()[0]);
            part = self.people_after(after, max).await?;
        }
        if let None | Some(Change::Person { .. } | Change::Connected { .. }) = after
            && part.len() < max
        {
            let after = match after {
                Some(Change::Connected { one, other }) => (one, other),
                _ => (UserId(0), UserId(0)),
            };
            part.extend(self.connections_after(after, max - part.len()).await?);
        }
        if !matches!(after, Some(Change::Disconnected { .. } | Change::Untied { .. })) && part.len() < max {
            let after = after.filter(|after| matches!(after, Change::Tied { .. }));
            part.extend(self.ties_after(after, max - part.len()).await?);
        }
        Ok(part)
    }
}

impl SqlPeople {
    async fn people_after(&self, after: UserId, max: usize) -> Result<Vec<Change>, Error> {
        let people = Statement::new("SELECT id, state FROM people WHERE id > ")
            .user(after)
            .then(" ORDER BY id LIMIT ")
            .number(signed(max as u64));
        let person = |[user, state]: [i64; 2]| {
            Ok(Change::Person { user: code::user(user)?, state: code::state(state)? })
        };
        self.part(people, person).await
    }

    async fn connections_after(&self, after: (UserId, UserId), max: usize) -> Result<Vec<Change>, Error> {
        let connections =
            Statement::new("SELECT one, other FROM connections WHERE one < other AND (one, other) > (")
                .user(after.0)
                .then(", ")
                .user(after.1)
                .then(") ORDER BY one, other LIMIT ")
                .number(signed(max as u64));
        let connected = |[one, other]: [i64; 2]| {
            Ok(Change::Connected { one: code::user(one)?, other: code::user(other)? })
        };
        self.part(connections, connected).await
    }

    async fn ties_after(&self, after: Option<Change>, max: usize) -> Result<Vec<Change>, Error> {
        let (kind, from, to) = match after {
            Some(Change::Tied { kind, from, to, .. }) => (code::of_kind(kind), from, to),
            _ => (-1, UserId(0), UserId(0)),
        };
        let ties = Statement::new(
            "SELECT kind, from_user, to_user, at FROM ties WHERE (kind, from_user, to_user) > (",
        )
        .number(kind)
        .then(", ")
        .user(from)
        .then(", ")
        .user(to)
        .then(") ORDER BY kind, from_user, to_user LIMIT ")
        .number(signed(max as u64));
        let tied = |[kind, from, to, at]: [i64; 4]| {
            let (from, to) = (code::user(from)?, code::user(to)?);
            Ok(Change::Tied { kind: code::kind(kind)?, from, to, at: Timestamp(at) })
        };
        self.part(ties, tied).await
    }

    /// A part of a snapshot, sorted by its rows.
    async fn part<const N: usize>(
        &self,
        rows: Statement,
        change: impl Fn([i64; N]) -> Result<Change, Error>,
    ) -> Result<Vec<Change>, Error> {
        let mut rows: Vec<[i64; N]> = rows.fetch_numbers(&self.truth).await.map_err(failed)?;
        rows.sort_unstable();
        rows.into_iter().map(change).collect()
    }
}
