//! What a seed chooses.

use manazir_model::Random;
use manazir_model::hash::{fnv1a, mixed};

/// Choices from a seed. Each has a name, from which it is derived together with the seed, and no other: whoever adds a
/// layer leaves the others as they were.
pub(crate) struct Dice {
    seed: u64,
    kind: &'static str,
}

impl Dice {
    pub(crate) fn new(seed: u64, kind: &'static str) -> Self {
        Self { seed, kind }
    }

    /// The numbers of one choice.
    pub(crate) fn of(&self, name: &str) -> Random {
        let name = fnv1a(self.kind.bytes().chain(*b"/").chain(name.bytes()));
        Random::new(mixed(self.seed ^ name))
    }

    /// One of a table, which is not empty.
    pub(crate) fn pick<'a, T>(&self, name: &str, table: &'a [T]) -> &'a T {
        &table[self.of(name).below(table.len())]
    }

    /// True `percent` times in a hundred.
    pub(crate) fn chance(&self, name: &str, percent: usize) -> bool {
        self.of(name).below(100) < percent
    }

    /// One of a table that is not `other`; the table has two at least.
    pub(crate) fn other<'a, T: PartialEq>(&self, name: &str, table: &'a [T], other: &T) -> &'a T {
        let at = self.of(name).below(table.len());
        if table[at] == *other { &table[(at + 1) % table.len()] } else { &table[at] }
    }
}
