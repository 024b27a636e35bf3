//! The rows of a file that discovery looks at.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
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

/// Places beyond its head that a sample of a text file comes from.
const PLACES: usize = 16;

/// Bytes read at each of them.
const PLACE_BYTES: usize = 64 << 10;

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
    /// Bytes of the lines taken.
    bytes: usize,
}

impl Visitor for Sampler {
    fn row(&mut self, _: u64, row: &dyn Row) -> ControlFlow<()> {
        if self.rows.len() == self.rows_max {
            return ControlFlow::Break(());
        }
        self.bytes += row.raw().len() + 1;
        // JSON: the columns are not known yet, so the row's own width counts.
        let width = if self.width == 0 { row.width() } else { self.width };
        let cells = (0..width).map(|column| row.cell(column).trimmed().to_owned());
        self.rows.push(cells.collect());
        ControlFlow::Continue(())
    }

    fn reject(&mut self, _: u64, _: Reason, raw: &[u8]) -> ControlFlow<()> {
        self.bytes += raw.len() + 1;
        ControlFlow::Continue(())
    }
}

impl Sampler {
    fn new(width: usize, rows_max: usize) -> Self {
        Self { rows: Vec::new(), width, rows_max, bytes: 0 }
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
    let start = &bytes[..bytes.len().min(256 << 10)];
    let format = sniff::sniff(start, whole && start.len() == bytes.len(), found.named_table())?;
    if format == Format::JsonColumns {
        return json_columns_head(found, compression, rows_max, limits, count);
    }
    let seekable = compression == Compression::None && !whole;
    let text = Text { bytes, whole, file: seekable.then_some(found) };
    let (names, columns) = text.sample(&format, rows_max, limits)?;
    if format == Format::Ndjson
        && whole
        && found.ending_is("json")
        && columns.first().is_some_and(|cells| cells.len() < 2)
    {
        return Err("a single JSON object whose members are no arrays of one length".to_owned());
    }
    checked(Head { format, compression, names, columns }, limits)
}

fn json_columns_head(
    found: &Found,
    compression: Compression,
    rows_max: usize,
    limits: &Limits,
    count: &ByteCount,
) -> Result<Head, String> {
    let (input, _) = open::open(&found.path, count).map_err(|error| error.to_string())?;
    let columns = json::parse_columns(input, limits.json_object_bytes_max)?;
    let (names, mut columns): (Vec<_>, Vec<Vec<OwnedCell>>) = columns.into_iter().unzip();
    columns.iter_mut().for_each(|column| column.truncate(rows_max));
    checked(Head { format: Format::JsonColumns, compression, names, columns }, limits)
}

/// The decoded head of a text file and, where it can be had without decoding all before it, the rest.
struct Text<'a> {
    bytes: Vec<u8>,
    whole: bool,
    file: Option<&'a Found>,
}

impl Text<'_> {
    /// Names of the columns, and cells by column: half of the rows from the head, half from places beyond.
    fn sample(
        &self,
        format: &Format,
        rows_max: usize,
        limits: &Limits,
    ) -> Result<(Vec<String>, Vec<Vec<OwnedCell>>), String> {
        let line_max = limits.line_bytes_max;
        let mut names = match format {
            Format::Csv { delimiter, header } => csv_names(&self.bytes, *delimiter as u8, *header)?,
            _ => Vec::new(),
        };
        let mut members = Columns::growing(limits.columns_max);
        let mut sampler = Sampler::new(names.len(), rows_max);
        let mut read = |bytes: &[u8], first: bool, sampler: &mut Sampler| {
            let input = Cursor::new(bytes);
            // The answer only says that the sampler has enough.
            let _enough = match format {
                Format::Csv { delimiter, header } => {
                    csv::read(input, *delimiter as u8, *header && first, sampler.width, line_max, sampler)
                }
                Format::Ndjson => json::read_lines(input, &mut members, line_max, sampler),
                _ => json::read_array(input, &mut members, line_max, sampler),
            };
        };
        let head = if self.whole { &self.bytes[..] } else { whole_lines(&self.bytes) };
        let places = *format != Format::JsonArray;
        sampler.rows_max = if places { rows_max / 2 } else { rows_max };
        read(head, true, &mut sampler);
        if places && sampler.rows.len() == sampler.rows_max {
            let seen = sampler.bytes + sampler.bytes / 50 + 256;
            for place in 0..PLACES {
                sampler.rows_max += rows_max / 2 / PLACES;
                let bytes = self.place(seen, place).unwrap_or_default();
                read(&bytes, false, &mut sampler);
            }
        }
        if names.is_empty() {
            names = members.names();
        }
        let columns = sampler.columns(names.len());
        Ok((names, columns))
    }

    /// Whole lines of one of the places, which lie evenly between the rows seen already and the end.
    fn place(&self, seen: usize, place: usize) -> Option<Vec<u8>> {
        let total = match self.file {
            Some(found) => usize::try_from(found.bytes).ok()?,
            None => self.bytes.len(),
        };
        let stride = total.checked_sub(seen)? / PLACES;
        let (from, length) = (seen + place * stride, stride.min(PLACE_BYTES));
        let bytes = match self.file {
            Some(found) => {
                let mut file = File::open(&found.path).ok()?;
                file.seek(SeekFrom::Start(from as u64)).ok()?;
                let mut bytes = Vec::with_capacity(length);
                file.take(length as u64).read_to_end(&mut bytes).ok()?;
                bytes
            }
            None => self.bytes.get(from..from + length)?.to_vec(),
        };
        // It begins in the middle of a line.
        let first = memchr::memchr(b'\n', &bytes)? + 1;
        Some(whole_lines(&bytes[first..]).to_vec())
    }
}

/// Without the last line, which may be cut off.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr::memrchr(b'\n', bytes).unwrap_or(bytes.len())]
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
