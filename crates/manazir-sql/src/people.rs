//! The relational truth of people and the connections between them.
//!
//! Every rule is `manazir_people::decide`: what holds between the two is read from locked rows, and what comes of it is
//! written in the same transaction, with its entries in the change log. Reads are answered from SQL alone, so that it is
//! a store of its own as well as what a copy in memory follows.
//!
//! Who writes connections locks the people they are of in the order of their numbers, then the counter of changes; no
//! two transactions wait for each other.

mod code;
mod erase;
mod graph;
mod group;
mod log;
mod profiles;
mod recommendations;
mod search;
mod suggest;
mod write;

use manazir_people::{Error, Limits, PersonState, Refusal, UserId};
use uuid::Uuid;

use crate::Truth;
use crate::failure::failed_people as failed;
use crate::statement::{Connection, Statement, Value};
use crate::text::kept;

/// Changes that the log keeps unless somebody says otherwise; who follows from further back loads anew.
const CHANGES_KEPT_MAX: u64 = 1 << 20;

/// Rows a statement: SQLite takes 32,766 values, PostgreSQL 65,535, and no row here has more than 18.
const ROWS_A_STATEMENT: usize = 1_250;

/// People and connections in the truth; clones share its connections.
#[derive(Clone, Debug)]
pub struct SqlPeople {
    /// The database.
    pub truth: Truth,
    /// How many of what a person may have.
    pub limits: Limits,
    /// Changes that the log keeps.
    pub changes_max: u64,
}

impl SqlPeople {
    /// The truth with the usual limits.
    pub fn new(truth: Truth) -> Self {
        Self { truth, limits: Limits::default(), changes_max: CHANGES_KEPT_MAX }
    }

    /// Refuses whoever of these is unknown or erased, the first first.
    async fn known(&self, users: &[UserId]) -> Result<(), Error> {
        let found = Statement::new("SELECT id, state FROM people WHERE id IN (")
            .list(users.iter().map(|user| i64::from(user.0)))
            .then(")");
        let found: Vec<(i64, i64)> = found.fetch(&self.truth).await.map_err(failed)?;
        refuse_unknown(users, &found)
    }
}

fn refuse_unknown(users: &[UserId], found: &[(i64, i64)]) -> Result<(), Error> {
    let erased = code::of_state(PersonState::Erased);
    let is_known =
        |user: &UserId| found.iter().any(|(id, state)| *id == i64::from(user.0) && *state != erased);
    match users.iter().find(|user| !is_known(user)) {
        Some(user) => Err(Refusal::UnknownUser(*user).into()),
        None => Ok(()),
    }
}

fn number(number: i64) -> Value {
    Value::Number(Some(number))
}

fn id(user: UserId) -> Value {
    number(user.0.into())
}

fn text(text: Option<&str>) -> Value {
    Value::Text(text.map(|text| kept(text).into_owned()))
}

impl Statement {
    /// Goes on with numbers and commas between them; with NULL if there are none.
    fn list(mut self, numbers: impl IntoIterator<Item = i64>) -> Self {
        self = self.planned_anew();
        for (index, number) in numbers.into_iter().enumerate() {
            self = if index == 0 { self } else { self.then(", ") }.digits(number);
        }
        self
    }

    /// Goes on with identifiers and commas between them. SQLite would look for each of many placeholders among all of
    /// them.
    fn uuids(self, ids: &[Uuid]) -> Self {
        ids.iter().enumerate().fold(self.planned_anew(), |statement, (index, id)| {
            if index == 0 { statement } else { statement.then(", ") }.uuid(id)
        })
    }

    fn user(self, user: UserId) -> Self {
        self.number(user.0.into())
    }

    fn user_list(self, users: &[UserId]) -> Self {
        if users.is_empty() { self.then("NULL") } else { self.list(users.iter().map(|user| user.0.into())) }
    }

    /// Goes on with what locks the rows that are selected until the transaction ends. On SQLite nobody else writes.
    fn locking(self, connection: &Connection<'_>) -> Self {
        match connection {
            Connection::Sqlite(_) => self,
            Connection::Postgres(_) => self.then(" FOR UPDATE"),
        }
    }
}

/// Begins what changes ties of some people (`is_shared`), or of somebody and all they are tied to. The former lock the
/// people, in the order of their numbers; the latter, for whom nobody knows before whom they meet, wait until they are
/// alone.
///
/// And lets PostgreSQL find rows by indexes only: statements name all rows that they are about, a thousand of a
/// million, and what its statistics say of a table that grows is wrong.
async fn begin_ties(connection: &mut Connection<'_>, is_shared: bool) -> Result<(), sqlx::Error> {
    let lock = match is_shared {
        true => "SELECT pg_advisory_xact_lock_shared(7306), ",
        false => "SELECT pg_advisory_xact_lock(7306), ",
    };
    begin_by_index(connection, lock).await
}

/// See [`begin_ties`]; `select` begins the statement.
async fn begin_by_index(connection: &mut Connection<'_>, select: &'static str) -> Result<(), sqlx::Error> {
    const BY_INDEX: &str = "set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), \
        set_config('enable_mergejoin', 'off', true)";
    match connection {
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgres(_) => Statement::new(select).then(BY_INDEX).execute(connection).await.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use manazir_model::Timestamp;
    use manazir_people::{ConnectionLog as _, PeopleStore as _, contract};

    use super::*;
    use crate::statement::Writing;

    /// Accounts are made in the transaction in which people join: if that fails, nobody has joined.
    #[tokio::test]
    async fn who_joins_in_a_transaction_that_ends_otherwise_has_not_joined() {
        let folder = tempfile::tempdir().unwrap();
        let truth =
            Truth::open(&format!("sqlite://{}", folder.path().join("truth.db").display())).await.unwrap();
        let people = SqlPeople::new(truth);
        let mut writing = Writing::begin(&people.truth).await.unwrap();
        let joined = people.join(&mut writing.connection(), &contract::person(1)).await.unwrap();
        // A refusal leaves the transaction as it was.
        assert!(people.join(&mut writing.connection(), &contract::person(1)).await.is_err());
        let (erased, at) = (PersonState::Erased, Timestamp(1));
        people.set_state_in(&mut writing.connection(), joined.id, erased, at).await.unwrap();
        drop(writing);
        assert_eq!(people.last_change().await.unwrap(), 0);
        assert_eq!(people.profiles(&[joined.id]).await.unwrap(), []);
        let mut writing = Writing::begin(&people.truth).await.unwrap();
        people.join(&mut writing.connection(), &contract::person(2)).await.unwrap();
        writing.commit().await.unwrap();
        assert_eq!(people.create(&contract::person(1)).await.unwrap().id, UserId(2));
        assert_eq!(people.last_change().await.unwrap(), 2);
    }
}
