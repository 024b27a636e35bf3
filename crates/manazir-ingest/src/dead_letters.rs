//! The port of dead letters: messages that could not be read or judged, kept to be repaired and sent again.

use std::str::FromStr;

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::{DeadLetter, Error, Format};

/// A message that could not be read or judged, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeadLetter {
    /// Who sent it.
    pub source: String,
    /// Its identity within the source; empty if it could not be told.
    pub id: String,
    /// How the body is, or should be, written.
    pub format: Format,
    /// As it came.
    pub body: Vec<u8>,
    /// What is wrong with it, for a person.
    pub reason: String,
    /// When it arrived.
    pub received_at: Timestamp,
}

impl From<DeadLetter> for NewDeadLetter {
    fn from(dead: DeadLetter) -> Self {
        let DeadLetter { id, format, body, reason, received_at, .. } = dead;
        Self { source: id.source, id: id.id, format, body, reason, received_at }
    }
}

/// A dead letter as people see it in a list; its body is asked for alone, for it may be large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterEntry {
    /// Grows in the order in which letters came; from 1.
    pub number: u64,
    /// See [`NewDeadLetter`].
    pub source: String,
    /// See [`NewDeadLetter`].
    pub id: String,
    /// See [`NewDeadLetter`].
    pub format: Format,
    /// Length of its body.
    pub body_bytes: u64,
    /// What is wrong with it; after an attempt to replay it, what was wrong then.
    pub reason: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// How often it was replayed, in vain or not.
    pub attempts: u64,
    /// When it was sent again.
    pub replayed_at: Option<Timestamp>,
    /// When somebody gave it up.
    pub discarded_at: Option<Timestamp>,
}

impl DeadLetterEntry {
    /// How it stands.
    pub fn state(&self) -> LetterState {
        match (self.replayed_at, self.discarded_at) {
            (Some(_), _) => LetterState::Replayed,
            (None, Some(_)) => LetterState::Discarded,
            (None, None) => LetterState::Waiting,
        }
    }
}

/// How a dead letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterState {
    /// Somebody should see to it.
    Waiting,
    /// Sent again.
    Replayed,
    /// Given up.
    Discarded,
}

impl LetterState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Replayed, Self::Discarded];

    /// Its word, on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }
}

impl FromStr for LetterState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| state.word() == word);
        known.ok_or_else(|| {
            format!("`{word}` is no state of a dead letter; there are waiting, replayed and discarded")
        })
    }
}

/// Which letters; what is `None` lets all pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeadLetterFilter {
    /// How they stand.
    pub state: Option<LetterState>,
    /// Exactly this source.
    pub source: Option<String>,
    /// Exactly this identity.
    pub id: Option<String>,
    /// Arrived at this time or later.
    pub from: Option<Timestamp>,
    /// Arrived before this time.
    pub until: Option<Timestamp>,
    /// These words are in the reason, in capitals or not.
    pub words: Option<String>,
}

/// How much is kept; of more, the oldest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Dead letters.
    pub dead_letters_max: u64,
    /// Bytes of their bodies as they came.
    pub dead_letter_bytes_max: u64,
    /// Findings that nobody has judged; what a person said is kept for good.
    pub findings_max: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self { dead_letters_max: 100_000, dead_letter_bytes_max: 1 << 30, findings_max: 1_000_000 }
    }
}

/// Keeps dead letters, not more than it may.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Keeps letters; the oldest go if there are too many.
    async fn add(&self, letters: &[NewDeadLetter]) -> Result<(), Error>;

    /// Letters that pass the filter, the newest first, those before `before` if it is given, at most `max`.
    async fn page(
        &self,
        filter: &DeadLetterFilter,
        before: Option<u64>,
        max: usize,
    ) -> Result<Vec<DeadLetterEntry>, Error>;

    /// One letter, if there is such a one.
    async fn get(&self, number: u64) -> Result<Option<DeadLetterEntry>, Error>;

    /// Its body, as it came or was repaired.
    async fn body(&self, number: u64) -> Result<Option<Vec<u8>>, Error>;

    /// Puts another body in the place of the one that came. False if no such letter waits.
    async fn repair(&self, number: u64, body: &[u8]) -> Result<bool, Error>;

    /// It was sent again. False if no such letter waits.
    async fn mark_replayed(&self, number: u64, at: Timestamp) -> Result<bool, Error>;

    /// It was to be sent again and still cannot be read, and why. False if no such letter waits.
    async fn mark_failed(&self, number: u64, reason: &str) -> Result<bool, Error>;

    /// Somebody gives it up. False if no such letter waits.
    async fn discard(&self, number: u64, at: Timestamp) -> Result<bool, Error>;

    /// Letters that had to go because there were too many.
    async fn dropped(&self) -> Result<u64, Error>;
}
