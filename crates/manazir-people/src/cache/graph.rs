//! Recommendations, from the cache where it has them.

use async_trait::async_trait;

use super::Cached;
use super::scope::{Entry, Scope};
use crate::{
    Act, Error, GraphStore, List, Listing, Page, Rank, Recommendation, Refusal, Relation, SuggestionQuery,
    Suggestions, UserId, Which, Written,
};

#[async_trait]
impl<P: GraphStore> GraphStore for Cached<P> {
    async fn write(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        let people = acts.iter().flat_map(|act| [act.by, act.to]).map(Scope::Person);
        let writing = self.writing(people.collect());
        let done = self.people.write(acts).await;
        self.written(writing).await;
        done
    }

    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error> {
        self.people.relation(user, other).await
    }

    async fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Error> {
        self.people.list(user, list, page).await
    }

    async fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Error> {
        self.people.mutual(one, other, page).await
    }

    async fn suggestions(&self, user: UserId, query: &SuggestionQuery) -> Result<Suggestions, Error> {
        self.people.suggestions(user, query).await
    }

    async fn recommend(&self, recommendations: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error> {
        let writing = self.writing(recommendations.iter().map(|one| Scope::Person(one.user)).collect());
        let done = self.people.recommend(recommendations).await;
        self.written(writing).await;
        done
    }

    async fn recommendations(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error> {
        let load = self.people.recommendations(user, after, max);
        // A page of nobody is an answer like others (BB-W22).
        self.answer(Entry::recommendations(user, after, max), load, |_| true).await
    }

    async fn withdraw(&self, user: UserId, which: &Which) -> Result<u64, Error> {
        let writing = self.writing(vec![Scope::Person(user)]);
        let withdrawn = self.people.withdraw(user, which).await;
        self.written(writing).await;
        withdrawn
    }

    async fn version(&self) -> Result<u64, Error> {
        self.people.version().await
    }
}
