//! The rows of a file that discovery looks at.

use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::path::Path;

use crate::cell::{OwnedCell, Row};
use crate::format::csv::Fields;
use crate::format::json::Columns;
use crate::format::parquet::Parquet;
use crate::format::{Format, Visitor, csv, json, sniff};
use crate::limits::Limits;
use crate::open::{self, ByteCount, Compression, PARQUET_MAGIC};
use crate::rejects::Reason;
use crate::walk::Found;

/// What the head of a file shows.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) format: Format,
    pub(crate) compression: Compression,
    pub(crate) names: Vec<String>,
    /// Cells by column, all of the same length.
    pub(crate) columns: Vec<Vec<OwnedCell>>,
}

impl Head {
    pub(crate) fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }
}

/// Collects rows up to a number.
struct Sampler {
    rows: Vec<Vec<OwnedCell>>,
    width: usize,
    rows_max: usize,
}

impl Visitor for Sampler {
    fn row(&mut self, _: u64, row: &dyn Row) -> ControlFlow<()> {
        if self.rows.len() == self.rows_max {
            return ControlFlow::Break(());
        }
        // JSON: the columns are not known yet, so the row's own width counts.
        let width = if self.width == 0 { row.width() } else { self.width };
        let cells = (0..width).map(|column| row.cell(column).trimmed().to_owned());
        self.rows.push(cells.collect());
        ControlFlow::Continue(())
    }

    fn reject(&mut self, _: u64, _: Reason, _: &[u8]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Sampler {
    fn new(width: usize, rows_max: usize) -> Self {
        Self { rows: Vec::new(), width, rows_max }
    }

    fn columns(self, width: usize) -> Vec<Vec<OwnedCell>> {
        let mut columns: Vec<_> = (0..width).map(|_| Vec::with_capacity(self.rows.len())).collect();
        for row in self.rows {
            let mut cells = row.into_iter();
            for column in &mut columns {
                column.push(cells.next().unwrap_or(OwnedCell::Null));
            }
        }
        columns
    }
}

/// Looks at the head of a file: its format, its columns, and up to `rows_max` of its rows. The answer is a
/// reason where it is no table.
pub(crate) fn head(
    found: &Found,
    rows_max: usize,
    limits: &Limits,
    count: &ByteCount,
) -> Result<Head, String> {
    let words = |error: std::io::Error| error.to_string();
    let (input, compression) = open::open(&found.path, count).map_err(words)?;
    let mut bytes = Vec::new();
    // A stream that breaks later still has a head.
    let read = input.take(limits.sample_bytes as u64).read_to_end(&mut bytes);
    if let Err(error) = read
        && bytes.is_empty()
    {
        return Err(format!("cannot be unpacked: {error}"));
    }
    let whole = bytes.len() < limits.sample_bytes;
    if bytes.starts_with(PARQUET_MAGIC) {
        if compression != Compression::None {
            return Err("Parquet inside of another compression: unpack it first".to_owned());
        }
        return parquet_head(&found.path, rows_max, limits);
    }
    let format = sniff::sniff(
        &bytes[..bytes.len().min(256 << 10)],
        whole && bytes.len() <= 256 << 10,
        found.named_table(),
    )?;
    text_head(&bytes, whole, format, compression, rows_max, limits, found, count)
}

#[allow(clippy::too_many_arguments, reason = "one caller; the parts have no meaning together")]
fn text_head(
    bytes: &[u8],
    whole: bool,
    format: Format,
    compression: Compression,
    rows_max: usize,
    limits: &Limits,
    found: &Found,
    count: &ByteCount,
) -> Result<Head, String> {
    // The last line of a sample that was cut is no line.
    let end = if whole { bytes.len() } else { memchr::memrchr(b'\n', bytes).unwrap_or(bytes.len()) };
    let bytes = &bytes[..end];
    let mut sampler;
    let names = match &format {
        Format::Csv { delimiter, header } => {
            let names = csv_names(bytes, *delimiter as u8, *header)?;
            sampler = Sampler::new(names.len(), rows_max);
            let line_max = limits.line_bytes_max;
            let _ =
                csv::read(Cursor::new(bytes), *delimiter as u8, *header, names.len(), line_max, &mut sampler);
            names
        }
        Format::Ndjson | Format::JsonArray => {
            let mut columns = Columns::growing(limits.columns_max);
            sampler = Sampler::new(0, rows_max);
            let read = if format == Format::Ndjson { json::read_lines } else { json::read_array };
            let _ = read(
                &mut Cursor::new(bytes) as &mut dyn Read,
                &mut columns,
                limits.line_bytes_max,
                &mut sampler,
            );
            columns.names()
        }
        Format::JsonColumns => {
            let (input, _) = open::open(&found.path, count).map_err(|error| error.to_string())?;
            let columns = json::parse_columns(input, limits.json_object_bytes_max)?;
            let (names, mut columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
            columns.iter_mut().for_each(|column: &mut Vec<OwnedCell>| column.truncate(rows_max));
            return checked(Head { format, compression, names, columns }, limits);
        }
        Format::Parquet => return Err("text that claims to be Parquet".to_owned()),
    };
    if format == Format::Ndjson && sampler.rows.len() < 2 && whole && found.ending_is("json") {
        return Err("a single JSON object whose members are no arrays of one length".to_owned());
    }
    let columns = sampler.columns(names.len());
    checked(Head { format, compression, names, columns }, limits)
}

fn checked(head: Head, limits: &Limits) -> Result<Head, String> {
    if head.names.len() > limits.columns_max {
        return Err(format!("{} columns, more than the limit of {}", head.names.len(), limits.columns_max));
    }
    if head.names.is_empty() || head.rows() == 0 {
        return Err("no rows that can be read".to_owned());
    }
    Ok(head)
}

/// Names of the columns of separated values; made up where the file has none.
fn csv_names(bytes: &[u8], delimiter: u8, header: bool) -> Result<Vec<String>, String> {
    let text = String::from_utf8_lossy(csv::without_bom(bytes));
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty() || line.starts_with('#'));
    let first = lines.next().ok_or("empty")?;
    let mut fields = Fields::default();
    let mut cut = |line: &str| -> Vec<String> {
        fields.cut(line, delimiter, line.contains('"'));
        fields.texts(line, line.contains('"')).map(|name| name.trim().to_owned()).collect()
    };
    let mut names = cut(first);
    if !header {
        // The first line may be the broken one: most lines decide.
        let mut widths = std::collections::BTreeMap::<usize, usize>::new();
        for line in std::iter::once(first).chain(lines).filter(|line| !line.trim().is_empty()).take(200) {
            *widths.entry(cut(line).len()).or_default() += 1;
        }
        let width =
            widths.into_iter().max_by_key(|&(_, lines)| lines).map_or(names.len(), |(width, _)| width);
        return Ok((1..=width).map(|column| format!("column_{column}")).collect());
    }
    if names.len() > 1 && names.last().is_some_and(String::is_empty) {
        // A delimiter at the end of each line.
        let wider = lines.take(20).any(|line| cut(line).last().is_some_and(|last| !last.is_empty()));
        if !wider {
            names.pop();
        }
    }
    Ok(unique(names))
}

/// Names that are blank or come twice get the number of their column.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut name_of = |(column, name): (usize, String)| {
        let name = if name.is_empty() { format!("column_{}", column + 1) } else { name };
        let name = if seen.contains(&name) { format!("{name}_{}", column + 1) } else { name };
        seen.insert(name.clone());
        name
    };
    names.into_iter().enumerate().map(&mut name_of).collect()
}

fn parquet_head(path: &Path, rows_max: usize, limits: &Limits) -> Result<Head, String> {
    let file = Parquet::open(path)?;
    let names = unique(file.columns());
    if names.len() > limits.columns_max {
        return Err(format!("{} columns, more than the limit of {}", names.len(), limits.columns_max));
    }
    let mut sampler = Sampler::new(names.len(), rows_max);
    file.sample(rows_max, &mut sampler);
    let columns = sampler.columns(names.len());
    checked(Head { format: Format::Parquet, compression: Compression::None, names, columns }, limits)
}
