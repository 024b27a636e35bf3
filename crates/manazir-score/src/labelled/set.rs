//! Finding sets and reading them.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::rows::{Series, read_series};
use crate::table::{Table, entries};
use crate::{Error, Result};

/// A series with fewer scored rows says little of a detector and is not scored.
const SCORED_ROWS_MIN: usize = 200;

/// The cost of VUS-PR grows with the square of its buffer; beyond this no one waits for it.
const BUFFER_MAX: usize = 10_000;

/// All sets of a folder.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Sorted by name.
    pub sets: Vec<Set>,
    /// Names of sub-folders that hold no table with labels.
    pub skipped: Vec<String>,
}

/// One set.
#[derive(Clone, Debug)]
pub struct Set {
    /// The folder's name, which is only a name.
    pub name: String,
    /// Buffer of VUS-PR in points; `None`: the period that is found.
    pub vus_buffer: Option<usize>,
    /// The series that are scored, in the order of files and, within a file, of first appearance.
    pub series: Vec<Series>,
    /// Series that are not: without a labelled point among their scored rows, or below 200 of them.
    pub unscored: usize,
}

/// `set.toml`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    vus_buffer: Option<usize>,
    rows: Option<usize>,
}

/// Reads `dir`, which is a set or a folder of sets. All of it is held in memory.
pub fn load(dir: &Path) -> Result<Labelled> {
    let mut labelled = Labelled { sets: Vec::new(), skipped: Vec::new() };
    if let Some(set) = read_set(dir)? {
        labelled.sets.push(set);
        return Ok(labelled);
    }
    for folder in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
        match read_set(&folder)? {
            Some(set) => labelled.sets.push(set),
            None => labelled.skipped.push(folder_name(&folder)),
        }
    }
    if labelled.sets.is_empty() {
        return Err(Error::layout(dir, "no table with a column `label`, neither here nor one folder below"));
    }
    Ok(labelled)
}

/// `None` if no table in `folder` has labels.
fn read_set(folder: &Path) -> Result<Option<Set>> {
    let mut tables = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_file() && Table::is_table(path)) {
        if Table::column_names(&path)?.iter().any(|name| name == "label") {
            tables.push(path);
        }
    }
    if tables.is_empty() {
        return Ok(None);
    }
    let settings = read_settings(&folder.join("set.toml"))?;
    let mut series = Vec::new();
    for path in &tables {
        let table = Table::read(path, settings.rows.unwrap_or(usize::MAX))?;
        series.extend(read_series(path, &table)?.into_iter().map(|series| (Table::stem(path), series)));
    }
    let (name, vus_buffer) = (folder_name(folder), settings.vus_buffer);
    let scored =
        |series: &Series| series.n_scored() >= SCORED_ROWS_MIN && series.scored_labels().contains(&true);
    let total = series.len();
    let series: Vec<Series> = distinct(series)
        .into_iter()
        .filter(scored)
        .map(|series| Series { set: name.clone(), vus_buffer, ..series })
        .collect();
    Ok(Some(Set { name, vus_buffer, unscored: total - series.len(), series }))
}

/// Puts the file's name before names that several files use.
fn distinct(series: Vec<(String, Series)>) -> Vec<Series> {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for (_, series) in &series {
        *uses.entry(series.name.clone()).or_default() += 1;
    }
    let rename = |(stem, series): (String, Series)| {
        if uses[&series.name] == 1 {
            return series;
        }
        Series { name: format!("{stem}/{}", series.name), ..series }
    };
    series.into_iter().map(rename).collect()
}

fn read_settings(path: &Path) -> Result<Settings> {
    if !path.exists() {
        return Ok(Settings::default());
    }
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let settings: Settings =
        toml::from_str(&text).map_err(|source| Error::Settings { path: path.to_owned(), source })?;
    match settings.vus_buffer {
        Some(buffer) if buffer > BUFFER_MAX => {
            Err(Error::layout(path, format!("vus_buffer is {buffer}, at most {BUFFER_MAX} is possible")))
        }
        _ => Ok(settings),
    }
}

/// The last part of the path, also of `.` and `data/..`.
fn folder_name(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    full.file_name().unwrap_or(full.as_os_str()).to_string_lossy().into_owned()
}
