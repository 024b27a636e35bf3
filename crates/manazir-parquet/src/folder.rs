//! A folder of exported days, on a disk or in a bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use manazir_ingest::lake::days::day_of;
use manazir_ingest::{Judged, Places};
use manazir_model::{JudgedSample, SeriesKey, Timestamp};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::runtime::Handle;

use crate::bucket::Bucket;
use crate::columns::{self, Group};
use crate::file::sha256_of;
use crate::manifest::EventsUntil;
use crate::place::{Disk, Place};
use crate::writing::Writing;
use crate::{Error, Kind, Manifest, ManifestFile, SCHEMA_VERSION, event_columns};

/// The manifest's name.
const MANIFEST: &str = "manifest.json";

/// Days since 1970 as `2026-03-01`.
fn name_of(day: i64) -> String {
    let at = Timestamp(day.saturating_mul(86_400_000_000)).to_string();
    at.split('T').next().unwrap_or_default().to_owned()
}

/// See the crate. One writes to it at a time.
#[derive(Clone, Debug)]
pub struct Folder {
    place: Arc<dyn Place>,
}

impl Folder {
    /// A folder on a disk; it is made when the first day is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { place: Arc::new(Disk::new(root.into())) }
    }

    /// The folder of an address: `s3://bucket/prefix` for one in a bucket, anything else for one on a disk, with
    /// `file://` before it or without.
    ///
    /// A bucket takes its keys, region and endpoint from the variables that begin with `AWS_`; files for it are made
    /// in `spool`. Its connections use `runtime`, of which no thread may call what this gives.
    pub fn open(
        address: &str,
        spool: &Path,
        variables: impl Iterator<Item = (String, String)>,
        runtime: &Handle,
    ) -> Result<Self, Error> {
        if !address.starts_with("s3://") {
            return Ok(Self::new(address.strip_prefix("file://").unwrap_or(address)));
        }
        let bucket = Bucket::open(address, spool.to_owned(), variables, runtime.clone())?;
        Ok(Self { place: Arc::new(bucket) })
    }

    /// What is there.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let Some(bytes) = self.place.read(MANIFEST)? else { return Ok(Manifest::default()) };
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
        let mut manifest = self.manifest()?;
        let name = name_of(day);
        let schema = columns::batch(&Group { id: 0, key: &SeriesKey::default(), rows: &[] })?.schema();
        let version = manifest.next_version(Kind::Samples, &name);
        let sorted_by = &["series_id", "ts", "received_at"];
        let mut writing = Writing::new(&*self.place, Kind::Samples, &name, version, schema, sorted_by);
        for chunk in chunks {
            let (id, key, rows) = chunk?;
            let batch = columns::batch(&Group { id, key: &key, rows: &rows })?;
            writing.write(&batch, rows.iter().map(|row| row.at))?;
        }
        let files = writing.finish()?;
        let old = manifest.replace(Kind::Samples, &name, files.clone());
        self.write(&manifest)?;
        self.remove(&old)?;
        Ok(files)
    }

    /// How far the events of a store are exported.
    pub fn events_until(&self, store: &str) -> Result<Places, Error> {
        let EventsUntil { store: of, partitions } = self.manifest()?.events_until;
        Ok(if of == store { partitions } else { Places::new() })
    }

    /// Adds events of a store, each to the day on which it arrived; of each partition those that follow
    /// [`Self::events_until`], in their order. All of them are there when this returns, or none.
    pub fn events(
        &self,
        store: &str,
        batches: impl Iterator<Item = Result<Vec<Judged>, manazir_ingest::Error>>,
    ) -> Result<Vec<ManifestFile>, Error> {
        let mut manifest = self.manifest()?;
        if manifest.events_until.store != store {
            manifest.events_until = EventsUntil { store: store.to_owned(), ..EventsUntil::default() };
        }
        let mut until = manifest.events_until.partitions.clone();
        let schema = event_columns::batch(&[])?.schema();
        let mut days: BTreeMap<i64, Writing<'_>> = BTreeMap::new();
        for batch in batches {
            let mut by_day: BTreeMap<i64, Vec<Judged>> = BTreeMap::new();
            for event in batch? {
                let last = until.entry(event.partition).or_default();
                if event.seq > *last {
                    *last = event.seq;
                    if event.is_event() {
                        by_day.entry(day_of(event.received_at)).or_default().push(event);
                    }
                }
            }
            for (day, rows) in by_day {
                let writing = days.entry(day).or_insert_with(|| {
                    let name = name_of(day);
                    let version = manifest.next_version(Kind::Events, &name);
                    Writing::new(&*self.place, Kind::Events, &name, version, Arc::clone(&schema), &[])
                });
                writing.write(&event_columns::batch(&rows)?, rows.iter().map(|row| row.event.at))?;
            }
        }
        if until == manifest.events_until.partitions {
            return Ok(Vec::new());
        }
        let mut files = Vec::new();
        for writing in days.into_values() {
            files.extend(writing.finish()?);
        }
        manifest.add(files.clone());
        manifest.events_until.partitions = until;
        self.write(&manifest)?;
        Ok(files)
    }

    /// The samples of a day as they were exported; a file that is not the one of the manifest is an error.
    pub fn read_samples(&self, day: i64) -> Result<Vec<(SeriesKey, JudgedSample)>, Error> {
        let mut rows = Vec::new();
        self.read(Kind::Samples, day, |batch| {
            rows.extend(columns::read(batch)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The events that arrived on a day as they were exported, as columns.
    pub fn read_events(&self, day: i64) -> Result<Vec<RecordBatch>, Error> {
        let mut batches = Vec::new();
        self.read(Kind::Events, day, |batch| {
            batches.push(batch.clone());
            Ok(())
        })?;
        Ok(batches)
    }

    fn read(
        &self,
        kind: Kind,
        day: i64,
        mut each: impl FnMut(&RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for file in self.manifest()?.of(kind, &name_of(day)) {
            let bytes = self.place.read(&file.path)?.unwrap_or_default();
            if sha256_of(&bytes) != file.sha256 {
                return Err(Error::Changed(file.path.clone()));
            }
            for batch in ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))?.build()? {
                each(&batch?)?;
            }
        }
        Ok(())
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

    /// The manifest is replaced as a whole, or stays as it was.
    fn write(&self, manifest: &Manifest) -> Result<(), Error> {
        let mut bytes = serde_json::to_vec_pretty(manifest).map_err(Error::Manifest)?;
        bytes.push(b'\n');
        self.place.replace(MANIFEST, bytes)
    }

    /// Files that no manifest names.
    fn remove(&self, files: &[ManifestFile]) -> Result<(), Error> {
        files.iter().try_for_each(|file| self.place.remove(&file.path))
    }
}
