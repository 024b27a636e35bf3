//! Finding sets and reading them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::rows::{Series, read_series};
use crate::table::{Table, entries};
use crate::{Error, Result};

/// A series with fewer scored rows says little of a detector and is not scored.
const SCORED_ROWS_MIN: usize = 200;

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
    let tables: Vec<PathBuf> =
        entries(folder)?.into_iter().filter(|path| path.is_file() && Table::is_table(path)).collect();
    let settings = read_settings(&folder.join("set.toml"))?;
    let mut set =
        Set { name: folder_name(folder), vus_buffer: settings.vus_buffer, series: Vec::new(), unscored: 0 };
    let mut found = false;
    for path in &tables {
        let table = Table::read(path, settings.rows.unwrap_or(usize::MAX))?;
        if table.column("label").is_none() {
            continue;
        }
        found = true;
        for series in read_series(path, &table, tables.len() == 1)? {
            let labels = series.scored_labels();
            if labels.len() < SCORED_ROWS_MIN || !labels.contains(&true) {
                set.unscored += 1;
            } else {
                let (set_name, vus_buffer) = (set.name.clone(), set.vus_buffer);
                set.series.push(Series { set: set_name, vus_buffer, ..series });
            }
        }
    }
    Ok(found.then_some(set))
}

fn read_settings(path: &Path) -> Result<Settings> {
    if !path.exists() {
        return Ok(Settings::default());
    }
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|source| Error::Settings { path: path.to_owned(), source })
}

/// The last part of the path, also of `.` and `data/..`.
fn folder_name(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    full.file_name().unwrap_or(full.as_os_str()).to_string_lossy().into_owned()
}
