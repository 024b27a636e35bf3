//! Services and who owns them.

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;
use manazir_people::UserId;
use manazir_people::teams::{
    Caller, NewService, Owner, Part, SERVICES_MAX, Service, ServiceFacts, ServiceKey, ServicePatch, Standing,
    TeamError, TeamRefusal, TeamsPage, decide_new_service, decide_service, may_delete,
};
use uuid::Uuid;

use super::people::hold;
use super::rows::{MemberRow, ServiceRow, service_values, user, uuid};
use super::team::{lock, of_user};
use super::{VALUES_MAX, failed, refused};
use crate::Truth;
use crate::statement::{Connection, Reading, Statement, Value, raise, signed, unsigned};

const COUNTER: &str = "services";

const SELECT: &str = "SELECT s.id, s.name, s.namespace, s.environment, s.description, s.description_source, \
    s.owners_source, s.labels, s.avatar_seed, s.source, s.created_at, s.changed_at FROM services s";

const ORDER: &str = " ORDER BY s.name, s.namespace, s.environment LIMIT ";

const UPSERT: &str = " ON CONFLICT (id) DO UPDATE SET description = excluded.description, \
    description_source = excluded.description_source, owners_source = excluded.owners_source, \
    labels = excluded.labels, avatar_seed = excluded.avatar_seed, changed_at = excluded.changed_at";

/// Services that one name may have when it is asked for.
const NAMED_MAX: i64 = 100;

pub(super) async fn create(
    connection: &mut Connection<'_>,
    caller: Caller,
    new: &NewService,
) -> Result<Service, TeamError> {
    let total = hold_total(connection, 1).await?;
    let facts = facts(connection, caller, &new.owners).await?;
    let service = decide_new_service(caller, new, &facts)?;
    let key = &service.key;
    let same_key = Statement::new(SELECT)
        .then(" WHERE s.name = ")
        .text(&key.name)
        .then(" AND s.namespace = ")
        .text(&key.namespace)
        .then(" AND s.environment = ")
        .text(&key.environment);
    for (field, same) in [("name", same_key), ("id", by_id(service.id))] {
        if !same.fetch_in::<ServiceRow>(connection).await.map_err(failed)?.is_empty() {
            return refused(TeamRefusal::Taken { field });
        }
    }
    if total > SERVICES_MAX {
        return refused(TeamRefusal::TooMany { what: "services", max: SERVICES_MAX });
    }
    put(connection, &[(None, &service)]).await?;
    Ok(service)
}

pub(super) async fn change(
    connection: &mut Connection<'_>,
    caller: Caller,
    id: Uuid,
    patch: &ServicePatch,
    at: Timestamp,
) -> Result<Service, TeamError> {
    let named = patch.owners.clone().unwrap_or_default();
    let facts = facts(connection, caller, &named).await?;
    let before = lock_one(connection, id).await?;
    let after = decide_service(caller, patch, &before, &facts, at)?;
    if after != before {
        put(connection, &[(Some(&before), &after)]).await?;
    }
    Ok(after)
}

pub(super) async fn delete(
    connection: &mut Connection<'_>,
    caller: Caller,
    id: Uuid,
) -> Result<(), TeamError> {
    hold_total(connection, 0).await?;
    let facts = facts(connection, caller, &BTreeSet::new()).await?;
    let before = lock_one(connection, id).await?;
    may_delete(caller, &before, &facts)?;
    let one = Statement::new("DELETE FROM services WHERE id = ").text(&id.to_string());
    one.execute(connection).await.map_err(failed)?;
    let one_less = Statement::new("UPDATE counters SET value = value - 1 WHERE name = ").text(COUNTER);
    one_less.execute(connection).await.map_err(failed).map(drop)
}

/// How many services there are, and these more. Nobody makes or deletes one until the transaction ends.
pub(super) async fn hold_total(connection: &mut Connection<'_>, more: usize) -> Result<usize, TeamError> {
    let total = raise(connection, COUNTER, more as u64).await.map_err(failed)?;
    Ok(usize::try_from(unsigned(total)).unwrap_or(usize::MAX))
}

/// What the rules look at. Teams and people that are named are there until the transaction ends.
async fn facts(
    connection: &mut Connection<'_>,
    caller: Caller,
    named: &BTreeSet<Owner>,
) -> Result<ServiceFacts, TeamError> {
    let mut facts = ServiceFacts::default();
    let mut people = BTreeSet::new();
    for owner in named {
        match owner {
            Owner::Team(team) => {
                if lock(connection, *team).await? {
                    facts.teams.insert(*team);
                }
            }
            Owner::Person(user) => drop(people.insert(*user)),
        }
    }
    facts.people =
        hold(connection, &people).await?.into_iter().map(|(user, facts)| (user, facts.state)).collect();
    if let Caller::Person(caller) = caller {
        for row in of_user(caller).fetch_in::<MemberRow>(connection).await.map_err(failed)? {
            let team = uuid(&row.team_id)?;
            let (_, kept) = row.kept()?;
            if kept.standing == Standing::In(Part::Owner) {
                facts.led.insert(team);
            }
        }
    }
    Ok(facts)
}

fn by_id(id: Uuid) -> Statement {
    Statement::new(SELECT).then(" WHERE s.id = ").text(&id.to_string())
}

/// Holds a service until the transaction ends.
async fn lock_one(connection: &mut Connection<'_>, id: Uuid) -> Result<Service, TeamError> {
    let touch =
        Statement::new("UPDATE services SET changed_at = changed_at WHERE id = ").text(&id.to_string());
    touch.execute(connection).await.map_err(failed)?;
    read(connection, by_id(id)).await?.pop().ok_or(TeamError::Refused(TeamRefusal::UnknownService))
}

/// Services with their owners.
pub(super) async fn read(
    connection: &mut Connection<'_>,
    select: Statement,
) -> Result<Vec<Service>, TeamError> {
    let rows = select.fetch_in::<ServiceRow>(connection).await.map_err(failed)?;
    let mut services: Vec<Service> = rows.into_iter().map(ServiceRow::service).collect::<Result<_, _>>()?;
    let places: BTreeMap<Uuid, usize> =
        services.iter().enumerate().map(|(place, service)| (service.id, place)).collect();
    let ids: Vec<Value> = services.iter().map(|service| Value::Text(Some(service.id.to_string()))).collect();
    for some in ids.chunks(VALUES_MAX) {
        let teams = Statement::new("SELECT service_id, team_id FROM service_teams WHERE service_id IN ");
        let teams =
            teams.rows([some.to_vec()]).fetch_in::<(String, String)>(connection).await.map_err(failed)?;
        let people = Statement::new("SELECT service_id, user_id FROM service_people WHERE service_id IN ");
        let people =
            people.rows([some.to_vec()]).fetch_in::<(String, i64)>(connection).await.map_err(failed)?;
        let teams = teams
            .into_iter()
            .map(|(service, team)| -> Result<_, TeamError> { Ok((service, Owner::Team(uuid(&team)?))) });
        let people = people.into_iter().map(|(service, one)| Ok((service, Owner::Person(user(one)?))));
        for owner in teams.chain(people) {
            let (service, owner) = owner?;
            if let Some(place) = places.get(&uuid(&service)?) {
                services[*place].owners.value.insert(owner);
            }
        }
    }
    Ok(services)
}

/// Writes services, each with what it was before, and what is different of their owners: one that stays may have been
/// erased or deleted just now, and is not written again.
pub(super) async fn put(
    connection: &mut Connection<'_>,
    services: &[(Option<&Service>, &Service)],
) -> Result<(), TeamError> {
    for some in services.chunks(VALUES_MAX / 12) {
        Statement::new(
            "INSERT INTO services (id, name, namespace, environment, description, description_source, \
             owners_source, labels, avatar_seed, source, created_at, changed_at) VALUES ",
        )
        .rows(some.iter().map(|(_, after)| service_values(after)))
        .then(UPSERT)
        .execute(connection)
        .await
        .map_err(failed)?;
    }
    put_owners(connection, services).await.map_err(failed)
}

async fn put_owners(
    connection: &mut Connection<'_>,
    services: &[(Option<&Service>, &Service)],
) -> Result<(), sqlx::Error> {
    let none = BTreeSet::new();
    let (mut teams, mut people) = (Vec::new(), Vec::new());
    for (before, after) in services {
        let before = before.map_or(&none, |before| &before.owners.value);
        for gone in before.difference(&after.owners.value) {
            let (table, column, owner) = match gone {
                Owner::Team(team) => ("DELETE FROM service_teams", " AND team_id = ", text(*team)),
                Owner::Person(user) => ("DELETE FROM service_people", " AND user_id = ", number(*user)),
            };
            let delete = Statement::new(table).then(" WHERE service_id = ").value(text(after.id));
            delete.then(column).value(owner).execute(connection).await?;
        }
        for new in after.owners.value.difference(before) {
            match new {
                Owner::Team(team) => teams.push(vec![text(after.id), text(*team)]),
                Owner::Person(user) => people.push(vec![text(after.id), number(*user)]),
            }
        }
    }
    let inserts = [
        ("INSERT INTO service_teams (service_id, team_id) VALUES ", teams),
        ("INSERT INTO service_people (service_id, user_id) VALUES ", people),
    ];
    for (insert, rows) in inserts {
        for some in rows.chunks(VALUES_MAX / 2) {
            Statement::new(insert).rows(some.to_vec()).execute(connection).await?;
        }
    }
    Ok(())
}

fn text(id: Uuid) -> Value {
    Value::Text(Some(id.to_string()))
}

fn number(user: UserId) -> Value {
    Value::Number(Some(i64::from(user.0)))
}

/// The same outside a transaction that writes: services and owners of one moment.
async fn shown(truth: &Truth, select: Statement) -> Result<Vec<Service>, TeamError> {
    let mut reading = Reading::begin(truth).await.map_err(failed)?;
    read(&mut reading.connection(), select).await
}

pub(super) async fn get(truth: &Truth, id: Uuid) -> Result<Option<Service>, TeamError> {
    Ok(shown(truth, by_id(id)).await?.pop())
}

pub(super) async fn named(truth: &Truth, name: &str) -> Result<Vec<Service>, TeamError> {
    shown(truth, Statement::new(SELECT).then(" WHERE s.name = ").text(name).then(ORDER).number(NAMED_MAX))
        .await
}

pub(super) async fn page(
    truth: &Truth,
    owner: Option<Owner>,
    after: Option<&ServiceKey>,
    max: usize,
) -> Result<TeamsPage<Service, ServiceKey>, TeamError> {
    let services = shown(truth, selected(owner, after, max)).await?;
    Ok(TeamsPage::cut(services, max, |service| service.key.clone()))
}

fn selected(owner: Option<Owner>, after: Option<&ServiceKey>, max: usize) -> Statement {
    let select = Statement::new(SELECT);
    let mut select = match owner {
        None => select.then(" WHERE "),
        Some(Owner::Team(team)) => select
            .then(" JOIN service_teams o ON o.service_id = s.id WHERE o.team_id = ")
            .text(&team.to_string())
            .then(" AND "),
        Some(Owner::Person(user)) => select
            .then(" JOIN service_people o ON o.service_id = s.id WHERE o.user_id = ")
            .number(i64::from(user.0))
            .then(" AND "),
    };
    // No name is empty: all come after the key of nothing.
    let nothing = ServiceKey::default();
    let after = after.unwrap_or(&nothing);
    for (part, text) in [
        ("(s.name, s.namespace, s.environment) > (", &after.name),
        (", ", &after.namespace),
        (", ", &after.environment),
    ] {
        select = select.then(part).text(text);
    }
    select.then(")").then(ORDER).number(signed(max as u64).saturating_add(1))
}

/// All services of these names. Nobody changes them until the transaction ends.
pub(super) async fn all_named(
    connection: &mut Connection<'_>,
    names: &BTreeSet<&str>,
) -> Result<Vec<Service>, TeamError> {
    let names: Vec<Value> = names.iter().map(|name| Value::Text(Some((*name).to_owned()))).collect();
    let mut all = Vec::new();
    for some in names.chunks(VALUES_MAX) {
        let touch = Statement::new("UPDATE services SET changed_at = changed_at WHERE name IN ");
        touch.rows([some.to_vec()]).execute(connection).await.map_err(failed)?;
        let select = Statement::new(SELECT).then(" WHERE s.name IN ").rows([some.to_vec()]);
        all.extend(read(connection, select).await?);
    }
    Ok(all)
}
