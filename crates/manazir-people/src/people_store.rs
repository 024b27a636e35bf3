//! The port of profiles.

use async_trait::async_trait;
use manazir_model::Timestamp;
use uuid::Uuid;

use crate::{Error, NewProfile, PersonState, Profile, ProfilePatch, UserId};

/// What a profile is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProfileKey {
    /// The number.
    Id(UserId),
    /// What others know them by.
    Public(Uuid),
    /// Whatever its case.
    Username(String),
    /// Whatever its case.
    Email(String),
}

/// Keeps profiles. Who joins, leaves, comes back or is erased is a change in the log of the connection graph, written
/// in the same transaction.
#[async_trait]
pub trait PeopleStore: Send + Sync {
    /// Someone joins, as [`NewProfile::sound`] leaves them, with the next number. Refused if the address, the username or
    /// the public identifier is taken, or a value is not sound.
    async fn create(&self, new: &NewProfile) -> Result<Profile, Error>;

    /// Changes a profile; what it is afterwards. Refused for someone unknown or erased (CM-W5).
    async fn update(&self, user: UserId, patch: &ProfilePatch, at: Timestamp) -> Result<Profile, Error>;

    /// One profile; `None` if there is none. An erased one is found by number and public identifier.
    async fn profile(&self, key: &ProfileKey) -> Result<Option<Profile>, Error>;

    /// Numbers of those who have these public identifiers, in the order asked for; `None` where there is nobody, or no
    /// longer.
    async fn numbers(&self, public_ids: &[Uuid]) -> Result<Vec<Option<UserId>>, Error>;

    /// Those of these that there are, in the order asked for: names for a page of a list.
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, Error>;

    /// Deactivates, brings back, erases. Erasing takes away all personal data, connections, requests, blocks,
    /// dismissals, and recommendations of and to the person; address and username are free again; there is no way back.
    /// The same again changes nothing. Refused for someone unknown, and for the erased unless it is erasing.
    async fn set_state(&self, user: UserId, state: PersonState, at: Timestamp) -> Result<Profile, Error>;

    /// People found by what is typed, sorted by [`search_rank`](crate::search_rank), at most `max`.
    async fn search(&self, query: &str, max: usize) -> Result<Vec<Profile>, Error>;
}
