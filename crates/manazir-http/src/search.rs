//! What lists are asked for: words, times, how many. All that is wrong is told at once.

use std::str::FromStr;

use manazir_ingest::decode;
use manazir_model::Timestamp;

use crate::Problem;

/// How many things one answer holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Unless the request says otherwise.
    usual: usize,
    /// At most.
    most: usize,
}

impl Size {
    pub(crate) const fn new(usual: usize, most: usize) -> Self {
        Self { usual, most }
    }
}

/// Items of a page.
pub(crate) const ITEMS: Size = Size { usual: 50, most: 1_000 };

/// Series, or episodes in them.
pub(crate) const SERIES: Size = Size { usual: 100, most: 1_000 };

/// Event times of a series: a day of minutes.
pub(crate) const SAMPLES: Size = Size { usual: 1_440, most: 20_000 };

/// Keys of a rollup.
pub(crate) const TOTALS: Size = Size { usual: 100, most: 10_000 };

const NO_CURSOR: &str = "cursor is `next_cursor` of the page before";

/// Characters of a search for words.
const WORDS_CHARS_MAX: usize = 1_000;

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

    /// How many things the answer may hold.
    pub(crate) fn limit(&mut self, asked: Option<usize>, Size { usual, most }: Size) -> usize {
        let limit = asked.unwrap_or(usual);
        if !(1..=most).contains(&limit) {
            self.refuse(format!("limit lies between 1 and {most}"));
        }
        limit
    }

    /// Where a page begins, as the page before said it.
    pub(crate) fn cursor(&mut self, asked: Option<u64>) -> Option<u64> {
        if asked.is_some_and(|cursor| i64::try_from(cursor).is_err()) {
            self.refuse(NO_CURSOR.to_owned());
        }
        asked
    }

    /// The same where it is written in hexadecimal digits.
    pub(crate) fn written_cursor<T>(
        &mut self,
        asked: Option<&str>,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let cursor = read(asked?);
        if cursor.is_none() {
            self.refuse(NO_CURSOR.to_owned());
        }
        cursor
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
