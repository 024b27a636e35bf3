//! What can be wrong with an item.

use manazir_model::Timestamp;

/// Why an item was rejected; items are counted from 1 within what was handed in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not JSON, or JSON whose known keys have other types than they should.
    #[error("item {item} cannot be read as JSON of this kind: {source}")]
    Json {
        /// Which one.
        item: usize,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// Read, but something is missing or wrong; all of it is listed.
    #[error("item {item}: {}", wrong.join("; "))]
    Wrong {
        /// Which one.
        item: usize,
        /// Everything that is wrong, a clause each.
        wrong: Vec<String>,
    },
    /// Longer than an item may be.
    #[error("item {item} has {bytes} bytes, more than the {most} that are taken")]
    TooLong {
        /// Which one.
        item: usize,
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// A sample whose time is in the future.
    #[error("the sample of {series} at {at} is more than 10 minutes ahead of its arrival: a clock is wrong")]
    Ahead {
        /// The series.
        series: String,
        /// Its time.
        at: Timestamp,
    },
    /// Not written in the format that it is said to be in; nothing of it can be read.
    #[error("cannot be read as {format}: {why}")]
    Unreadable {
        /// Its name.
        format: &'static str,
        /// What the reader says.
        why: String,
    },
    /// Packed, but not to be unpacked.
    #[error("cannot be unpacked as gzip")]
    Gzip(#[source] std::io::Error),
    /// Unpacks to more than is taken.
    #[error("unpacks to more than the {most} bytes that are taken")]
    TooLarge {
        /// The limit.
        most: usize,
    },
}
