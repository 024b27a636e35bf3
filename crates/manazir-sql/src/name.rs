//! Names of tables and columns that come from outside: no statement can bind them, so they are checked instead.

use std::fmt;

/// PostgreSQL cuts what is longer, and two names could become one.
const BYTES_MAX: usize = 63;

/// A name that can stand in quotation marks in any statement: letters without accents, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// `None` if it is no such name.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (plain && (1..=BYTES_MAX).contains(&name.len())).then(|| Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// True if a database may take the two for one: SQLite makes no difference between capitals and small letters.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        for good in ["a", "_", "crowdsourcer_karma_distribution", "Karma2", "1st", &"x".repeat(63)] {
            assert_eq!(Name::new(good).as_ref().map(Name::as_str), Some(good));
        }
        for bad in ["", "a b", "a\"", "a;--", "a.b", "é", "a\0", "a-b", &"x".repeat(64)] {
            assert_eq!(Name::new(bad), None, "{bad:?}");
        }
        assert!(Name::new("Sum").unwrap().is_same(&Name::new("sUM").unwrap()));
    }
}
