//! How the totals are laid out in a destination, so that readers who were there before find them.

use crate::aggregate::Aggregate;

/// What the keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// Whole numbers, of 64 bits.
    Integer,
    /// Texts.
    Text,
}

/// A table with a row for each key. Names are those of columns where there are some, and of letters, digits and `_`.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The rollup's name: what it remembers of its own is kept under it.
    pub name: String,
    /// The table's name.
    pub table: String,
    /// The column of the keys.
    pub key: String,
    /// What they are.
    pub key_type: KeyType,
    /// The column of what people call them, if it is kept.
    pub label: Option<String>,
    /// The categories, as data call them.
    pub categories: Vec<String>,
    /// Of each category the column of the sum of its amounts.
    pub sums: Vec<String>,
    /// A second table, which older readers do not know of.
    pub totals: Option<TotalsShape>,
}

/// A table with a row for each key: how many findings it has, and the sum of all their amounts. Its mean is the sum by
/// the count, never an average that is carried on.
#[derive(Clone, Debug, PartialEq)]
pub struct TotalsShape {
    /// The table's name.
    pub table: String,
    /// The column of the count.
    pub count: String,
    /// The column of the sum.
    pub sum: String,
    /// The column of the mean, empty where the count is 0.
    pub mean: String,
    /// More columns, and what stands in them, in the unit of the amounts; empty where the count is 0.
    pub more: Vec<(String, Aggregate)>,
}

impl KeyType {
    /// The number that an integer key is. `None` also where a number is written in another way than numbers are, as
    /// `007`, `+7` and `-0`: such a key is another than `7`, and would be the same number.
    pub fn number(key: &str) -> Option<i64> {
        let digits = key.strip_prefix('-').unwrap_or(key);
        let is_plain = key == "0" || !digits.starts_with(['0', '+']);
        key.parse().ok().filter(|_| is_plain)
    }
}

impl Shape {
    /// The same under names of its own, for totals that are to [take the place](crate::Destination::adopt) of these.
    #[must_use]
    pub fn staged(&self) -> Self {
        let staged = |name: &str| format!("{name}_next");
        let totals = self.totals.clone();
        Self {
            name: staged(&self.name),
            table: staged(&self.table),
            totals: totals.map(|totals| TotalsShape { table: staged(&totals.table), ..totals }),
            ..self.clone()
        }
    }

    /// What stands in further columns of the totals.
    pub fn more(&self) -> &[(String, Aggregate)] {
        self.totals.as_ref().map_or(&[], |totals| &totals.more)
    }
}
