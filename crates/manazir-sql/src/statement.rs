//! Statements whose text is put together at run time, and the transactions they run in.
//!
//! One text for both databases: `$n` is a placeholder in either. What is not written in this crate goes into
//! a statement as a bound value and never as text; names of tables and columns, which cannot be bound, are checked.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use uuid::Uuid;

use crate::name::Name;
use crate::{Truth, on};

/// A value of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Kept as [`crate::text::kept`] writes it.
    Text(Option<String>),
    Number(Option<i64>),
    Real(f64),
    Bytes(Vec<u8>),
}

/// A statement and its values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Statement {
    text: String,
    values: Vec<Value>,
    is_planned_anew: bool,
}

/// Binds the values of a statement to a query of either database.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Number(number) => query.bind(number),
                Value::Real(number) => query.bind(number),
                Value::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }};
}

impl Statement {
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new(), is_planned_anew: false }
    }

    /// Goes on with text.
    pub(crate) fn then(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Goes on with a whole statement. There are no values before it, or its placeholders would be counted wrong.
    pub(crate) fn followed_by(mut self, other: Self) -> Self {
        debug_assert!(self.values.is_empty(), "placeholders are counted from the first");
        self.text.push_str(&other.text);
        Self { text: self.text, ..other }
    }

    /// Goes on with an identifier between quotes: its digits and dashes end none.
    pub(crate) fn uuid(mut self, id: &Uuid) -> Self {
        self.text.push_str(&format!("'{id}'"));
        self
    }

    /// Goes on with the name of a table or column.
    pub(crate) fn name(mut self, name: &Name) -> Self {
        self.text.push_str(&format!("\"{name}\""));
        self
    }

    /// Goes on with the digits of a place in a list.
    pub(crate) fn place(mut self, place: usize) -> Self {
        self.text.push_str(&place.to_string());
        self
    }

    /// Goes on with a placeholder and its value.
    pub(crate) fn value(mut self, value: Value) -> Self {
        self.values.push(value);
        self.text.push_str(&format!("${}", self.values.len()));
        self
    }

    /// A value whose placeholder is in the text already; they are counted from the first.
    pub(crate) fn bound(mut self, number: i64) -> Self {
        self.values.push(Value::Number(Some(number)));
        self
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.value(Value::Text(Some(crate::text::kept(text).into_owned())))
    }

    pub(crate) fn bytes(self, bytes: Vec<u8>) -> Self {
        self.value(Value::Bytes(bytes))
    }

    pub(crate) fn number(self, number: i64) -> Self {
        self.value(Value::Number(Some(number)))
    }

    /// Goes on with `(…), (…), …`, a list of values a row.
    pub(crate) fn rows(mut self, rows: impl IntoIterator<Item = Vec<Value>>) -> Self {
        for (index, row) in rows.into_iter().enumerate() {
            self = self.then(if index == 0 { "(" } else { ", (" });
            for (column, value) in row.into_iter().enumerate() {
                self = if column == 0 { self } else { self.then(", ") }.value(value);
            }
            self = self.then(")");
        }
        self
    }

    /// It is planned anew each time it runs. A plan that it keeps was right for the tables as they were, which may
    /// have been empty, and for no value more than for another.
    pub(crate) fn planned_anew(mut self) -> Self {
        self.is_planned_anew = true;
        self
    }

    /// As [`rows`](Self::rows), but with numbers as digits: SQLite looks for each of many placeholders among all of them.
    /// The text is like no other, and is not worth keeping.
    pub(crate) fn digit_rows(mut self, rows: impl IntoIterator<Item = Vec<Value>>) -> Self {
        self.is_planned_anew = true;
        for (index, row) in rows.into_iter().enumerate() {
            self = self.then(if index == 0 { "(" } else { ", (" });
            for (column, value) in row.into_iter().enumerate() {
                self = if column == 0 { self } else { self.then(", ") };
                self = match value {
                    Value::Number(Some(number)) => self.digits(number),
                    value => self.value(value),
                };
            }
            self = self.then(")");
        }
        self
    }

    /// Goes on with a table of rows, whose columns are `column1` and so on: a list of values a row, or on PostgreSQL,
    /// which reads and plans each of a thousand lists by itself, an array a column. Numbers are digits; the text is like
    /// no other.
    pub(crate) fn table(self, rows: &[Vec<Value>], on: &Connection<'_>) -> Self {
        let is_number = |value: &Value| matches!(value, Value::Number(Some(_)));
        match (on, rows.first()) {
            (Connection::Postgres(_), Some(first)) if rows.iter().flatten().all(is_number) => {
                self.arrays(rows, first.len())
            }
            _ => self.then("VALUES ").digit_rows(rows.iter().cloned()),
        }
    }

    fn arrays(mut self, rows: &[Vec<Value>], columns: usize) -> Self {
        self.is_planned_anew = true;
        self = self.then("SELECT * FROM unnest(");
        for column in 0..columns {
            self = self.then(if column == 0 { "'{" } else { ", '{" });
            for (index, row) in rows.iter().enumerate() {
                self = if index == 0 { self } else { self.then(",") };
                if let Value::Number(Some(number)) = row[column] {
                    self = self.digits(number);
                }
            }
            self = self.then("}'::bigint[]");
        }
        self = self.then(") AS listed (");
        for column in 1..=columns {
            self = self.then(if column == 1 { "column" } else { ", column" }).place(column);
        }
        self.then(")")
    }

    /// It fails where it is when a row cannot be written, for its transaction is given up then. SQLite else copies every
    /// page that it changes, to be able to take back this statement alone, as PostgreSQL can without.
    pub(crate) fn giving_up(mut self, on: &Connection<'_>) -> Self {
        let or_fail =
            |begin: &str| self.text.strip_prefix(begin).map(|rest| format!("{begin}OR FAIL {rest}"));
        if let (Connection::Sqlite(_), Some(text)) = (on, or_fail("INSERT ").or_else(|| or_fail("UPDATE "))) {
            self.text = text;
        }
        self
    }

    /// Goes on with the digits of a number.
    pub(crate) fn digits(mut self, number: i64) -> Self {
        self.text.push_str(&number.to_string());
        self
    }

    /// Runs it within a transaction; the number of rows that it touched.
    pub(crate) async fn execute(self, connection: &mut Connection<'_>) -> Result<u64, sqlx::Error> {
        let query = AssertSqlSafe(self.text);
        match connection {
            Connection::Sqlite(connection) => bound!(sqlx::query(query), self.values)
                .persistent(!self.is_planned_anew)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected()),
            Connection::Postgres(connection) => bound!(sqlx::query(query), self.values)
                .persistent(!self.is_planned_anew)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected()),
        }
    }

    /// Reads within a transaction.
    pub(crate) async fn fetch_in<R: AnyRow>(
        self,
        connection: &mut Connection<'_>,
    ) -> Result<Vec<R>, sqlx::Error> {
        let query = AssertSqlSafe(self.text);
        match connection {
            Connection::Sqlite(connection) => {
                let query = bound!(sqlx::query_as::<_, R>(query), self.values);
                query.persistent(!self.is_planned_anew).fetch_all(&mut **connection).await
            }
            Connection::Postgres(connection) => {
                let query = bound!(sqlx::query_as::<_, R>(query), self.values);
                query.persistent(!self.is_planned_anew).fetch_all(&mut **connection).await
            }
        }
    }

    /// The same, and the rows stay as they are until the transaction ends, whoever else wants to change them. On SQLite a
    /// transaction that writes keeps all others from writing anyway.
    pub(crate) async fn fetch_locked<R: AnyRow>(
        mut self,
        connection: &mut Connection<'_>,
    ) -> Result<Vec<R>, sqlx::Error> {
        if let Connection::Postgres(_) = connection {
            self.text.push_str(" FOR NO KEY UPDATE");
        }
        self.fetch_in(connection).await
    }

    /// Reads.
    pub(crate) async fn fetch<R: AnyRow>(self, truth: &Truth) -> Result<Vec<R>, sqlx::Error> {
        let query = AssertSqlSafe(self.text);
        let is_kept = !self.is_planned_anew;
        on!(truth, read, pool => bound!(sqlx::query_as::<_, R>(query), self.values)
            .persistent(is_kept)
            .fetch_all(pool)
            .await)
    }

    /// How SQLite would find the rows, a line a step.
    #[cfg(test)]
    pub(crate) async fn plan(mut self, truth: &Truth) -> Vec<String> {
        self.text.insert_str(0, "EXPLAIN QUERY PLAN ");
        let Truth::Sqlite { reader, .. } = truth else { panic!("PostgreSQL plans by what is in the tables") };
        let query = bound!(sqlx::query_as(AssertSqlSafe(self.text)), self.values);
        let steps: Vec<(i64, i64, i64, String)> = query.fetch_all(reader).await.unwrap();
        steps.into_iter().map(|step| step.3).collect()
    }

    /// Writes in a transaction of its own; the number of rows that it touched.
    pub(crate) async fn write(self, truth: &Truth) -> Result<u64, sqlx::Error> {
        let query = AssertSqlSafe(self.text);
        on!(truth, write, pool => bound!(sqlx::query(query), self.values)
            .execute(pool)
            .await
            .map(|done| done.rows_affected()))
    }
}

/// What rows of either database can be read as.
pub(crate) trait AnyRow:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<R> AnyRow for R where R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A connection within a transaction, whoever began it.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A transaction that writes. Dropped without [`Writing::commit`] it changes nothing.
pub(crate) enum Writing {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Writing {
    /// Begins one. On SQLite it takes the lock at once: a transaction that reads first and wants to write
    /// later is refused if somebody else wrote in between, and no time-out waits for that.
    pub(crate) async fn begin(truth: &Truth) -> Result<Self, sqlx::Error> {
        Ok(match truth {
            Truth::Sqlite { writer, .. } => Self::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Truth::Postgres(pool) => Self::Postgres(pool.begin().await?),
        })
    }

    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(transaction) => Connection::Sqlite(transaction),
            Self::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

/// A transaction that only reads, and sees the database as it was when it read first.
pub(crate) enum Reading {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Reading {
    pub(crate) async fn begin(truth: &Truth) -> Result<Self, sqlx::Error> {
        const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(match truth {
            Truth::Sqlite { reader, .. } => Self::Sqlite(reader.begin().await?),
            Truth::Postgres(pool) => Self::Postgres(pool.begin_with(SNAPSHOT).await?),
        })
    }

    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(transaction) => Connection::Sqlite(transaction),
            Self::Postgres(transaction) => Connection::Postgres(transaction),
        }
    }
}

/// Raises a counter by `by` and gives its new value. Its row stays locked until the transaction ends, so that
/// numbers are seen in the order in which they were given.
pub(crate) async fn raise(
    connection: &mut Connection<'_>,
    counter: &'static str,
    by: u64,
) -> Result<i64, sqlx::Error> {
    let raised = Statement::new("UPDATE counters SET value = value + ")
        .number(signed(by))
        .then(" WHERE name = ")
        .text(counter)
        .then(" RETURNING value")
        .fetch_in::<(i64,)>(connection)
        .await?;
    raised.first().map(|row| row.0).ok_or(sqlx::Error::RowNotFound)
}

/// Waits until nobody else writes what this counter numbers, and keeps others from it until the transaction ends.
pub(crate) async fn lock(connection: &mut Connection<'_>, counter: &'static str) -> Result<(), sqlx::Error> {
    raise(connection, counter, 0).await.map(drop)
}

/// The value of a counter.
pub(crate) async fn counter(truth: &Truth, counter: &'static str) -> Result<u64, sqlx::Error> {
    let found = Statement::new("SELECT value FROM counters WHERE name = ").text(counter);
    let rows = found.fetch::<(i64,)>(truth).await?;
    rows.first().map(|row| unsigned(row.0)).ok_or(sqlx::Error::RowNotFound)
}

/// Databases know no number beyond `i64`: what is larger is as large as can be.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// See [`signed`]; no number that is kept here is negative.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Something in a row that cannot be read.
pub(crate) fn damaged(what: &str, why: impl std::fmt::Display) -> manazir_ingest::Error {
    manazir_ingest::Error::Damaged { what: what.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn values_never_become_text() {
        let hostile = "'; DROP TABLE tokens; --";
        let statement = Statement::new("INSERT INTO t VALUES ")
            .rows([
                vec![Value::Real(0.5), Value::Number(None)],
                vec![Value::Real(1.0), Value::Number(Some(2))],
            ])
            .then(" WHERE a = ")
            .text(hostile);
        expect!["INSERT INTO t VALUES ($1, $2), ($3, $4) WHERE a = $5"].assert_eq(&statement.text);
        assert_eq!(statement.values[4], Value::Text(Some(hostile.to_owned())));
        assert_eq!((signed(u64::MAX), unsigned(-1)), (i64::MAX, 0));
    }
}
