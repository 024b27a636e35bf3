//! Rows with dimensions and a measure, summed into leaves.

mod keys;

use std::collections::{HashMap, HashSet};

use thiserror::Error;

/// Why rows make no cube.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// Nothing to tell rows apart by, or more than a search can hold.
    #[error("a cube has 1 to {DIMENSIONS_MAX} dimensions, not {0}")]
    Dimensions(usize),
    /// Two dimensions of a name, or two values of a name in one dimension.
    #[error("name {0:?} stands twice")]
    Duplicate(String),
    /// A column is shorter or longer than the others.
    #[error("column {column} has {len} rows where others have {rows}")]
    Length {
        /// Its name.
        column: String,
        /// Its length.
        len: usize,
        /// That of the column of actual values.
        rows: usize,
    },
    /// A code that the dictionary of its dimension does not have.
    #[error("row {row} has code {code} in dimension {dimension}, which has {values} values")]
    Code {
        /// Which row.
        row: usize,
        /// The dimension's name.
        dimension: String,
        /// What stands there.
        code: u32,
        /// How many there are.
        values: usize,
    },
    /// Infinity: nothing can be summed with it.
    #[error("row {0} is infinite")]
    Infinite(usize),
    /// A denominator counts or measures something, and cannot be less than nothing.
    #[error("row {0} has a negative denominator")]
    Denominator(usize),
    /// Places of rows have four bytes.
    #[error("{0} rows are more than a cube can hold")]
    Rows(usize),
}

/// Sets of dimensions are bits of a number.
pub const DIMENSIONS_MAX: usize = 24;

/// A column of a cube: what it is called, and the names behind its codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// `country`.
    pub name: String,
    /// `DE`, `FR`: a code is a place in this list.
    pub values: Vec<String>,
}

/// What was measured in each row and what was to be expected there, shape `(n_rows,)` each. NaN is a gap: the row
/// is left out, and counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// Numbers that add up: orders, errors, seconds spent.
    Additive {
        /// As measured.
        actual: Vec<f64>,
        /// As forecast, or as it was in the baseline.
        expected: Vec<f64>,
    },
    /// A rate: numerators and denominators add up, each for itself, and their quotient is what people look at.
    Ratio {
        /// Numerator and denominator as measured.
        actual: [Vec<f64>; 2],
        /// Numerator and denominator as forecast, or as they were in the baseline.
        expected: [Vec<f64>; 2],
    },
}

/// Columns by dimension, and a measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Names.
    pub dimensions: Vec<Dimension>,
    /// For each dimension the codes of all rows, shape `(n_dimensions, n_rows)`.
    pub codes: Vec<Vec<u32>>,
    /// Numbers.
    pub measure: Measure,
}

/// Leaves: each combination of dimension values that occurs, once, with its numbers.
///
/// Values of a dimension are in the order of their names and leaves in that of their values, whatever the order
/// in which they came. So is the order in which numbers are added, and nothing computed from a cube depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cube {
    dimensions: Vec<Dimension>,
    codes: Vec<Vec<u32>>,
    measure: Measure,
    gaps: usize,
}

impl Cube {
    /// Sums rows of the same leaf. O(n_rows · (n_dimensions + log n_rows)).
    ///
    /// # Errors
    ///
    /// If columns are of different lengths, a code or number is broken, or a name stands twice.
    pub fn new(rows: Rows) -> Result<Self, Error> {
        let Rows { mut dimensions, mut codes, measure } = rows;
        check_names(&dimensions)?;
        let mut columns = measure.into_columns();
        let gaps = check_rows(&dimensions, &codes, &columns)?;
        for (dimension, codes) in dimensions.iter_mut().zip(&mut codes) {
            sort_names(dimension, codes);
        }
        if gaps > 0 {
            let whole = |row: &usize| columns.iter().all(|column| !column[*row].is_nan());
            let kept: Vec<u32> = (0..columns[0].len()).filter(whole).map(|row| row as u32).collect();
            codes.iter_mut().for_each(|column| *column = take(column, &kept));
            columns.iter_mut().for_each(|column| *column = take(column, &kept));
        }
        let sizes: Vec<usize> = dimensions.iter().map(|dimension| dimension.values.len()).collect();
        keys::sum_leaves(&sizes, &mut codes, &mut columns);
        Ok(Self { dimensions, codes, measure: Measure::from_columns(columns), gaps })
    }

    /// In the order in which they were given, each with its values in the order of their names.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// For each dimension the codes of all leaves, shape `(n_dimensions, n_leaves)`.
    pub fn codes(&self) -> &[Vec<u32>] {
        &self.codes
    }

    /// Numbers of the leaves.
    pub fn measure(&self) -> &Measure {
        &self.measure
    }

    /// What to compare leaf by leaf, actual and expected, shape `(n_leaves,)` each: the numbers themselves, or of a
    /// ratio the numerators, as they are and as the expected rate would have made them of the actual denominators.
    /// Both are 0 at a leaf whose expected rate is not known.
    pub(super) fn compared(&self) -> (Vec<f64>, Vec<f64>) {
        match &self.measure {
            Measure::Additive { actual, expected } => (actual.clone(), expected.clone()),
            Measure::Ratio { actual: [over, under], expected: [over_expected, under_expected] } => {
                let leaves = over.iter().zip(under).zip(over_expected.iter().zip(under_expected));
                leaves
                    .map(|((over, under), (over_expected, under_expected))| {
                        let is_known = *under_expected > 0.0;
                        if is_known { (*over, under * over_expected / under_expected) } else { (0.0, 0.0) }
                    })
                    .unzip()
            }
        }
    }

    /// What each leaf adds to the change of the whole, shape `(n_leaves,)`; they sum to it.
    ///
    /// Of an additive measure actual − expected. Of a ratio what its rate and what its share of the denominators
    /// changed, each at the mean of before and after:
    ///
    /// w̄ · Δrate + Δw · (mean rate − mean of the whole)
    ///
    /// A rate without a denominator is taken to be as it was, or will be, with one.
    pub(super) fn changes(&self) -> Vec<f64> {
        match &self.measure {
            Measure::Additive { actual, expected } => {
                actual.iter().zip(expected).map(|(actual, expected)| actual - expected).collect()
            }
            Measure::Ratio { actual: [over, under], expected: [over_expected, under_expected] } => {
                let sum = |column: &[f64]| column.iter().sum::<f64>();
                let (under_all, under_expected_all) = (sum(under), sum(under_expected));
                let whole = 0.5 * (rate(sum(over), under_all) + rate(sum(over_expected), under_expected_all));
                let leaf = |leaf: usize| {
                    let (share, share_expected) =
                        (rate(under[leaf], under_all), rate(under_expected[leaf], under_expected_all));
                    let mut now = rate(over[leaf], under[leaf]);
                    let mut before = rate(over_expected[leaf], under_expected[leaf]);
                    if under[leaf] <= 0.0 {
                        now = before;
                    } else if under_expected[leaf] <= 0.0 {
                        before = now;
                    }
                    0.5 * (share + share_expected) * (now - before)
                        + (share - share_expected) * (0.5 * (now + before) - whole)
                };
                (0..over.len()).map(leaf).collect()
            }
        }
    }

    /// Of some leaves.
    pub(super) fn totals(&self, leaves: impl Iterator<Item = usize> + Clone) -> Totals {
        let sum = |column: &[f64]| leaves.clone().map(|leaf| column[leaf]).sum::<f64>();
        match &self.measure {
            Measure::Additive { actual, expected } => Totals { actual: sum(actual), expected: sum(expected) },
            Measure::Ratio { actual: [over, under], expected: [over_expected, under_expected] } => Totals {
                actual: rate(sum(over), sum(under)),
                expected: rate(sum(over_expected), sum(under_expected)),
            },
        }
    }

    /// Of the whole, had some leaves been as expected.
    pub(super) fn total_without(&self, leaves: impl Iterator<Item = usize> + Clone) -> f64 {
        let all = |column: &[f64]| column.iter().sum::<f64>();
        let without = |actual: &[f64], expected: &[f64]| {
            all(actual) - leaves.clone().map(|leaf| actual[leaf] - expected[leaf]).sum::<f64>()
        };
        match &self.measure {
            Measure::Additive { actual, expected } => without(actual, expected),
            Measure::Ratio { actual: [over, under], expected: [over_expected, under_expected] } => {
                rate(without(over, over_expected), without(under, under_expected))
            }
        }
    }

    /// `country=DE & app=5.2`; `everything` without values.
    pub fn label(&self, values: &[(usize, u32)]) -> String {
        let one = |(dimension, code): &(usize, u32)| {
            let dimension = &self.dimensions[*dimension];
            format!("{}={}", dimension.name, dimension.values[*code as usize])
        };
        if values.is_empty() {
            "everything".into()
        } else {
            values.iter().map(one).collect::<Vec<_>>().join(" & ")
        }
    }

    /// Rows that were left out because a number was missing.
    pub fn gaps(&self) -> usize {
        self.gaps
    }

    /// How many leaves there are.
    pub fn len(&self) -> usize {
        self.codes[0].len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Sums of an additive measure, or the rate of a ratio.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// As measured.
    pub actual: f64,
    /// As forecast, or as it was in the baseline.
    pub expected: f64,
}

impl Totals {
    /// actual − expected
    pub fn change(&self) -> f64 {
        self.actual - self.expected
    }
}

fn rate(over: f64, under: f64) -> f64 {
    if under > 0.0 { over / under } else { 0.0 }
}

impl Measure {
    fn into_columns(self) -> Vec<Vec<f64>> {
        match self {
            Self::Additive { actual, expected } => vec![actual, expected],
            Self::Ratio { actual: [over, under], expected: [over_expected, under_expected] } => {
                vec![over, over_expected, under, under_expected]
            }
        }
    }

    fn from_columns(columns: Vec<Vec<f64>>) -> Self {
        let mut columns = columns.into_iter();
        let mut next = || columns.next().unwrap_or_default();
        let (actual, expected) = (next(), next());
        let (under, under_expected) = (next(), next());
        if under.len() == actual.len() && !actual.is_empty() {
            Self::Ratio { actual: [actual, under], expected: [expected, under_expected] }
        } else {
            Self::Additive { actual, expected }
        }
    }
}

fn check_names(dimensions: &[Dimension]) -> Result<(), Error> {
    if dimensions.is_empty() || dimensions.len() > DIMENSIONS_MAX {
        return Err(Error::Dimensions(dimensions.len()));
    }
    let lists = dimensions.iter().map(|dimension| dimension.values.iter().collect::<Vec<_>>());
    for names in std::iter::once(dimensions.iter().map(|dimension| &dimension.name).collect()).chain(lists) {
        let mut seen = HashSet::with_capacity(names.len());
        if let Some(twice) = names.into_iter().find(|name| !seen.insert(name.as_str())) {
            return Err(Error::Duplicate(twice.clone()));
        }
    }
    Ok(())
}

/// How many rows have a gap.
fn check_rows(dimensions: &[Dimension], codes: &[Vec<u32>], columns: &[Vec<f64>]) -> Result<usize, Error> {
    const NAMES: [&str; 4] = ["actual", "expected", "actual denominator", "expected denominator"];
    let rows = columns[0].len();
    if u32::try_from(rows).is_err() {
        return Err(Error::Rows(rows));
    }
    if codes.len() != dimensions.len() {
        return Err(Error::Dimensions(codes.len()));
    }
    let lengths = NAMES.into_iter().zip(columns.iter().map(Vec::len));
    let code_lengths = dimensions.iter().map(|dimension| dimension.name.as_str());
    for (column, len) in lengths.chain(code_lengths.zip(codes.iter().map(Vec::len))) {
        if len != rows {
            return Err(Error::Length { column: column.into(), len, rows });
        }
    }
    for (dimension, codes) in dimensions.iter().zip(codes) {
        let values = dimension.values.len();
        if let Some(row) = codes.iter().position(|code| *code as usize >= values) {
            return Err(Error::Code { row, dimension: dimension.name.clone(), code: codes[row], values });
        }
    }
    for column in columns {
        if let Some(row) = column.iter().position(|number| number.is_infinite()) {
            return Err(Error::Infinite(row));
        }
    }
    for column in &columns[2..] {
        if let Some(row) = column.iter().position(|number| *number < 0.0) {
            return Err(Error::Denominator(row));
        }
    }
    Ok((0..rows).filter(|row| columns.iter().any(|column| column[*row].is_nan())).count())
}

fn sort_names(dimension: &mut Dimension, codes: &mut [u32]) {
    if dimension.values.is_sorted() {
        return;
    }
    let mut order: Vec<usize> = (0..dimension.values.len()).collect();
    order.sort_by(|a, b| dimension.values[*a].cmp(&dimension.values[*b]));
    let mut places = vec![0; order.len()];
    for (place, code) in order.iter().enumerate() {
        places[*code] = place as u32;
    }
    dimension.values.sort();
    for code in codes {
        *code = places[*code as usize];
    }
}

fn take<T: Copy>(column: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|row| column[*row as usize]).collect()
}

/// Rows one by one, by name, for those who have no dictionary.
#[derive(Clone, Debug)]
pub struct Builder {
    rows: Rows,
    by_name: Vec<HashMap<String, u32>>,
}

impl Builder {
    /// Without rows yet.
    pub fn new(dimensions: &[&str]) -> Self {
        let dimension = |name: &&str| Dimension { name: (*name).into(), values: Vec::new() };
        Self {
            rows: Rows {
                dimensions: dimensions.iter().map(dimension).collect(),
                codes: vec![Vec::new(); dimensions.len()],
                measure: Measure::Additive { actual: Vec::new(), expected: Vec::new() },
            },
            by_name: vec![HashMap::new(); dimensions.len()],
        }
    }

    /// A row of an additive measure: a value for each dimension, and what was measured and expected there.
    pub fn push(&mut self, values: &[&str], actual: f64, expected: f64) {
        self.codes(values);
        if let Measure::Additive { actual: measured, expected: forecast } = &mut self.rows.measure {
            measured.push(actual);
            forecast.push(expected);
        }
    }

    /// The cube of the rows.
    ///
    /// # Errors
    ///
    /// If a row has fewer or more values than there are dimensions, or a number is broken.
    pub fn build(self) -> Result<Cube, Error> {
        Cube::new(self.rows)
    }

    fn codes(&mut self, values: &[&str]) {
        let columns = self.rows.codes.iter_mut().zip(&mut self.rows.dimensions).zip(&mut self.by_name);
        for (((codes, dimension), by_name), value) in columns.zip(values) {
            let code = by_name.get(*value).copied().unwrap_or_else(|| {
                let code = dimension.values.len() as u32;
                dimension.values.push((*value).into());
                by_name.insert((*value).into(), code);
                code
            });
            codes.push(code);
        }
    }
}
