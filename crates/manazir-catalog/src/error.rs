//! What stops a discovery or a read altogether. A broken row is no error: see [`crate::Rejects`].

use std::path::PathBuf;

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path of a source leads nowhere, or a glob matches nothing.
    #[error("found nothing at {0}")]
    NotFound(String),
    /// The glob does not parse.
    #[error("cannot read the pattern {pattern}")]
    Pattern {
        /// As given.
        pattern: String,
        /// Position and reason.
        #[source]
        source: glob::PatternError,
    },
    /// The operating system refused.
    #[error("cannot read {path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Its answer.
        #[source]
        source: std::io::Error,
    },
    /// The rejects file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A `manazir.toml` is not what the README describes.
    #[error("{path}:{line}: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// First line of the trouble, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// More files than [`crate::Limits::files_max`].
    #[error("more than {0} files: name a narrower folder or raise the limit")]
    TooManyFiles(usize),
    /// The table is not one of this source.
    #[error("this source holds no table named {0}")]
    UnknownTable(String),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;
