//! Bounds on everything that input can make grow.

/// What the reader accepts; the defaults suit a laptop. Whatever goes beyond is counted and said, never
/// silently dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest record of a text format, in bytes: a longer one is rejected and skipped.
    pub line_bytes_max: usize,
    /// Most columns of a table; a file with more is skipped with this reason.
    pub columns_max: usize,
    /// Most series of one read; rows of further series are rejected.
    pub series_max: usize,
    /// Most files of one source; more are an error, because a part would look like the whole.
    pub files_max: usize,
    /// Rows of a file that discovery looks at.
    pub sample_rows: usize,
    /// Decoded bytes of a text file that discovery looks at.
    pub sample_bytes: usize,
    /// Largest JSON object of arrays, in bytes: the one layout that has to be held whole.
    pub json_object_bytes_max: usize,
    /// Rejects kept in memory as examples; all are counted.
    pub rejects_kept: usize,
    /// Largest `rejects.ndjson`, in bytes; after that rejects are only counted.
    pub rejects_file_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes_max: 1 << 20,
            columns_max: 4_096,
            series_max: 100_000,
            files_max: 100_000,
            sample_rows: 20_000,
            sample_bytes: 4 << 20,
            json_object_bytes_max: 256 << 20,
            rejects_kept: 1_000,
            rejects_file_bytes_max: 256 << 20,
        }
    }
}
