//! Recommendations that other systems supply.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use manazir_model::Timestamp;
use manazir_people::{Error, PersonState, RECOMMENDATIONS_MAX, Rank, Recommendation, Refusal, UserId, Which};

use super::group::in_parts;
use super::{ROWS_A_STATEMENT, SqlPeople, begin_ties, code, failed, id, number, text};
use crate::statement::{Connection, Statement, Writing, signed};
use crate::text::came;

/// Number of whom, who is recommended, source, score, reason, time.
type Row = (i64, i64, String, i64, String, i64);

/// Whom recommendations are for and about, and who has which.
#[derive(Default)]
struct Known {
    states: HashMap<UserId, PersonState>,
    recommended: HashMap<UserId, BTreeSet<UserId>>,
}

impl Known {
    /// Locks the people and reads what they have.
    async fn locked(connection: &mut Connection<'_>, new: &[Recommendation]) -> Result<Self, Error> {
        let mut known = Self::default();
        let people: BTreeSet<UserId> = new.iter().flat_map(|one| [one.user, one.recommended]).collect();
        let people: Vec<UserId> = people.into_iter().collect();
        for some in people.chunks(ROWS_A_STATEMENT) {
            let rows = Statement::new("SELECT id, state FROM people WHERE id IN (").user_list(some);
            let rows = rows.then(") ORDER BY id").locking(connection).planned_anew();
            let rows: Vec<(i64, i64)> = rows.fetch_in(connection).await.map_err(failed)?;
            for (user, state) in rows {
                known.states.insert(code::user(user)?, code::state(state)?);
            }
        }
        let users: BTreeSet<UserId> = new.iter().map(|one| one.user).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        for some in users.chunks(ROWS_A_STATEMENT) {
            let rows = Statement::new("SELECT user_id, recommended FROM recommendations WHERE user_id IN (");
            let rows = rows.user_list(some).then(")").planned_anew();
            let rows: Vec<(i64, i64)> = rows.fetch_in(connection).await.map_err(failed)?;
            for (user, other) in rows {
                known.recommended.entry(code::user(user)?).or_default().insert(code::user(other)?);
            }
        }
        Ok(known)
    }

    /// Counts it in, or says why not.
    fn take(&mut self, new: &Recommendation) -> Result<(), Refusal> {
        let Recommendation { user, recommended, .. } = *new;
        if user == recommended {
            return Err(Refusal::Oneself);
        }
        for user in [user, recommended] {
            if matches!(self.states.get(&user), None | Some(PersonState::Erased)) {
                return Err(Refusal::UnknownUser(user));
            }
        }
        let theirs = self.recommended.entry(user).or_default();
        if theirs.len() >= RECOMMENDATIONS_MAX && !theirs.contains(&recommended) {
            return Err(Refusal::TooMany { user, what: "recommendations", max: RECOMMENDATIONS_MAX });
        }
        theirs.insert(recommended);
        Ok(())
    }
}

impl SqlPeople {
    /// See [`manazir_people::GraphStore::recommend`].
    pub(super) async fn recommend_all(
        &self,
        new: &[Recommendation],
    ) -> Result<Vec<Result<(), Refusal>>, Error> {
        let mut done = Vec::with_capacity(new.len());
        for some in new.chunks(ROWS_A_STATEMENT) {
            done.extend(self.recommend_some(some).await?);
        }
        Ok(done)
    }

    async fn recommend_some(&self, new: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error> {
        let mut writing = Writing::begin(&self.truth).await.map_err(failed)?;
        let mut connection = writing.connection();
        begin_ties(&mut connection, true).await.map_err(failed)?;
        let mut known = Known::locked(&mut connection, new).await?;
        // The last of one pair counts.
        let mut kept: BTreeMap<(UserId, UserId), &Recommendation> = BTreeMap::new();
        let mut done = Vec::with_capacity(new.len());
        for one in new {
            let taken = known.take(one);
            if taken.is_ok() {
                kept.insert((one.user, one.recommended), one);
            }
            done.push(taken);
        }
        let row = |one: &Recommendation| {
            let (source, reason) = (text(Some(&one.source)), text(Some(&one.reason)));
            let (score, at) = (number(one.score.into()), number(one.at.micros()));
            vec![id(one.user), id(one.recommended), source, score, reason, at]
        };
        let rows = kept.into_values().map(row).collect();
        let insert = "INSERT INTO recommendations (user_id, recommended, source, score, reason, at) ";
        let update = " ON CONFLICT (user_id, recommended) DO UPDATE SET source = excluded.source, \
            score = excluded.score, reason = excluded.reason, at = excluded.at";
        in_parts(&mut connection, (insert, update), rows).await.map_err(failed)?;
        writing.commit().await.map_err(failed)?;
        Ok(done)
    }

    /// See [`manazir_people::GraphStore::recommendations`].
    pub(super) async fn recommended(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error> {
        self.known(&[user]).await?;
        let shown = Statement::new(
            "SELECT user_id, recommended, source, score, reason, at FROM recommendations AS shown \
             JOIN people ON people.id = recommended AND state = 0 WHERE NOT EXISTS (SELECT 1 FROM connections \
             WHERE one = user_id AND other = recommended) AND NOT EXISTS (SELECT 1 FROM ties \
             WHERE kind IN (0, 1, 2) AND from_user = user_id AND to_user = recommended) AND NOT EXISTS \
             (SELECT 1 FROM ties WHERE kind IN (0, 1) AND from_user = recommended AND to_user = user_id) \
             AND user_id = ",
        )
        .user(user);
        let shown = match after {
            None => shown,
            Some(after) => shown
                .then(" AND (score < ")
                .number(after.score.into())
                .then(" OR (score = ")
                .number(after.score.into())
                .then(" AND recommended > ")
                .user(after.user)
                .then("))"),
        };
        let shown = shown.then(" ORDER BY score DESC, recommended LIMIT ").number(signed(max as u64));
        let rows: Vec<Row> = shown.fetch(&self.truth).await.map_err(failed)?;
        rows.into_iter().map(recommendation).collect()
    }

    /// See [`manazir_people::GraphStore::withdraw`].
    pub(super) async fn withdrawn(&self, user: UserId, which: &Which) -> Result<u64, Error> {
        self.known(&[user]).await?;
        let theirs = || Statement::new("DELETE FROM recommendations WHERE user_id = ").user(user);
        let mut statements = Vec::new();
        match which {
            Which::All => statements.push(theirs()),
            Which::Source(source) => statements.push(theirs().then(" AND source = ").text(source)),
            Which::Recommended(users) => {
                let some = |some| theirs().then(" AND recommended IN (").user_list(some).then(")");
                statements.extend(users.chunks(ROWS_A_STATEMENT).map(some));
            }
        }
        let mut writing = Writing::begin(&self.truth).await.map_err(failed)?;
        let mut count = 0;
        for statement in statements {
            count += statement.execute(&mut writing.connection()).await.map_err(failed)?;
        }
        writing.commit().await.map_err(failed)?;
        Ok(count)
    }
}

fn recommendation((user, recommended, source, score, reason, at): Row) -> Result<Recommendation, Error> {
    Ok(Recommendation {
        user: code::user(user)?,
        recommended: code::user(recommended)?,
        source: came(source),
        score: u32::try_from(score).unwrap_or_default(),
        reason: came(reason),
        at: Timestamp(at),
    })
}
