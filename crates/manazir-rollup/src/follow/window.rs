//! The part of a file that was read last, and how it falls into lines.

use super::place::TAIL_BYTES;
use super::{LINE_BYTES_MAX, TooLong};

/// Bytes of a file in their order: first some of lines that were given, by which the file is known again, then what
/// was not given yet.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// Where the next line begins.
    begin: usize,
    /// No line feed stands between there and here.
    searched: usize,
    /// The next line is too long: it is let go as it comes.
    skipping: bool,
}

impl Window {
    /// Of lines that were all given.
    pub(super) fn behind_all(bytes: Vec<u8>) -> Self {
        Self { begin: bytes.len(), searched: bytes.len(), bytes, skipping: false }
    }

    /// The next line if it is whole.
    pub(super) fn next_line(&mut self) -> Option<Result<Vec<u8>, TooLong>> {
        let Some(at) = self.bytes[self.searched..].iter().position(|&byte| byte == b'\n') else {
            self.searched = self.bytes.len();
            // One more may be a carriage return.
            self.skipping |= self.pending() > LINE_BYTES_MAX + 1;
            return None;
        };
        let end = self.searched + at;
        let line = self.line(end);
        self.begin = end + 1;
        self.searched = self.begin;
        self.skipping = false;
        Some(line)
    }

    /// What is left behind the last line feed.
    pub(super) fn rest(&self) -> Option<Result<Vec<u8>, TooLong>> {
        (self.skipping || self.pending() > 0).then(|| self.line(self.bytes.len()))
    }

    fn line(&self, end: usize) -> Result<Vec<u8>, TooLong> {
        let line = &self.bytes[self.begin..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.skipping || line.len() > LINE_BYTES_MAX { Err(TooLong) } else { Ok(line.to_vec()) }
    }

    /// Bytes that were not given yet.
    pub(super) fn pending(&self) -> usize {
        self.bytes.len() - self.begin
    }

    /// The end of what was given.
    pub(super) fn behind(&self) -> &[u8] {
        &self.bytes[self.begin.saturating_sub(TAIL_BYTES)..self.begin]
    }

    /// The end of what was read.
    pub(super) fn end(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(TAIL_BYTES)..]
    }

    /// Takes in what was read, and lets go of what is not needed any more.
    pub(super) fn append(&mut self, read: &[u8]) {
        if self.skipping {
            self.begin = self.bytes.len();
        }
        let gone = self.begin.saturating_sub(TAIL_BYTES);
        self.bytes.drain(..gone);
        self.begin -= gone;
        self.searched -= gone;
        self.bytes.extend_from_slice(read);
    }
}
