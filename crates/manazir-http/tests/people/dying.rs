//! A graph whose process is killed in the middle of its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use manazir_people::{
    Act, Error, GraphStore, List, Listing, Page, Rank, Recommendation, Refusal, Relation, SuggestionQuery,
    Suggestions, UserId, Which, Written,
};

/// Does so many writes, the last of which nobody hears of.
pub(crate) struct Dying {
    graph: Arc<dyn GraphStore>,
    writes: usize,
    begun: AtomicUsize,
    done: AtomicUsize,
}

impl Dying {
    pub(crate) fn new(graph: Arc<dyn GraphStore>, writes: usize) -> Self {
        Self { graph, writes, begun: AtomicUsize::default(), done: AtomicUsize::default() }
    }

    /// True once all writes are done that it does.
    pub(crate) fn is_dead(&self) -> bool {
        self.done.load(Ordering::Acquire) == self.writes
    }
}

#[async_trait]
impl GraphStore for Dying {
    async fn write(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        if self.begun.fetch_add(1, Ordering::AcqRel) < self.writes {
            let written = self.graph.write(acts).await;
            if self.done.fetch_add(1, Ordering::AcqRel) + 1 < self.writes {
                return written;
            }
        }
        std::future::pending().await
    }

    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error> {
        self.graph.relation(user, other).await
    }

    async fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Error> {
        self.graph.list(user, list, page).await
    }

    async fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Error> {
        self.graph.mutual(one, other, page).await
    }

    async fn suggestions(&self, user: UserId, query: &SuggestionQuery) -> Result<Suggestions, Error> {
        self.graph.suggestions(user, query).await
    }

    async fn recommend(&self, recommendations: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error> {
        self.graph.recommend(recommendations).await
    }

    async fn recommendations(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error> {
        self.graph.recommendations(user, after, max).await
    }

    async fn withdraw(&self, user: UserId, which: &Which) -> Result<u64, Error> {
        self.graph.withdraw(user, which).await
    }

    async fn version(&self) -> Result<u64, Error> {
        self.graph.version().await
    }
}
