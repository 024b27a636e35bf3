//! The connection graph in memory over the truth: reads are answered here, writes there.

mod profiles;

use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;

use crate::connections::Scratch;
use crate::{
    Act, Change, ConnectionGraph, ConnectionLog, Error, GraphStore, List, Listing, Page, Rank,
    Recommendation, Refusal, Relation, SuggestionQuery, Suggestions, UserId, Which, Written,
};

/// Changes that are read at once.
const CHANGES: usize = 10_000;

/// A copy of the graph that follows the log of `truth`. It shows what was written through it at once, and what others
/// wrote after [`catch_up`](Self::catch_up), which whoever owns it calls when told of a change and every now and then.
///
/// Recommendations are few and stay in the truth.
#[derive(Debug)]
pub struct Following<T> {
    truth: T,
    graph: RwLock<ConnectionGraph>,
    /// As many as were ever in use at once.
    scratches: Mutex<Vec<Scratch>>,
}

impl<T: ConnectionLog> Following<T> {
    /// Loads what holds.
    pub async fn load(truth: T) -> Result<Self, Error> {
        let graph = RwLock::new(snapshot(&truth).await?);
        let following = Self { truth, graph, scratches: Mutex::default() };
        following.catch_up().await?;
        Ok(following)
    }

    /// Goes on to the end of the log, and loads anew if the log no longer reaches so far back. The number of the last
    /// change that it holds then.
    pub async fn catch_up(&self) -> Result<u64, Error> {
        loop {
            let version = self.graph().version();
            match self.truth.changes_after(version, CHANGES).await {
                Ok(changes) if changes.is_empty() => return Ok(version),
                Ok(changes) => {
                    let mut graph = self.graph.write().unwrap_or_else(PoisonError::into_inner);
                    // Someone else may have been here meanwhile: what is known is passed by.
                    changes.iter().try_for_each(|change| graph.follow(change).map(drop))?;
                }
                Err(Error::Forgotten(_)) => {
                    let anew = snapshot(&self.truth).await?;
                    let mut graph = self.graph.write().unwrap_or_else(PoisonError::into_inner);
                    if anew.version() > graph.version() {
                        *graph = anew;
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes on if the copy does not know one of these: who has just joined is found by their profile, which is the
    /// truth's, before the log was looked at again.
    async fn meet(&self, users: &[UserId]) -> Result<(), Error> {
        let is_new = {
            let graph = self.graph();
            users.iter().any(|user| graph.state(*user).is_none())
        };
        if is_new { self.catch_up().await.map(drop) } else { Ok(()) }
    }

    /// The copy as it is now. Whoever holds it keeps changes from coming in.
    pub fn graph(&self) -> RwLockReadGuard<'_, ConnectionGraph> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it follows.
    pub fn truth(&self) -> &T {
        &self.truth
    }
}

/// What holds, as a graph that stands at the change from which it was read. What came later may be in it or not, and is
/// once the log has been followed.
async fn snapshot(truth: &impl ConnectionLog) -> Result<ConnectionGraph, Error> {
    let mut graph = ConnectionGraph::default();
    let version = truth.last_change().await?;
    let mut after: Option<Change> = None;
    loop {
        let part = truth.snapshot_after(after, CHANGES).await?;
        let Some(last) = part.last() else {
            break;
        };
        after = Some(*last);
        part.iter().try_for_each(|change| graph.apply(change))?;
    }
    graph.loaded(version);
    Ok(graph)
}

#[async_trait]
impl<T: ConnectionLog + GraphStore> GraphStore for Following<T> {
    async fn write(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        let written = self.truth.write(acts).await?;
        self.catch_up().await?;
        Ok(written)
    }

    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error> {
        self.meet(&[user, other]).await?;
        Ok(self.graph().relation(user, other)?)
    }

    async fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Error> {
        self.meet(&[user]).await?;
        Ok(self.graph().list(user, list, page)?)
    }

    async fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Error> {
        self.meet(&[one, other]).await?;
        Ok(self.graph().mutual(one, other, page)?)
    }

    async fn suggestions(&self, user: UserId, query: &SuggestionQuery) -> Result<Suggestions, Error> {
        self.meet(&[user]).await?;
        let mut scratch =
            self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let suggestions = self.graph().suggestions(user, query, &mut scratch);
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
        Ok(suggestions?)
    }

    async fn recommend(&self, recommendations: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error> {
        self.truth.recommend(recommendations).await
    }

    async fn recommendations(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error> {
        self.truth.recommendations(user, after, max).await
    }

    async fn withdraw(&self, user: UserId, which: &Which) -> Result<u64, Error> {
        self.truth.withdraw(user, which).await
    }

    async fn version(&self) -> Result<u64, Error> {
        Ok(self.graph().version())
    }
}
