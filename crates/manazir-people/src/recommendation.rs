//! Recommendations that other systems supply.

use manazir_model::Timestamp;

use crate::UserId;

/// Recommendations that one person may have at a time.
pub const RECOMMENDATIONS_MAX: usize = 1_000;

/// Another system says: this person should know that one. There is one for each two people; a later one takes the
/// place of an earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// To whom.
    pub user: UserId,
    /// Who.
    pub recommended: UserId,
    /// Which system says so.
    pub source: String,
    /// Higher comes first; its unit is the system's own.
    pub score: u32,
    /// Why, in the system's words; may be empty.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Which recommendations of a person are taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// Those of one system.
    Source(String),
    /// Those of these people.
    Recommended(Vec<UserId>),
}

impl Which {
    /// True if this one is meant.
    pub fn holds(&self, recommendation: &Recommendation) -> bool {
        match self {
            Self::All => true,
            Self::Source(source) => recommendation.source == *source,
            Self::Recommended(users) => users.contains(&recommendation.recommended),
        }
    }
}
