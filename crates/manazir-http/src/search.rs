//! What lists are asked for: words, times, how many. All that is wrong is told at once.

use std::str::FromStr;

use manazir_ingest::decode;
use manazir_model::Timestamp;

use crate::Problem;

/// Items of a page unless it says otherwise, and at most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 1_000;

/// Characters of a search for words.
const WORDS_CHARS_MAX: usize = 1_000;

/// How many items a page may hold.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    limit_of(asked, LIMIT, LIMIT_MAX)
}

/// The same for lists with bounds of their own.
pub(crate) fn limit_of(asked: Option<usize>, usual: usize, most: usize) -> Result<usize, Problem> {
    match asked.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(Problem::invalid(format!("limit lies between 1 and {most}"), Vec::new())),
    }
}

/// Where a page begins, as the page before said it.
pub(crate) fn cursor(asked: Option<u64>) -> Result<Option<u64>, Problem> {
    match asked {
        Some(cursor) if i64::try_from(cursor).is_err() => {
            Err(Problem::invalid("cursor is `next_cursor` of the page before", Vec::new()))
        }
        other => Ok(other),
    }
}

/// Reads what is wanted and gathers what cannot be.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    wrong: Vec<String>,
}

impl Wanted {
    /// Something else is wrong.
    pub(crate) fn refuse(&mut self, why: String) {
        self.wrong.push(why);
    }

    /// A word that names one of a few things.
    pub(crate) fn parsed<T: FromStr<Err = String>>(&mut self, key: &str, word: Option<&str>) -> Option<T> {
        let read = word?.parse::<T>().map_err(|why| self.refuse(format!("{key}: {why}")));
        read.ok()
    }

    /// An instant.
    pub(crate) fn time(&mut self, key: &str, text: Option<&str>) -> Option<Timestamp> {
        let at = decode::time(text?);
        if at.is_none() {
            self.refuse(format!("{key} is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z"));
        }
        at
    }

    /// Words to look for.
    pub(crate) fn words(&mut self, key: &str, words: Option<String>) -> Option<String> {
        if words.as_ref().is_some_and(|words| words.chars().count() > WORDS_CHARS_MAX) {
            self.refuse(format!("{key} has more than {WORDS_CHARS_MAX} characters"));
        }
        words
    }

    /// The value, unless something was wrong.
    pub(crate) fn or_refuse<T>(self, value: T) -> Result<T, Problem> {
        if self.wrong.is_empty() {
            return Ok(value);
        }
        Err(Problem::invalid("what is asked for cannot be read", self.wrong))
    }
}
