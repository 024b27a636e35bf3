//! Rollups that a service hosts: what its routes need of each.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::history::{Aside, Status};
use crate::{Destination, Error, History, Shape};

/// One of them.
#[derive(Clone)]
pub struct Hosted {
    /// Its name, by which it is asked for.
    pub name: String,
    /// How its totals are laid out.
    pub shape: Shape,
    /// Decimals of its amounts.
    pub decimals: u8,
    /// Where it counts.
    pub destination: Arc<dyn Destination>,
    /// Where findings come in.
    pub intake: Arc<dyn Intake>,
}

impl fmt::Debug for Hosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosted").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Hosted {
    /// Its past, if its destination keeps one.
    pub fn history(&self) -> Option<&dyn History> {
        self.destination.history()
    }
}

/// Why findings are not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// More wait than may: the same again may succeed in a moment.
    #[error("too many findings wait to be counted")]
    Full,
    /// The service ends.
    #[error("the service ends")]
    Closed,
    /// The destination does not do what it is asked.
    #[error(transparent)]
    Destination(#[from] Arc<Error>),
}

/// A line that does not count now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCounted {
    /// Its place among those that were given, from 0 on.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// True if it counts as soon as a reference table has what it is about.
    pub waits: bool,
}

/// What became of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many there were.
    pub findings: u64,
    /// Those that do not count now; they are kept to be mended.
    pub not_counted: Vec<NotCounted>,
}

/// What became of one that did not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It counts.
    Counts,
    /// It waits still, for this.
    Waits(String),
    /// It cannot count; why. Nothing changed if it was to be mended.
    Rejected(String),
}

/// Takes findings in. What it returns of is on disk.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Counts the lines of a stream, which stand in it from 0 on: the same lines of the same stream again change
    /// nothing.
    async fn take(&self, source: &str, lines: Vec<Vec<u8>>) -> Result<Taken, IntakeError>;

    /// Tries one that did not count again, as it came or with `line` in its place.
    async fn retry(&self, aside: Aside, line: Option<Vec<u8>>) -> Result<Tried, IntakeError>;

    /// How much was counted.
    async fn status(&self) -> Result<Status, IntakeError>;
}
