//! How far a file was read, in a form that can be stored.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use manazir_model::hash::fnv1a;

/// Bytes before a place by which its file is known again.
pub(super) const TAIL_BYTES: usize = 4 << 10;

/// The hash of the bytes before a place.
pub(super) fn tail_hash(tail: &[u8]) -> u64 {
    fnv1a(tail.iter().copied())
}

/// A place between two lines of a file, and what tells whether a file is still the same. Its text is the five numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Lines before it.
    pub position: u64,
    /// Bytes before it.
    pub offset: u64,
    /// Where the file lies.
    pub device: u64,
    /// The file's number there.
    pub inode: u64,
    /// A hash of the last 4 KiB before the place.
    pub tail: u64,
}

/// The text is no place.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It does not have five parts.
    #[error("a place has five numbers, not {0}")]
    Parts(usize),
    /// One of them is no number.
    #[error("`{0}` in a place is no number")]
    Number(String, #[source] ParseIntError),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, offset, device, inode, tail } = self;
        write!(f, "{position} {offset} {device} {inode} {tail}")
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let number = |part: &str| part.parse().map_err(|why| PlaceError::Number(part.to_owned(), why));
        let numbers: Vec<u64> = text.split_whitespace().map(number).collect::<Result<_, _>>()?;
        let [position, offset, device, inode, tail] = numbers[..] else {
            return Err(PlaceError::Parts(numbers.len()));
        };
        Ok(Self { position, offset, device, inode, tail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_after_it_was_text() {
        let place = Place { position: 7, offset: 1_234, device: 66_304, inode: 99, tail: u64::MAX };
        assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
        assert_eq!("1 2 3".parse::<Place>().unwrap_err().to_string(), "a place has five numbers, not 3");
        assert_eq!("1 2 -3 4 5".parse::<Place>().unwrap_err().to_string(), "`-3` in a place is no number");
    }
}
