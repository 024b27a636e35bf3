//! A folder of exported days.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use manazir_ingest::Judged;
use manazir_model::{JudgedSample, SeriesKey, Timestamp};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::columns::{self, Group};
use crate::file::{Finished, Part, sha256_of};
use crate::{Error, Kind, Manifest, ManifestFile, SCHEMA_VERSION, event_columns};

/// Rows after which a file is full.
const FILE_ROWS: u64 = 8 << 20;

/// Days since 1970 as `2026-03-01`.
fn name_of(day: i64) -> String {
    let at = Timestamp(day.saturating_mul(86_400_000_000)).to_string();
    at.split('T').next().unwrap_or_default().to_owned()
}

/// See the crate.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// A folder; it is made when the first day is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// What is there.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let path = self.root.join("manifest.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Manifest::default()),
            Err(error) => return Err(Error::Disk(path, error)),
        };
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(Error::Manifest)?;
        if manifest.schema_version > SCHEMA_VERSION {
            return Err(Error::Version(manifest.schema_version));
        }
        Ok(manifest)
    }

    /// Writes a day's samples in place of what was exported of it: chunks by number of series, then time.
    pub fn samples(
        &self,
        day: i64,
        chunks: impl Iterator<Item = Result<(u64, SeriesKey, Vec<JudgedSample>), manazir_ingest::Error>>,
    ) -> Result<Vec<ManifestFile>, Error> {
        let schema = columns::batch(&Group { id: 0, key: &SeriesKey::default(), rows: &[] })?;
        let batches = chunks.map(|chunk| {
            let (id, key, rows) = chunk?;
            let span = span(rows.iter().map(|row| row.at));
            Ok((columns::batch(&Group { id, key: &key, rows: &rows })?, span))
        });
        self.day(Kind::Samples, day, &schema, &["series_id", "ts", "received_at"], batches)
    }

    /// Writes a day's events in place of what was exported of it, in the order in which they come.
    pub fn events(
        &self,
        day: i64,
        batches: impl Iterator<Item = Result<Vec<Judged>, manazir_ingest::Error>>,
    ) -> Result<Vec<ManifestFile>, Error> {
        let schema = event_columns::batch(&[])?;
        let batches = batches.map(|rows| {
            let rows = rows?;
            Ok((event_columns::batch(&rows)?, span(rows.iter().map(|row| row.event.at))))
        });
        self.day(Kind::Events, day, &schema, &[], batches)
    }

    /// The samples of a day as they were exported; a file that is not the one of the manifest is an error.
    pub fn read_samples(&self, day: i64) -> Result<Vec<(SeriesKey, JudgedSample)>, Error> {
        let mut rows = Vec::new();
        for file in self.manifest()?.of(Kind::Samples, &name_of(day)) {
            let path = self.root.join(&file.path);
            let disk = |error| Error::Disk(path.clone(), error);
            if sha256_of(&path).map_err(disk)? != file.sha256 {
                return Err(Error::Changed(file.path.clone()));
            }
            let file = File::open(&path).map_err(disk)?;
            for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
                rows.extend(columns::read(&batch?)?);
            }
        }
        Ok(rows)
    }

    /// Drops a day: first from the manifest, then its files.
    pub fn drop_day(&self, kind: Kind, day: i64) -> Result<(), Error> {
        let mut manifest = self.manifest()?;
        let old = manifest.replace(kind, &name_of(day), Vec::new());
        if !old.is_empty() {
            self.write(&manifest)?;
        }
        self.remove(&old)
    }

    fn day(
        &self,
        kind: Kind,
        day: i64,
        schema: &RecordBatch,
        sorted_by: &[&str],
        batches: impl Iterator<Item = Result<Batch, Error>>,
    ) -> Result<Vec<ManifestFile>, Error> {
        let mut manifest = self.manifest()?;
        let name = name_of(day);
        let version = manifest.of(kind, &name).map(|file| file.version).max().unwrap_or(0) + 1;
        let folder = format!("{}/day={name}", kind.folder());
        self.make(&folder)?;
        let mut files: Vec<ManifestFile> = Vec::new();
        let mut open: Option<(Part, ManifestFile)> = None;
        for batch in batches {
            let (batch, span) = batch?;
            let Some((first, last)) = span else { continue };
            if open.as_ref().is_some_and(|(part, _)| part.rows >= FILE_ROWS) {
                files.extend(open.take().map(finished).transpose()?);
            }
            let (part, file) = match &mut open {
                Some(open) => open,
                None => {
                    let path = format!("{folder}/part-{version:04}-{:04}.parquet", files.len());
                    let part = Part::create(&self.root.join(&path), schema.schema(), sorted_by)?;
                    open.insert((part, empty(path, kind, name.clone(), version)))
                }
            };
            file.min_at = file.min_at.min(first.micros());
            file.max_at = file.max_at.max(last.micros());
            part.write(&batch)?;
        }
        files.extend(open.take().map(finished).transpose()?);
        self.sync(&self.root.join(&folder))?;
        let old = manifest.replace(kind, &name, files.clone());
        self.write(&manifest)?;
        self.remove(&old)?;
        Ok(files)
    }

    fn make(&self, folder: &str) -> Result<(), Error> {
        let path = self.root.join(folder);
        fs::create_dir_all(&path).map_err(|error| Error::Disk(path, error))
    }

    /// The manifest is replaced as a whole, or stays as it was.
    fn write(&self, manifest: &Manifest) -> Result<(), Error> {
        let (path, part) = (self.root.join("manifest.json"), self.root.join("manifest.json.part"));
        let disk = |error| Error::Disk(path.clone(), error);
        let mut bytes = serde_json::to_vec_pretty(manifest).map_err(Error::Manifest)?;
        bytes.push(b'\n');
        let mut file = File::create(&part).map_err(disk)?;
        file.write_all(&bytes).map_err(disk)?;
        file.sync_all().map_err(disk)?;
        fs::rename(&part, &path).map_err(disk)?;
        self.sync(&self.root)
    }

    /// New names in a folder are on disk.
    fn sync(&self, folder: &Path) -> Result<(), Error> {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| Error::Disk(folder.to_owned(), error))
    }

    /// Files that no manifest names; one that is gone already is gone.
    fn remove(&self, files: &[ManifestFile]) -> Result<(), Error> {
        for file in files {
            let path = self.root.join(&file.path);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::Disk(path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Rows, and their first and last event time.
type Batch = (RecordBatch, Option<(Timestamp, Timestamp)>);

fn span(times: impl Iterator<Item = Timestamp> + Clone) -> Option<(Timestamp, Timestamp)> {
    times.clone().min().zip(times.max())
}

fn empty(path: String, kind: Kind, day: String, version: u64) -> ManifestFile {
    ManifestFile {
        path,
        kind,
        day,
        version,
        rows: 0,
        bytes: 0,
        min_at: i64::MAX,
        max_at: i64::MIN,
        sha256: String::new(),
    }
}

fn finished((part, file): (Part, ManifestFile)) -> Result<ManifestFile, Error> {
    let Finished { rows, bytes, sha256 } = part.finish()?;
    Ok(ManifestFile { rows, bytes, sha256, ..file })
}
