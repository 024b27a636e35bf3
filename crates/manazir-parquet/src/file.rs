//! One Parquet file in the making: hashed on the way, and on disk when it is whole.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use crate::Error;

/// Rows of a row group: what a reader skips or reads at once.
const GROUP_ROWS: usize = 256 * 1024;

/// A file in the making.
pub(crate) struct Part {
    writer: ArrowWriter<Hashing>,
    part: PathBuf,
    pub(crate) rows: u64,
}

/// What a finished file came to.
pub(crate) struct Finished {
    /// Where it lies.
    pub(crate) part: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Part {
    /// `sorted_by`: the columns by which the rows come, in their order.
    pub(crate) fn create(part: PathBuf, schema: SchemaRef, sorted_by: &[&str]) -> Result<Self, Error> {
        let sorting = sorted_by
            .iter()
            .filter_map(|name| schema.index_of(name).ok())
            .map(|index| SortingColumn { column_idx: index as i32, descending: false, nulls_first: false })
            .collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_sorting_columns(Some(sorting))
            .set_created_by("manazir".to_owned())
            .build();
        let file = File::create(&part).map_err(|error| Error::Disk(part.clone(), error))?;
        let hashing = Hashing { file: BufWriter::new(file), hash: Sha256::new(), bytes: 0 };
        let writer = ArrowWriter::try_new(hashing, schema, Some(properties))?;
        Ok(Self { writer, part, rows: 0 })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.rows += batch.num_rows() as u64;
        Ok(self.writer.write(batch)?)
    }

    /// All of it is on disk when this returns.
    pub(crate) fn finish(self) -> Result<Finished, Error> {
        let hashing = self.writer.into_inner()?;
        let disk = |error| Error::Disk(self.part.clone(), error);
        let file = hashing.file.into_inner().map_err(|error| disk(error.into_error()))?;
        file.sync_all().map_err(disk)?;
        let sha256 = hexadecimal(&hashing.hash.finalize());
        Ok(Finished { part: self.part, rows: self.rows, bytes: hashing.bytes, sha256 })
    }
}

/// The SHA-256 of a file's bytes.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Hashing {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
