//! The manifest: which files are there, and what is in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Of the layout and the columns; a change that an older reader would not understand raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Samples with their verdicts.
    Samples,
    /// Events with their verdicts.
    Events,
}

impl Kind {
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::Events => "events",
        }
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// From the folder of the manifest on, with `/` between.
    pub path: String,
    /// What it holds.
    pub kind: Kind,
    /// The day by UTC, `2026-03-01`: of samples that of their event times, of events that on which they arrived.
    pub day: String,
    /// Grows when the day is exported again, or is added to.
    pub version: u64,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The first event time in it, microseconds since 1970.
    pub min_at: i64,
    /// The last one.
    pub max_at: i64,
    /// Of all its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// How far the events of a store are exported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsUntil {
    /// The name of the store.
    pub store: String,
    /// Of each partition the place of the last event that is exported.
    pub partitions: BTreeMap<u16, u64>,
}

/// All files, by kind and day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Changes together with the files: no event is exported twice, and none is left out.
    #[serde(default)]
    pub events_until: EventsUntil,
    /// The files.
    pub files: Vec<ManifestFile>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { schema_version: SCHEMA_VERSION, events_until: EventsUntil::default(), files: Vec::new() }
    }
}

impl Manifest {
    /// The files of a day.
    pub fn of(&self, kind: Kind, day: &str) -> impl Iterator<Item = &ManifestFile> {
        self.files.iter().filter(move |file| file.kind == kind && file.day == day)
    }

    /// Puts files in the place of those of their day; returns those that went.
    pub(crate) fn replace(&mut self, kind: Kind, day: &str, files: Vec<ManifestFile>) -> Vec<ManifestFile> {
        let (old, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.files)
            .into_iter()
            .partition(|file| file.kind == kind && file.day == day);
        self.files = kept;
        self.add(files);
        old
    }

    /// Adds files to those that are there.
    pub(crate) fn add(&mut self, files: Vec<ManifestFile>) {
        self.files.extend(files);
        self.files.sort_by(|one, other| {
            (one.kind, &one.day, &one.path).cmp(&(other.kind, &other.day, &other.path))
        });
    }

    /// The version that the next files of a day have.
    pub(crate) fn next_version(&self, kind: Kind, day: &str) -> u64 {
        self.of(kind, day).map(|file| file.version).max().unwrap_or(0) + 1
    }
}
