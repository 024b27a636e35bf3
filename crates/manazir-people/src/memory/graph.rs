//! The connection graph of the truth in memory.

use async_trait::async_trait;

use super::{InMemoryPeople, Inside};
use crate::connections::Scratch;
use crate::{
    Act, Change, ConnectionLog, Error, GraphStore, List, Listing, Numbered, Page, RECOMMENDATIONS_MAX, Rank,
    Recommendation, Refusal, Relation, SuggestionQuery, Suggestions, UserId, Which, Written, decide,
};

impl Inside {
    fn act(&mut self, act: &Act) -> Result<Result<Written, Refusal>, Error> {
        let facts = self.graph.facts(act.by, act.to);
        let changes = match decide(act, &facts, &self.limits) {
            Ok(changes) => changes,
            Err(refusal) => return Ok(Err(refusal)),
        };
        changes.into_iter().try_for_each(|change| self.commit(change))?;
        let relation = self.graph.facts(act.by, act.to).pair.relation();
        Ok(Ok(Written { relation, seq: self.graph.version() }))
    }

    fn recommend(&mut self, new: &Recommendation) -> Result<(), Refusal> {
        let Recommendation { user, recommended, .. } = *new;
        if user == recommended {
            return Err(Refusal::Oneself);
        }
        self.graph.known(user)?;
        self.graph.known(recommended)?;
        let theirs = self.recommendations.entry(user).or_default();
        if theirs.len() >= RECOMMENDATIONS_MAX && !theirs.contains_key(&recommended) {
            return Err(Refusal::TooMany { user, what: "recommendations", max: RECOMMENDATIONS_MAX });
        }
        theirs.insert(recommended, new.clone());
        Ok(())
    }
}

fn rank(recommendation: &Recommendation) -> Rank {
    Rank { score: recommendation.score, user: recommendation.recommended }
}

#[async_trait]
impl GraphStore for InMemoryPeople {
    async fn write(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        let mut inside = self.change();
        acts.iter().map(|act| inside.act(act)).collect()
    }

    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error> {
        Ok(self.read().graph.relation(user, other)?)
    }

    async fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Error> {
        Ok(self.read().graph.list(user, list, page)?)
    }

    async fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Error> {
        Ok(self.read().graph.mutual(one, other, page)?)
    }

    async fn suggestions(&self, user: UserId, query: &SuggestionQuery) -> Result<Suggestions, Error> {
        Ok(self.read().graph.suggestions(user, query, &mut Scratch::default())?)
    }

    async fn recommend(&self, recommendations: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error> {
        let mut inside = self.change();
        Ok(recommendations.iter().map(|new| inside.recommend(new)).collect())
    }

    async fn recommendations(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error> {
        let inside = self.read();
        inside.graph.known(user)?;
        let theirs = inside.recommendations.get(&user).into_iter().flat_map(|theirs| theirs.values());
        let mut shown: Vec<&Recommendation> = theirs
            .filter(|one| after.is_none_or(|after| rank(one) > after))
            .filter(|one| !inside.graph.is_kept_from(user, one.recommended))
            .collect();
        shown.sort_by_key(|one| rank(one));
        Ok(shown.into_iter().take(max).cloned().collect())
    }

    async fn withdraw(&self, user: UserId, which: &Which) -> Result<u64, Error> {
        let mut inside = self.change();
        inside.graph.known(user)?;
        let Some(theirs) = inside.recommendations.get_mut(&user) else {
            return Ok(0);
        };
        let before = theirs.len();
        theirs.retain(|_, one| !which.holds(one));
        Ok((before - theirs.len()) as u64)
    }

    async fn version(&self) -> Result<u64, Error> {
        self.last_change().await
    }
}

#[async_trait]
impl ConnectionLog for InMemoryPeople {
    async fn last_change(&self) -> Result<u64, Error> {
        Ok(self.read().graph.version())
    }

    async fn changes_after(&self, seq: u64, max: usize) -> Result<Vec<Numbered>, Error> {
        let inside = self.read();
        let forgotten = inside.graph.version() - inside.log.len() as u64;
        if seq < forgotten {
            return Err(Error::Forgotten(forgotten));
        }
        let changes = inside.log.iter().zip(forgotten + 1..).skip((seq - forgotten) as usize);
        Ok(changes.take(max).map(|(change, seq)| Numbered { seq, change: *change }).collect())
    }

    async fn snapshot_after(&self, after: Option<Change>, max: usize) -> Result<Vec<Change>, Error> {
        Ok(self.read().graph.snapshot_after(after).take(max).collect())
    }
}
