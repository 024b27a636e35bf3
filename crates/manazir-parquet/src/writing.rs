//! Rows of one day on their way into files, the next of which begins when one is full.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use manazir_model::Timestamp;

use crate::file::{Finished, Part};
use crate::place::Place;
use crate::{Error, Kind, ManifestFile};

/// Rows after which a file is full.
const FILE_ROWS: u64 = 8 << 20;

/// What is written of a day under one version.
pub(crate) struct Writing<'p> {
    place: &'p dyn Place,
    schema: SchemaRef,
    sorted_by: &'p [&'p str],
    /// What all its files have in common.
    like: ManifestFile,
    files: Vec<ManifestFile>,
    open: Option<(Part, ManifestFile)>,
}

impl<'p> Writing<'p> {
    pub(crate) fn new(
        place: &'p dyn Place,
        kind: Kind,
        day: &str,
        version: u64,
        schema: SchemaRef,
        sorted_by: &'p [&'p str],
    ) -> Self {
        let like = ManifestFile {
            path: String::new(),
            kind,
            day: day.to_owned(),
            version,
            rows: 0,
            bytes: 0,
            min_at: i64::MAX,
            max_at: i64::MIN,
            sha256: String::new(),
        };
        Self { place, schema, sorted_by, like, files: Vec::new(), open: None }
    }

    /// Adds rows and their event times.
    pub(crate) fn write(
        &mut self,
        batch: &RecordBatch,
        times: impl Iterator<Item = Timestamp>,
    ) -> Result<(), Error> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.open.as_ref().is_some_and(|(part, _)| part.rows >= FILE_ROWS) {
            self.end_file()?;
        }
        let (part, file) = match &mut self.open {
            Some(open) => open,
            None => {
                let ManifestFile { kind, day, version, .. } = &self.like;
                let number = self.files.len();
                let path = format!("{}/day={day}/part-{version:04}-{number:04}.parquet", kind.folder());
                let part = Part::create(self.place.part(&path)?, self.schema.clone(), self.sorted_by)?;
                self.open.insert((part, ManifestFile { path, ..self.like.clone() }))
            }
        };
        for at in times {
            file.min_at = file.min_at.min(at.micros());
            file.max_at = file.max_at.max(at.micros());
        }
        part.write(batch)
    }

    /// Every file is in its place when this returns.
    pub(crate) fn finish(mut self) -> Result<Vec<ManifestFile>, Error> {
        self.end_file()?;
        Ok(self.files)
    }

    fn end_file(&mut self) -> Result<(), Error> {
        let Some((part, file)) = self.open.take() else { return Ok(()) };
        let Finished { part, rows, bytes, sha256 } = part.finish()?;
        self.place.publish(&part, &file.path)?;
        self.files.push(ManifestFile { rows, bytes, sha256, ..file });
        Ok(())
    }
}
