//! The formats of files: what each is, and reading its rows.

pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod parquet;
pub(crate) mod sniff;

use std::ops::ControlFlow;

use serde::Serialize;

use crate::cell::Row;
use crate::rejects::Reason;

/// What the bytes of a file are, found from the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Format {
    /// Separated values.
    Csv {
        /// Between the fields.
        delimiter: char,
        /// Whether the first record names the columns.
        header: bool,
    },
    /// A JSON object on every line.
    Ndjson,
    /// A JSON array of objects.
    JsonArray,
    /// A JSON object whose members are arrays of equal length.
    JsonColumns,
    /// Apache Parquet.
    Parquet,
}

/// Takes the rows of a file in order.
pub(crate) trait Visitor {
    /// A row that has the right form; its fields are not judged yet. `line` is the line or row, from 1.
    fn row(&mut self, line: u64, row: &dyn Row) -> ControlFlow<()>;
    /// A row, or the rest of a file, that cannot be read.
    fn reject(&mut self, line: u64, reason: Reason, raw: &[u8]) -> ControlFlow<()>;
}
