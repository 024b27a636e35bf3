//! Who said something.

use std::fmt;
use std::str::FromStr;

/// Who said something. Of two that say something else the later in this order is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Labels of series, found by the service itself.
    #[default]
    Catalogue,
    /// Labels and annotations of Kubernetes objects.
    Kubernetes,
    /// Entities of a Backstage catalogue.
    Backstage,
    /// People. Nothing that is imported overwrites it.
    Hand,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Catalogue, Self::Kubernetes, Self::Backstage, Self::Hand];

    /// Its word on the wire and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Kubernetes => "kubernetes",
            Self::Backstage => "backstage",
            Self::Hand => "hand",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|source| source.word() == word);
        known.ok_or_else(|| format!("`{word}` is no source of teams and services"))
    }
}

/// A value, and who said it. The empty value is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sourced<T> {
    /// What was said.
    pub value: T,
    /// By whom.
    pub source: Source,
}

impl<T: Default + PartialEq> Sourced<T> {
    /// What people say.
    pub fn by_hand(value: T) -> Self {
        Self { value, source: Source::Hand }
    }

    /// What a source says.
    pub fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }

    /// True if there is no value.
    pub fn is_none(&self) -> bool {
        self.value == T::default()
    }

    /// A source says this; what is kept afterwards. What people said stays, even if it is nothing. Otherwise a value
    /// gives way to one of the same or a later source, and to nothing only if its own source says nothing any more.
    pub fn told(&self, value: T, source: Source) -> Becomes<T> {
        let is_nothing = value == T::default();
        let may = match self.source {
            Source::Hand => false,
            own if is_nothing => own == source,
            own => self.is_none() || source >= own,
        };
        if self.value == value && (is_nothing || !may || self.source == source) {
            Becomes::Same
        } else if may {
            Becomes::Changed(Self { value, source })
        } else if is_nothing {
            Becomes::Same
        } else {
            Becomes::Kept(self.source)
        }
    }
}

/// What becomes of a value that a source speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Becomes<T> {
    /// Nothing changes.
    Same,
    /// It becomes this.
    Changed(Sourced<T>),
    /// It is something else and stays, because of who said it.
    Kept(Source),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_again() {
        for source in Source::ALL {
            assert_eq!(source.word().parse(), Ok(source));
        }
        assert!("".parse::<Source>().is_err());
    }

    #[test]
    fn who_is_believed() {
        use Source::{Backstage, Catalogue, Hand, Kubernetes};
        let changed = |value: &'static str, source| Becomes::Changed(Sourced { value, source });
        let cases = [
            (("", Catalogue), ("a", Catalogue), changed("a", Catalogue)),
            (("", Backstage), ("a", Catalogue), changed("a", Catalogue)),
            (("", Hand), ("a", Backstage), Becomes::Kept(Hand)),
            (("a", Hand), ("b", Backstage), Becomes::Kept(Hand)),
            (("a", Hand), ("a", Backstage), Becomes::Same),
            (("a", Hand), ("", Backstage), Becomes::Same),
            (("a", Backstage), ("b", Kubernetes), Becomes::Kept(Backstage)),
            (("a", Backstage), ("a", Kubernetes), Becomes::Same),
            (("a", Kubernetes), ("b", Backstage), changed("b", Backstage)),
            (("a", Kubernetes), ("a", Backstage), changed("a", Backstage)),
            (("a", Kubernetes), ("b", Kubernetes), changed("b", Kubernetes)),
            (("a", Kubernetes), ("", Kubernetes), changed("", Kubernetes)),
            (("a", Kubernetes), ("", Backstage), Becomes::Same),
            (("", Kubernetes), ("", Backstage), Becomes::Same),
        ];
        for ((value, source), (said, by), expected) in cases {
            assert_eq!(Sourced { value, source }.told(said, by), expected, "{value} {source}, {said} {by}");
        }
    }
}
