//! The totals of a rollup, in tables of a form that readers may have known before.
//!
//! What they are called and which columns they have comes with the rollup, so no migration makes them. Beside them
//! stand, for all rollups of a database, `manazir_rollup_seen` with the [blocks](manazir_rollup::seen) of what was
//! counted, and its [history](manazir_rollup::history): `manazir_rollup`, `…_segment`, `…_label` and `…_aside`. Totals,
//! blocks and history change in one transaction.
//!
//! Whoever changes something of a rollup takes its row in `manazir_rollup` first, and is alone with it.
//!
//! Many rows go into a statement as one JSON list: its text is always the same, the database prepares it once, and no
//! number of rows meets the limit of its placeholders.

mod adopt;
mod asides;
mod count;
mod finding;
mod history;
mod labels;
mod layout;
mod more;
mod prepare;
mod segments;
mod totals;

use std::time::Duration;

use async_trait::async_trait;
use manazir_ingest::backoff::Backoff;
use manazir_rollup::{Destination, Error, History, Key, Row, Shape, Total};

use crate::Truth;
use crate::failure::{failed_rollup, lost};
use crate::statement::Statement;
use layout::Layout;

/// Rows of one statement.
const ROWS_MAX: usize = 10_000;

/// How often a transaction that lost against others is begun.
const ATTEMPTS_MAX: u32 = 6;

/// The longest pause after the first attempt, and after the last: together less than two seconds.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Keeps the totals of one rollup in a database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct RollupTable {
    truth: Truth,
    shape: Shape,
    layout: Layout,
    dialect: &'static Dialect,
}

/// Where one text does not do for both databases.
#[derive(Debug)]
struct Dialect {
    /// Around a JSON list: a table of its elements, in the column `value`.
    elements: (&'static str, &'static str),
    /// Types of columns.
    integer_key: &'static str,
    text: &'static str,
    bytes: &'static str,
    /// Lets nobody else make tables until the transaction ends.
    lock_tables: Option<&'static str>,
    /// Behind a question: nobody else changes the rows until the transaction ends.
    lock_rows: &'static str,
}

/// A transaction that writes is alone from its beginning.
const SQLITE: Dialect = Dialect {
    elements: ("json_each(", ")"),
    integer_key: "INTEGER",
    text: "TEXT COLLATE BINARY",
    bytes: "BLOB",
    lock_tables: None,
    lock_rows: "",
};

/// Two that make the same table at once are refused by `CREATE TABLE IF NOT EXISTS`. The numbers of the lock are "mani"
/// and the second thing that is locked so.
const POSTGRES: Dialect = Dialect {
    elements: ("jsonb_array_elements(CAST(", " AS JSONB))"),
    integer_key: "BIGINT",
    text: "TEXT COLLATE \"C\"",
    bytes: "BYTEA",
    lock_tables: Some("SELECT pg_advisory_xact_lock(1835101801, 2)"),
    lock_rows: " FOR UPDATE",
};

impl RollupTable {
    /// Makes nothing yet; refuses names that are none, or twice the same.
    pub fn new(truth: &Truth, shape: &Shape) -> Result<Self, Error> {
        let layout = Layout::new(shape)
            .map_err(|why| Error::Refused(format!("the table of rollup {:?}", shape.name), why.into()))?;
        let dialect = match truth {
            Truth::Sqlite { .. } => &SQLITE,
            Truth::Postgres(_) => &POSTGRES,
        };
        Ok(Self { truth: truth.clone(), shape: shape.clone(), layout, dialect })
    }

    fn who(&self) -> String {
        format!("the table {}", self.layout.table)
    }

    fn failed(&self, error: sqlx::Error) -> Error {
        failed_rollup(&self.who(), error)
    }

    fn refused(&self, why: String) -> Error {
        Error::Refused(self.who(), why.into())
    }

    /// Begins a transaction anew if it lost against another one.
    async fn retried<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = sqlx::Result<T>>,
    {
        let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
        for _ in 1..ATTEMPTS_MAX {
            match attempt().await {
                Err(error) if lost(&error) => tokio::time::sleep(backoff.failed(rand::random())).await,
                done => return done.map_err(|error| self.failed(error)),
            }
        }
        attempt().await.map_err(|error| self.failed(error))
    }

    /// Goes on with ` FROM` the elements of `rows`, and with a condition that is true, which SQLite wants before
    /// `ON CONFLICT`.
    fn over(&self, statement: Statement, rows: &[serde_json::Value]) -> Statement {
        let (before, after) = self.dialect.elements;
        // A list of values can always be written.
        let rows = serde_json::to_string(rows).unwrap_or_default();
        statement.then(" FROM ").then(before).text(&rows).then(after).then(" WHERE TRUE")
    }

    /// Goes on with the key, which is the first element of each of those rows.
    fn key_of_row(&self, statement: Statement) -> Statement {
        statement.then(if self.layout.integer_keys { "CAST(value ->> 0 AS BIGINT)" } else { "value ->> 0" })
    }
}

#[async_trait]
impl Destination for RollupTable {
    async fn prepare(&self, keys: &[Key]) -> Result<(), Error> {
        let keys = finding::labels(&self.layout, keys).map_err(|why| self.refused(why))?;
        self.retried(|| prepare::make(self)).await?;
        for some in keys.chunks(ROWS_MAX) {
            self.retried(|| prepare::insert(self, some)).await?;
        }
        Ok(())
    }

    async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
        if rows.is_empty() {
            return Ok(0);
        }
        let findings = finding::findings(&self.layout, rows).map_err(|why| self.refused(why))?;
        self.retried(|| count::count(self, &findings)).await
    }

    async fn adopt(&self, staged: &Shape) -> Result<bool, Error> {
        let staged = Self::new(&self.truth, staged)?;
        self.retried(|| adopt::adopt(self, &staged)).await
    }

    async fn totals(&self) -> Result<Vec<Total>, Error> {
        totals::read(self).await.map_err(|error| self.failed(error))
    }

    fn history(&self) -> Option<&dyn History> {
        Some(self)
    }
}
