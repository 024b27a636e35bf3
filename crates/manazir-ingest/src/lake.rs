//! The port of the lake: samples with their verdicts, for as long as they are kept.
//!
//! Nothing is ever overwritten. A correction stands beside what it corrects, and each row knows when it arrived:
//! a query *as of* some time gives what was known then.
//!
//! Where samples are kept for long there is a *head*, into which rows are appended one by one, and *chunks* of one
//! series and day, in which they take a tenth of the room. What is the same wherever both lie stands here: how a row
//! and a chunk are written, which rows become which chunks, and which days go.

pub mod chunk;
pub mod compact;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod days;
pub mod keep;
pub mod memory;
pub mod row;

use async_trait::async_trait;
use manazir_model::{JudgedSample, SeriesFinding, SeriesKey, SeriesRows, Timestamp};

use crate::Error;
use manazir_model::hash::{fnv1a, mixed};

/// The number under which a lake keeps a series: the same on every machine, for it is a hash of the key.
///
/// FNV-1a over the key's texts, each with its length before it, mixed. Two keys in 10⁷ share a number once in 10⁵
/// such lakes; a lake that meets it counts up to the next free one.
pub fn series_id(key: &SeriesKey) -> u64 {
    let labels = key.labels.iter().flat_map(|(label, value)| [label, value]);
    let texts = std::iter::once(&key.metric).chain(labels);
    mixed(fnv1a(texts.flat_map(|text| (text.len() as u64).to_be_bytes().into_iter().chain(text.bytes()))))
}

/// A series of the lake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSeries {
    /// Its number.
    pub id: u64,
    /// Its name and labels.
    pub key: SeriesKey,
}

/// Which series: all that every part agrees with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesFilter {
    /// The metric's name, if it matters.
    pub metric: Option<String>,
    /// Labels that it must have, with these values.
    pub labels: Vec<(String, String)>,
}

impl SeriesFilter {
    /// True if the series is one of those.
    pub fn takes(&self, key: &SeriesKey) -> bool {
        self.metric.as_ref().is_none_or(|metric| *metric == key.metric)
            && self.labels.iter().all(|label| key.labels.binary_search(label).is_ok())
    }
}

/// Which samples of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleQuery {
    /// The series' number.
    pub series: u64,
    /// The first event time.
    pub from: Timestamp,
    /// The event time before which it ends.
    pub until: Timestamp,
    /// Only what had arrived by then.
    pub as_of: Option<Timestamp>,
    /// True for every revision, false for the last one of each event time.
    pub revisions: bool,
    /// Most event times that are given; the next query begins after the last of them.
    pub max: usize,
}

/// Keeps samples, verdicts and episodes.
#[async_trait]
pub trait Lake: Send + Sync {
    /// Stores rows and episodes, on disk when it returns; the same again changes nothing. An episode takes the
    /// place of the one of the same series and start.
    async fn append(&self, rows: &[SeriesRows], findings: &[SeriesFinding]) -> Result<(), Error>;

    /// Samples in the order of their event times, revisions in that of their arrival, numbered from 0.
    async fn samples(&self, query: &SampleQuery) -> Result<Vec<JudgedSample>, Error>;

    /// Series in the order of their numbers, those after `after` if it is given, at most `max`.
    async fn series(
        &self,
        filter: &SeriesFilter,
        after: Option<u64>,
        max: usize,
    ) -> Result<Vec<KnownSeries>, Error>;

    /// The series of a number.
    async fn series_of(&self, id: u64) -> Result<Option<SeriesKey>, Error>;

    /// Episodes, the one that began last first, of those that began together the one with the largest number of its
    /// series; those before `before`, a start and a number, if it is given, at most `max`.
    async fn episodes(
        &self,
        before: Option<(Timestamp, u64)>,
        max: usize,
    ) -> Result<Vec<SeriesFinding>, Error>;
}

/// What a reader is given of the rows of one series: `rows` in any order, all of the range asked for.
///
/// Sorts them, numbers the revisions of each event time, leaves out what had not arrived and what was asked not
/// to be told, and cuts after `max` event times.
pub fn told(mut rows: Vec<JudgedSample>, query: &SampleQuery) -> Vec<JudgedSample> {
    rows.retain(|row| {
        (query.from..query.until).contains(&row.at)
            && query.as_of.is_none_or(|as_of| row.received_at <= as_of)
    });
    rows.sort_by_key(|row| (row.at, row.received_at, row.revision));
    let mut told: Vec<JudgedSample> = Vec::with_capacity(rows.len().min(query.max));
    let mut times = 0;
    for mut row in rows {
        match told.last_mut().filter(|last| last.at == row.at) {
            Some(last) => {
                row.revision = last.revision.saturating_add(1);
                if query.revisions {
                    told.push(row);
                } else {
                    *last = row;
                }
            }
            None if times == query.max => break,
            None => {
                times += 1;
                row.revision = 0;
                told.push(row);
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_series_are_part_of_the_stored_format() {
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let ids = [
            series_id(&SeriesKey::new("load", [])),
            series_id(&SeriesKey::new("load", [label("host", "a")])),
            series_id(&SeriesKey::new("loadhost", [label("a", "")])),
        ];
        expect_test::expect!["[48c04d5735612bc5, acb01e146e8e43f6, b3006fd7492b57ee]"]
            .assert_eq(&format!("{ids:x?}"));
    }

    #[test]
    fn the_twin_keeps_the_contract() {
        futures_executor::block_on(contract::check(memory::MemoryLake::default));
    }
}
