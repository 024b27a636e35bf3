//! From what the user names to the files that are meant.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Folders below a source that are entered.
const DEPTH_MAX: usize = 32;

/// Endings that promise a table.
const TABLE_ENDINGS: [&str; 10] =
    ["csv", "tsv", "psv", "tab", "json", "ndjson", "jsonl", "parquet", "pq", "parq"];

/// Endings that promise none; all other files are judged by their bytes.
const OTHER_ENDINGS: [&str; 38] = [
    "md", "rst", "toml", "yaml", "yml", "lock", "ini", "cfg", "conf", "rs", "py", "ipynb", "js", "ts", "sh",
    "sql", "html", "css", "pdf", "png", "jpg", "jpeg", "gif", "svg", "zip", "tar", "7z", "xz", "bz2", "xlsx",
    "docx", "pptx", "so", "o", "pyc", "npy", "npz", "pkl",
];

/// Names of files that stand beside data.
const OTHER_NAMES: [&str; 8] =
    ["LICENSE", "LICENCE", "README", "NOTICE", "COPYING", "CHANGELOG", "MAKEFILE", "CHECKSUMS"];

/// A file that may hold a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// The source's folder: the file's name is told relative to it.
    pub(crate) root: PathBuf,
    pub(crate) bytes: u64,
}

impl Found {
    /// The path below the root, with `/`.
    pub(crate) fn name(&self) -> String {
        let below = self.path.strip_prefix(&self.root).unwrap_or(&self.path);
        let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    }

    /// The file's name without the endings of format and compression.
    pub(crate) fn stem(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        stem_of(&name)
    }

    /// Whether the name ends so, below the ending of the compression.
    pub(crate) fn ending_is(&self, wanted: &str) -> bool {
        ending_of(&self.path).is_some_and(|ending| ending == wanted)
    }

    pub(crate) fn named_table(&self) -> bool {
        ending_of(&self.path).is_some_and(|ending| TABLE_ENDINGS.contains(&ending.as_str()))
    }
}

/// `speed_6005.csv.gz` → `speed_6005`.
pub(crate) fn stem_of(name: &str) -> String {
    let name = without_compression(name);
    match name.rsplit_once('.') {
        Some((stem, ending))
            if !stem.is_empty() && TABLE_ENDINGS.contains(&ending.to_lowercase().as_str()) =>
        {
            stem.to_owned()
        }
        Some((stem, "txt" | "data" | "out" | "log" | "dat")) if !stem.is_empty() => stem.to_owned(),
        _ => name.to_owned(),
    }
}

fn without_compression(name: &str) -> &str {
    ["gz", "zst", "zstd"]
        .into_iter()
        .find_map(|ending| name.strip_suffix(ending)?.strip_suffix('.'))
        .unwrap_or(name)
}

/// The ending below that of the compression, in lower case.
fn ending_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    without_compression(&name).rsplit_once('.').map(|(_, ending)| ending.to_lowercase())
}

/// All files that the sources name, sorted, each once.
pub(crate) fn walk(sources: &[String], files_max: usize) -> Result<Vec<Found>> {
    let mut files = BTreeSet::new();
    for source in sources {
        let path = Path::new(source);
        if path.exists() {
            add(path, files_max, &mut files)?;
            continue;
        }
        let matches =
            glob::glob(source).map_err(|error| Error::Pattern { pattern: source.clone(), source: error })?;
        let mut any = false;
        for found in matches.flatten() {
            any = true;
            add(&found, files_max, &mut files)?;
        }
        if !any {
            return Err(Error::NotFound(source.clone()));
        }
    }
    Ok(files.into_iter().collect())
}

fn add(path: &Path, files_max: usize, files: &mut BTreeSet<Found>) -> Result<()> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(io)?;
    if metadata.is_dir() {
        let mut entered = BTreeSet::new();
        return walk_folder(path, path, DEPTH_MAX, files_max, &mut entered, files);
    }
    let root = path.parent().unwrap_or(Path::new("")).to_owned();
    insert(Found { path: path.to_owned(), root, bytes: metadata.len() }, files_max, files)
}

fn insert(found: Found, files_max: usize, files: &mut BTreeSet<Found>) -> Result<()> {
    // The same file may be named by a folder and by itself; the first root stays.
    if files.iter().next().is_some() && files.range(same_path(&found)).any(|other| other.path == found.path) {
        return Ok(());
    }
    files.insert(found);
    if files.len() > files_max { Err(Error::TooManyFiles(files_max)) } else { Ok(()) }
}

fn same_path(found: &Found) -> std::ops::RangeFrom<Found> {
    Found { path: found.path.clone(), root: PathBuf::new(), bytes: 0 }..
}

/// Enters each real folder once, so that a link to a parent ends the walk there.
fn walk_folder(
    folder: &Path,
    root: &Path,
    depth: usize,
    files_max: usize,
    entered: &mut BTreeSet<PathBuf>,
    files: &mut BTreeSet<Found>,
) -> Result<()> {
    let io = |source| Error::Io { path: folder.to_owned(), source };
    if depth == 0 || !entered.insert(fs::canonicalize(folder).map_err(io)?) {
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).map_err(io)?.flatten().map(|entry| entry.path()).collect();
    entries.sort_unstable();
    for path in entries {
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with(['.', '_']));
        // A link that leads nowhere has no metadata.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if hidden {
            continue;
        }
        if metadata.is_dir() {
            walk_folder(&path, root, depth - 1, files_max, entered, files)?;
        } else if metadata.is_file() && may_be_table(&path) {
            insert(Found { path, root: root.to_owned(), bytes: metadata.len() }, files_max, files)?;
        }
    }
    Ok(())
}

fn may_be_table(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
    let word = name.split(['.', '_', '-']).next().unwrap_or_default();
    let ending = ending_of(path);
    // Its own output is no input.
    if name == crate::rejects::REJECTS_FILE.to_uppercase()
        || OTHER_NAMES.contains(&word) && ending.as_deref() != Some("csv")
    {
        return false;
    }
    !ending.is_some_and(|ending| OTHER_ENDINGS.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn stems_lose_format_and_compression_only() {
        let check = |name, stem| assert_eq!(super::stem_of(name), stem);
        check("nyc_taxi.csv.gz", "nyc_taxi");
        check("ec2_cpu_utilization_5f5533.csv", "ec2_cpu_utilization_5f5533");
        check("v1.2.parquet", "v1.2");
        check("MBA_ECG805_data.out.csv.zst", "MBA_ECG805_data.out");
        check("host.example", "host.example");
    }
}
