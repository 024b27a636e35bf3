//! What people do, many acts a transaction.

use manazir_people::{Act, Change, Error, Refusal, Relation, Written, decide};

use super::group::Group;
use super::{SqlPeople, begin_ties, failed, log};
use crate::statement::Writing;

/// Acts a transaction: what it costs to commit is shared by so many, and others wait for their people as long.
const ACTS_A_TRANSACTION: usize = 1_250;

/// What who acted sees then, and how many changes of the transaction there are by then; or why nothing changes.
type Decided = Result<(Relation, usize), Refusal>;

impl SqlPeople {
    /// See [`manazir_people::GraphStore::write`].
    pub(super) async fn write_all(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        let mut done = Vec::with_capacity(acts.len());
        for some in acts.chunks(ACTS_A_TRANSACTION) {
            done.extend(self.write_some(some).await?);
        }
        Ok(done)
    }

    async fn write_some(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        let mut writing = Writing::begin(&self.truth).await.map_err(failed)?;
        let mut connection = writing.connection();
        begin_ties(&mut connection, true).await.map_err(failed)?;
        let before = Group::locked(&mut connection, acts).await?;
        let mut after = before.clone();
        let (decided, changes) = self.decided(acts, &mut after);
        let last = if changes.is_empty() {
            log::last_in(&mut connection).await.map_err(failed)?
        } else {
            after.store(&before, &mut connection).await.map_err(failed)?;
            let last = log::append(&mut connection, &changes, self.changes_max).await.map_err(failed)?;
            writing.commit().await.map_err(failed)?;
            last
        };
        let first = last - changes.len() as u64;
        let written =
            |(relation, changes): (Relation, usize)| Written { relation, seq: first + changes as u64 };
        Ok(decided.into_iter().map(|decided| decided.map(written)).collect())
    }

    /// What becomes of each act, and the changes of all.
    fn decided(&self, acts: &[Act], group: &mut Group) -> (Vec<Decided>, Vec<Change>) {
        let (mut decided, mut changes) = (Vec::with_capacity(acts.len()), Vec::new());
        for act in acts {
            let made = decide(act, &group.facts(act.by, act.to), &self.limits);
            decided.push(made.map(|made| {
                made.iter().for_each(|change| group.apply(change));
                changes.extend(made);
                (group.facts(act.by, act.to).pair.relation(), changes.len())
            }));
        }
        (decided, changes)
    }
}
