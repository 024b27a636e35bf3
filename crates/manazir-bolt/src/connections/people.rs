//! Profiles are the truth's; who joins or leaves is seen by the reads of the graph that follow.

use async_trait::async_trait;
use manazir_model::Timestamp;
use manazir_people::{
    ConnectionLog, Error, NewProfile, PeopleStore, PersonState, Profile, ProfileKey, ProfilePatch, UserId,
};
use uuid::Uuid;

use super::BoltConnections;

#[async_trait]
impl<T: ConnectionLog + PeopleStore> PeopleStore for BoltConnections<T> {
    async fn create(&self, new: &NewProfile) -> Result<Profile, Error> {
        let created = self.truth.create(new).await?;
        self.need(self.truth.last_change().await?);
        Ok(created)
    }

    async fn update(&self, user: UserId, patch: &ProfilePatch, at: Timestamp) -> Result<Profile, Error> {
        self.truth.update(user, patch, at).await
    }

    async fn profile(&self, key: &ProfileKey) -> Result<Option<Profile>, Error> {
        self.truth.profile(key).await
    }

    async fn numbers(&self, public_ids: &[Uuid]) -> Result<Vec<Option<UserId>>, Error> {
        self.truth.numbers(public_ids).await
    }

    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, Error> {
        self.truth.profiles(users).await
    }

    async fn set_state(&self, user: UserId, state: PersonState, at: Timestamp) -> Result<Profile, Error> {
        let changed = self.truth.set_state(user, state, at).await?;
        self.need(self.truth.last_change().await?);
        Ok(changed)
    }

    async fn search(&self, query: &str, max: usize) -> Result<Vec<Profile>, Error> {
        self.truth.search(query, max).await
    }
}
