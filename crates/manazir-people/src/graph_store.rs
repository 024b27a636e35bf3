//! The port of the connection graph, and of the log that copies of it follow.

use async_trait::async_trait;

use crate::{
    Act, Change, Error, Listing, Page, Rank, Recommendation, Refusal, Relation, SuggestionQuery, Suggestions,
    UserId, Which,
};

/// Which list of a person. All are sorted by user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Contacts, the deactivated among them.
    Contacts,
    /// Whom they have asked.
    AskedTo,
    /// Who has asked them.
    AskedBy,
    /// Whom they block.
    Blocked,
    /// Whose suggestion they dismissed.
    Dismissed,
}

/// What an act came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// What who acted sees of the other now.
    pub relation: Relation,
    /// The number of the last change in the log when this was written: whoever reads from a copy that has come so far
    /// sees it.
    pub seq: u64,
}

/// Connections, requests, blocks, dismissals and recommendations. A person who is unknown or erased is refused by all
/// that names one ([`Refusal::UnknownUser`]).
///
/// Few methods and no query language: each store answers these with the plan that is best for it.
#[async_trait]
pub trait GraphStore: Send + Sync {
    /// Does these acts in their order, each as [`decide`](crate::decide) says; what one changes, the next sees. One that
    /// is refused stops no other. Changes of one act are written all or none, both sides together; on disk when it
    /// returns. An error says nothing of how many were done: doing them again does none twice.
    async fn write(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error>;

    /// What `user` sees of `other`.
    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error>;

    /// A page of a list.
    async fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Error>;

    /// A page of the contacts that both have. Of a person and themselves: their contacts.
    async fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Error>;

    /// People a person may know or need, by rank: those with a contact in common and those with evidence, but neither
    /// the person, contacts, people with a request or a block either way, the dismissed, nor anyone not active.
    async fn suggestions(&self, user: UserId, query: &SuggestionQuery) -> Result<Suggestions, Error>;

    /// Keeps recommendations, each by itself. Refused are unknown people, oneself (CM-W10), and more than
    /// [`RECOMMENDATIONS_MAX`](crate::RECOMMENDATIONS_MAX).
    async fn recommend(&self, recommendations: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error>;

    /// Recommendations of a person by rank, those after `after`, at most `max`; without those who are connected to them,
    /// have a block either way, are dismissed or not active by now.
    async fn recommendations(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error>;

    /// Takes recommendations back; how many.
    async fn withdraw(&self, user: UserId, which: &Which) -> Result<u64, Error>;

    /// The number of the last change that these answers know of.
    async fn version(&self) -> Result<u64, Error>;
}

/// A change with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// From 1, without a gap, in the order of commit.
    pub seq: u64,
    /// What holds from then on.
    pub change: Change,
}

/// The log of the truth, and what its changes add up to.
#[async_trait]
pub trait ConnectionLog: Send + Sync {
    /// The number of the last change; 0 before the first.
    async fn last_change(&self) -> Result<u64, Error>;

    /// Changes after this number in their order, at most `max`. [`Error::Forgotten`] if the next one is no longer there.
    async fn changes_after(&self, seq: u64, max: usize) -> Result<Vec<Numbered>, Error>;

    /// What holds now, as changes in their order, those after `after`, at most `max`: a part of a snapshot. Parts that
    /// are read one after the other while others write are of different times; the changes from before the first part
    /// on make them one.
    async fn snapshot_after(&self, after: Option<Change>, max: usize) -> Result<Vec<Change>, Error>;
}
