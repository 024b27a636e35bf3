//! People found by what is typed, as `manazir_people::search_rank` says, by indexes.
//!
//! Who begins with it stands together in two indexes. Who has it inside is found by an index of three characters
//! (FTS5 on SQLite, `pg_trgm` on PostgreSQL) if they are few, and by looking through people in the order of the answer
//! if they are many: then the first of them are not far. What is shorter than three characters most people have.

use std::collections::BTreeSet;

use manazir_people::{Error, UserId, folded_query};

use super::{SqlPeople, code, failed, text};
use crate::Truth;
use crate::statement::Statement;
use crate::text::pattern;

/// What an index of three characters needs.
const INDEXED_CHARACTERS: usize = 3;

/// More than so many are not sorted; among a million they are met every five hundred people.
const SORTED_MAX: usize = 2_000;

/// What is sorted by, and whom.
type Place = (String, i64);

impl SqlPeople {
    /// Whom a query finds, in their order.
    pub(super) async fn found(&self, query: &str, max: usize) -> Result<Vec<UserId>, Error> {
        let Some(query) = folded_query(query).filter(|_| max > 0) else {
            return Ok(Vec::new());
        };
        let mut found = self.beginning(&query, max).await.map_err(failed)?;
        if found.len() < max {
            let begin: BTreeSet<i64> = found.iter().map(|place| place.1).collect();
            let inside = self.containing(&query, max).await.map_err(failed)?;
            found.extend(inside.into_iter().filter(|place| !begin.contains(&place.1)));
            found.truncate(max);
        }
        found.into_iter().map(|(_, user)| code::user(user)).collect()
    }

    /// Those of whom a text begins with it, at most `max`.
    async fn beginning(&self, query: &str, max: usize) -> Result<Vec<Place>, sqlx::Error> {
        let range = |mut statement: Statement, column: &'static str| {
            statement = statement.then(column).then(" >= ").text(query);
            if let Some(end) = end_of(query) {
                statement = statement.then(" AND ").then(column).then(" < ").text(&end);
            }
            statement.then(" ORDER BY sorted, id LIMIT ").number(max as i64)
        };
        let select = "SELECT sorted, id FROM (SELECT sorted, id FROM people WHERE state = 0 AND ";
        let by_both = range(Statement::new(select), "sorted")
            .then(") AS by_username UNION SELECT sorted, id FROM (SELECT sorted, id FROM people WHERE state = 0 AND ");
        let places = range(by_both, "name_folded").then(") AS by_name ORDER BY sorted, id LIMIT ");
        places.number(max as i64).fetch(&self.truth).await
    }

    /// Those with it anywhere in a text, at most `max`.
    async fn containing(&self, query: &str, max: usize) -> Result<Vec<Place>, sqlx::Error> {
        if query.chars().count() >= INDEXED_CHARACTERS {
            let mut few = self.some_containing(query).await?;
            if few.len() <= SORTED_MAX {
                few.sort();
                few.truncate(max);
                return Ok(few);
            }
        }
        let places = contains(Statement::new("SELECT sorted, id FROM people WHERE state = 0"), query);
        places.then(" ORDER BY sorted, id LIMIT ").number(max as i64).fetch(&self.truth).await
    }

    /// Some with it anywhere in a text in no order: all, if they are not more than are sorted.
    async fn some_containing(&self, query: &str) -> Result<Vec<Place>, sqlx::Error> {
        let places = match &self.truth {
            Truth::Sqlite { .. } => Statement::new(
                "SELECT people.sorted, people.id FROM people_search JOIN people ON people.id = people_search.rowid \
                 WHERE people.state = 0 AND people_search MATCH ",
            )
            .text(&format!("\"{}\"", query.replace('"', "\"\""))),
            Truth::Postgres(_) => {
                contains(Statement::new("SELECT sorted, id FROM people WHERE state = 0"), query)
            }
        };
        places.then(" LIMIT ").number(SORTED_MAX as i64 + 1).fetch(&self.truth).await
    }
}

fn contains(statement: Statement, query: &str) -> Statement {
    let pattern = pattern(query);
    statement
        .then(" AND (username_folded LIKE ")
        .value(text(Some(&pattern)))
        .then(" ESCAPE '\\' OR name_folded LIKE ")
        .value(text(Some(&pattern)))
        .then(" ESCAPE '\\')")
}

/// The first text after all that begin with `start`, in the order of bytes; `None` if there is none.
fn end_of(start: &str) -> Option<String> {
    let mut characters: Vec<char> = start.chars().collect();
    while let Some(last) = characters.pop() {
        // Numbers of characters have a gap, which a range of them knows.
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_it_ends_before_the_next() {
        for (start, end) in [
            ("al", Some("am")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ] {
            assert_eq!(end_of(start).as_deref(), end, "{start:?}");
        }
        let end = end_of("é").unwrap();
        assert!("é".to_owned() < end && "éz\u{10ffff}".to_owned() < end && "ê".to_owned() >= end);
    }
}
