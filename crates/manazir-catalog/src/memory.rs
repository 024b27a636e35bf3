//! A source in memory: for tests of whoever reads sources, and for tables that were made, not found.

use std::ops::ControlFlow;
use std::path::PathBuf;

use manazir_model::Timestamp;

use crate::cell::OwnedCell;
use crate::discover;
use crate::error::{Error, Result};
use crate::format::{Format, Visitor};
use crate::limits::Limits;
use crate::open::Compression;
use crate::progress::{Progress, Watch};
use crate::rejects::Rejects;
use crate::sample::Head;
use crate::scan::Scan;
use crate::source::{Outcome, SampleSink, SourceReader};
use crate::table::{Catalog, Table};
use crate::walk::Found;

/// A field of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text; it is judged as a field of a file would be.
    Text(String),
    /// An instant.
    Instant(Timestamp),
}

impl Value {
    fn cell(&self) -> OwnedCell {
        match self {
            Self::Null => OwnedCell::Null,
            Self::Bool(value) => OwnedCell::Bool(*value),
            Self::Int(value) => OwnedCell::Int(*value),
            Self::Float(value) => OwnedCell::Float(*value),
            Self::Text(text) => OwnedCell::Text(text.as_str().into()),
            Self::Instant(at) => OwnedCell::Instant(at.micros()),
        }
    }
}

/// A table in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryTable {
    /// Its name; unlike the names of the others.
    pub name: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Its rows; a short one ends in nulls.
    pub rows: Vec<Vec<Value>>,
}

/// Tables in memory as a source. They are judged by the same evidence as files.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    tables: Vec<MemoryTable>,
    limits: Limits,
}

impl MemorySource {
    /// A source of these tables.
    pub fn new(tables: Vec<MemoryTable>, limits: Limits) -> Self {
        Self { tables, limits }
    }
}

impl SourceReader for MemorySource {
    fn discover(&self, watch: Watch<'_>) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        let mut progress = Progress { files_total: self.tables.len(), ..Progress::default() };
        for table in &self.tables {
            let column = |column: usize| {
                let rows = table.rows.iter().take(self.limits.sample_rows);
                rows.map(|row| row.get(column).map_or(OwnedCell::Null, Value::cell)).collect()
            };
            let head = Head {
                format: Format::JsonColumns,
                compression: Compression::None,
                names: table.columns.clone(),
                columns: (0..table.columns.len()).map(column).collect(),
            };
            let found = Found { path: PathBuf::from(&table.name), root: PathBuf::new(), bytes: 0 };
            catalog.tables.push(discover::decide_without_rules(found, head)?);
            progress.files_done += 1;
            if watch(&progress).is_break() {
                catalog.interrupted = true;
                break;
            }
        }
        Ok(catalog)
    }

    fn read(
        &self,
        table: &Table,
        sink: &mut dyn SampleSink,
        rejects: &mut Rejects,
        watch: Watch<'_>,
    ) -> Result<Outcome> {
        let own = self.tables.iter().find(|own| own.name == table.name);
        let own = own.ok_or_else(|| Error::UnknownTable(table.name.clone()))?;
        let mut scan = Scan::new(table, &self.limits, sink, rejects, watch);
        if !table.layout.value.has_series() {
            return Ok(scan.finish(false));
        }
        scan.begin_file(0);
        let mut flow = ControlFlow::Continue(());
        for (index, row) in own.rows.iter().enumerate() {
            let cells: Vec<OwnedCell> = row.iter().map(Value::cell).collect();
            flow = scan.row(index as u64 + 1, &cells);
            if flow.is_break() {
                break;
            }
        }
        let interrupted = flow.is_break() || scan.end_file().is_break();
        Ok(scan.finish(interrupted))
    }
}
