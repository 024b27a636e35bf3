//! How far a long read is, and the caller's way to stop it.

use std::ops::ControlFlow;

use serde::Serialize;

/// How far a discovery or a read is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Files finished.
    pub files_done: usize,
    /// Files to read.
    pub files_total: usize,
    /// Bytes read from disk, as stored (compressed bytes of a compressed file).
    pub bytes_done: u64,
    /// Bytes to read.
    pub bytes_total: u64,
    /// Rows read, rejects included.
    pub rows: u64,
    /// Rows rejected.
    pub rejects: u64,
}

/// Told of progress about every 8,192 rows and after each file; its answer can stop the work, which then
/// keeps what is finished. A Ctrl-C handler sets a flag, and this closure reads it.
pub type Watch<'a> = &'a mut dyn FnMut(&Progress) -> ControlFlow<()>;

/// A watch that never stops anything.
pub fn unwatched(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
