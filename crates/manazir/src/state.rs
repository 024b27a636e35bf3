//! The state directory: results of files that have not changed are used again.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};
use manazir_catalog::Table;
use serde::{Deserialize, Serialize};

use crate::engine::Sensitivity;
use crate::finding::SeriesReport;
use crate::found::{FoundSeries, RejectLine};

/// Raised when the stored form changes; older files are then made anew.
const FORM: u32 = 4;

/// Results of other states of the files that are kept, the newest first.
const RESULTS_MAX: usize = 200;

/// What is known of a table that was read before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    form: u32,
    /// True if every series of the table was judged.
    pub complete: bool,
    /// Series that were judged.
    pub found: Vec<FoundSeries>,
    /// Those of them with anomalies: only they are drawn again.
    pub reports: Vec<SeriesReport>,
    /// Rows that could not be read.
    pub rejects: Vec<RejectLine>,
}

impl Stored {
    /// Nothing but the rejects of a table.
    pub fn new(rejects: Vec<RejectLine>) -> Self {
        Self { form: FORM, rejects, ..Self::default() }
    }

    /// Adds the series that an earlier run had judged.
    pub fn add(&mut self, before: Self) {
        self.found.extend(before.found);
        self.reports.extend(before.reports);
        self.found.sort_by(|one, other| one.name.cmp(&other.name));
        self.reports.sort_by(|one, other| one.series.key.cmp(&other.series.key));
    }
}

/// A directory that a second run goes on from.
#[derive(Clone, Debug)]
pub struct State {
    folder: PathBuf,
    sensitivity: Sensitivity,
}

impl State {
    /// Opens or makes the directory. Results are those of one sensitivity.
    pub fn open(folder: &Path, sensitivity: Sensitivity) -> Result<Self> {
        let state = Self { folder: folder.to_owned(), sensitivity };
        fs::create_dir_all(state.results()).with_context(|| {
            format!("cannot make the state directory {}; choose another with --data", folder.display())
        })?;
        state.keep_out_of_git()?;
        Ok(state)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Forgets all results.
    pub fn clear(&self) -> Result<()> {
        let results = self.results();
        fs::remove_dir_all(&results).with_context(|| format!("cannot remove {}", results.display()))?;
        fs::create_dir_all(&results).with_context(|| format!("cannot make {}", results.display()))
    }

    /// What was kept of a table whose files are as they were; `None` if nothing fits.
    pub fn load(&self, table: &Table) -> Option<Stored> {
        let bytes = fs::read(self.path(table)).ok()?;
        let stored: Stored = postcard::from_bytes(&bytes).ok()?;
        (stored.form == FORM).then_some(stored)
    }

    /// Keeps the result of a table. It is written beside and renamed, so that a crash leaves the old one whole.
    pub fn store(&self, table: &Table, stored: &Stored) -> Result<()> {
        let path = self.path(table);
        let bytes = postcard::to_allocvec(stored).context("cannot pack the results")?;
        let part = path.with_extension(format!("part{}", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = fs::File::create(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
        self.forget_oldest();
        Ok(())
    }

    /// Results are no source code: a repository that holds the directory must not offer to commit it.
    fn keep_out_of_git(&self) -> Result<()> {
        let path = self.folder.join(".gitignore");
        if path.exists() {
            return Ok(());
        }
        fs::write(&path, "*\n").with_context(|| format!("cannot write {}", path.display()))
    }

    fn results(&self) -> PathBuf {
        self.folder.join("results")
    }

    fn path(&self, table: &Table) -> PathBuf {
        self.results().join(format!("{:016x}.bin", fingerprint(table, self.sensitivity)))
    }

    /// Keeps the directory bounded. A failure to remove costs only space.
    fn forget_oldest(&self) {
        let Ok(entries) = fs::read_dir(self.results()) else { return };
        let mut files: Vec<_> = entries
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort_unstable_by(|one, other| other.cmp(one));
        for (_, path) in files.into_iter().skip(RESULTS_MAX) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Changes with every file of the table (name, size, time of change), with every decision about it, with the
/// sensitivity, and with the program that judged it.
fn fingerprint(table: &Table, sensitivity: Sensitivity) -> u64 {
    let mut hasher = DefaultHasher::new();
    FORM.hash(&mut hasher);
    sensitivity.alarms_per_week.map(f64::to_bits).hash(&mut hasher);
    changed(&std::env::current_exe().unwrap_or_default()).hash(&mut hasher);
    for file in &table.files {
        (&file.path, changed(&file.path)).hash(&mut hasher);
    }
    serde_json::to_string(table).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

/// Size and time of the last change; 0 where a file cannot be asked.
fn changed(path: &Path) -> (u64, u128) {
    let Ok(metadata) = fs::metadata(path) else { return (0, 0) };
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    (metadata.len(), modified.map_or(0, |since| since.as_nanos()))
}
