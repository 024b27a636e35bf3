//! One field of a row, whatever the format.

use std::borrow::Cow;

/// A field as its format gives it. Text formats give text only; what it means is decided per column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    /// Microseconds since the epoch, UTC.
    Instant(i64),
    /// Microseconds since 1970-01-01T00:00 on a clock whose zone is not told.
    Local(i64),
    /// Microseconds since midnight.
    Clock(i64),
    /// Lists, structs, bytes: nothing that a series is made of.
    Other,
}

/// A row of a table. Columns are numbered as in the file.
pub(crate) trait Row {
    /// The field; `Null` beyond the last one.
    fn cell(&self, column: usize) -> Cell<'_>;
    /// Cells that the row has at least; columns beyond are null.
    fn width(&self) -> usize;
    /// The row as it stands in the file, empty where it is no text.
    fn raw(&self) -> &[u8] {
        &[]
    }
}

/// Texts that stand for a missing value. `?` is R's and UCI's habit, `\N` that of database dumps.
const NULLS: [&str; 13] =
    ["NA", "N/A", "#N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "None", "-", "\\N", "?"];

impl<'a> Cell<'a> {
    /// Blank text and the usual words for nothing become `Null`, other text loses its outer blanks.
    pub(crate) fn trimmed(self) -> Self {
        match self {
            Cell::Text(text) => {
                let text = text.trim();
                if text.is_empty() || (text.len() <= 4 && NULLS.contains(&text)) {
                    Cell::Null
                } else {
                    Cell::Text(text)
                }
            }
            Cell::Float(value) if !value.is_finite() => Cell::Null,
            other => other,
        }
    }

    /// The number that stands here, if one does; booleans are 0 and 1. `comma` reads `1,5` as 1.5.
    pub(crate) fn number(self, comma: bool) -> Option<f64> {
        match self {
            Cell::Int(value) => Some(value as f64),
            Cell::Float(value) => Some(value),
            Cell::Bool(value) => Some(f64::from(u8::from(value))),
            Cell::Text(text) => number_of_text(text, comma),
            Cell::Null | Cell::Instant(_) | Cell::Local(_) | Cell::Clock(_) | Cell::Other => None,
        }
    }

    /// The whole number that stands here.
    pub(crate) fn int(self) -> Option<i64> {
        match self {
            Cell::Int(value) => Some(value),
            // 2^53: beyond it a float no longer tells neighbouring integers apart.
            Cell::Float(value) if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 => {
                Some(value as i64)
            }
            Cell::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// As text, for labels and rejects.
    pub(crate) fn text(self) -> Cow<'a, str> {
        match self {
            Cell::Null => Cow::Borrowed(""),
            Cell::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            Cell::Int(value) => Cow::Owned(value.to_string()),
            Cell::Float(value) => Cow::Owned(value.to_string()),
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Instant(at) | Cell::Local(at) => Cow::Owned(manazir_model::Timestamp(at).to_string()),
            Cell::Clock(at) => Cow::Owned(format!("{at} µs after midnight")),
            Cell::Other => Cow::Borrowed("a nested value"),
        }
    }

    /// A copy that lives on its own.
    pub(crate) fn to_owned(self) -> OwnedCell {
        match self {
            Cell::Null => OwnedCell::Null,
            Cell::Bool(value) => OwnedCell::Bool(value),
            Cell::Int(value) => OwnedCell::Int(value),
            Cell::Float(value) => OwnedCell::Float(value),
            Cell::Text(text) => OwnedCell::Text(text.into()),
            Cell::Instant(at) => OwnedCell::Instant(at),
            Cell::Local(at) => OwnedCell::Local(at),
            Cell::Clock(at) => OwnedCell::Clock(at),
            Cell::Other => OwnedCell::Other,
        }
    }
}

fn number_of_text(text: &str, comma: bool) -> Option<f64> {
    let value = if comma && text.contains(',') {
        text.replacen(',', ".", 1).parse::<f64>().ok()?
    } else {
        match text.parse::<f64>() {
            Ok(value) => value,
            Err(_) => return truth_of_text(text),
        }
    };
    // "inf" parses, but a series has no slot for it.
    Some(if value.is_finite() { value } else { f64::NAN })
}

/// True and false as words.
pub(crate) fn truth_of_text(text: &str) -> Option<f64> {
    match text {
        "true" | "True" | "TRUE" => Some(1.0),
        "false" | "False" | "FALSE" => Some(0.0),
        _ => None,
    }
}

/// [`Cell`] without a borrow: what discovery keeps of a file, and what a source in memory is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OwnedCell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Box<str>),
    Instant(i64),
    Local(i64),
    Clock(i64),
    Other,
}

impl OwnedCell {
    pub(crate) fn as_cell(&self) -> Cell<'_> {
        match self {
            OwnedCell::Null => Cell::Null,
            OwnedCell::Bool(value) => Cell::Bool(*value),
            OwnedCell::Int(value) => Cell::Int(*value),
            OwnedCell::Float(value) => Cell::Float(*value),
            OwnedCell::Text(text) => Cell::Text(text),
            OwnedCell::Instant(at) => Cell::Instant(*at),
            OwnedCell::Local(at) => Cell::Local(*at),
            OwnedCell::Clock(at) => Cell::Clock(*at),
            OwnedCell::Other => Cell::Other,
        }
    }
}

impl Row for [OwnedCell] {
    fn cell(&self, column: usize) -> Cell<'_> {
        self.get(column).map_or(Cell::Null, OwnedCell::as_cell)
    }

    fn width(&self) -> usize {
        self.len()
    }
}

impl Row for Vec<OwnedCell> {
    fn cell(&self, column: usize) -> Cell<'_> {
        self.as_slice().cell(column)
    }

    fn width(&self) -> usize {
        self.len()
    }
}
