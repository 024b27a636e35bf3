//! Names as small numbers: types of events, their dimensions, their sources.

use std::collections::HashMap;
use std::sync::Arc;

use super::Error;

/// A type of event, as `latency_spike`, by its place in a [`Vocabulary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u16);

impl TypeId {
    /// As an index into what is kept for each type.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The name of a dimension, as `dc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u16);

/// A set of dimensions with their values; equal sets have equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DimsId(pub u32);

/// Who reported an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u16);

/// Types, names of dimensions and sources, of each so many.
pub(super) const NAMES_MAX: usize = u16::MAX as usize;
/// Values of dimensions, and sets of them, of each so many: what is told apart is never forgotten, and a dimension
/// that is new with each event (a request, a user) would otherwise fill the memory.
pub(super) const VALUES_MAX: usize = 1 << 20;

/// All names that events use.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    types: Names,
    keys: Names,
    values: Names,
    sources: Names,
    dims: Vec<Arc<[(KeyId, u32)]>>,
    by_dims: HashMap<Arc<[(KeyId, u32)]>, DimsId>,
}

impl Default for Vocabulary {
    fn default() -> Self {
        let nothing: Arc<[(KeyId, u32)]> = Arc::from([]);
        let mut sources = Names::default();
        sources.names.push("".into());
        sources.by_name.insert("".into(), 0);
        Self {
            types: Names::default(),
            keys: Names::default(),
            values: Names::default(),
            sources,
            dims: vec![Arc::clone(&nothing)],
            by_dims: HashMap::from([(nothing, DimsId(0))]),
        }
    }
}

impl Vocabulary {
    /// The type of a name; makes it if it is not there.
    pub fn event_type(&mut self, name: &str) -> Result<TypeId, Error> {
        self.types.intern(name, "types of events", NAMES_MAX).map(|id| TypeId(id as u16))
    }

    /// The type of a name, if there is one.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        self.types.by_name.get(name).map(|id| TypeId(*id as u16))
    }

    /// What a type is called.
    pub fn type_name(&self, id: TypeId) -> &str {
        &self.types.names[id.index()]
    }

    /// The dimension of a name; makes it if it is not there.
    pub fn key(&mut self, name: &str) -> Result<KeyId, Error> {
        self.keys.intern(name, "dimensions", NAMES_MAX).map(|id| KeyId(id as u16))
    }

    /// The source of a name; makes it if it is not there. The empty name is [`SourceId::default`].
    pub fn source(&mut self, name: &str) -> Result<SourceId, Error> {
        self.sources.intern(name, "sources", NAMES_MAX).map(|id| SourceId(id as u16))
    }

    /// What a source is called.
    pub fn source_name(&self, id: SourceId) -> &str {
        &self.sources.names[usize::from(id.0)]
    }

    /// A set of dimensions, in any order. A dimension may have several values: an event of two data centres.
    pub fn dims<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<DimsId, Error> {
        let mut set = Vec::new();
        for (key, value) in pairs {
            set.push((self.key(key)?, self.values.intern(value, "values of dimensions", VALUES_MAX)?));
        }
        set.sort_unstable();
        set.dedup();
        if let Some(known) = self.by_dims.get(set.as_slice()) {
            return Ok(*known);
        }
        if self.dims.len() >= VALUES_MAX {
            return Err(Error::Full { what: "sets of dimensions", max: VALUES_MAX });
        }
        let id = DimsId(self.dims.len() as u32);
        let set: Arc<[(KeyId, u32)]> = set.into();
        self.dims.push(Arc::clone(&set));
        self.by_dims.insert(set, id);
        Ok(id)
    }

    /// Names and values of a set, in order of when their names were first seen.
    pub fn dimensions(&self, id: DimsId) -> impl Iterator<Item = (&str, &str)> {
        let name = |key: KeyId| &*self.keys.names[usize::from(key.0)];
        self.dims[id.0 as usize]
            .iter()
            .map(move |(key, value)| (name(*key), &*self.values.names[*value as usize]))
    }

    /// True if two sets do not contradict one another in a dimension: one of them does not name it, or both name a
    /// common value.
    pub fn agree(&self, one: DimsId, other: DimsId, key: KeyId) -> bool {
        if one == other {
            return true;
        }
        let values = |id: DimsId| {
            let set = &self.dims[id.0 as usize];
            let first = set.partition_point(|(known, _)| *known < key);
            let after = set.partition_point(|(known, _)| *known <= key);
            &set[first..after]
        };
        let (one, other) = (values(one), values(other));
        one.is_empty() || other.is_empty() || one.iter().any(|value| other.contains(value))
    }
}

/// Names by number and numbers by name.
#[derive(Clone, Debug, Default)]
struct Names {
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, u32>,
}

impl Names {
    fn intern(&mut self, name: &str, what: &'static str, max: usize) -> Result<u32, Error> {
        if let Some(known) = self.by_name.get(name) {
            return Ok(*known);
        }
        if self.names.len() >= max {
            return Err(Error::Full { what, max });
        }
        let id = self.names.len() as u32;
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.by_name.insert(name, id);
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_equal_in_any_order() {
        let mut vocabulary = Vocabulary::default();
        let one = vocabulary.dims([("dc", "a"), ("app", "5.2")]).unwrap();
        assert_eq!(vocabulary.dims([("app", "5.2"), ("dc", "a"), ("dc", "a")]).unwrap(), one);
        assert_eq!(vocabulary.dims([]).unwrap(), DimsId::default());
        assert_eq!(vocabulary.dimensions(one).collect::<Vec<_>>(), [("dc", "a"), ("app", "5.2")]);
    }

    #[test]
    fn sets_contradict_one_another_only_where_both_name_values() {
        let mut vocabulary = Vocabulary::default();
        let key = vocabulary.key("dc").unwrap();
        let mut set =
            |pairs: &[(&'static str, &'static str)]| vocabulary.dims(pairs.iter().copied()).unwrap();
        let (a, b) = (set(&[("dc", "a")]), set(&[("dc", "b"), ("app", "1")]));
        let (both, none) = (set(&[("dc", "a"), ("dc", "b")]), set(&[("app", "2")]));
        assert!(!vocabulary.agree(a, b, key));
        assert!(vocabulary.agree(a, both, key) && vocabulary.agree(both, b, key));
        assert!(vocabulary.agree(a, none, key) && vocabulary.agree(DimsId(0), b, key));
    }
}
