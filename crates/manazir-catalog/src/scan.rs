//! The one pass over all rows of a table: samples out, statistics and rejects kept.

pub(crate) mod axis;
pub(crate) mod dictionary;
pub(crate) mod quality;

use std::cell::Cell as StdCell;
use std::ops::ControlFlow;
use std::rc::Rc;

use manazir_model::Timestamp;

use crate::cell::{Cell, Row};
use crate::format::Visitor;
use crate::limits::Limits;
use crate::open::ByteCount;
use crate::progress::{Progress, Watch};
use crate::rejects::{Reason, Rejects};
use crate::source::{Batch, Outcome, SampleSink};
use crate::table::{Role, Table};
use crate::time::Moment;
use crate::time::zone::{Resolution, ZoneClock};
use dictionary::Dictionary;

/// Samples of a batch: about 300 KiB, which stays in a core's cache.
const BATCH_SAMPLES: usize = 16_384;

/// Rows between two looks at the watch.
const WATCH_ROWS: u64 = 8_192;

/// The state of a pass.
pub(crate) struct Scan<'a> {
    table: &'a Table,
    measures: Vec<Measure>,
    clock: ZoneClock,
    dictionary: Dictionary,
    batch: Batch,
    values: Vec<f64>,
    sink: &'a mut dyn SampleSink,
    rejects: &'a mut Rejects,
    rejects_before: u64,
    watch: Watch<'a>,
    progress: Progress,
    outcome: Outcome,
    /// Index of the file being read.
    file: usize,
    count: ByteCount,
    bytes_before: u64,
}

struct Measure {
    column: usize,
    comma: bool,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(
        table: &'a Table,
        limits: &Limits,
        sink: &'a mut dyn SampleSink,
        rejects: &'a mut Rejects,
        watch: Watch<'a>,
    ) -> Self {
        let measures: Vec<_> = table
            .with_role(Role::Measure)
            .map(|column| Measure { column, comma: table.columns[column].decimal_comma })
            .collect();
        let progress =
            Progress { files_total: table.files.len(), bytes_total: table.bytes(), ..Progress::default() };
        // The zone was checked when it was written or found; without it the times stay as they are.
        let clock = ZoneClock::new(&table.zone.value).unwrap_or_else(ZoneClock::utc);
        Self {
            dictionary: Dictionary::new(table, limits.series_max),
            values: vec![f64::NAN; measures.len()],
            measures,
            clock,
            batch: Batch::default(),
            sink,
            rejects_before: rejects.total(),
            rejects,
            watch,
            progress,
            outcome: Outcome::default(),
            file: 0,
            count: Rc::new(StdCell::new(0)),
            bytes_before: 0,
            table,
        }
    }

    /// Turns to the next file; the counter it gives is told of the bytes read.
    pub(crate) fn begin_file(&mut self, file: usize) -> ByteCount {
        self.file = file;
        self.dictionary.begin_file(file);
        self.count = Rc::new(StdCell::new(0));
        Rc::clone(&self.count)
    }

    /// Counts members of objects that have no column.
    pub(crate) fn unknown_members(&mut self, count: u64) {
        self.outcome.unknown_members += count;
    }

    /// Counts a file as read.
    pub(crate) fn end_file(&mut self) -> ControlFlow<()> {
        self.bytes_before += self.table.files.get(self.file).map_or(0, |file| file.bytes);
        self.count = Rc::new(StdCell::new(0));
        self.progress.files_done += 1;
        self.tell()
    }

    /// Hands the last samples on and closes the books.
    pub(crate) fn finish(mut self, interrupted: bool) -> Outcome {
        let flow = self.flush();
        self.outcome.interrupted = interrupted || flow.is_break();
        self.outcome.rejects = self.rejects.total() - self.rejects_before;
        self.outcome.rows = self.progress.rows;
        self.dictionary.finish(self.table, &mut self.outcome);
        self.outcome
    }

    fn tell(&mut self) -> ControlFlow<()> {
        self.progress.bytes_done = (self.bytes_before + self.count.get()).min(self.progress.bytes_total);
        self.progress.rejects = self.rejects.total() - self.rejects_before;
        (self.watch)(&self.progress)
    }

    fn flush(&mut self) -> ControlFlow<()> {
        if self.batch.series.is_empty() {
            return ControlFlow::Continue(());
        }
        let flow = self.sink.batch(&self.batch, &self.dictionary.keys);
        self.batch.clear();
        flow
    }

    /// Reads the numbers of a row; the first that is none is the reason to reject it.
    fn read_values(&mut self, row: &dyn Row) -> Result<(), Reason> {
        for (value, measure) in self.values.iter_mut().zip(&self.measures) {
            let cell = row.cell(measure.column).trimmed();
            *value = match cell {
                Cell::Null => f64::NAN,
                cell => cell.number(measure.comma).ok_or_else(|| Reason::Number {
                    column: self.table.columns[measure.column].name.clone(),
                    text: shorten(&cell.text()),
                })?,
            };
        }
        Ok(())
    }

    fn read_row(&mut self, row: &dyn Row) -> Result<(), Reason> {
        self.read_values(row)?;
        let entity =
            self.dictionary.entity(self.table, row).ok_or(Reason::SeriesLimit(self.dictionary.series_max))?;
        let position = self.dictionary.next_position(entity);
        let moment = axis::read(&self.table.time.value, row, position)
            .ok_or_else(|| Reason::Time(shorten(&axis::words(&self.table.time.value, row))))?;
        let at = match moment {
            Moment::Instant(at) => at,
            Moment::Local(local) => {
                let (at, resolution) = self.clock.instant(local, self.dictionary.last(entity));
                match resolution {
                    Resolution::Plain => {}
                    Resolution::Repeated => self.outcome.hours_repeated += 1,
                    Resolution::Missing => self.outcome.hours_missing += 1,
                }
                at
            }
        };
        self.dictionary.accept(entity, at, &self.values);
        let first = entity * self.values.len() as u32;
        for (measure, &value) in self.values.iter().enumerate() {
            self.batch.series.push(first + measure as u32);
            self.batch.at.push(Timestamp(at));
            self.batch.values.push(value);
        }
        Ok(())
    }

    fn count_row(&mut self) -> ControlFlow<()> {
        self.progress.rows += 1;
        if self.progress.rows.is_multiple_of(WATCH_ROWS) {
            self.tell()?;
        }
        if self.batch.series.len() >= BATCH_SAMPLES { self.flush() } else { ControlFlow::Continue(()) }
    }
}

impl Visitor for Scan<'_> {
    fn row(&mut self, line: u64, row: &dyn Row) -> ControlFlow<()> {
        if let Err(reason) = self.read_row(row) {
            self.rejects.push(&self.table.files[self.file].name, line, reason, row.raw());
        }
        self.count_row()
    }

    fn reject(&mut self, line: u64, reason: Reason, raw: &[u8]) -> ControlFlow<()> {
        self.rejects.push(&self.table.files[self.file].name, line, reason, raw);
        self.count_row()
    }
}

/// Enough of a text to recognise it in a message.
fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
