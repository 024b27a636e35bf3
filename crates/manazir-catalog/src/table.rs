//! What discovery finds: tables, their columns and what each of them is, with confidence and reason.

use std::path::PathBuf;

use manazir_model::{Grain, SeriesKind};
use serde::Serialize;

use crate::format::Format;
use crate::open::Compression;
use crate::time::TimeForm;

/// A choice, how sure it is, and why it was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision<T> {
    /// What was chosen.
    pub value: T,
    /// Real in [0, 1]; 1 for what a person wrote down.
    pub confidence: f64,
    /// The evidence, in words.
    pub reason: String,
}

impl<T> Decision<T> {
    pub(crate) fn new(value: T, confidence: f64, reason: impl Into<String>) -> Self {
        Self { value, confidence, reason: reason.into() }
    }

    /// A choice that `manazir.toml` made.
    pub(crate) fn told(value: T) -> Self {
        Self::new(value, 1.0, "written in manazir.toml")
    }
}

/// What a column was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The time of a row, or the date of it.
    Time,
    /// The time of day that belongs to a date in another column.
    Clock,
    /// The number of the row.
    RowNumber,
    /// A value to watch.
    Measure,
    /// Tells the series of a table apart.
    Dimension,
    /// Describes a series without being needed to tell it apart.
    Attribute,
    /// Says which samples are known to be anomalous.
    Label,
    /// Says which rows may be learnt from.
    Split,
    /// Different in every row: names the row, not the series.
    Identifier,
    /// Text that describes a moment.
    Text,
    /// Lists, structs, or nothing but nulls.
    Unusable,
    /// Left out by `manazir.toml`.
    Ignored,
}

/// How the series of a measure become one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Adding {
    /// Their sum means something: orders of all countries.
    Adds,
    /// They do not: temperatures of all rooms.
    Apart,
    /// The sums of two other measures do, one over the other: errors of all requests.
    Ratio {
        /// Name of the measure above the line.
        over: String,
        /// Name of the measure below it.
        under: String,
    },
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Its name; `column_1` and so on where the file names none.
    pub name: String,
    /// What it was taken for.
    pub role: Decision<Role>,
    /// For a measure: gauge or counter, as far as the sample shows.
    pub kind: Option<Decision<SeriesKind>>,
    /// For a measure: its unit, where a name tells it.
    pub unit: Option<Decision<String>>,
    /// For a measure: whether its series add up.
    pub adding: Option<Decision<Adding>>,
    /// Numbers are written with a comma as decimal sign.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub decimal_comma: bool,
}

/// Where the time of a row stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "axis")]
pub enum TimeAxis {
    /// In one column.
    Column {
        /// Index of the column.
        column: usize,
        /// How it is written.
        form: TimeForm,
    },
    /// A date in one column, the time of day in another.
    DateAndClock {
        /// Index of the date's column.
        date: usize,
        /// How the date is written.
        form: TimeForm,
        /// Index of the column with the time of day.
        clock: usize,
    },
    /// Year, month, day and hour in columns of their own.
    Calendar {
        /// Index of the column of years.
        year: usize,
        /// Of months, from 1.
        month: Option<usize>,
        /// Of days, from 1.
        day: Option<usize>,
        /// Of hours, from 0.
        hour: Option<usize>,
    },
    /// Nowhere: the position of the row within its series is its time. Row n lies n microseconds after
    /// 1970-01-01T00:00:00Z.
    Position,
}

impl TimeAxis {
    /// True if time is a row number: the calendar means nothing then.
    pub fn is_row_number(&self) -> bool {
        matches!(self, Self::Position | Self::Column { form: TimeForm::RowNumber, .. })
    }
}

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One measure, no dimension.
    Single,
    /// Several measures in a row, no dimension.
    Wide,
    /// Dimensions tell series apart.
    Long,
    /// Something happens at a time, but nothing is measured: no series.
    Events,
    /// No time and no order: names, edges, totals. No series.
    Reference,
}

impl Layout {
    /// Whether the table holds series.
    pub fn has_series(self) -> bool {
        matches!(self, Self::Single | Self::Wide | Self::Long)
    }
}

/// How the files of a table belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// One table, cut into files.
    Parts,
    /// Each file holds series of its own; its name tells them apart.
    SeriesEach,
}

/// One file of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableFile {
    /// Where it is.
    #[serde(skip)]
    pub path: PathBuf,
    /// As the user sees it: relative to the source where that is a folder.
    pub name: String,
    /// Size on disk.
    pub bytes: u64,
    /// What it is.
    pub format: Format,
    /// How it is packed.
    pub compression: Compression,
    /// Names of its columns in its own order.
    #[serde(skip)]
    pub columns: Vec<String>,
    /// Labels of all its rows: its name and folder where they tell series apart, and `key=value` folders.
    pub labels: Vec<(String, String)>,
    /// Name of the metric, where the file's name is what names it.
    pub metric: Option<String>,
}

/// A table: files with the same columns, read in the same way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// The name of its one file, or of the folder.
    pub name: String,
    /// Its form.
    pub layout: Decision<Layout>,
    /// Where the time stands.
    pub time: Decision<TimeAxis>,
    /// The zone of its clock, an IANA name.
    pub zone: Decision<String>,
    /// The usual distance between samples of a series.
    pub grain: Decision<Option<Grain>>,
    /// How its files belong together.
    pub spread: Decision<Spread>,
    /// Columns in the file's order.
    pub columns: Vec<Column>,
    /// Indexes of the columns whose values name the metric rather than label it.
    pub metric_column: Option<usize>,
    /// Its files in order.
    pub files: Vec<TableFile>,
    /// Rows that the decisions rest on.
    pub sample_rows: u64,
}

impl Table {
    /// Indexes of the columns with this role.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        self.columns.iter().enumerate().filter(move |(_, column)| column.role.value == role).map(|(at, _)| at)
    }

    /// How the series of a metric become one. A metric that a column of names gives has no column of its own.
    pub fn adding_of(&self, metric: &str, unit: Option<&str>) -> Decision<Adding> {
        let column = self.columns.iter().find(|column| column.name == metric);
        let told = column.and_then(|column| column.adding.clone());
        told.unwrap_or_else(|| crate::decide::adding::decide(metric, unit))
    }

    /// Bytes on disk of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// A file that is no part of any table, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The file, as the user sees it.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// All that was found in the sources.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Catalog {
    /// Tables by name.
    pub tables: Vec<Table>,
    /// Files that were looked at and left out.
    pub skipped: Vec<Skipped>,
    /// True if the work was stopped before all files were looked at.
    pub interrupted: bool,
}
