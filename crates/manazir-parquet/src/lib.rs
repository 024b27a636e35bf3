//! The open side of the lake: closed days as Parquet files that Spark, Dask, Ray, DuckDB and pandas read.
//!
//! ```text
//! manifest.json                                what is there; written last, replaced as a whole
//! samples/day=2026-03-01/part-0003-0000.parquet
//! events/day=2026-03-01/part-0001-0000.parquet
//! ```
//!
//! The folder is one on a disk, or the prefix of a bucket that speaks S3.
//!
//! A file appears under its name when it is whole and on disk, and never changes after that. A day whose samples are
//! exported again gets files of a new version; the manifest names them in place of the old ones, which are removed
//! after that. Events do not change: what arrived late gets files of its own beside the others. Whoever reads by the manifest sees each day whole, before or after; whoever reads by the folders' names
//! may for a moment see a day twice.

mod bucket;
mod columns;
mod event_columns;
mod file;
mod folder;
mod manifest;
mod place;
mod writing;

pub use folder::Folder;
pub use manifest::{EventsUntil, Kind, Manifest, ManifestFile, SCHEMA_VERSION};

/// Why a day could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk failed.
    #[error("the export in {0} failed")]
    Disk(std::path::PathBuf, #[source] std::io::Error),
    /// The address names no bucket.
    #[error("{0} names no bucket: it is to be s3://bucket or s3://bucket/prefix")]
    Address(String),
    /// The bucket refused, or could not be reached.
    #[error("the export to {0} failed")]
    Bucket(String, #[source] object_store::Error),
    /// The rows could not be read.
    #[error("the lake could not be read")]
    Lake(#[from] manazir_ingest::Error),
    /// A file is no Parquet, or not of ours.
    #[error("a Parquet file could not be written or read")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The columns of a file are not ours.
    #[error("the columns of a file are not those of the lake")]
    Columns(#[from] arrow::error::ArrowError),
    /// The manifest cannot be read.
    #[error("manifest.json cannot be read; remove it, and every day is exported again")]
    Manifest(#[source] serde_json::Error),
    /// The manifest is of a later version of Manazir.
    #[error("manifest.json is of schema version {0}; this program knows {SCHEMA_VERSION}")]
    Version(u32),
    /// A file is not the one that the manifest names.
    #[error("{0} is not the file that the manifest names: its SHA-256 differs")]
    Changed(String),
}
