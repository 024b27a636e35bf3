//! The port of whatever keeps a past.

use async_trait::async_trait;
use manazir_model::Timestamp;

use super::aside::{Aside, AsideState, Resolution};
use super::{AsOf, Head, Span, SpanQuery};
use crate::{Error, Key, Row, Total};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Findings that counted.
    pub findings: u64,
    /// Segments that hold them.
    pub segments: u64,
    /// When the first and the last of them happened.
    pub at: Option<(Timestamp, Timestamp)>,
    /// When the last was taken in.
    pub known_at: Option<Timestamp>,
    /// Those that wait for a reference table.
    pub waiting: u64,
    /// Those that cannot count as they are.
    pub rejected: u64,
}

impl Status {
    /// Of segments.
    pub fn of(heads: &[Head]) -> Self {
        let span = |at: fn(&Head) -> (Timestamp, Timestamp)| {
            let low = heads.iter().map(|head| at(head).0).min();
            low.zip(heads.iter().map(|head| at(head).1).max())
        };
        Self {
            findings: heads.iter().map(|head| head.findings).sum(),
            segments: heads.len() as u64,
            at: span(|head| head.at),
            known_at: span(|head| head.known_at).map(|(_, last)| last),
            ..Self::default()
        }
    }
}

/// The past of a [`Destination`](crate::Destination): what [`count`](crate::Destination::count) counted is in it, in
/// the same step. Nothing is asked of it before the destination is prepared.
#[async_trait]
pub trait History: Send + Sync {
    /// Remembers what keys are called from `now` on. What is called as before changes nothing.
    async fn name(&self, keys: &[Key], now: Timestamp) -> Result<(), Error>;

    /// All totals as they were, by key. Of everything it is what [`totals`](crate::Destination::totals) gives.
    async fn as_of(&self, as_of: AsOf) -> Result<Vec<Total>, Error>;

    /// What findings come to in each span of time; spans without any are left out. Refuses what would be
    /// [too many](super::TooMany).
    async fn series(&self, query: &SpanQuery) -> Result<Vec<Span>, Error>;

    /// Findings in the order in which they counted, from the one before which `from` were counted; some of those that
    /// are there, and none at the end.
    async fn findings(&self, from: u64) -> Result<Vec<Row>, Error>;

    /// How much there is.
    async fn status(&self) -> Result<Status, Error>;

    /// Keeps findings that do not count; one that is there already stays as it is. How many were new.
    async fn set_aside(&self, asides: &[Aside]) -> Result<u64, Error>;

    /// Those in a state, or in any, with numbers above `after`, at most `max`.
    async fn asides(&self, state: Option<AsideState>, after: u64, max: usize) -> Result<Vec<Aside>, Error>;

    /// Says what became of some; how many there are.
    async fn resolve(&self, resolutions: &[Resolution]) -> Result<u64, Error>;
}
