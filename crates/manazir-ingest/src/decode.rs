//! Formats: each file reads one, borrows its text from the bytes it is given, and never panics.
//!
//! A decoder returns what it could read and, beside it, what it could not: a broken item stops no other.

pub mod alertmanager;
pub mod cloudevents;
pub mod cloudtrail;
mod error;
pub mod generic;
mod keys;
mod moment;
mod names;
pub mod otlp;
pub mod plain;
mod rejects;
pub mod remote_write;
mod rfc3339;
pub mod samples;
pub mod sensor;
mod text;
mod unpack;

pub use error::Error;
use manazir_model::{Event, Timestamp};
pub use rejects::{Kept, Rejects};
pub use unpack::unpack;

use crate::Format;

/// An event and the bytes it was read from, which hold all that the event leaves out.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// The words that detection understands.
    pub event: Event<'a>,
    /// The item as it came, unknown keys and all.
    pub raw: &'a [u8],
}

/// Reads the body of a message.
pub fn record(format: Format, body: &[u8]) -> Result<Record<'_>, Error> {
    match format {
        Format::Plain => plain::decode(body, 1),
        Format::CloudTrail => cloudtrail::decode_record(body, 1),
        Format::Generic => generic::decode(body, 1),
        Format::Samples => Err(Error::Wrong { item: 1, wrong: vec!["samples are no event".to_owned()] }),
    }
}

/// Reads the body of a message, for a worker.
pub fn event(format: Format, body: &[u8]) -> Result<Event<'_>, String> {
    record(format, body).map(|record| record.event).map_err(|error| error.to_string())
}

/// Reads a time as RFC 3339 writes it.
pub fn time(text: &str) -> Option<Timestamp> {
    rfc3339::parse(text)
}

/// What was read, and what was not.
#[derive(Debug, Default)]
pub struct Decoded<'a> {
    /// In the order of the input.
    pub parsed: Vec<Record<'a>>,
    /// Each names its item.
    pub rejects: Rejects,
}

impl<'a> Decoded<'a> {
    /// Number of the next item, counted from 1.
    fn next_item(&self) -> usize {
        self.parsed.len() + self.rejects.len() + 1
    }

    /// Adds an item, or keeps it as it came.
    fn push(&mut self, read: Result<Record<'a>, Error>, format: Format, raw: &[u8]) {
        match read {
            Ok(record) => self.parsed.push(record),
            Err(error) => self.rejects.push_kept(error, format, raw),
        }
    }
}
