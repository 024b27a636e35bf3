//! What could not be read, counted in full and listed in part; and as it came, to be repaired.

use super::Error;
use crate::Format;

/// More than these are counted, not listed: a large body of broken lines must not become a larger list.
const LISTED_MAX: usize = 100;

/// More than these of one body are not kept.
const KEPT_MAX: usize = 1_000;

/// An item as it came, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// How it is, or should be, written.
    pub format: Format,
    /// As it came.
    pub body: Vec<u8>,
    /// What is wrong.
    pub reason: String,
}

/// Items that were rejected.
#[derive(Debug, Default)]
pub struct Rejects {
    listed: Vec<Error>,
    count: usize,
    kept: Vec<Kept>,
}

impl Rejects {
    /// As [`Self::push`], and keeps the item while there is room.
    pub fn push_kept(&mut self, error: Error, format: Format, body: &[u8]) {
        if self.kept.len() < KEPT_MAX {
            self.kept.push(Kept { format, body: body.to_owned(), reason: error.to_string() });
        }
        self.push(error);
    }

    /// The first thousand items that could be told apart, as they came.
    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// Counts one, and lists it while there is room.
    pub fn push(&mut self, error: Error) {
        self.count += 1;
        if self.listed.len() < LISTED_MAX {
            self.listed.push(error);
        }
    }

    /// How many were rejected, listed or not.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True if nothing was.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many are counted and not listed.
    pub fn unlisted(&self) -> usize {
        self.count - self.listed.len()
    }

    /// The first one.
    pub fn first(&self) -> Option<&Error> {
        self.listed.first()
    }

    /// Those that are listed.
    pub fn iter(&self) -> std::slice::Iter<'_, Error> {
        self.listed.iter()
    }
}

impl<'a> IntoIterator for &'a Rejects {
    type Item = &'a Error;
    type IntoIter = std::slice::Iter<'a, Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_hundred_listed() {
        let mut rejects = Rejects::default();
        assert!(rejects.is_empty() && rejects.first().is_none());
        (1..=250).for_each(|item| rejects.push(Error::TooLong { item, bytes: 2, most: 1 }));
        assert_eq!((rejects.len(), rejects.iter().len()), (250, 100));
        assert_eq!(rejects.unlisted(), 150);
        assert!(matches!(rejects.first(), Some(Error::TooLong { item: 1, .. })));
        (1..=1_250).for_each(|item| {
            rejects.push_kept(Error::TooLong { item, bytes: 2, most: 1 }, Format::Plain, b"{");
        });
        assert_eq!((rejects.len(), rejects.kept().len()), (1_500, 1_000));
    }
}
