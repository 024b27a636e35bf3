//! What cannot be added up from totals: extremes, quantiles, how many different things.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::AsOf;
use super::segment::Counted;
use crate::Row;
use crate::aggregate::{Aggregate, Cell, Wanted};

/// Cells by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    wanted: Wanted,
    by_key: HashMap<Arc<str>, Cell>,
}

impl Cells {
    /// None yet, for what stands in further columns of totals.
    pub fn new(more: &[(String, Aggregate)]) -> Self {
        let wanted = more.iter().map(|(_, aggregate)| *aggregate).collect();
        Self { wanted, by_key: HashMap::new() }
    }

    /// Adds a row.
    pub fn add_row(&mut self, row: &Row) {
        self.cell(&row.key).add(row.amount, row.distinct);
    }

    /// Adds those findings that are looked at.
    pub fn add(&mut self, counted: &Counted, as_of: AsOf) {
        let (at_max, known_max) = as_of.limits();
        for (index, (at, known_at)) in counted.at().zip(counted.known_at()).enumerate() {
            if at <= at_max && known_at <= known_max {
                let key = &counted.keys[counted.key[index] as usize];
                self.cell(key).add(counted.amount[index], counted.distinct(index));
            }
        }
    }

    fn cell(&mut self, key: &Arc<str>) -> &mut Cell {
        if !self.by_key.contains_key(key) {
            self.by_key.insert(Arc::clone(key), Cell::new(&self.wanted));
        }
        // It is there by now.
        self.by_key.entry(Arc::clone(key)).or_default()
    }

    /// What stands in the further columns of a key.
    pub fn of(&self, key: &str, more: &[(String, Aggregate)]) -> Vec<Option<f64>> {
        let cell = self.by_key.get(key);
        more.iter().map(|(_, aggregate)| cell.and_then(|cell| value(cell, *aggregate))).collect()
    }

    /// Each key and its cell, by key.
    pub fn by_key(&self) -> BTreeMap<&Arc<str>, &Cell> {
        self.by_key.iter().collect()
    }
}

/// In the unit of the amounts; nothing where nothing was counted.
pub fn value(cell: &Cell, aggregate: Aggregate) -> Option<f64> {
    if cell.is_empty() { None } else { cell.value(aggregate, 0) }
}
