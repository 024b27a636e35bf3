//! What a store found, in order, for the relational truth to show.
//!
//! Where store and truth are one database, a commit writes both at once. The embedded store keeps an outbox
//! beside its verdicts, written in the same batch; a projector copies it into the truth and remembers there
//! how far it has come.

use async_trait::async_trait;
use manazir_model::{GraphEvent, SeriesFinding};
use serde::{Deserialize, Serialize};

use crate::{Commit, DeadLetter, Error, Judged};

/// Something for people to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shown {
    /// An event that is an anomaly.
    Finding(Judged),
    /// A message that could not be judged.
    Dead(DeadLetter),
    /// An episode of a series, as far as it has got.
    Episode(SeriesFinding),
    /// Something that happened to an entity of the event graph.
    // New variants stand at the end: what is on disk is read by their places.
    Happened(GraphEvent),
}

impl Shown {
    /// What a batch has to show: anomalies, dead letters, episodes, and what it means on the event graph.
    pub fn of(commit: &Commit<'_>) -> impl Iterator<Item = Self> {
        let strange = commit.judged.iter().filter(|judged| judged.verdict.anomaly);
        let episodes = commit.sampled.values().flat_map(|sampled| &sampled.findings);
        strange
            .map(|judged| Self::Finding(judged.clone()))
            .chain(commit.dead.iter().map(|dead| Self::Dead(dead.clone())))
            .chain(episodes.map(|episode| Self::Episode(episode.clone())))
            .chain(commit.happened.values().flatten().map(|event| Self::Happened(event.clone())))
    }
}

/// An entry of the outbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number: grows, in the order of commits.
    pub seq: u64,
    /// What it is about.
    pub shown: Shown,
}

/// The outbox of a store.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Its name, which no other outbox has: the truth may be asked to show several, and remembers of each how far it
    /// has come.
    fn name(&self) -> String;

    /// The number of its last entry, which may have been removed since.
    fn last(&self) -> u64;

    /// Takes another name. The truth knows of more entries than there are: the store was put back to an earlier state,
    /// and will give numbers once more.
    async fn rename(&self) -> Result<(), Error>;

    /// Waits until there are entries after `after` and returns up to `max` of them in order; none after the
    /// store was closed.
    async fn entries(&self, after: u64, max: usize) -> Result<Vec<Entry>, Error>;

    /// Entries up to here are in the truth and need not be kept.
    async fn shown(&self, through: u64) -> Result<(), Error>;
}
