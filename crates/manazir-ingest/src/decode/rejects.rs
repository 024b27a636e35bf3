//! What could not be read, counted in full and listed in part.

use super::Error;

/// More than these are counted, not listed: a large body of broken lines must not become a larger list.
const LISTED_MAX: usize = 100;

/// Items that were rejected.
#[derive(Debug, Default)]
pub struct Rejects {
    listed: Vec<Error>,
    count: usize,
}

impl Rejects {
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
    }
}
