//! What a sample shows of one column.

use std::collections::HashMap;

use crate::cell::{Cell, OwnedCell, truth_of_text};

/// Share of the values that must be numbers for a column to be one of numbers: the rest are broken rows.
const NUMERIC_SHARE: f64 = 0.9;

/// Counts over the sample of one column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) rows: usize,
    pub(crate) nulls: usize,
    pub(crate) distinct: usize,
    pub(crate) numbers: usize,
    pub(crate) ints: usize,
    pub(crate) texts: usize,
    /// Cells that the format itself calls a time.
    pub(crate) typed_times: usize,
    pub(crate) clocks: usize,
    pub(crate) unusable: usize,
    /// All values are 0 or 1, or true or false.
    pub(crate) zero_one: bool,
    pub(crate) boolean: bool,
    pub(crate) decimal_comma: bool,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Facts {
    pub(crate) fn of(cells: &[OwnedCell]) -> Self {
        let mut facts =
            Self { rows: cells.len(), min: f64::INFINITY, max: f64::NEG_INFINITY, ..Self::default() };
        let mut distinct = HashMap::new();
        let (mut zero_one, mut booleans, mut commas) = (0, 0, 0);
        for cell in cells {
            let cell = cell.as_cell();
            distinct.entry(hash(cell)).or_insert(());
            match cell {
                Cell::Null => facts.nulls += 1,
                Cell::Instant(_) | Cell::Local(_) => facts.typed_times += 1,
                Cell::Clock(_) => facts.clocks += 1,
                Cell::Other => facts.unusable += 1,
                Cell::Text(_) | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) => {
                    let truth = matches!(cell, Cell::Bool(_))
                        || matches!(cell, Cell::Text(text) if truth_of_text(text).is_some());
                    booleans += usize::from(truth);
                    let number = cell.number(false).or_else(|| {
                        let number = cell.number(true);
                        commas += usize::from(number.is_some());
                        number
                    });
                    match number {
                        Some(number) => {
                            facts.numbers += 1;
                            facts.ints += usize::from(cell.int().is_some());
                            facts.min = facts.min.min(number);
                            facts.max = facts.max.max(number);
                            zero_one += usize::from(number == 0.0 || number == 1.0);
                        }
                        None => facts.texts += 1,
                    }
                }
            }
        }
        facts.distinct = distinct.len() - usize::from(facts.nulls > 0);
        facts.zero_one = facts.numbers > 0 && zero_one == facts.numbers && facts.texts == 0;
        facts.boolean = facts.numbers > 0 && booleans == facts.numbers;
        facts.decimal_comma = commas > 0;
        facts
    }

    /// Rows with a value.
    pub(crate) fn values(&self) -> usize {
        self.rows - self.nulls
    }

    /// Clearly numbers, but perhaps for a few broken rows.
    pub(crate) fn numeric(&self) -> bool {
        self.numbers > 0 && self.numbers as f64 >= NUMERIC_SHARE * self.values() as f64
    }

    /// Clearly whole numbers.
    pub(crate) fn integral(&self) -> bool {
        self.numeric() && self.ints == self.numbers
    }

    /// Values that repeat: candidates for naming a series.
    pub(crate) fn repeats(&self) -> bool {
        self.distinct < self.values()
    }
}

/// A hash of a cell, for counting distinct ones.
pub(crate) fn hash(cell: Cell<'_>) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    match cell {
        Cell::Null | Cell::Other => 0_u8.hash(&mut hasher),
        Cell::Bool(value) => (1_u8, value).hash(&mut hasher),
        Cell::Int(value) | Cell::Instant(value) | Cell::Local(value) | Cell::Clock(value) => {
            (2_u8, value).hash(&mut hasher);
        }
        Cell::Float(value) => (3_u8, value.to_bits()).hash(&mut hasher),
        Cell::Text(text) => (4_u8, text).hash(&mut hasher),
    }
    hasher.finish()
}
