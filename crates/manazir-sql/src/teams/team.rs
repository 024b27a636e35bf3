//! Teams and who is in them.

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;
use manazir_people::UserId;
use manazir_people::teams::{
    Caller, Held, Kept, Member, NewTeam, Standing, TEAMS_MAX, TEAMS_OF_PERSON_MAX, Team, TeamAct, TeamError,
    TeamKey, TeamRefusal, TeamsPage, decide, founded,
};
use uuid::Uuid;

use super::people::{hold, known};
use super::rows::{MemberRow, TeamRow, member_values, team_values, uuid};
use super::{VALUES_MAX, failed, refused};
use crate::Truth;
use crate::statement::{Connection, Statement, Value, raise, signed, unsigned};

const COUNTER: &str = "teams";

const SELECT: &str = "SELECT id, slug, name, name_source, description, description_source, avatar_seed, source, \
    created_at, changed_at FROM teams WHERE ";

const SELECT_MEMBERS: &str = "SELECT m.team_id, m.user_id, m.standing, m.source, m.since, COALESCE(p.state, 0) AS state \
    FROM team_members m LEFT JOIN team_people p ON p.user_id = m.user_id WHERE ";

/// Who is in a team and takes part.
const SHOWN: &str = " AND m.standing <> 'out' AND COALESCE(p.state, 0) = 0";

const UPSERT: &str = " ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_source = excluded.name_source, \
    description = excluded.description, description_source = excluded.description_source, \
    avatar_seed = excluded.avatar_seed, changed_at = excluded.changed_at";

pub(super) async fn create(
    connection: &mut Connection<'_>,
    caller: Caller,
    new: &NewTeam,
) -> Result<Team, TeamError> {
    let total = raise(connection, COUNTER, 1).await.map_err(failed)?;
    let mut people: BTreeSet<UserId> = new.owners.iter().copied().collect();
    if let Caller::Person(user) = caller {
        people.insert(user);
    }
    let facts = hold(connection, &people).await?;
    let held = founded(caller, new, |user| known(&facts, user))?;
    for (field, key) in [("slug", TeamKey::Slug(new.slug.clone())), ("id", TeamKey::Id(new.id))] {
        if !by(&key).fetch_in::<TeamRow>(connection).await.map_err(failed)?.is_empty() {
            return refused(TeamRefusal::Taken { field });
        }
    }
    if total > signed(TEAMS_MAX as u64) {
        return refused(TeamRefusal::TooMany { what: "teams", max: TEAMS_MAX });
    }
    put(connection, None, &held).await?;
    Ok(held.team)
}

pub(super) async fn change(
    connection: &mut Connection<'_>,
    caller: Caller,
    team: Uuid,
    acts: &[TeamAct],
    at: Timestamp,
) -> Result<Option<Team>, TeamError> {
    let is_deleting = acts.contains(&TeamAct::Delete);
    if is_deleting {
        raise(connection, COUNTER, 0).await.map_err(failed)?;
    }
    if !lock(connection, team).await? {
        return refused(TeamRefusal::UnknownTeam);
    }
    let named = acts.iter().filter_map(|act| match act {
        TeamAct::Put(user, _) | TeamAct::Remove(user) => Some(*user),
        TeamAct::Change(_) | TeamAct::Delete => None,
    });
    let facts = hold(connection, &named.collect()).await?;
    let mut there = held(connection, "id IN ", vec![Value::Text(Some(team.to_string()))]).await?;
    let Some(before) = there.pop() else { return refused(TeamRefusal::UnknownTeam) };
    match decide(caller, acts, &before, |user| known(&facts, user), at)? {
        Some(after) => {
            if after != before {
                put(connection, Some(&before), &after).await?;
            }
            Ok(Some(after.team))
        }
        None => {
            delete(connection, team).await.map_err(failed)?;
            Ok(None)
        }
    }
}

async fn delete(connection: &mut Connection<'_>, team: Uuid) -> Result<(), sqlx::Error> {
    Statement::new("DELETE FROM teams WHERE id = ").text(&team.to_string()).execute(connection).await?;
    Statement::new("UPDATE counters SET value = value - 1 WHERE name = ")
        .text(COUNTER)
        .execute(connection)
        .await?;
    Ok(())
}

/// Holds a team until the transaction ends; false if there is none.
pub(super) async fn lock(connection: &mut Connection<'_>, team: Uuid) -> Result<bool, TeamError> {
    let touched = Statement::new("UPDATE teams SET changed_at = changed_at WHERE id = ")
        .text(&team.to_string())
        .execute(connection)
        .await;
    Ok(touched.map_err(failed)? > 0)
}

/// Identifiers of the teams of these slugs.
pub(super) async fn ids(
    connection: &mut Connection<'_>,
    slugs: Vec<Value>,
) -> Result<BTreeSet<Uuid>, TeamError> {
    let mut all = BTreeSet::new();
    for some in slugs.chunks(VALUES_MAX) {
        let ids = Statement::new("SELECT id FROM teams WHERE slug IN ").rows([some.to_vec()]);
        for (id,) in ids.fetch_in::<(String,)>(connection).await.map_err(failed)? {
            all.insert(uuid(&id)?);
        }
    }
    Ok(all)
}

/// Teams of which a column is one of these values, with everyone they keep.
pub(super) async fn held(
    connection: &mut Connection<'_>,
    column_in: &'static str,
    values: Vec<Value>,
) -> Result<Vec<Held>, TeamError> {
    let mut all = Vec::new();
    for some in values.chunks(VALUES_MAX) {
        let teams = Statement::new(SELECT).then(column_in).rows([some.to_vec()]);
        let teams = teams.fetch_in::<TeamRow>(connection).await.map_err(failed)?;
        let teams: Vec<Team> = teams.into_iter().map(TeamRow::team).collect::<Result<_, _>>()?;
        if teams.is_empty() {
            continue;
        }
        let ids = teams.iter().map(|team| Value::Text(Some(team.id.to_string()))).collect();
        let rows = Statement::new(SELECT_MEMBERS).then("m.team_id IN ").rows([ids]);
        let mut people: BTreeMap<String, BTreeMap<UserId, Kept>> = BTreeMap::new();
        for row in rows.fetch_in::<MemberRow>(connection).await.map_err(failed)? {
            let of_team = people.entry(row.team_id.clone()).or_default();
            let (user, kept) = row.kept()?;
            of_team.insert(user, kept);
        }
        all.extend(teams.into_iter().map(|team| {
            let people = people.remove(&team.id.to_string()).unwrap_or_default();
            Held { team, people }
        }));
    }
    Ok(all)
}

/// Writes what is different from before.
pub(super) async fn put(
    connection: &mut Connection<'_>,
    before: Option<&Held>,
    after: &Held,
) -> Result<(), TeamError> {
    let team = after.team.id;
    Statement::new(
        "INSERT INTO teams (id, slug, name, name_source, description, description_source, avatar_seed, source, \
         created_at, changed_at) VALUES ",
    )
    .rows([team_values(&after.team)])
    .then(UPSERT)
    .execute(connection)
    .await
    .map_err(failed)?;
    let kept_before = |user: &UserId| before.and_then(|before| before.people.get(user));
    let changed: Vec<Vec<Value>> = after
        .people
        .iter()
        .filter(|(user, kept)| kept_before(user) != Some(kept))
        .map(|(user, kept)| member_values(team, *user, kept))
        .collect();
    for some in changed.chunks(VALUES_MAX / 5) {
        Statement::new("INSERT INTO team_members (team_id, user_id, standing, source, since) VALUES ")
            .rows(some.to_vec())
            .then(
                " ON CONFLICT (team_id, user_id) DO UPDATE SET standing = excluded.standing, \
                 source = excluded.source, since = excluded.since",
            )
            .execute(connection)
            .await
            .map_err(failed)?;
    }
    let gone = before.into_iter().flat_map(|before| before.people.keys());
    let gone: Vec<Value> = gone
        .filter(|user| !after.people.contains_key(user))
        .map(|user| Value::Number(Some(i64::from(user.0))))
        .collect();
    for some in gone.chunks(VALUES_MAX) {
        Statement::new("DELETE FROM team_members WHERE team_id = ")
            .text(&team.to_string())
            .then(" AND user_id IN ")
            .rows([some.to_vec()])
            .execute(connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

fn by(key: &TeamKey) -> Statement {
    let select = Statement::new(SELECT);
    match key {
        TeamKey::Id(id) => select.then("id = ").text(&id.to_string()),
        TeamKey::Slug(slug) => select.then("slug = ").text(slug),
    }
}

pub(super) async fn get(truth: &Truth, key: &TeamKey) -> Result<Option<Team>, TeamError> {
    by(key).fetch::<TeamRow>(truth).await.map_err(failed)?.into_iter().next().map(TeamRow::team).transpose()
}

pub(super) async fn page(
    truth: &Truth,
    after: Option<&str>,
    max: usize,
) -> Result<TeamsPage<Team, String>, TeamError> {
    let rows = Statement::new(SELECT)
        .then("slug > ")
        .text(after.unwrap_or_default())
        .then(" ORDER BY slug LIMIT ")
        .number(signed(max as u64).saturating_add(1))
        .fetch::<TeamRow>(truth)
        .await
        .map_err(failed)?;
    let teams = rows.into_iter().map(TeamRow::team).collect::<Result<_, _>>()?;
    Ok(TeamsPage::cut(teams, max, |team: &Team| team.slug.clone()))
}

/// Whoever is in it, of a row that is [`SHOWN`].
fn member(row: MemberRow) -> Result<Option<Member>, TeamError> {
    let (user, kept) = row.kept()?;
    let Standing::In(part) = kept.standing else { return Ok(None) };
    Ok(Some(Member { user, part, source: kept.source, since: kept.since }))
}

pub(super) async fn members(
    truth: &Truth,
    team: Uuid,
    after: Option<UserId>,
    max: usize,
) -> Result<TeamsPage<Member, UserId>, TeamError> {
    let rows = Statement::new(SELECT_MEMBERS)
        .then("m.team_id = ")
        .text(&team.to_string())
        .then(" AND m.user_id > ")
        .number(after.map_or(-1, |after| i64::from(after.0)))
        .then(SHOWN)
        .then(" ORDER BY m.user_id LIMIT ")
        .number(signed(max as u64).saturating_add(1))
        .fetch::<MemberRow>(truth)
        .await
        .map_err(failed)?;
    let members: Vec<Option<Member>> = rows.into_iter().map(member).collect::<Result<_, _>>()?;
    Ok(TeamsPage::cut(members.into_iter().flatten().collect(), max, |member: &Member| member.user))
}

pub(super) async fn of(truth: &Truth, user: UserId) -> Result<Vec<(Team, Member)>, TeamError> {
    let rows = of_user(user).fetch::<MemberRow>(truth).await.map_err(failed)?;
    let mut as_what = BTreeMap::new();
    for row in rows {
        let team = row.team_id.clone();
        as_what.extend(member(row)?.map(|member| (team, member)));
    }
    if as_what.is_empty() {
        return Ok(Vec::new());
    }
    let ids = as_what.keys().map(|id| Value::Text(Some(id.clone()))).collect();
    let teams = Statement::new(SELECT).then("id IN ").rows([ids]).then(" ORDER BY slug");
    let teams = teams.fetch::<TeamRow>(truth).await.map_err(failed)?;
    let teams = teams.into_iter().map(TeamRow::team).collect::<Result<Vec<Team>, _>>()?;
    Ok(teams
        .into_iter()
        .filter_map(|team| Some((as_what.get(&team.id.to_string()).copied()?, team)))
        .map(|(as_what, team)| (team, as_what))
        .collect())
}

/// Rows of a person who takes part.
pub(super) fn of_user(user: UserId) -> Statement {
    Statement::new(SELECT_MEMBERS)
        .then("m.user_id = ")
        .number(i64::from(user.0))
        .then(SHOWN)
        .then(" ORDER BY m.team_id LIMIT ")
        .number(signed(TEAMS_OF_PERSON_MAX as u64))
}

/// How many teams there are. Nobody makes or deletes one until the transaction ends.
pub(super) async fn hold_total(connection: &mut Connection<'_>, by: usize) -> Result<usize, TeamError> {
    let total = raise(connection, COUNTER, by as u64).await.map_err(failed)?;
    Ok(usize::try_from(unsigned(total)).unwrap_or(usize::MAX))
}
