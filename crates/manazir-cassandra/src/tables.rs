//! The tables of a rollup: their names, which are checked here once and for all, and the keys of their rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use manazir_rollup::{Key, KeyType, Row, Shape, Total, TotalsShape};

use crate::failure::Refusal;

/// The longest name of a keyspace or a table.
const NAME_MAX: usize = 48;

/// The longest key, in bytes; Cassandra would take more.
const TEXT_MAX: usize = 255;

/// Stands before an empty key, which Cassandra does not have, and before keys that begin with it.
const MARK: char = '\0';

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Id {
    Integer(i64),
    /// As the tables hold it.
    Text(Arc<str>),
}

impl fmt::Display for Id {
    /// As all others know it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text.strip_prefix(MARK).unwrap_or(text)),
        }
    }
}

/// A table of counters.
#[derive(Clone, Debug)]
pub(crate) struct CounterTable {
    pub(crate) name: String,
    /// Of its counters.
    pub(crate) columns: Vec<String>,
}

/// A shape whose names may stand in a statement.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) shape: Shape,
    pub(crate) keyspace: String,
    /// The table of the sums of categories; behind it that of count and sum, if it is kept.
    pub(crate) counters: Vec<CounterTable>,
    /// The table of what people call the keys and its column, if that is kept.
    pub(crate) names: Option<(String, String)>,
}

impl Tables {
    /// Refuses what would be no table.
    pub(crate) fn new(keyspace: &str, shape: Shape) -> Result<Self, Refusal> {
        if let Some((column, _)) = shape.more().first() {
            return Err(Refusal::More(column.clone()));
        }
        if shape.categories.len() != shape.sums.len() {
            return Err(Refusal::Columns { categories: shape.categories.len(), sums: shape.sums.len() });
        }
        let mut counters = vec![CounterTable { name: shape.table.clone(), columns: shape.sums.clone() }];
        if let Some(TotalsShape { table, count, sum, .. }) = &shape.totals {
            counters.push(CounterTable { name: table.clone(), columns: vec![count.clone(), sum.clone()] });
        }
        let names = shape.label.clone().map(|label| (format!("{}_names", shape.table), label));
        let mut tables: Vec<&str> = counters.iter().map(|table| &*table.name).collect();
        tables.extend(names.as_ref().map(|(table, _)| &**table));
        distinct(&tables, Refusal::SameTable)?;
        for table in &counters {
            let mut columns: Vec<&str> = vec![&shape.key];
            columns.extend(table.columns.iter().map(String::as_str));
            distinct(&columns, Refusal::SameColumn)?;
        }
        if let Some((_, label)) = &names {
            distinct(&[&shape.key, label], Refusal::SameColumn)?;
        }
        Ok(Self { keyspace: keyspace.to_owned(), counters, names, shape })
    }

    /// A key as the tables hold it.
    pub(crate) fn id(&self, key: &str) -> Result<Id, Refusal> {
        if self.shape.key_type == KeyType::Integer {
            let number = key.parse().map_err(|_| Refusal::NoInteger(key.chars().take(TEXT_MAX).collect()));
            return number.map(Id::Integer);
        }
        if key.len() > TEXT_MAX {
            return Err(Refusal::Long { what: "a key", bytes: key.len() });
        }
        let marked = key.is_empty() || key.starts_with(MARK);
        Ok(Id::Text(if marked { format!("{MARK}{key}").into() } else { key.into() }))
    }

    /// The keys of rows; refuses rows that can be counted nowhere.
    pub(crate) fn ids(&self, rows: &[Row]) -> Result<BTreeSet<Id>, Refusal> {
        let id = |row: &Row| match usize::from(row.category) < self.shape.categories.len() {
            true => self.id(&row.key),
            false => Err(Refusal::Category(row.category)),
        };
        rows.iter().map(id).collect()
    }

    /// Keys with what people call them, each once.
    pub(crate) fn labels<'k>(&self, keys: &'k [Key]) -> Result<Vec<(Id, &'k str)>, Refusal> {
        let labels: Result<BTreeMap<_, _>, _> =
            keys.iter().map(|key| Ok((self.id(&key.id)?, key.label.as_str()))).collect();
        Ok(labels?.into_iter().collect())
    }

    /// What the counters of a key should be, by table.
    pub(crate) fn counters_of(&self, total: &Total) -> Vec<Vec<i64>> {
        let mut counters = vec![total.by_category.clone()];
        if self.shape.totals.is_some() {
            // Nobody counts beyond the half of it.
            counters.push(vec![total.count.cast_signed(), total.sum]);
        }
        counters
    }
}

/// Refuses names that are none, or twice the same.
fn distinct(names: &[&str], same: fn(String) -> Refusal) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !is_name(name) {
            return Err(Refusal::Name((*name).to_owned()));
        }
        if !seen.insert(name) {
            return Err(same((*name).to_owned()));
        }
    }
    Ok(())
}

/// True of what may stand in a statement within quotes.
pub(crate) fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    letters && (1..=NAME_MAX).contains(&name.len())
}

#[cfg(test)]
mod tests {
    use manazir_rollup::contract::{row, shape, with_extremes};

    use super::*;

    #[test]
    fn bad_names_are_refused_before_they_stand_in_a_statement() {
        let refused = |change: fn(&mut Shape)| {
            let mut shape = shape("names", KeyType::Integer);
            change(&mut shape);
            Tables::new("karma", shape).unwrap_err().to_string()
        };
        assert!(refused(|shape| shape.table = "x\"; DROP TABLE y; --".to_owned()).contains("is no name"));
        assert!(refused(|shape| shape.key = String::new()).contains("is no name"));
        assert!(refused(|shape| shape.label = Some("größe".to_owned())).contains("is no name"));
        assert!(refused(|shape| shape.sums[3] = "a b".to_owned()).contains("is no name"));
        assert!(refused(|shape| shape.sums[0] = "x".repeat(49)).contains("is no name"));
        // That of the names would be too long.
        assert!(refused(|shape| shape.table = "x".repeat(43)).contains("_names` is no name"));
        assert!(
            refused(|shape| shape.totals.as_mut().unwrap().sum = "a.b".to_owned()).contains("is no name")
        );
        let same_table =
            |shape: &mut Shape| shape.totals.as_mut().unwrap().table = format!("{}_names", shape.table);
        assert!(refused(same_table).contains("two tables"));
        assert!(refused(|shape| shape.sums[1] = shape.sums[0].clone()).contains("two columns"));
        assert!(refused(|shape| shape.label = Some(shape.key.clone())).contains("two columns"));
        assert!(refused(|shape| drop(shape.sums.pop())).contains("4 categories have 3 columns"));
        assert!(
            refused(|shape| *shape = with_extremes("karma"))
                .contains("\"karma_min\" is no column of counters")
        );
    }

    #[test]
    fn a_key_is_one_key_however_it_is_written_and_no_text_is_another() {
        let numbers = Tables::new("karma", shape("a", KeyType::Integer)).unwrap();
        assert_eq!(numbers.id("+007").unwrap(), Id::Integer(7));
        for none in ["29abc", "", "9223372036854775808", "7.0"] {
            assert!(matches!(numbers.id(none), Err(Refusal::NoInteger(_))), "{none}");
        }
        let texts = Tables::new("karma", shape("a", KeyType::Text)).unwrap();
        let keys = ["", "\0", "\0\0", "\0a", "a", "A", "a ", "+007", "7"];
        let ids: BTreeSet<Id> = keys.iter().map(|key| texts.id(key).unwrap()).collect();
        assert_eq!(ids.len(), keys.len());
        for key in keys {
            let id = texts.id(key).unwrap();
            assert_eq!(id.to_string(), key);
            assert!(!matches!(id, Id::Text(text) if text.is_empty()));
        }
        assert!(matches!(texts.id(&"k".repeat(256)), Err(Refusal::Long { bytes: 256, .. })));
        assert!(matches!(texts.ids(&[row(0, "a", 4, 1)]), Err(Refusal::Category(4))));
    }
}
