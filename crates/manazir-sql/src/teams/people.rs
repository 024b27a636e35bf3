//! How people take part, as teams and services know it.

use std::collections::{BTreeMap, BTreeSet};

use manazir_people::teams::{PersonFacts, TeamError};
use manazir_people::{PersonState, UserId};

use super::rows::{state, state_number, user};
use super::{VALUES_MAX, failed};
use crate::statement::{Connection, Statement, Value, unsigned};

/// What is known of these people. None of them is erased, or put into one more team, before the transaction ends.
pub(super) async fn hold(
    connection: &mut Connection<'_>,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, PersonFacts>, TeamError> {
    let mut facts = BTreeMap::new();
    let users: Vec<UserId> = users.iter().copied().collect();
    for some in users.chunks(VALUES_MAX / 2) {
        let rows = some.iter().map(|user| vec![number(*user), Value::Number(Some(0))]);
        let held = Statement::new("INSERT INTO team_people (user_id, state) VALUES ")
            .rows(rows)
            .then(" ON CONFLICT (user_id) DO UPDATE SET state = team_people.state RETURNING user_id, state")
            .fetch_in::<(i64, i64)>(connection)
            .await
            .map_err(failed)?;
        for (number, is) in held {
            facts.insert(user(number)?, PersonFacts { state: state(is), teams: 0 });
        }
        let counted = Statement::new(
            "SELECT user_id, COUNT(*) FROM team_members WHERE standing <> 'out' AND user_id IN ",
        )
        .rows([some.iter().map(|user| number(*user)).collect()])
        .then(" GROUP BY user_id")
        .fetch_in::<(i64, i64)>(connection)
        .await
        .map_err(failed)?;
        for (number, count) in counted {
            if let Some(facts) = facts.get_mut(&user(number)?) {
                facts.teams = usize::try_from(unsigned(count)).unwrap_or(usize::MAX);
            }
        }
    }
    Ok(facts)
}

/// What is known of one of them.
pub(super) fn known(facts: &BTreeMap<UserId, PersonFacts>, user: UserId) -> PersonFacts {
    facts.get(&user).copied().unwrap_or(PersonFacts { state: PersonState::Active, teams: 0 })
}

fn number(user: UserId) -> Value {
    Value::Number(Some(i64::from(user.0)))
}

/// Someone takes part like this from now on; whoever is erased stays so.
pub(super) async fn set(
    connection: &mut Connection<'_>,
    user: UserId,
    state: PersonState,
) -> Result<(), sqlx::Error> {
    Statement::new("INSERT INTO team_people (user_id, state) VALUES ")
        .rows([vec![number(user), Value::Number(Some(state_number(state)))]])
        .then(" ON CONFLICT (user_id) DO UPDATE SET state = excluded.state WHERE team_people.state <> 2")
        .execute(connection)
        .await?;
    if state == PersonState::Erased {
        for delete in
            ["DELETE FROM team_members WHERE user_id = ", "DELETE FROM service_people WHERE user_id = "]
        {
            Statement::new(delete).value(number(user)).execute(connection).await?;
        }
    }
    Ok(())
}
