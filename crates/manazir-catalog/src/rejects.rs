//! Broken rows: kept, counted, and their reason can be read.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Error, Result};

/// Name of the file that [`Rejects::written_to`] writes.
pub const REJECTS_FILE: &str = "rejects.ndjson";

/// Examples kept for each kind of reason, beside the general sample.
const EXAMPLES_PER_KIND: usize = 3;

/// Bytes of a broken row that are kept with it.
const RAW_BYTES_MAX: usize = 4_096;

/// Why a row was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// More or fewer fields than columns.
    FieldCount {
        /// Columns of the table.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// The time column holds no time of the table's format.
    Time(String),
    /// A measure holds no number.
    Number {
        /// The measure.
        column: String,
        /// What stands there.
        text: String,
    },
    /// Bytes that are no UTF-8.
    Utf8,
    /// A quote that is never closed.
    OpenQuote,
    /// Longer than [`crate::Limits::line_bytes_max`].
    TooLong,
    /// No JSON object.
    Json(String),
    /// The compressed or columnar container is damaged: the rest of it is lost.
    Damaged(String),
    /// It belongs to a series beyond [`crate::Limits::series_max`].
    SeriesLimit(usize),
}

impl Reason {
    /// The kind, as a word that does not change.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::FieldCount { .. } => "field_count",
            Self::Time(_) => "time",
            Self::Number { .. } => "number",
            Self::Utf8 => "utf8",
            Self::OpenQuote => "open_quote",
            Self::TooLong => "too_long",
            Self::Json(_) => "json",
            Self::Damaged(_) => "damaged",
            Self::SeriesLimit(_) => "series_limit",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldCount { expected, found } => write!(f, "{found} fields where {expected} are expected"),
            Self::Time(text) => write!(f, "no time of the usual form: {text:?}"),
            Self::Number { column, text } => write!(f, "no number in {column}: {text:?}"),
            Self::Utf8 => f.write_str("not UTF-8"),
            Self::OpenQuote => f.write_str("a quote is opened and never closed"),
            Self::TooLong => f.write_str("longer than the limit for one record"),
            Self::Json(message) => write!(f, "no JSON object: {message}"),
            Self::Damaged(message) => write!(f, "damaged, the rest is lost: {message}"),
            Self::SeriesLimit(limit) => write!(f, "belongs to a series beyond the limit of {limit}"),
        }
    }
}

/// A rejected row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The file, as the catalog names it.
    pub file: String,
    /// Line from 1 in a text format, row from 1 in a columnar one.
    pub line: u64,
    /// Why.
    pub reason: Reason,
    /// The row's bytes as far as they are text, cut to 4 KiB; empty for a columnar format.
    pub raw: String,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// One kind of reason, for reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RejectCount {
    /// The kind of reason.
    pub reason: &'static str,
    /// Rows rejected for it.
    pub count: u64,
    /// The first of them: `file:line: words`.
    pub examples: Vec<String>,
}

/// Takes every reject: counts all, keeps the first, and writes all to a file if told to.
#[derive(Debug)]
pub struct Rejects {
    kept: Vec<Reject>,
    kept_max: usize,
    total: u64,
    by_kind: BTreeMap<&'static str, RejectCount>,
    file: Option<RejectsFile>,
}

#[derive(Debug)]
struct RejectsFile {
    path: PathBuf,
    out: BufWriter<File>,
    bytes_left: u64,
    failure: Option<std::io::Error>,
}

#[derive(Serialize)]
struct RejectLine<'a> {
    file: &'a str,
    line: u64,
    reason: &'static str,
    detail: String,
    raw: &'a str,
}

impl Rejects {
    /// Keeps the first `kept_max` rejects in memory.
    pub fn in_memory(kept_max: usize) -> Self {
        Self { kept: Vec::new(), kept_max, total: 0, by_kind: BTreeMap::new(), file: None }
    }

    /// As above, and writes each reject as a line of JSON to [`REJECTS_FILE`] in `folder`, up to
    /// `bytes_max`. The file of an earlier run is replaced.
    pub fn written_to(folder: &Path, kept_max: usize, bytes_max: u64) -> Result<Self> {
        let path = folder.join(REJECTS_FILE);
        match File::create(&path) {
            Ok(file) => {
                let out = BufWriter::new(file);
                let file = RejectsFile { path, out, bytes_left: bytes_max, failure: None };
                Ok(Self { file: Some(file), ..Self::in_memory(kept_max) })
            }
            Err(source) => Err(Error::Write { path, source }),
        }
    }

    /// Takes one. A failure to write is kept for [`Rejects::finish`]: a full disk must not stop the read.
    pub fn push(&mut self, file: &str, line: u64, reason: Reason, raw: &[u8]) {
        self.total += 1;
        let kind = reason.kind();
        let count = self.by_kind.entry(kind).or_insert_with(|| RejectCount {
            reason: kind,
            count: 0,
            examples: Vec::new(),
        });
        count.count += 1;
        let wanted = count.examples.len() < EXAMPLES_PER_KIND;
        if !wanted && self.kept.len() >= self.kept_max && self.file.is_none() {
            return;
        }
        let raw = String::from_utf8_lossy(&raw[..raw.len().min(RAW_BYTES_MAX)]).into_owned();
        let reject = Reject { file: file.to_owned(), line, reason, raw };
        if wanted {
            count.examples.push(reject.to_string());
        }
        if let Some(file) = &mut self.file {
            file.write(&reject);
        }
        if self.kept.len() < self.kept_max {
            self.kept.push(reject);
        }
    }

    /// All rejects, those that were not kept included.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The first rejects.
    pub fn kept(&self) -> &[Reject] {
        &self.kept
    }

    /// How many for each kind of reason, with examples.
    pub fn by_reason(&self) -> impl Iterator<Item = &RejectCount> {
        self.by_kind.values()
    }

    /// Flushes the rejects file; reports the first failure to write it.
    pub fn finish(&mut self) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        match file.failure.take().map_or_else(|| file.out.flush(), Err) {
            Ok(()) => Ok(()),
            Err(source) => Err(Error::Write { path: file.path.clone(), source }),
        }
    }
}

impl RejectsFile {
    fn write(&mut self, reject: &Reject) {
        if self.failure.is_some() || self.bytes_left == 0 {
            return;
        }
        let line = RejectLine {
            file: &reject.file,
            line: reject.line,
            reason: reject.reason.kind(),
            detail: reject.reason.to_string(),
            raw: &reject.raw,
        };
        let written = serde_json::to_vec(&line).map_err(std::io::Error::from).and_then(|mut text| {
            text.push(b'\n');
            self.bytes_left = self.bytes_left.saturating_sub(text.len() as u64);
            self.out.write_all(&text)
        });
        self.failure = written.err();
    }
}
