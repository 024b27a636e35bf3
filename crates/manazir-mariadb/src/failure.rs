//! What goes wrong with a database, as far as a caller can do something about it.

use manazir_rollup::Error;
use sqlx::mysql::MySqlDatabaseError;

/// Classes of SQLSTATE that mend themselves: 08 the connection failed or was not taken, which is also said by a
/// server that shuts down; 40 a transaction lost against another.
const PASSING_CLASSES: [&str; 2] = ["08", "40"];

/// A lock was not had in time.
const LOCK_TIMEOUT: u16 = 1205;

/// Two transactions waited for each other, and this one was ended.
const DEADLOCK: u16 = 1213;

/// Errors of other classes that mend themselves: too many connections, of the server and of one user; a lock that was
/// not had; a server that shuts down; a statement and a connection that were ended from outside, and a statement that
/// took too long.
const PASSING: [u16; 7] = [1040, 1203, LOCK_TIMEOUT, 1053, 1317, 1927, 1969];

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server or the way to it.
    Sql(sqlx::Error),
    /// What is asked for cannot be done.
    Refused(Refusal),
    /// Another makes or drops the same tables, and does not come to an end.
    Busy,
    /// What is there cannot be read.
    Damaged { what: &'static str, why: String },
}

/// What this crate refuses by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no address as mysql://USER:PASSWORD@HOST:3306/DATABASE: {0}")]
    Address(&'static str),
    #[error("`{0}` is no name of a table or a column: at most 64 letters, digits and `_`")]
    Name(String),
    #[error("`{0}` is not prepared: nobody made its tables, or its totals took the place of others")]
    Unprepared(String),
    #[error("two tables are named `{0}`")]
    SameTable(String),
    #[error("{categories} categories have {sums} columns")]
    Columns { categories: usize, sums: usize },
    #[error("the table `{table}` was there before, and cannot be used: {why}")]
    Table { table: String, why: &'static str },
    #[error("{what} of {bytes} bytes: at most 255")]
    Long { what: &'static str, bytes: usize },
    #[error("the key `{0}` is no whole number of 64 bits")]
    NoInteger(String),
    #[error("there is no category {0}")]
    Category(u16),
    #[error("the amounts of `{0}` come to more than a whole number of 64 bits")]
    Overflow(String),
}

impl Refusal {
    /// As callers know it; `whose` is what refuses.
    pub(crate) fn of(self, whose: &str) -> Error {
        Error::Refused(whose.to_owned(), self.into())
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Failure {
    /// True if another transaction was in the way: nothing was done, and the same at once may work.
    pub(crate) fn lost_to_another(&self) -> bool {
        matches!(self, Self::Sql(error) if number(error).is_some_and(|it| [LOCK_TIMEOUT, DEADLOCK].contains(&it)))
    }

    /// As callers know it.
    pub(crate) fn at(self, place: &str) -> Error {
        match self {
            Self::Sql(error) if passes(&error) => Error::Away(place.to_owned(), error.into()),
            Self::Sql(error) => Error::Refused(place.to_owned(), error.into()),
            Self::Refused(refusal) => refusal.of(place),
            Self::Busy => Error::Away(place.to_owned(), "another is at the same tables".into()),
            Self::Damaged { what, why } => Error::Damaged { what: format!("{what} in {place}"), why },
        }
    }
}

/// What the server calls an error.
fn number(error: &sqlx::Error) -> Option<u16> {
    let said = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(said.number())
}

/// True if the database is away, or busy: the same again may work.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(said) => {
            let class = |code: &str| PASSING_CLASSES.iter().any(|class| code.starts_with(class));
            said.code().is_some_and(|code| class(&code))
                || number(error).is_some_and(|number| PASSING.contains(&number))
        }
        _ => false,
    }
}
