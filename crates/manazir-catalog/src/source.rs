//! The port to whatever holds series, and its first implementation: files.

use std::ops::ControlFlow;

use manazir_model::{SeriesKey, SeriesKind, Timestamp};

use crate::cell::{Cell, Row};
use crate::discover;
use crate::error::Result;
use crate::files::positions;
use crate::format::json::Columns;
use crate::format::parquet::Parquet;
use crate::format::{Format, Visitor, csv, json};
use crate::limits::Limits;
use crate::open::{self, ByteCount};
use crate::progress::Watch;
use crate::rejects::{Reason, Rejects};
use crate::scan::Scan;
use crate::scan::quality::SeriesQuality;
use crate::table::{Catalog, Decision, Role, Table, TableFile};

/// Samples of several series, in the order in which they were read; the three have equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Number of the series, for [`Keys::key`].
    pub series: Vec<u32>,
    /// Event time.
    pub at: Vec<Timestamp>,
    /// Value; NaN for a slot without a number.
    pub values: Vec<f64>,
}

impl Batch {
    pub(crate) fn clear(&mut self) {
        self.series.clear();
        self.at.clear();
        self.values.clear();
    }
}

/// Series met so far, by number. A number never changes its meaning during a read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys(Vec<SeriesKey>);

impl Keys {
    /// The identity of a series.
    ///
    /// # Panics
    /// If the number did not come with a batch of the same read.
    pub fn key(&self, series: u32) -> &SeriesKey {
        &self.0[series as usize]
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True before the first series.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, key: SeriesKey) {
        self.0.push(key);
    }
}

/// Takes the samples of a read.
pub trait SampleSink {
    /// Takes a batch; its memory is used again afterwards. `Break` ends the read.
    fn batch(&mut self, batch: &Batch, keys: &Keys) -> ControlFlow<()>;
}

/// A closure is a sink.
impl<F: FnMut(&Batch, &Keys) -> ControlFlow<()>> SampleSink for F {
    fn batch(&mut self, batch: &Batch, keys: &Keys) -> ControlFlow<()> {
        self(batch, keys)
    }
}

/// What a read found out about one series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesFacts {
    /// Its identity.
    pub key: SeriesKey,
    /// Series with the same number came from the same rows: they describe one entity.
    pub entity: u32,
    /// Index of the table's column that it stood in.
    pub measure: usize,
    /// Gauge or counter, judged by all samples of the measure.
    pub kind: Decision<SeriesKind>,
    /// Gaps, duplicates, late rows and so on.
    pub quality: SeriesQuality,
}

/// What a read came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Rows read, rejects included.
    pub rows: u64,
    /// Rows rejected.
    pub rejects: u64,
    /// Rows rejected because their series would have been one too many.
    pub rows_beyond_series_limit: u64,
    /// Members of JSON objects that are no column, because discovery did not meet them.
    pub unknown_members: u64,
    /// Rows in an hour that the clock showed twice.
    pub hours_repeated: u64,
    /// Rows in an hour that the clock never showed.
    pub hours_missing: u64,
    /// Series by number.
    pub series: Vec<SeriesFacts>,
    /// True if the watch or the sink ended the read early.
    pub interrupted: bool,
}

/// A place that holds tables of series: files here, a database elsewhere.
pub trait SourceReader {
    /// What is in it. Looks at samples only, and is quick however much there is.
    fn discover(&self, watch: Watch<'_>) -> Result<Catalog>;

    /// Reads all rows of a table that [`SourceReader::discover`] gave, in one pass, in the order in which they
    /// are stored, and hands its samples to `sink`. Rows that cannot be read go to `rejects` and never end the
    /// read. Tables without series give no samples. Memory does not grow with the number of rows.
    fn read(
        &self,
        table: &Table,
        sink: &mut dyn SampleSink,
        rejects: &mut Rejects,
        watch: Watch<'_>,
    ) -> Result<Outcome>;
}

/// Files and folders as a source.
#[derive(Clone, Debug)]
pub struct FileSource {
    sources: Vec<String>,
    limits: Limits,
}

impl FileSource {
    /// Each source is a file, a folder (entered recursively; hidden entries are passed over) or a glob.
    pub fn new<S: Into<String>>(sources: impl IntoIterator<Item = S>, limits: Limits) -> Self {
        Self { sources: sources.into_iter().map(Into::into).collect(), limits }
    }

    /// The limits it keeps.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn read_file(
        &self,
        table: &Table,
        file: &TableFile,
        count: &ByteCount,
        scan: &mut Scan<'_>,
    ) -> ControlFlow<()> {
        let line_max = self.limits.line_bytes_max;
        if file.format == Format::Parquet {
            return read_parquet(table, file, count, scan);
        }
        let (input, _) = match open::open(&file.path, count) {
            Ok(opened) => opened,
            Err(error) => return scan.reject(1, Reason::Damaged(error.to_string()), &[]),
        };
        match &file.format {
            Format::Csv { delimiter, header } => {
                let (width, delimiter) = (file.columns.len(), *delimiter as u8);
                let position = positions(&table_columns(table), &file.columns);
                if position.iter().enumerate().all(|(column, &at)| at == Some(column)) {
                    return csv::read(input, delimiter, *header, width, line_max, scan);
                }
                let mut moved = Moved { position, scan };
                csv::read(input, delimiter, *header, width, line_max, &mut moved)
            }
            Format::Ndjson | Format::JsonArray => {
                let mut columns = Columns::fixed(&table_columns(table));
                let flow = match file.format {
                    Format::Ndjson => json::read_lines(input, &mut columns, line_max, scan),
                    _ => json::read_array(input, &mut columns, line_max, scan),
                };
                scan.unknown_members(columns.unknown);
                flow
            }
            Format::JsonColumns => {
                json::read_columns(input, &table_columns(table), self.limits.json_object_bytes_max, scan)
            }
            Format::Parquet => ControlFlow::Continue(()),
        }
    }
}

fn table_columns(table: &Table) -> Vec<String> {
    table.columns.iter().map(|column| column.name.clone()).collect()
}

fn read_parquet(table: &Table, file: &TableFile, count: &ByteCount, scan: &mut Scan<'_>) -> ControlFlow<()> {
    let parquet = match Parquet::open(&file.path) {
        Ok(parquet) => parquet,
        Err(message) => return scan.reject(1, Reason::Damaged(message), &[]),
    };
    let position = positions(&table_columns(table), &file.columns);
    let mut wanted = vec![false; file.columns.len()];
    for (column, at) in position.iter().enumerate() {
        let used = !matches!(
            table.columns[column].role.value,
            Role::Unusable | Role::Text | Role::Ignored | Role::Label | Role::Identifier | Role::Split
        );
        if let (Some(at), true) = (*at, used || is_time(table, column)) {
            wanted[at] = true;
        }
    }
    let mut moved = Moved { position, scan };
    parquet.read(&wanted, count, &mut moved)
}

fn is_time(table: &Table, column: usize) -> bool {
    matches!(table.columns[column].role.value, Role::Time | Role::Clock | Role::RowNumber)
}

/// Rows of a file whose columns stand in another order than the table's.
struct Moved<'a, 'b> {
    position: Vec<Option<usize>>,
    scan: &'a mut Scan<'b>,
}

struct MovedRow<'a> {
    position: &'a [Option<usize>],
    row: &'a dyn Row,
}

impl Row for MovedRow<'_> {
    fn cell(&self, column: usize) -> Cell<'_> {
        match self.position.get(column) {
            Some(&Some(at)) => self.row.cell(at),
            _ => Cell::Null,
        }
    }

    fn width(&self) -> usize {
        self.position.len()
    }

    fn raw(&self) -> &[u8] {
        self.row.raw()
    }
}

impl Visitor for Moved<'_, '_> {
    fn row(&mut self, line: u64, row: &dyn Row) -> ControlFlow<()> {
        self.scan.row(line, &MovedRow { position: &self.position, row })
    }

    fn reject(&mut self, line: u64, reason: Reason, raw: &[u8]) -> ControlFlow<()> {
        self.scan.reject(line, reason, raw)
    }
}

impl SourceReader for FileSource {
    fn discover(&self, watch: Watch<'_>) -> Result<Catalog> {
        discover::discover(&self.sources, &self.limits, watch)
    }

    fn read(
        &self,
        table: &Table,
        sink: &mut dyn SampleSink,
        rejects: &mut Rejects,
        watch: Watch<'_>,
    ) -> Result<Outcome> {
        let mut scan = Scan::new(table, &self.limits, sink, rejects, watch);
        if !table.layout.value.has_series() {
            return Ok(scan.finish(false));
        }
        let mut interrupted = false;
        for (index, file) in table.files.iter().enumerate() {
            let count = scan.begin_file(index);
            let flow = self.read_file(table, file, &count, &mut scan);
            if flow.is_break() || scan.end_file().is_break() {
                interrupted = true;
                break;
            }
        }
        Ok(scan.finish(interrupted))
    }
}
