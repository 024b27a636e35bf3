//! Opening a file: decompression by its first bytes, whatever its name says.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use serde::Serialize;

/// How the bytes on disk are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, one or several members.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// Bytes read from disk so far, shared between the file and who reports progress.
pub(crate) type ByteCount = Rc<Cell<u64>>;

/// A file that counts what is read of it.
pub(crate) struct Counted<R> {
    inner: R,
    count: ByteCount,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// The magic number of a Parquet file, at its start and at its end.
pub(crate) const PARQUET_MAGIC: &[u8] = b"PAR1";

fn compression_of(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// The bytes of a file after decompression, and how it was packed.
pub(crate) fn open(path: &Path, count: &ByteCount) -> io::Result<(Box<dyn Read>, Compression)> {
    let mut file = Counted { inner: File::open(path)?, count: Rc::clone(count) };
    let mut head = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut head)?;
    let compression = compression_of(&head);
    let whole = Cursor::new(head).chain(file);
    let bytes: Box<dyn Read> = match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(whole))),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(whole)?),
    };
    Ok((bytes, compression))
}
