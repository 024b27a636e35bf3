//! Parquet: row group by row group, so that a damaged one costs only itself.

use std::any::Any;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Schema, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};

use super::Visitor;
use crate::cell::{Cell, Row};
use crate::open::ByteCount;
use crate::rejects::Reason;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 8_192;

/// Places beside its head that a sample of a file comes from.
const PLACES: usize = 16;

/// Largest footer that is read: one of 64 MiB describes some hundred thousand column chunks.
const FOOTER_BYTES_MAX: u64 = 64 << 20;

/// Highest ratio of compression that is believed; runs of one value reach some thousands.
const ROW_GROUP_RATIO_MAX: u64 = 20_000;

/// One column of a batch, brought to one of few types.
enum Lane {
    Int(Int64Array),
    Float(Float64Array),
    Bool(BooleanArray),
    Text(StringArray),
    Instant(arrow::array::TimestampMicrosecondArray),
    Local(arrow::array::TimestampMicrosecondArray),
    Clock(arrow::array::Time64MicrosecondArray),
    Other,
}

struct BatchRow<'a> {
    lanes: &'a [Lane],
    row: usize,
}

impl Row for BatchRow<'_> {
    fn cell(&self, column: usize) -> Cell<'_> {
        fn valid<A: Array>(array: &A, row: usize) -> bool {
            array.is_valid(row)
        }
        let row = self.row;
        match self.lanes.get(column) {
            Some(Lane::Int(array)) if valid(array, row) => Cell::Int(array.value(row)),
            Some(Lane::Float(array)) if valid(array, row) => Cell::Float(array.value(row)),
            Some(Lane::Bool(array)) if valid(array, row) => Cell::Bool(array.value(row)),
            Some(Lane::Text(array)) if valid(array, row) => Cell::Text(array.value(row)),
            Some(Lane::Instant(array)) if valid(array, row) => Cell::Instant(array.value(row)),
            Some(Lane::Local(array)) if valid(array, row) => Cell::Local(array.value(row)),
            Some(Lane::Clock(array)) if valid(array, row) => Cell::Clock(array.value(row)),
            Some(Lane::Other) => Cell::Other,
            _ => Cell::Null,
        }
    }

    fn width(&self) -> usize {
        self.lanes.len()
    }
}

/// Casts a column to its lane. What cannot be cast is of no use to a series.
fn lane(array: &ArrayRef) -> Lane {
    let micros = |zone| DataType::Timestamp(TimeUnit::Microsecond, zone);
    let target = match array.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::Int64,
        DataType::UInt64 | DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Decimal32(..) | DataType::Decimal64(..) => DataType::Float64,
        DataType::Decimal128(..) | DataType::Decimal256(..) => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Dictionary(_, value) if value.is_string() => DataType::Utf8,
        DataType::Timestamp(_, zone) => micros(zone.clone()),
        DataType::Date32 | DataType::Date64 => micros(None),
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        _ => return Lane::Other,
    };
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let Ok(cast) = cast_with_options(array, &target, &options) else { return Lane::Other };
    match &target {
        DataType::Int64 => Lane::Int(cast.as_primitive().clone()),
        DataType::Float64 => Lane::Float(cast.as_primitive().clone()),
        DataType::Boolean => Lane::Bool(cast.as_boolean().clone()),
        DataType::Utf8 => Lane::Text(cast.as_string().clone()),
        DataType::Timestamp(_, Some(_)) => {
            Lane::Instant(cast.as_primitive::<TimestampMicrosecondType>().clone())
        }
        DataType::Timestamp(_, None) => Lane::Local(cast.as_primitive::<TimestampMicrosecondType>().clone()),
        DataType::Time64(_) => Lane::Clock(cast.as_primitive::<Time64MicrosecondType>().clone()),
        _ => Lane::Other,
    }
}

/// An open file whose footer has been read.
pub(crate) struct Parquet {
    file: File,
    metadata: ArrowReaderMetadata,
}

impl Parquet {
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        check_footer(&mut file)?;
        let options = ArrowReaderOptions::new();
        let metadata =
            guarded(|| ArrowReaderMetadata::load(&file, options))?.map_err(|error| error.to_string())?;
        Ok(Self { file, metadata })
    }

    pub(crate) fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    pub(crate) fn rows(&self) -> u64 {
        self.metadata.metadata().row_groups().iter().map(|group| group.num_rows().max(0) as u64).sum()
    }

    /// Names of the columns.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Reads all rows. `wanted` are the columns that anybody asks for; the others come as null.
    pub(crate) fn read(
        &self,
        wanted: &[bool],
        count: &ByteCount,
        visitor: &mut dyn Visitor,
    ) -> ControlFlow<()> {
        let mut row_number = 0;
        for group in 0..self.metadata.metadata().num_row_groups() {
            let group_rows = self.metadata.metadata().row_group(group).num_rows().max(0) as u64;
            self.read_group(group, wanted, row_number, visitor)?;
            row_number += group_rows;
            let bytes = self.metadata.metadata().row_group(group).compressed_size().max(0) as u64;
            count.set(count.get() + bytes);
        }
        ControlFlow::Continue(())
    }

    /// Reads `rows_max` rows: half of them at the head, the rest from places spread over the file. What is
    /// damaged is passed over.
    pub(crate) fn sample(&self, rows_max: usize, visitor: &mut dyn Visitor) {
        let total = usize::try_from(self.rows()).unwrap_or(usize::MAX);
        let head = rows_max / 2;
        let each = (rows_max - head) / PLACES;
        if total <= rows_max || each == 0 {
            return self.sample_selected(
                RowSelection::from(vec![RowSelector::select(total.min(rows_max))]),
                visitor,
            );
        }
        let stride = (total - head) / PLACES;
        let mut selectors = vec![RowSelector::select(head)];
        for _ in 0..PLACES {
            selectors.extend([RowSelector::skip(stride - each), RowSelector::select(each)]);
        }
        self.sample_selected(RowSelection::from(selectors), visitor);
    }

    fn sample_selected(&self, selection: RowSelection, visitor: &mut dyn Visitor) {
        let Ok(file) = self.file.try_clone() else { return };
        let wanted = vec![true; self.schema().fields().len()];
        let reader = guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
            builder.with_row_selection(selection).with_batch_size(BATCH_ROWS).build()
        });
        let Ok(Ok(mut reader)) = reader else { return };
        let mut row_number = 0;
        while let Ok(Some(Ok(batch))) = guarded(|| reader.next()) {
            let Ok(lanes) = guarded(|| lanes(&batch, &wanted)) else { return };
            for row in 0..batch.num_rows() {
                row_number += 1;
                if visitor.row(row_number, &BatchRow { lanes: &lanes, row }).is_break() {
                    return;
                }
            }
        }
    }

    fn read_group(
        &self,
        group: usize,
        wanted: &[bool],
        before: u64,
        visitor: &mut dyn Visitor,
    ) -> ControlFlow<()> {
        let mut row_number = before;
        let damaged =
            |row: u64, message: &str| (row + 1, Reason::Damaged(format!("row group {group}: {message}")));
        let mut reader = match self.group_reader(group, wanted) {
            Ok(reader) => reader,
            Err(message) => {
                let (line, reason) = damaged(row_number, &message);
                return visitor.reject(line, reason, &[]);
            }
        };
        loop {
            let batch = match guarded(|| reader.next()) {
                Ok(None) => return ControlFlow::Continue(()),
                Ok(Some(Ok(batch))) => batch,
                Ok(Some(Err(error))) => {
                    let (line, reason) = damaged(row_number, &error.to_string());
                    return visitor.reject(line, reason, &[]);
                }
                Err(message) => {
                    let (line, reason) = damaged(row_number, &message);
                    return visitor.reject(line, reason, &[]);
                }
            };
            let lanes = match guarded(|| lanes(&batch, wanted)) {
                Ok(lanes) => lanes,
                Err(message) => {
                    let (line, reason) = damaged(row_number, &message);
                    return visitor.reject(line, reason, &[]);
                }
            };
            for row in 0..batch.num_rows() {
                row_number += 1;
                visitor.row(row_number, &BatchRow { lanes: &lanes, row })?;
            }
        }
    }

    fn group_reader(
        &self,
        group: usize,
        wanted: &[bool],
    ) -> Result<parquet::arrow::arrow_reader::ParquetRecordBatchReader, String> {
        let group_size = self.metadata.metadata().row_group(group);
        let stored = group_size.compressed_size().max(1) as u64;
        if group_size.total_byte_size().max(0) as u64 / stored > ROW_GROUP_RATIO_MAX {
            return Err("its header claims an impossible size".to_owned());
        }
        let file = self.file.try_clone().map_err(|error| error.to_string())?;
        guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
            let roots = wanted.iter().enumerate().filter(|&(_, &wanted)| wanted).map(|(column, _)| column);
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(BATCH_ROWS).build()
        })?
        .map_err(|error| error.to_string())
    }
}

/// Lanes by column of the file; a column that was not asked for is `Other`.
fn lanes(batch: &RecordBatch, wanted: &[bool]) -> Vec<Lane> {
    let mut columns = batch.columns().iter();
    wanted
        .iter()
        .map(|&wanted| if wanted { columns.next().map_or(Lane::Other, lane) } else { Lane::Other })
        .collect()
}

/// The footer's length stands before the magic number at the end; a wrong one would be believed.
fn check_footer(file: &mut File) -> Result<(), String> {
    let length = file.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
    if length < 12 {
        return Err("too short for a Parquet file".to_owned());
    }
    let mut tail = [0; 8];
    file.seek(SeekFrom::End(-8))
        .and_then(|_| file.read_exact(&mut tail))
        .map_err(|error| error.to_string())?;
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if &tail[4..] != crate::open::PARQUET_MAGIC {
        return Err("it does not end as a Parquet file does; probably cut off".to_owned());
    }
    if footer > FOOTER_BYTES_MAX || footer + 8 > length {
        return Err("its footer has an impossible length".to_owned());
    }
    Ok(())
}

/// Runs a piece of the Parquet decoder, which answers some damaged pages with a panic.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| format!("the decoder gave up: {}", words(&*panic)))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}
