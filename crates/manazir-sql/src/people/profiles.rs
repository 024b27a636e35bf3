//! Profiles: who joins, changes, leaves.

use std::collections::HashMap;

use async_trait::async_trait;
use manazir_model::Timestamp;
use manazir_people::{
    Change, Error, NewProfile, PeopleStore, PersonState, Profile, ProfileKey, ProfilePatch, Refusal,
    USERS_MAX, UserId, folded,
};
use uuid::Uuid;

use super::{ROWS_A_STATEMENT, SqlPeople, code, failed, id, log, number, text};
use crate::statement::{Connection, Statement, Writing, raise};
use crate::text::came;
use crate::{accounts, teams};

const SELECT: &str = "SELECT id, public_id, username, name, email, affiliation, state, joined_at, changed_at \
    FROM people WHERE ";

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    public_id: String,
    username: Option<String>,
    name: Option<String>,
    email: Option<String>,
    affiliation: Option<String>,
    state: i64,
    joined_at: i64,
    changed_at: i64,
}

fn profile(row: Row) -> Result<Profile, Error> {
    let public_id = row.public_id.parse().map_err(|why: uuid::Error| Error::Damaged {
        what: format!("the public identifier of user {}", row.id),
        why: why.to_string(),
    })?;
    Ok(Profile {
        id: code::user(row.id)?,
        public_id,
        username: row.username.map(came),
        name: row.name.map(came),
        email: row.email.map(came),
        affiliation: row.affiliation.map(came),
        state: code::state(row.state)?,
        joined_at: Timestamp(row.joined_at),
        changed_at: Timestamp(row.changed_at),
    })
}

/// What people are sorted by when they are found: see `manazir_people::SearchRank`.
fn sorted(username: Option<&str>, name: Option<&str>) -> String {
    username.or(name).map(folded).unwrap_or_default()
}

impl SqlPeople {
    /// Someone joins within a transaction, whoever began it. A refusal changes nothing, so that it can go on.
    pub(crate) async fn join(
        &self,
        connection: &mut Connection<'_>,
        new: &NewProfile,
    ) -> Result<Profile, Error> {
        let new = new.sound()?;
        // Whoever joins at the same time waits here, and finds what is taken now.
        raise(connection, "people", 0).await.map_err(failed)?;
        if let Some(field) = taken(connection, &new).await.map_err(failed)? {
            return Err(Refusal::Taken { field }.into());
        }
        let user = code::user(raise(connection, "people", 1).await.map_err(failed)?)?;
        if user.0 >= USERS_MAX {
            let why = format!("there is no number for more than {USERS_MAX}");
            return Err(Error::Damaged { what: "the count of people".to_owned(), why });
        }
        let joined = new.joined(user);
        insert(connection, &joined).await.map_err(failed)?;
        let change = Change::Person { user, state: joined.state };
        log::append(connection, &[change], self.changes_max).await.map_err(failed)?;
        Ok(joined)
    }

    /// See [`PeopleStore::set_state`]; within a transaction, whoever began it. The person, and whether the state is
    /// another one now. A refusal changes nothing.
    ///
    /// Who erases waits until nobody else changes ties: whoever calls it has locked no people before.
    pub(crate) async fn set_state_in(
        &self,
        connection: &mut Connection<'_>,
        user: UserId,
        state: PersonState,
        at: Timestamp,
    ) -> Result<(Profile, bool), Error> {
        if state == PersonState::Erased {
            super::begin_ties(connection, false).await.map_err(failed)?;
        }
        let before = locked(connection, user).await?.ok_or(Refusal::UnknownUser(user))?;
        if before.state == state {
            return Ok((before, false));
        }
        if before.state == PersonState::Erased {
            return Err(Refusal::UnknownUser(user).into());
        }
        let after = if state == PersonState::Erased {
            super::erase::erase(connection, &before, at).await.map_err(failed)?
        } else {
            set_state(connection, user, state, at).await.map_err(failed)?;
            Profile { state, changed_at: at, ..before }
        };
        let change = Change::Person { user, state };
        log::append(connection, &[change], self.changes_max).await.map_err(failed)?;
        Ok((after, true))
    }

    /// Gives a username to the active person with this address, who becomes the owner of an account; within a transaction,
    /// whoever began it. `None` if there is no such person. A refusal changes nothing.
    pub(crate) async fn rename(
        &self,
        connection: &mut Connection<'_>,
        email: &str,
        username: &str,
        at: Timestamp,
    ) -> Result<Option<Profile>, Error> {
        // As whoever joins: usernames are given one after the other.
        raise(connection, "people", 0).await.map_err(failed)?;
        let row = Statement::new(SELECT).then("state = 0 AND email = ").text(email).locking(connection);
        let rows: Vec<Row> = row.fetch_in(connection).await.map_err(failed)?;
        let Some(before) = rows.into_iter().next().map(profile).transpose()? else {
            return Ok(None);
        };
        let others = Statement::new("SELECT id FROM people WHERE username_folded = ").text(&folded(username));
        let others: Vec<(i64,)> = others.fetch_in(connection).await.map_err(failed)?;
        if others.iter().any(|other| other.0 != i64::from(before.id.0)) {
            return Err(Refusal::Taken { field: "username" }.into());
        }
        let after = Profile { username: Some(username.to_owned()), changed_at: at, ..before };
        Statement::new("UPDATE people SET username = ")
            .text(username)
            .then(", username_folded = ")
            .text(&folded(username))
            .then(" WHERE id = ")
            .user(after.id)
            .execute(connection)
            .await
            .map_err(failed)?;
        store(connection, &after).await.map_err(failed)?;
        Ok(Some(after))
    }

    async fn updated(
        &self,
        connection: &mut Connection<'_>,
        user: UserId,
        patch: &ProfilePatch,
        at: Timestamp,
    ) -> Result<Profile, Error> {
        let before = locked(connection, user).await?;
        let before = before.filter(|one| one.state != PersonState::Erased);
        let before = before.ok_or(Refusal::UnknownUser(user))?;
        let after = patch.applied(&before, at)?;
        if after != before {
            store(connection, &after).await.map_err(failed)?;
        }
        Ok(after)
    }
}

/// The field of which somebody else has the value.
async fn taken(
    connection: &mut Connection<'_>,
    new: &NewProfile,
) -> Result<Option<&'static str>, sqlx::Error> {
    let public_id = new.public_id.to_string();
    let username = new.username.as_deref().map(folded);
    let others = Statement::new("SELECT public_id, email, username_folded FROM people WHERE public_id = ")
        .text(&public_id)
        .then(" OR email = ")
        .text(&new.email)
        .then(" OR username_folded = ")
        .value(text(username.as_deref()));
    let others: Vec<(String, Option<String>, Option<String>)> = others.fetch_in(connection).await?;
    let is_taken = |field: &&str| {
        others.iter().any(|(other_id, other_email, other_username)| match *field {
            "public_id" => *other_id == public_id,
            "email" => other_email.clone().map(came).as_ref() == Some(&new.email),
            _ => username.is_some() && *other_username == username,
        })
    };
    Ok(["public_id", "email", "username"].into_iter().find(is_taken))
}

async fn insert(connection: &mut Connection<'_>, joined: &Profile) -> Result<(), sqlx::Error> {
    let (username, name) = (joined.username.as_deref(), joined.name.as_deref());
    let row = vec![
        id(joined.id),
        text(Some(&joined.public_id.to_string())),
        text(username),
        text(username.map(folded).as_deref()),
        text(name),
        text(name.map(folded).as_deref()),
        text(Some(&sorted(username, name))),
        text(joined.email.as_deref()),
        text(joined.affiliation.as_deref()),
        number(code::of_state(joined.state)),
        number(joined.joined_at.micros()),
        number(joined.changed_at.micros()),
    ];
    Statement::new(
        "INSERT INTO people (id, public_id, username, username_folded, name, name_folded, sorted, email, \
         affiliation, state, joined_at, changed_at) VALUES ",
    )
    .rows([row])
    .execute(connection)
    .await
    .map(drop)
}

async fn locked(connection: &mut Connection<'_>, user: UserId) -> Result<Option<Profile>, Error> {
    let row = Statement::new(SELECT).then("id = ").user(user).locking(connection);
    let rows: Vec<Row> = row.fetch_in(connection).await.map_err(failed)?;
    rows.into_iter().next().map(profile).transpose()
}

async fn set_state(
    connection: &mut Connection<'_>,
    user: UserId,
    state: PersonState,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    Statement::new("UPDATE people SET state = ")
        .number(code::of_state(state))
        .then(", changed_at = ")
        .number(at.micros())
        .then(" WHERE id = ")
        .user(user)
        .execute(connection)
        .await
        .map(drop)
}

/// Writes what a patch can change.
async fn store(connection: &mut Connection<'_>, after: &Profile) -> Result<(), sqlx::Error> {
    let (username, name) = (after.username.as_deref(), after.name.as_deref());
    Statement::new("UPDATE people SET name = ")
        .value(text(name))
        .then(", name_folded = ")
        .value(text(name.map(folded).as_deref()))
        .then(", sorted = ")
        .value(text(Some(&sorted(username, name))))
        .then(", affiliation = ")
        .value(text(after.affiliation.as_deref()))
        .then(", changed_at = ")
        .number(after.changed_at.micros())
        .then(" WHERE id = ")
        .user(after.id)
        .execute(connection)
        .await
        .map(drop)
}

#[async_trait]
impl PeopleStore for SqlPeople {
    async fn create(&self, new: &NewProfile) -> Result<Profile, Error> {
        let mut writing = Writing::begin(&self.truth).await.map_err(failed)?;
        let joined = self.join(&mut writing.connection(), new).await?;
        writing.commit().await.map_err(failed)?;
        Ok(joined)
    }

    async fn update(&self, user: UserId, patch: &ProfilePatch, at: Timestamp) -> Result<Profile, Error> {
        let mut writing = Writing::begin(&self.truth).await.map_err(failed)?;
        let after = self.updated(&mut writing.connection(), user, patch, at).await?;
        writing.commit().await.map_err(failed)?;
        Ok(after)
    }

    async fn profile(&self, key: &ProfileKey) -> Result<Option<Profile>, Error> {
        let one = Statement::new(SELECT);
        let one = match key {
            ProfileKey::Id(user) => one.then("id = ").user(*user),
            ProfileKey::Public(public_id) => one.then("public_id = ").text(&public_id.to_string()),
            ProfileKey::Username(name) => one.then("username_folded = ").text(&name.to_lowercase()),
            ProfileKey::Email(email) => one.then("email = ").text(&email.to_lowercase()),
        };
        let rows: Vec<Row> = one.fetch(&self.truth).await.map_err(failed)?;
        rows.into_iter().next().map(profile).transpose()
    }

    async fn numbers(&self, public_ids: &[Uuid]) -> Result<Vec<Option<UserId>>, Error> {
        let mut found = HashMap::with_capacity(public_ids.len());
        for some in public_ids.chunks(ROWS_A_STATEMENT) {
            let rows = Statement::new("SELECT public_id, id FROM people WHERE state <> ")
                .number(code::of_state(PersonState::Erased))
                .then(" AND public_id IN (")
                .uuids(some)
                .then(")");
            let rows: Vec<(String, i64)> = rows.fetch(&self.truth).await.map_err(failed)?;
            for (public_id, number) in rows {
                found.insert(public_id, code::user(number)?);
            }
        }
        Ok(public_ids.iter().map(|id| found.get(&id.to_string()).copied()).collect())
    }

    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, Error> {
        let mut found = HashMap::with_capacity(users.len());
        for some in users.chunks(ROWS_A_STATEMENT) {
            let rows = Statement::new(SELECT).then("id IN (").user_list(some).then(")");
            let rows: Vec<Row> = rows.fetch(&self.truth).await.map_err(failed)?;
            for row in rows {
                let profile = profile(row)?;
                found.insert(profile.id, profile);
            }
        }
        Ok(users.iter().filter_map(|user| found.get(user)).cloned().collect())
    }

    async fn set_state(&self, user: UserId, state: PersonState, at: Timestamp) -> Result<Profile, Error> {
        let mut writing = Writing::begin(&self.truth).await.map_err(failed)?;
        let mut connection = writing.connection();
        let (after, is_changed) = self.set_state_in(&mut connection, user, state, at).await?;
        if is_changed {
            teams::follow(&mut connection, user, state).await.map_err(failed)?;
            accounts::person::follow(&mut connection, &after).await?;
        }
        writing.commit().await.map_err(failed)?;
        Ok(after)
    }

    async fn search(&self, query: &str, max: usize) -> Result<Vec<Profile>, Error> {
        let found = self.found(query, max).await?;
        self.profiles(&found).await
    }
}
