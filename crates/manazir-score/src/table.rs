//! A small table read whole: Parquet, CSV, or CSV in gzip, each column in the narrowest of four kinds.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchReader};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use flate2::read::MultiGzDecoder;
use manazir_model::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{Error, Result};

/// One column; `None` and NaN are empty cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column {
    Whole(Vec<Option<i64>>),
    Real(Vec<f64>),
    Instant(Vec<Option<Timestamp>>),
    Text(Vec<Option<String>>),
}

/// Named columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) n_rows: usize,
    pub(crate) columns: Vec<(String, Column)>,
}

impl Table {
    /// Reads the first `rows_max` rows of `path`, by the end of its name.
    pub(crate) fn read(path: &Path, rows_max: usize) -> Result<Self> {
        if is_parquet(path) { read_parquet(path, rows_max) } else { read_csv(path, rows_max) }
    }

    /// Names of the columns of `path`, without reading its rows.
    pub(crate) fn column_names(path: &Path) -> Result<Vec<String>> {
        if is_parquet(path) {
            let schema = open_parquet(path)?.schema().clone();
            Ok(schema.fields().iter().map(|field| field.name().clone()).collect())
        } else {
            open_csv(path).map(|(names, _)| names)
        }
    }

    /// True if `path` has the name of a table.
    pub(crate) fn is_table(path: &Path) -> bool {
        let name = path.to_string_lossy();
        [".parquet", ".csv", ".csv.gz"].iter().any(|end| name.ends_with(end))
    }

    /// The file's name without the ends that tell its format.
    pub(crate) fn stem(path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.strip_suffix(".gz").unwrap_or(&name);
        stem.strip_suffix(".csv").or_else(|| stem.strip_suffix(".parquet")).unwrap_or(stem).to_owned()
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, column)| column)
    }
}

impl Column {
    /// As numbers, NaN for empty cells; `None` for text and instants.
    pub(crate) fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Self::Whole(cells) => {
                Some(cells.iter().map(|cell| cell.map_or(f64::NAN, |whole| whole as f64)).collect())
            }
            Self::Real(cells) => Some(cells.clone()),
            Self::Instant(_) | Self::Text(_) => None,
        }
    }

    /// One cell as it would be printed; empty for an empty cell.
    pub(crate) fn text(&self, row: usize) -> String {
        match self {
            Self::Whole(cells) => cells[row].map(|whole| whole.to_string()).unwrap_or_default(),
            Self::Real(cells) => cells[row].to_string(),
            Self::Instant(cells) => cells[row].map(|at| at.to_string()).unwrap_or_default(),
            Self::Text(cells) => cells[row].clone().unwrap_or_default(),
        }
    }

    /// One cell as an instant: a date in ISO 8601 (UTC where it names no offset) or a time since the epoch.
    pub(crate) fn instant(&self, row: usize) -> Option<Timestamp> {
        match self {
            Self::Instant(cells) => cells[row],
            Self::Whole(cells) => cells[row].map(since_epoch),
            Self::Real(cells) => (!cells[row].is_nan()).then(|| Timestamp((cells[row] * 1e6).round() as i64)),
            Self::Text(cells) => parse_instant(cells[row].as_deref()?),
        }
    }
}

/// A whole number since the epoch, in the unit that puts it nearest to our days: seconds up to the year 5138,
/// then milli-, micro- and nanoseconds.
fn since_epoch(whole: i64) -> Timestamp {
    match whole.unsigned_abs() {
        0..100_000_000_000 => Timestamp::from_seconds(whole),
        100_000_000_000..100_000_000_000_000 => Timestamp(whole.saturating_mul(1_000)),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp(whole),
        _ => Timestamp(whole / 1_000),
    }
}

/// ISO 8601 with `T` or a space; without an offset it is UTC.
pub(crate) fn parse_instant(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.into());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "parquet")
}

type CsvReader = csv::Reader<Box<dyn Read>>;

/// The bytes of a file, unpacked if its name ends in `.gz`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(if path.extension().is_some_and(|end| end == "gz") {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(file)
    })
}

/// The lines of a file, unpacked if its name ends in `.gz`.
pub(crate) fn lines(path: &Path) -> Result<Vec<String>> {
    let lines = BufReader::new(open(path)?).lines().collect::<std::io::Result<_>>();
    lines.map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// The header and a reader that stands behind it.
fn open_csv(path: &Path) -> Result<(Vec<String>, CsvReader)> {
    let mut reader = csv::Reader::from_reader(open(path)?);
    let headers = reader.headers().map_err(|source| Error::Csv { path: path.to_owned(), source })?;
    let name = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
    let names = headers.iter().map(name).collect();
    Ok((names, reader))
}

fn read_csv(path: &Path, rows_max: usize) -> Result<Table> {
    let (names, mut reader) = open_csv(path)?;
    let broken = |source| Error::Csv { path: path.to_owned(), source };
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    let mut n_rows = 0;
    let mut record = csv::StringRecord::new();
    while n_rows < rows_max && reader.read_record(&mut record).map_err(broken)? {
        for (column, cell) in cells.iter_mut().zip(&record) {
            column.push(cell.trim().to_owned());
        }
        n_rows += 1;
    }
    let columns = names.into_iter().zip(cells.into_iter().map(narrow)).collect();
    Ok(Table { n_rows, columns })
}

/// Whole numbers if all cells are, else numbers, else text; a column of empty cells is text.
fn narrow(cells: Vec<String>) -> Column {
    let empty =
        |cell: &String| matches!(cell.to_ascii_lowercase().as_str(), "" | "nan" | "na" | "null" | "none");
    let full = || cells.iter().filter(|cell| !empty(cell));
    if full().next().is_none() {
        return Column::Text(vec![None; cells.len()]);
    }
    if full().all(|cell| cell.parse::<i64>().is_ok()) {
        return Column::Whole(cells.iter().map(|cell| cell.parse().ok()).collect());
    }
    if full().all(|cell| cell.parse::<f64>().is_ok()) {
        return Column::Real(
            cells
                .iter()
                .map(|cell| if empty(cell) { f64::NAN } else { cell.parse().unwrap_or(f64::NAN) })
                .collect(),
        );
    }
    Column::Text(cells.into_iter().map(|cell| (!cell.is_empty()).then_some(cell)).collect())
}

fn open_parquet(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let broken = |source| Error::Parquet { path: path.to_owned(), source };
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)
}

fn read_parquet(path: &Path, rows_max: usize) -> Result<Table> {
    let broken = |source| Error::Parquet { path: path.to_owned(), source };
    let reader = open_parquet(path)?.with_limit(rows_max).with_batch_size(65_536).build().map_err(broken)?;
    let schema = reader.schema();
    let batches: Vec<RecordBatch> =
        reader.collect::<std::result::Result<_, _>>().map_err(|err| broken(err.into()))?;
    let n_rows = batches.iter().map(RecordBatch::num_rows).sum();
    let mut columns = Vec::new();
    for (position, field) in schema.fields().iter().enumerate() {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(position).as_ref()).collect();
        let column = if parts.is_empty() {
            arrow::array::new_empty_array(field.data_type())
        } else {
            concat(&parts).map_err(|err| broken(err.into()))?
        };
        if let Some(column) = decode(&column) {
            columns.push((field.name().clone(), column));
        }
    }
    Ok(Table { n_rows, columns })
}

/// `None` for a column that is neither number, text nor time: nested values have no place in a series.
fn decode(column: &ArrayRef) -> Option<Column> {
    let target = match column.data_type() {
        DataType::Boolean => DataType::Int64,
        kind if kind.is_integer() => DataType::Int64,
        kind if kind.is_numeric() => DataType::Float64,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        _ => DataType::Utf8,
    };
    let cells = cast(column, &target).ok()?;
    Some(match target {
        DataType::Int64 => Column::Whole(cells.as_primitive::<Int64Type>().iter().collect()),
        DataType::Float64 => Column::Real(
            cells.as_primitive::<Float64Type>().iter().map(|cell| cell.unwrap_or(f64::NAN)).collect(),
        ),
        DataType::Utf8 => {
            Column::Text(cells.as_string::<i32>().iter().map(|cell| cell.map(str::to_owned)).collect())
        }
        _ => Column::Instant(
            cells.as_primitive::<TimestampMicrosecondType>().iter().map(|cell| cell.map(Timestamp)).collect(),
        ),
    })
}

/// What a folder holds, sorted by name, without hidden entries.
pub(crate) fn entries(dir: &Path) -> Result<Vec<std::path::PathBuf>> {
    let broken = |source| Error::Read { path: dir.to_owned(), source };
    let mut paths = std::fs::read_dir(dir)
        .and_then(|listing| listing.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>())
        .map_err(broken)?;
    paths.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    paths.sort();
    Ok(paths)
}
