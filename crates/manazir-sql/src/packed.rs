//! Many rows of numbers, handed over as one text: a row of its own costs several times what is in it, on its way out of
//! SQLite's thread as well as out of a message of PostgreSQL.

use crate::Truth;
use crate::statement::{Connection, Statement};

impl Statement {
    /// Reads rows of `N` numbers, none of which may be NULL. They come in no order.
    pub(crate) async fn fetch_numbers<const N: usize>(
        self,
        truth: &Truth,
    ) -> Result<Vec<[i64; N]>, sqlx::Error> {
        let text: Vec<(Option<String>,)> = self.packed(N).fetch(truth).await?;
        unpacked(&text)
    }

    /// The same within a transaction.
    pub(crate) async fn fetch_numbers_in<const N: usize>(
        self,
        connection: &mut Connection<'_>,
    ) -> Result<Vec<[i64; N]>, sqlx::Error> {
        let text: Vec<(Option<String>,)> = self.packed(N).fetch_in(connection).await?;
        unpacked(&text)
    }

    /// All numbers of all rows with blanks between them.
    fn packed(self, columns: usize) -> Self {
        let names = |statement: Self, between: &'static str| {
            (1..=columns).fold(statement, |statement, column| {
                let statement = if column == 1 { statement } else { statement.then(between) };
                statement.then("c").place(column)
            })
        };
        let whole = names(Self::new("WITH packed ("), ", ").then(") AS (").followed_by(self);
        names(whole.then(") SELECT string_agg("), " || ' ' || ").then(" || '', ' ') FROM packed")
    }
}

fn unpacked<const N: usize>(text: &[(Option<String>,)]) -> Result<Vec<[i64; N]>, sqlx::Error> {
    let damaged = |why: String| sqlx::Error::Decode(why.into());
    let text = text.first().and_then(|row| row.0.as_deref()).unwrap_or_default();
    let mut numbers = text.split_ascii_whitespace();
    let mut rows = Vec::new();
    while let Some(first) = numbers.next() {
        let mut row = [0; N];
        for (column, number) in row.iter_mut().enumerate() {
            let digits = if column == 0 { Some(first) } else { numbers.next() };
            let digits = digits.ok_or_else(|| damaged(format!("a row ends after {column} numbers")))?;
            *number = digits.parse().map_err(|_| damaged(format!("`{digits}` is no number")))?;
        }
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rows_of_numbers_come_back_as_they_are() {
        let truth = Truth::open("sqlite::memory:").await.unwrap();
        let read = Statement::new("SELECT column1, column2 FROM (VALUES (1, ")
            .number(i64::MIN)
            .then("), (-2, ")
            .number(i64::MAX)
            .then(")) AS listed");
        let mut rows: Vec<[i64; 2]> = read.fetch_numbers(&truth).await.unwrap();
        rows.sort_unstable();
        assert_eq!(rows, [[-2, i64::MAX], [1, i64::MIN]]);
        let none = Statement::new("SELECT id FROM people WHERE id < 0");
        assert_eq!(none.fetch_numbers::<1>(&truth).await.unwrap(), [[0_i64; 1]; 0]);
    }

    #[test]
    fn what_is_no_row_is_refused() {
        for text in ["1 2 3", "1 x", "1.5 2", "99999999999999999999 1"] {
            assert!(unpacked::<2>(&[(Some(text.to_owned()),)]).is_err(), "{text}");
        }
    }
}
