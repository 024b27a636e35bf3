//! Which keys and fields there are, and which words they cannot be made of.

use std::fmt::Display;

use manazir_rollup::aggregate::Aggregate;
use manazir_rollup::{AMOUNT_MAX, KeyType, Row, Shape};

/// Of a source and of a key.
const NAME_BYTES_MAX: usize = 255;

/// The names of what is kept of a rollup.
pub(crate) struct Layout {
    pub(crate) shape: Shape,
    /// Name of the sorted set of the keys.
    pub(crate) keys: String,
    /// Name of the hash of the labels, if they are kept.
    pub(crate) labels: Option<String>,
    /// Of count, sum and mean, and the further ones; empty without a table of totals.
    pub(crate) columns: Vec<String>,
    /// What stands in the further ones, as the script knows it.
    pub(crate) more: Vec<&'static str>,
    /// Name of the number of changes.
    pub(crate) changes: String,
    /// Name of the sorted set of the blocks in which something was counted.
    pub(crate) blocks: String,
}

impl Layout {
    /// The error says why the shape cannot be laid out.
    pub(crate) fn new(shape: Shape) -> Result<Self, String> {
        let totals = shape.totals.as_ref();
        let mut columns: Vec<String> = totals
            .map(|totals| [&totals.count, &totals.sum, &totals.mean].map(Clone::clone).into())
            .unwrap_or_default();
        columns.extend(shape.more().iter().map(|(name, _)| name.clone()));
        let more = shape.more().iter().map(extreme).collect::<Result<_, _>>()?;
        if totals.is_some_and(|totals| totals.table == shape.table) {
            return Err(format!("{} cannot be both tables", shape.table));
        }
        if shape.categories.is_empty() {
            return Err("a shape has a category".to_owned());
        }
        // Whole numbers have no `_`, so that only the first of a field's can end them.
        if shape.key_type == KeyType::Text {
            told_apart(&shape.categories)?;
            told_apart(&columns)?;
        }
        let own = |what: &str| format!("{}{what}", prefix(&shape));
        let (keys, changes, blocks) = (own("keys"), own("changes"), own("blocks"));
        let labels = shape.label.as_ref().map(|label| format!("{}:{label}", shape.table));
        Ok(Self { shape, keys, labels, columns, more, changes, blocks })
    }

    /// Where it is remembered what was counted in a block of positions; `kind` is `seen` or `more`.
    pub(crate) fn block(&self, kind: &str, block: u64, source: &str) -> String {
        self.named(kind, &format!("{block}:{source}"))
    }

    /// The same, of a block as the set of the blocks names it.
    pub(crate) fn named(&self, kind: &str, block: &str) -> String {
        format!("{}{kind}:{block}", self.prefix())
    }

    /// Begins all keys that no reader needs to know.
    pub(crate) fn prefix(&self) -> String {
        prefix(&self.shape)
    }

    /// What gets another's place as a whole.
    pub(crate) fn taken_over(&self) -> Vec<&str> {
        let totals = self.shape.totals.as_ref().map(|totals| totals.table.as_str());
        [self.keys.as_str(), &self.shape.table]
            .into_iter()
            .chain(totals)
            .chain(self.labels.as_deref())
            .collect()
    }

    /// A name of our own that holds nothing.
    pub(crate) fn scratch(&self) -> String {
        format!("{}try", self.prefix())
    }

    /// A key that is one; the error says why another is none.
    pub(crate) fn key<'a>(&self, id: &'a str) -> Result<&'a str, String> {
        match self.shape.key_type {
            KeyType::Integer if KeyType::number(id).is_none() => {
                Err(format!("the key {id:?} is no whole number of 64 bits"))
            }
            _ => no_longer("key", id),
        }
    }

    /// The key of a row; the error says why the row cannot be counted.
    pub(crate) fn row<'a>(&self, row: &'a Row) -> Result<&'a str, String> {
        let Row { source, category, amount, .. } = row;
        no_longer("source", source)?;
        if usize::from(*category) >= self.shape.categories.len() {
            return Err(format!("there is no category {category}"));
        }
        if amount.unsigned_abs() > AMOUNT_MAX.unsigned_abs() {
            return Err(format!("the amount {amount} is larger than {AMOUNT_MAX}"));
        }
        self.key(&row.key)
    }
}

/// Name of a field.
pub(crate) fn field(key: &str, column: impl Display) -> String {
    format!("{key}_{column}")
}

/// Begins all keys that no reader needs to know.
fn prefix(shape: &Shape) -> String {
    format!("manazir:rollup:{}:", shape.name)
}

/// What can be kept in a further column without more than the column.
fn extreme((name, aggregate): &(String, Aggregate)) -> Result<&'static str, String> {
    match aggregate {
        Aggregate::Min => Ok("min"),
        Aggregate::Max => Ok("max"),
        _ => Err(format!(
            "{name} is {aggregate}, and of further columns Redis keeps min and max alone; SQLite, PostgreSQL and \
             MariaDB keep all"
        )),
    }
}

fn no_longer<'a>(what: &str, text: &'a str) -> Result<&'a str, String> {
    let bytes = text.len();
    if bytes > NAME_BYTES_MAX {
        return Err(format!("a {what} of {bytes} bytes is longer than {NAME_BYTES_MAX}"));
    }
    Ok(text)
}

/// True of no two columns if one key with the first could be the field of another with the second.
fn told_apart(columns: &[String]) -> Result<(), String> {
    for (at, one) in columns.iter().enumerate() {
        for (_, other) in columns.iter().enumerate().filter(|(place, _)| *place != at) {
            if one == other || one.ends_with(&field("", other)) {
                return Err(format!("the field of a text and {one} can be that of another text and {other}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use manazir_rollup::contract::{row, shape};

    use super::*;

    #[test]
    fn two_keys_never_have_one_field() {
        let mut ambiguous = shape("a", KeyType::Text);
        // `x_a` and `b`, `x` and `a_b`.
        ambiguous.categories = vec!["b".to_owned(), "a_b".to_owned()];
        assert!(Layout::new(ambiguous.clone()).is_err_and(|why| why.contains("a_b")));
        ambiguous.key_type = KeyType::Integer;
        assert!(Layout::new(ambiguous).is_ok());
        let mut same = shape("a", KeyType::Integer);
        same.totals.as_mut().unwrap().table.clone_from(&same.table);
        assert!(Layout::new(same).is_err());
    }

    #[test]
    fn a_row_that_cannot_be_counted_is_told_from_others() {
        let numbers = Layout::new(shape("a", KeyType::Integer)).unwrap();
        let texts = Layout::new(shape("a", KeyType::Text)).unwrap();
        assert_eq!(
            numbers.row(&row(0, "-9223372036854775808", 3, AMOUNT_MAX)).unwrap(),
            i64::MIN.to_string()
        );
        assert_eq!(texts.key("+007").unwrap(), "+007");
        assert!(numbers.key("+007").is_err(), "it would be the same number as 7");
        let long = "k".repeat(256);
        let refused = [
            (&numbers, row(0, "9223372036854775808", 0, 1)),
            (&numbers, row(0, "29abc", 0, 1)),
            (&numbers, row(0, "", 0, 1)),
            (&texts, row(0, &long, 0, 1)),
            (&texts, Row { source: long.as_str().into(), ..row(0, "a", 0, 1) }),
            (&texts, row(0, "a", 4, 1)),
            (&texts, row(0, "a", 0, -AMOUNT_MAX - 1)),
            (&texts, row(0, "a", 0, i64::MIN)),
        ];
        for (layout, row) in refused {
            assert!(layout.row(&row).is_err(), "{row:?}");
        }
    }
}
