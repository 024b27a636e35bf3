//! What many amounts come to: their number, their sum, how many different things they were of.
//!
//! A [`Cell`] takes amounts in one by one, merges with others and is asked for [`Aggregate`]s. It does not depend on
//! the order: cells that saw the same are equal, whoever saw which part first. A stored cell and one that goes on in
//! memory are the same.
//!
//! ```
//! use manazir_rollup::aggregate::{Aggregate, Cell, Wanted};
//!
//! let mut cents = Cell::new(&Wanted::default());
//! for amount in [250, 300, 275] {
//!     cents.add(amount, None);
//! }
//! assert_eq!(cents.value(Aggregate::Mean, 2), Some(2.75));
//! assert_eq!(Cell::from_bytes(&cents.to_bytes())?, cents);
//! # Ok::<(), manazir_rollup::aggregate::Damaged>(())
//! ```

mod distinct;
mod sketch;

use std::borrow::Cow;
use std::fmt::{Display, Formatter};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

pub use distinct::Distinct;
pub use sketch::Sketch;

/// Decimals of a percentile: one in a hundred thousand is as rare as any cell can tell.
const PERCENT_DECIMALS_MAX: usize = 3;

/// Steps of a percent that can be written.
const STEPS: f64 = 1_000.0;

/// The first byte of a stored cell.
const STORED_VERSION: u8 = 1;

/// What is asked of a [`Cell`]; in texts `count`, `sum`, `mean`, `min`, `max`, `distinct`, `p50`, `p99.9`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Aggregate {
    /// How many there were.
    Count,
    /// The sum of the amounts.
    Sum,
    /// The sum by the count.
    Mean,
    /// The smallest amount.
    Min,
    /// The largest amount.
    Max,
    /// How many different things there were: see [`Distinct`] for how exactly it is known.
    Distinct,
    /// The amount below which this share of all lies, from 0 to 1: see [`Sketch`] for how exactly it is known.
    Quantile(f64),
}

/// A word that names no aggregate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no aggregate: those are count, sum, mean, min, max, distinct, and percentiles as p50 or p99.9, with at \
     most {PERCENT_DECIMALS_MAX} decimals"
)]
pub struct UnknownAggregate(String);

impl FromStr for Aggregate {
    type Err = UnknownAggregate;

    fn from_str(word: &str) -> Result<Self, UnknownAggregate> {
        Ok(match word {
            "count" => Self::Count,
            "sum" => Self::Sum,
            "mean" => Self::Mean,
            "min" => Self::Min,
            "max" => Self::Max,
            "distinct" => Self::Distinct,
            _ => {
                let share = word.strip_prefix('p').and_then(share);
                Self::Quantile(share.ok_or_else(|| UnknownAggregate(word.to_owned()))?)
            }
        })
    }
}

/// Of a percentage from 0 to 100, written with digits and a point alone.
fn share(percentage: &str) -> Option<f64> {
    let (whole, decimals) = percentage.split_once('.').unwrap_or((percentage, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = digits(whole) && digits(decimals) && decimals.len() <= PERCENT_DECIMALS_MAX;
    let percentage: f64 = fits.then(|| percentage.parse().ok()).flatten()?;
    // Whole steps: 99.9 / 100 is not 0.999 to the last bit.
    (percentage <= 100.0).then(|| (percentage * STEPS).round() / (100.0 * STEPS))
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count => f.write_str("count"),
            Self::Sum => f.write_str("sum"),
            Self::Mean => f.write_str("mean"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Distinct => f.write_str("distinct"),
            Self::Quantile(share) => {
                write!(f, "p{}", (share * 100.0 * STEPS).round() / STEPS)
            }
        }
    }
}

impl TryFrom<String> for Aggregate {
    type Error = UnknownAggregate;

    fn try_from(word: String) -> Result<Self, UnknownAggregate> {
        word.parse()
    }
}

impl From<Aggregate> for String {
    fn from(aggregate: Aggregate) -> Self {
        aggregate.to_string()
    }
}

impl JsonSchema for Aggregate {
    fn schema_name() -> Cow<'static, str> {
        "Aggregate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What is told of many amounts: their number, their sum, a percentile.",
            "type": "string",
            "pattern": "^(count|sum|mean|min|max|distinct|p(100(\\.0{1,3})?|[0-9]{1,2}(\\.[0-9]{1,3})?))$",
        })
    }
}

/// Which sketches a [`Cell`] keeps; the rest costs nothing and is always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// For [`Aggregate::Distinct`].
    pub distinct: bool,
    /// For [`Aggregate::Quantile`].
    pub quantiles: bool,
}

impl FromIterator<Aggregate> for Wanted {
    /// What these need.
    fn from_iter<T: IntoIterator<Item = Aggregate>>(aggregates: T) -> Self {
        aggregates.into_iter().fold(Self::default(), |wanted, aggregate| Self {
            distinct: wanted.distinct || aggregate == Aggregate::Distinct,
            quantiles: wanted.quantiles || matches!(aggregate, Aggregate::Quantile(_)),
        })
    }
}

/// What amounts came to. Amounts are whole numbers of the last decimal, as cents are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// How many there were.
    pub count: u64,
    /// Of all amounts; exact as long as it fits, as nine million times [`AMOUNT_MAX`](crate::AMOUNT_MAX) does, and then
    /// the largest that fits.
    pub sum: i64,
    /// The smallest amount; 0 before the first.
    pub min: i64,
    /// The largest amount; 0 before the first.
    pub max: i64,
    /// Which different things there were, if it is kept.
    pub distinct: Option<Distinct>,
    /// How the amounts are spread, if it is kept.
    pub quantiles: Option<Sketch>,
}

/// Bytes that are no [`Cell`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no cell of version {STORED_VERSION}: {0}")]
pub struct Damaged(String);

impl Cell {
    /// Nothing yet, with the sketches that are wanted.
    pub fn new(wanted: &Wanted) -> Self {
        Self {
            distinct: wanted.distinct.then(Distinct::default),
            quantiles: wanted.quantiles.then(Sketch::default),
            ..Self::default()
        }
    }

    /// True before the first amount.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes an amount in. `distinct`: the [hash](Distinct::hash) of what it was of, if that is known.
    pub fn add(&mut self, amount: i64, distinct: Option<u64>) {
        self.widen(amount, amount);
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(amount);
        if let (Some(kept), Some(hash)) = (&mut self.distinct, distinct) {
            kept.add(hash);
        }
        if let Some(kept) = &mut self.quantiles {
            kept.add(amount);
        }
    }

    /// Takes in all that another cell has seen.
    ///
    /// A sketch that one of both does not keep is kept no longer, for half of it would be wrong; an empty cell, whatever
    /// it keeps, changes nothing.
    pub fn merge(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        self.widen(other.min, other.max);
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        merge_kept(&mut self.distinct, other.distinct.as_ref(), Distinct::merge);
        merge_kept(&mut self.quantiles, other.quantiles.as_ref(), Sketch::merge);
    }

    fn widen(&mut self, min: i64, max: i64) {
        let empty = self.is_empty();
        self.min = if empty { min } else { self.min.min(min) };
        self.max = if empty { max } else { self.max.max(max) };
    }

    /// An aggregate, of amounts with so many decimals. `None` of what is not kept, and of a mean, an extreme or a
    /// quantile of nothing; count, sum and distinct of nothing are 0.
    pub fn value(&self, aggregate: Aggregate, decimals: u8) -> Option<f64> {
        let unit = 10f64.powi(decimals.into());
        let some = |value: f64| (!self.is_empty()).then_some(value);
        match aggregate {
            Aggregate::Count => Some(self.count as f64),
            Aggregate::Sum => Some(self.sum as f64 / unit),
            // One division, so that it is rounded once.
            Aggregate::Mean => some(self.sum as f64 / (self.count as f64 * unit)),
            Aggregate::Min => some(self.min as f64 / unit),
            Aggregate::Max => some(self.max as f64 / unit),
            Aggregate::Distinct => self.distinct.as_ref().map(Distinct::count),
            Aggregate::Quantile(share) => {
                let value = self.quantiles.as_ref()?.quantile(share)?;
                // The extremes are exact: what is beyond them is the error of the sketch.
                Some(value.max(self.min as f64).min(self.max as f64) / unit)
            }
        }
    }

    /// To be stored: some ten bytes, and more with sketches that are wanted.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![STORED_VERSION]).expect("a cell is made of numbers")
    }

    /// A cell as it was stored.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let Some((&STORED_VERSION, bytes)) = bytes.split_first() else {
            return Err(Damaged("another version, or nothing".to_owned()));
        };
        match postcard::take_from_bytes(bytes) {
            Ok((cell, [])) => Ok(cell),
            Ok(_) => Err(Damaged("there are too many".to_owned())),
            Err(error) => Err(Damaged(error.to_string())),
        }
    }
}

fn merge_kept<T>(own: &mut Option<T>, other: Option<&T>, merge: impl Fn(&mut T, &T)) {
    match (&mut *own, other) {
        (Some(own), Some(other)) => merge(own, other),
        _ => *own = None,
    }
}

#[cfg(test)]
mod tests;
