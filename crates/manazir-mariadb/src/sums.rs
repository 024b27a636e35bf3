//! What the new rows of a batch come to, by key.

use std::collections::{BTreeMap, HashMap};

use manazir_rollup::aggregate::{Cell, Wanted};
use manazir_rollup::seen::Block;

use crate::batch::{Counted, Part};
use crate::failure::Refusal;
use crate::tables::Id;

/// What is added to the row of one key.
pub(crate) struct Sum {
    pub(crate) count: i64,
    pub(crate) amount: i64,
    pub(crate) by_category: Vec<i64>,
    /// For further columns, if there are some.
    pub(crate) cell: Option<Cell>,
}

/// What is added to the tables, in their order.
pub(crate) struct Sums<'b> {
    categories: usize,
    wanted: Option<Wanted>,
    by_key: BTreeMap<&'b Id, Sum>,
    new: u64,
}

impl<'b> Sums<'b> {
    /// Nothing, for so many categories, and with cells that keep what is wanted.
    pub(crate) fn new(categories: usize, wanted: Option<Wanted>) -> Self {
        Self { categories, wanted, by_key: BTreeMap::new(), new: 0 }
    }

    /// Adds what is new of `part`; `known` is what was counted of its blocks. The blocks that have changed.
    pub(crate) fn add_new(
        &mut self,
        part: &'b Part<'_>,
        mut known: HashMap<i64, Block>,
    ) -> Result<Vec<(i64, Block)>, Refusal> {
        let mut changed = Vec::new();
        for (number, rows) in &part.blocks {
            let mut block = known.remove(number).unwrap_or_default();
            let before = self.new;
            for counted in rows {
                if block.insert(counted.row.position, counted.row.content) {
                    self.add(counted)?;
                }
            }
            if self.new > before {
                changed.push((*number, block));
            }
        }
        Ok(changed)
    }

    fn add(&mut self, Counted { row, id }: &'b Counted<'_>) -> Result<(), Refusal> {
        let nothing = || Sum {
            count: 0,
            amount: 0,
            by_category: vec![0; self.categories],
            cell: self.wanted.as_ref().map(Cell::new),
        };
        let sum = self.by_key.entry(id).or_insert_with(nothing);
        for total in [&mut sum.amount, &mut sum.by_category[usize::from(row.category)]] {
            *total = total.checked_add(row.amount).ok_or_else(|| Refusal::Overflow(row.key.to_string()))?;
        }
        if let Some(cell) = &mut sum.cell {
            cell.add(row.amount, row.distinct);
        }
        sum.count += 1;
        self.new += 1;
        Ok(())
    }

    /// How many rows were new.
    pub(crate) fn new_rows(&self) -> u64 {
        self.new
    }

    /// Each key and what is added to it.
    pub(crate) fn by_key(&self) -> Vec<(&'b Id, &Sum)> {
        self.by_key.iter().map(|(id, sum)| (*id, sum)).collect()
    }
}
