//! Findings that do not count: kept as they came, with the reason, so that they can be mended.

use std::sync::Arc;

use manazir_model::Timestamp;

use crate::Raw;

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsideState {
    /// It waits for a row of a reference table, and counts when it is there.
    Waiting,
    /// It cannot count as it is.
    Rejected,
    /// It counted after all.
    Counted,
    /// Somebody said that it shall not count.
    Discarded,
}

impl AsideState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Rejected, Self::Counted, Self::Discarded];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Rejected => "rejected",
            Self::Counted => "counted",
            Self::Discarded => "discarded",
        }
    }

    /// Of a word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A finding that did not count when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Its number among those of a destination, from 1 on; 0 as long as it has none.
    pub number: u64,
    /// The stream, its place there and what it says, as of a [`Row`](crate::Row).
    pub source: Arc<str>,
    /// See there.
    pub position: u64,
    /// See there.
    pub content: u64,
    /// When it was taken in.
    pub known_at: Timestamp,
    /// As it came.
    pub raw: Raw,
    /// Why it does not count.
    pub reason: String,
    /// What became of it.
    pub state: AsideState,
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Its number.
    pub number: u64,
    /// What became of it.
    pub state: AsideState,
    /// Why.
    pub reason: String,
}
