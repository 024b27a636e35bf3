//! What can go wrong on the way from a folder to a figure.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Labelled data is small and prepared by hand: a broken row would silently change a figure, so it ends the
/// run with file and line instead of being skipped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder is missing or cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Scores cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// What was written.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Not a comma-separated table; the source names the line.
    #[error("broken table {}", path.display())]
    Csv {
        /// The table.
        path: PathBuf,
        /// What the reader says.
        #[source]
        source: csv::Error,
    },
    /// Not a Parquet table, or one that cannot be written.
    #[error("broken table {}", path.display())]
    Parquet {
        /// The table.
        path: PathBuf,
        /// What the reader says.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Labels or profiles of NAB that are no such thing.
    #[error("broken file {}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the reader says, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// `set.toml` with a key or value that has no meaning; the source names line and key.
    #[error("broken settings {}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        #[source]
        source: toml::de::Error,
    },
    /// Readable, but not in the layout that is asked for.
    #[error("{}: {reason}", path.display())]
    Layout {
        /// The file or folder.
        path: PathBuf,
        /// What is missing or wrong there.
        reason: String,
    },
    /// The scores handed in do not fit the data they belong to.
    #[error("{what}: {given} scores for {wanted} rows")]
    Shape {
        /// The series or file.
        what: String,
        /// Scores handed in.
        given: usize,
        /// Scores needed.
        wanted: usize,
    },
}

impl Error {
    pub(crate) fn layout(path: &std::path::Path, reason: impl Into<String>) -> Self {
        Self::Layout { path: path.to_owned(), reason: reason.into() }
    }
}
