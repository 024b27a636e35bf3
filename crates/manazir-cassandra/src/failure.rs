//! What this crate refuses by itself.

use manazir_rollup::Error;

/// Why something cannot be done, and never will be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no address as cassandra://USER:PASSWORD@HOST:9042/KEYSPACE: {0}")]
    Address(&'static str),
    #[error("`{0}` is no name of a table or a column: at most 48 letters, digits and `_`")]
    Name(String),
    #[error("two tables are named `{0}`")]
    SameTable(String),
    #[error("two columns are named `{0}`")]
    SameColumn(String),
    #[error(
        "{0:?} is no column of counters: a further column cannot be added to; SQLite, PostgreSQL and MariaDB keep it"
    )]
    More(String),
    #[error("{categories} categories have {sums} columns")]
    Columns { categories: usize, sums: usize },
    #[error("{what} of {bytes} bytes: at most 255")]
    Long { what: &'static str, bytes: usize },
    #[error("the key `{0}` is no whole number of 64 bits")]
    NoInteger(String),
    #[error("there is no category {0}")]
    Category(u16),
    #[error(
        "the counters of `{0}` were counted by others: nothing was counted here yet, and they are not 0; \
         truncate the tables to begin anew"
    )]
    Foreign(String),
}

impl Refusal {
    /// As callers know it; `whose` is what refuses.
    pub(crate) fn of(self, whose: &str) -> Error {
        Error::Refused(whose.to_owned(), self.into())
    }
}
