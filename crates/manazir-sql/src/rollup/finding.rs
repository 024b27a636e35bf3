//! Keys and findings as the tables hold them, and what is refused before a table is touched.

use std::borrow::Cow;
use std::collections::BTreeMap;

use manazir_rollup::seen::block_of;
use manazir_rollup::{AMOUNT_MAX, Key, KeyType, Row};
use serde_json::{Value, json};

use super::layout::Layout;
use crate::statement::signed;
use crate::text::kept;

/// Findings of one batch: what a transaction locks and remembers has a bound.
const FINDINGS_MAX: usize = 1_000_000;

/// Bytes of a source and of a key: both are in an index.
const BYTES_MAX: usize = 255;

/// A key as its column holds it, in the order of those.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ColumnKey<'r> {
    Integer(i64),
    /// Kept as [`kept`] writes it.
    Text(Cow<'r, str>),
}

/// The block of a finding: its source as [`kept`] writes it, and the number of the block.
pub(super) type Place<'r> = (Cow<'r, str>, i64);

/// A row of a batch, with where it goes.
#[derive(Debug)]
pub(super) struct Finding<'r> {
    pub(super) place: Place<'r>,
    pub(super) key: ColumnKey<'r>,
    pub(super) row: &'r Row,
}

impl<'r> ColumnKey<'r> {
    fn new(layout: &Layout, key: &'r str) -> Result<Self, String> {
        if !layout.integer_keys {
            return Ok(Self::Text(kept(bounded("key", key)?)));
        }
        // `007` and `7` are two keys, and would be one number.
        KeyType::number(key)
            .map(Self::Integer)
            .ok_or_else(|| format!("the key {:?} is no whole number of 64 bits", head(key)))
    }

    pub(super) fn json(&self) -> Value {
        match self {
            Self::Integer(number) => json!(number),
            Self::Text(text) => json!(text),
        }
    }
}

/// Rows of key and label, by key. Of a key that is told twice the last label counts.
pub(super) fn labels(layout: &Layout, keys: &[Key]) -> Result<Vec<Value>, String> {
    let mut labels = BTreeMap::new();
    for key in keys {
        labels.insert(ColumnKey::new(layout, &key.id)?, kept(&key.label));
    }
    Ok(labels.into_iter().map(|(key, label)| json!([key.json(), label])).collect())
}

/// All of a batch, or why it cannot be counted.
pub(super) fn findings<'r>(layout: &Layout, rows: &'r [Row]) -> Result<Vec<Finding<'r>>, String> {
    if rows.len() > FINDINGS_MAX {
        return Err(format!("{} findings at once are more than {FINDINGS_MAX}", rows.len()));
    }
    rows.iter().map(|row| finding(layout, row)).collect()
}

fn finding<'r>(layout: &Layout, row: &'r Row) -> Result<Finding<'r>, String> {
    if usize::from(row.category) >= layout.sums.len() {
        return Err(format!("there is no category {} among {}", row.category, layout.sums.len()));
    }
    if row.amount.unsigned_abs() > AMOUNT_MAX.unsigned_abs() {
        return Err(format!("the amount {} is more than {AMOUNT_MAX} either way", row.amount));
    }
    Ok(Finding {
        place: (kept(bounded("source", &row.source)?), signed(block_of(row.position))),
        key: ColumnKey::new(layout, &row.key)?,
        row,
    })
}

fn bounded<'t>(what: &str, text: &'t str) -> Result<&'t str, String> {
    if text.len() > BYTES_MAX {
        let (bytes, head) = (text.len(), head(text));
        return Err(format!("the {what} {head:?}… has {bytes} bytes, more than {BYTES_MAX}"));
    }
    Ok(text)
}

/// As much of a text as a message needs.
fn head(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    &text[..end]
}
