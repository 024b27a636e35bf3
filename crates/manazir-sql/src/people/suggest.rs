//! Suggestions: contacts of contacts, counted by the database, and ranked with what else is known.

use std::collections::{BTreeMap, HashMap};

use manazir_people::connections::PATHS_MAX;
use manazir_people::{
    Error, Evidence, PAGE_MAX, Rank, Refusal, SHOWN_CONTACTS_MAX, Suggestion, SuggestionQuery, Suggestions,
    UserId,
};

use super::{ROWS_A_STATEMENT, SqlPeople, by_index, code, failed, refuse_unknown};
use crate::statement::{Connection, Reading, Statement, unsigned};

/// How many candidates are counted in full for each that is asked for when not all paths are walked.
const OVERSAMPLED: usize = 4;

/// The contacts through whom is walked: those with few contacts first, as many as the paths allow.
const WALKED: &str = "WITH theirs AS (SELECT other, contacts FROM connections JOIN people ON people.id = other \
    WHERE one = $1), walked AS (SELECT other FROM (SELECT other, sum(contacts) OVER (ORDER BY contacts, other) \
    AS paths FROM theirs) AS summed WHERE paths <= $2) ";

/// Contacts in common of everyone who may be suggested. What comes before it stands for [`WALKED`].
const CANDIDATES: &str = "SELECT candidate, common FROM (SELECT second.other AS candidate, count(*) AS common \
    FROM walked JOIN connections AS second ON second.one = walked.other GROUP BY second.other) AS counted \
    WHERE candidate <> $1 AND candidate NOT IN (SELECT other FROM connections WHERE one = $1) \
    AND candidate NOT IN (SELECT to_user FROM ties WHERE kind IN (0, 1, 2) AND from_user = $1) \
    AND candidate NOT IN (SELECT from_user FROM ties WHERE kind IN (0, 1) AND to_user = $1) \
    AND candidate NOT IN (SELECT id FROM people WHERE state <> 0)";

/// Whom of these may be suggested. The list of them follows.
const ALLOWED: &str = "SELECT id, CAST(0 AS BIGINT) FROM people WHERE state = 0 AND id <> $1 \
    AND id NOT IN (SELECT other FROM connections WHERE one = $1) \
    AND id NOT IN (SELECT to_user FROM ties WHERE kind IN (0, 1, 2) AND from_user = $1) \
    AND id NOT IN (SELECT from_user FROM ties WHERE kind IN (0, 1) AND to_user = $1) AND id IN (";

impl SqlPeople {
    /// See [`manazir_people::GraphStore::suggestions`].
    pub(super) async fn suggested(
        &self,
        user: UserId,
        query: &SuggestionQuery,
    ) -> Result<Suggestions, Error> {
        let mut reading = Reading::begin(&self.truth).await.map_err(failed)?;
        let mut connection = reading.connection();
        by_index(&mut connection).await.map_err(failed)?;
        let state = Statement::new("SELECT id, state FROM people WHERE id = ").user(user);
        let state: Vec<(i64, i64)> = state.fetch_in(&mut connection).await.map_err(failed)?;
        refuse_unknown(&[user], &state)?;
        if !(1..=PAGE_MAX).contains(&query.max) {
            return Err(
                Refusal::Invalid { field: "limit".to_owned(), why: "is a number from 1 to 100" }.into()
            );
        }
        let evidence: BTreeMap<UserId, Evidence> = query.evidence.iter().copied().collect();
        let is_complete = is_complete(&mut connection, user).await.map_err(failed)?;
        let mut common = allowed(&mut connection, user, evidence.keys().copied().collect()).await?;
        common.extend(candidates(&mut connection, user, query, is_complete, evidence.len()).await?);
        // Those with evidence are counted whether or not the walk came by; of a part of the paths all are.
        let uncounted: Vec<UserId> =
            common.keys().copied().filter(|user| !is_complete || evidence.contains_key(user)).collect();
        common.extend(counted(&mut connection, user, &uncounted).await?);
        let weight = |user: &UserId| evidence.get(user).map_or(0, Evidence::weight);
        let rank = |(user, common): (&UserId, &u32)| Rank {
            score: weight(user).saturating_add(*common),
            user: *user,
        };
        let mut ranks: Vec<Rank> = common.iter().map(rank).collect();
        ranks.retain(|rank| rank.score > 0 && query.after.is_none_or(|after| *rank > after));
        ranks.sort();
        ranks.truncate(query.max);
        let mut through = through(&mut connection, user, &ranks).await?;
        let suggestion = |rank: Rank| Suggestion {
            rank,
            common: common.get(&rank.user).copied().unwrap_or_default(),
            through: through.remove(&rank.user).unwrap_or_default(),
            evidence: evidence.get(&rank.user).copied().unwrap_or_default(),
        };
        Ok(Suggestions { items: ranks.into_iter().map(suggestion).collect(), is_complete })
    }
}

/// True if the paths through all contacts can be walked.
async fn is_complete(connection: &mut Connection<'_>, user: UserId) -> Result<bool, sqlx::Error> {
    let paths = Statement::new(
        "SELECT CAST(COALESCE(sum(contacts), 0) AS BIGINT), count(*) FROM connections \
         JOIN people ON people.id = other WHERE one = ",
    )
    .user(user);
    let paths: Vec<(i64, i64)> = paths.fetch_in(connection).await?;
    Ok(paths.first().is_none_or(|row| unsigned(row.0) as usize <= PATHS_MAX))
}

/// The best by contacts in common, among them as many more as have evidence, who may rank elsewhere.
async fn candidates(
    connection: &mut Connection<'_>,
    user: UserId,
    query: &SuggestionQuery,
    is_complete: bool,
    with_evidence: usize,
) -> Result<HashMap<UserId, u32>, Error> {
    let max = if is_complete { query.max } else { OVERSAMPLED * query.max };
    let best = Statement::new(WALKED).then(CANDIDATES).bound(user.0.into()).bound(PATHS_MAX as i64);
    let best = match query.after {
        Some(after) if is_complete => best
            .then(" AND (common < ")
            .number(after.score.into())
            .then(" OR (common = ")
            .number(after.score.into())
            .then(" AND candidate > ")
            .user(after.user)
            .then("))"),
        _ => best,
    };
    let best = best.then(" ORDER BY common DESC, candidate LIMIT ").number((max + with_evidence) as i64);
    let rows = best.planned_anew().fetch_in(connection).await.map_err(failed)?;
    users(rows)
}

/// Those of these who may be suggested, with no contact in common yet.
async fn allowed(
    connection: &mut Connection<'_>,
    user: UserId,
    others: Vec<UserId>,
) -> Result<HashMap<UserId, u32>, Error> {
    let mut allowed = HashMap::new();
    for some in others.chunks(ROWS_A_STATEMENT) {
        let rows = Statement::new(ALLOWED).bound(user.0.into()).user_list(some).then(")");
        allowed.extend(users(rows.planned_anew().fetch_in(connection).await.map_err(failed)?)?);
    }
    Ok(allowed)
}

/// Contacts in common with each of these; those with none are not there.
async fn counted(
    connection: &mut Connection<'_>,
    user: UserId,
    others: &[UserId],
) -> Result<HashMap<UserId, u32>, Error> {
    let mut counted = HashMap::new();
    for some in others.chunks(ROWS_A_STATEMENT) {
        let rows = Statement::new(
            "SELECT second.one, count(*) FROM connections AS second JOIN connections AS first \
             ON first.other = second.other WHERE first.one = $1 AND second.one IN (",
        )
        .bound(user.0.into())
        .user_list(some)
        .then(") GROUP BY second.one");
        counted.extend(users(rows.planned_anew().fetch_in(connection).await.map_err(failed)?)?);
    }
    Ok(counted)
}

fn users(rows: Vec<(i64, i64)>) -> Result<HashMap<UserId, u32>, Error> {
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    rows.into_iter().map(|(user, common)| Ok((code::user(user)?, count(common)))).collect()
}

/// The first contacts in common with each of these.
async fn through(
    connection: &mut Connection<'_>,
    user: UserId,
    ranks: &[Rank],
) -> Result<HashMap<UserId, Vec<UserId>>, Error> {
    let others: Vec<UserId> = ranks.iter().map(|rank| rank.user).collect();
    let rows = Statement::new(
        "SELECT one, other FROM (SELECT second.one, second.other, row_number() OVER (PARTITION BY second.one \
         ORDER BY second.other) AS place FROM connections AS second JOIN connections AS first \
         ON first.other = second.other WHERE first.one = $1 AND second.one IN (",
    )
    .bound(user.0.into())
    .user_list(&others)
    .then(")) AS numbered WHERE place <= ")
    .number(SHOWN_CONTACTS_MAX as i64)
    .then(" ORDER BY one, other");
    let rows: Vec<(i64, i64)> = rows.planned_anew().fetch_in(connection).await.map_err(failed)?;
    let mut through: HashMap<UserId, Vec<UserId>> = HashMap::new();
    for (one, other) in rows {
        through.entry(code::user(one)?).or_default().push(code::user(other)?);
    }
    Ok(through)
}
