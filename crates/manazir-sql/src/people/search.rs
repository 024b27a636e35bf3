//! People found by what is typed, as `manazir_people::search_rank` says, by indexes.
//!
//! Who begins with it stands together in two indexes. Who has it inside is found by an index of three characters
//! (FTS5 on SQLite, `pg_trgm` on PostgreSQL) if they are few, and by looking through people in the order of the answer
//! if they are many: then the first of them are not far. What is shorter than three characters is looked for among the
//! first people; if they are not enough, SQLite knows which entries of its index begin with it, and PostgreSQL looks
//! through an index of all.

use std::collections::BTreeSet;

use manazir_people::{Error, UserId, folded_query};

use super::{SqlPeople, code, failed, text};
use crate::Truth;
use crate::statement::{Statement, signed};
use crate::text::pattern;

/// What an index of three characters needs.
const INDEXED_CHARACTERS: usize = 3;

/// More than so many are not sorted; among a million they are met every five hundred people.
const SORTED_MAX: usize = 2_000;

/// So many people are looked through for what is shorter before an index is asked.
const FIRST: usize = 20_000;

/// Entries of an index of three characters that begin with one or two; if there are more, many people have these.
const TERMS_MAX: usize = 500;

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
        let part = |statement: Statement, column: &'static str| {
            range(statement, column, query).then(" ORDER BY sorted, id LIMIT ").number(signed(max as u64))
        };
        let select = "SELECT sorted, id FROM (SELECT sorted, id FROM people WHERE state = 0 AND ";
        let by_both = part(Statement::new(select), "sorted").then(") AS by_username UNION ").then(select);
        let places = part(by_both, "name_folded").then(") AS by_name ORDER BY sorted, id LIMIT ");
        places.number(signed(max as u64)).planned_anew().fetch(&self.truth).await
    }

    /// Those with it anywhere in a text, at most `max`.
    async fn containing(&self, query: &str, max: usize) -> Result<Vec<Place>, sqlx::Error> {
        let is_short = query.chars().count() < INDEXED_CHARACTERS;
        if is_short {
            let first = self.containing_among(query, FIRST, max).await?;
            if first.len() >= max {
                return Ok(first);
            }
        }
        match self.some_containing(query, is_short).await? {
            Some(mut few) if few.len() <= SORTED_MAX => {
                few.sort();
                few.truncate(max);
                Ok(few)
            }
            _ => self.containing_among(query, usize::MAX, max).await,
        }
    }

    /// Of so many people in the order of the answer those with it anywhere in a text, at most `max`.
    async fn containing_among(
        &self,
        query: &str,
        among: usize,
        max: usize,
    ) -> Result<Vec<Place>, sqlx::Error> {
        let places = Statement::new(
            "SELECT sorted, id FROM (SELECT sorted, id, username_folded, name_folded FROM people WHERE state = 0 \
             ORDER BY sorted, id LIMIT ",
        )
        .number(signed(among as u64))
        .then(") AS first WHERE TRUE");
        let places = contains(places, query).then(" ORDER BY sorted, id LIMIT ").number(signed(max as u64));
        places.planned_anew().fetch(&self.truth).await
    }

    /// Some with it anywhere in a text in no order: all, if they are not more than are sorted. `None` if no index knows.
    async fn some_containing(&self, query: &str, is_short: bool) -> Result<Option<Vec<Place>>, sqlx::Error> {
        let places = match &self.truth {
            Truth::Sqlite { .. } => {
                let phrases = if is_short { self.terms(query).await? } else { Some(vec![query.to_owned()]) };
                let Some(phrases) = phrases else {
                    return Ok(None);
                };
                if phrases.is_empty() {
                    return Ok(Some(Vec::new()));
                }
                let quoted = |phrase: &String| format!("\"{}\"", phrase.replace('"', "\"\""));
                let phrases: Vec<String> = phrases.iter().map(quoted).collect();
                Statement::new(
                    "SELECT people.sorted, people.id FROM people_search JOIN people \
                     ON people.id = people_search.rowid WHERE people.state = 0 AND people_search MATCH ",
                )
                .text(&phrases.join(" OR "))
            }
            Truth::Postgres(_) if is_short => return Ok(None),
            Truth::Postgres(_) => {
                contains(Statement::new("SELECT sorted, id FROM people WHERE state = 0"), query)
            }
        };
        let places = places.then(" LIMIT ").number(SORTED_MAX as i64 + 1);
        Ok(Some(places.planned_anew().fetch(&self.truth).await?))
    }

    /// What of three characters in the index begins with one or two, on SQLite; `None` if that is too much.
    async fn terms(&self, query: &str) -> Result<Option<Vec<String>>, sqlx::Error> {
        let terms = range(Statement::new("SELECT term FROM people_search_terms WHERE "), "term", query);
        let terms = terms.then(" LIMIT ").number(TERMS_MAX as i64 + 1);
        let terms: Vec<(String,)> = terms.fetch(&self.truth).await?;
        let terms: Vec<String> = terms.into_iter().map(|term| term.0).collect();
        Ok((terms.len() <= TERMS_MAX).then_some(terms))
    }
}

/// Goes on with a condition on a column: it begins with `start`.
fn range(statement: Statement, column: &'static str, start: &str) -> Statement {
    let from = statement.then(column).then(" >= ").text(start);
    match end_of(start) {
        Some(end) => from.then(" AND ").then(column).then(" < ").text(&end),
        None => from,
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
        let end = end.as_str();
        assert!("éz\u{10ffff}" < end, "{end}");
    }
}
