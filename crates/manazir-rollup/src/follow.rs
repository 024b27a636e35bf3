//! Follows a file that grows, line by line from its first.
//!
//! What `tail -f` does, without what it leaves out: it shows the last ten lines of a file that was there before, and
//! goes on behind its end if the file is truncated under it. A file that was truncated, or replaced by another, begins
//! again here at position 0. A line that is there again has the position and the bytes that it had, so that it counts
//! once; a line that is new has not.
//!
//! A file is known again by its number in the file system and by what stands before the place up to which it was read.
//! If either differs it is read from its first line: to read a line twice is harmless, to miss one is not.

mod place;
mod window;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub use place::{Place, PlaceError};
use place::{TAIL_BYTES, tail_hash};
use window::Window;

/// A line may be that long without its ending; of a longer one only the position is given.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// After so many bytes a read gives what it has.
const READ_BYTES_MAX: usize = 4 << 20;

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 0 on; empty lines count too.
    pub position: u64,
    /// What it holds, whatever that is, without its line feed and the carriage return before it.
    pub bytes: Result<Vec<u8>, TooLong>,
}

/// The line is longer than [`LINE_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line is longer than {LINE_BYTES_MAX} bytes")]
pub struct TooLong;

/// A file that is followed. Every call gives what is there and returns; the caller waits.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    file: Option<Opened>,
    /// Where to go on once the file is there.
    resume: Option<Place>,
    /// Behind the last line that was given.
    place: Place,
    /// The number of the next line.
    position: u64,
    /// Bytes of the file that were read: where the window ends.
    offset: u64,
    window: Window,
}

#[derive(Debug)]
struct Opened {
    file: File,
    id: FileId,
}

/// What tells a file from another at the same path: device and number, or when it was made.
type FileId = (u64, u64);

impl Follow {
    /// Follows the file at `path`, which need not be there yet; from its first line, or from where an earlier
    /// [`Follow::place`] was.
    pub fn open(path: &Path, resume: Option<Place>) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            place: resume.unwrap_or_default(),
            resume,
            position: 0,
            offset: 0,
            window: Window::default(),
        }
    }

    /// The whole lines that have come since, at most `lines_max`; none if there are none. A line without its line feed
    /// waits for it.
    ///
    /// Fails if the file is there and cannot be read. The same again may succeed, and nothing is left out.
    pub fn read(&mut self, lines_max: usize) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        let mut bytes_read = 0;
        while lines.len() < lines_max && bytes_read < READ_BYTES_MAX {
            if let Some(bytes) = self.window.next_line() {
                bytes_read += bytes.as_ref().map_or(0, Vec::len);
                lines.push(Line { position: self.position, bytes });
                self.position += 1;
                continue;
            }
            self.mark();
            match self.fill() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if lines.is_empty() => return Err(error),
                // It comes again with the next call; what was read before it is good.
                Err(_) => break,
            }
        }
        self.mark();
        Ok(lines)
    }

    /// What stands behind the last line feed, once [`Follow::read`] gives nothing more, for whoever knows that the file
    /// is at its end. The place stays before it: if the line grows after all, it is read whole.
    pub fn finish(&self) -> Option<Line> {
        self.window.rest().map(|bytes| Line { position: self.position, bytes })
    }

    /// Behind the last line that [`Follow::read`] gave. Stored once these lines are safe, it leaves none out.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Lets the place be behind the lines that were given.
    fn mark(&mut self) {
        if let Some(Opened { id: (device, inode), .. }) = self.file
            && self.place.position != self.position
        {
            self.place = Place {
                position: self.position,
                offset: self.offset - self.window.pending() as u64,
                device,
                inode,
                tail: tail_hash(self.window.behind()),
            };
        }
    }

    /// Reads on. False if nothing more is there.
    fn fill(&mut self) -> io::Result<bool> {
        if self.file.is_none() && !self.open_file()? {
            return Ok(false);
        }
        let Some(Opened { file, id }) = &mut self.file else { return Ok(false) };
        // Asked before reading: what was written to the file before another took its place is read first.
        let replaced = is_replaced(&self.path, *id)?;
        let chunk = read_at(file, self.offset, CHUNK_BYTES)?;
        // Checked after reading: a chunk of a file that was truncated in between is none of this file.
        let known = self.window.end();
        if read_at(file, self.offset - known.len() as u64, known.len())? != known {
            self.begin_anew();
            return Ok(true);
        }
        self.offset += chunk.len() as u64;
        self.window.append(&chunk);
        if chunk.is_empty() && replaced {
            self.file = None;
            self.begin_anew();
        }
        Ok(!chunk.is_empty() || replaced)
    }

    /// Opens the file and finds the place to go on from. False if it is not there.
    fn open_file(&mut self) -> io::Result<bool> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        let id = file_id(&file.metadata()?);
        if let Some(place) = self.resume {
            let length = place.offset.min(TAIL_BYTES as u64);
            let tail = read_at(&mut file, place.offset - length, length as usize)?;
            let same = tail.len() as u64 == length && tail_hash(&tail) == place.tail;
            if same && id == (place.device, place.inode) {
                self.position = place.position;
                self.offset = place.offset;
                self.window = Window::behind_all(tail);
            } else {
                self.begin_anew();
            }
            self.resume = None;
        }
        self.file = Some(Opened { file, id });
        Ok(true)
    }

    fn begin_anew(&mut self) {
        self.place = Place::default();
        self.position = 0;
        self.offset = 0;
        self.window = Window::default();
    }
}

/// Reads `length` bytes from an offset, or those that are there.
fn read_at(file: &mut File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    file.seek(SeekFrom::Start(offset))?;
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// True if another file is at the path now; not if there is none.
fn is_replaced(path: &Path, id: FileId) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(there) => Ok(file_id(&there) != id),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn file_id(metadata: &fs::Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn file_id(metadata: &fs::Metadata) -> FileId {
    let made = metadata.created().ok().and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    (0, made.map_or(0, |made| made.as_nanos() as u64))
}
