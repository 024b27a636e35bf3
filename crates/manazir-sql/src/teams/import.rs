//! What is imported.

use std::collections::{BTreeMap, BTreeSet};

use manazir_people::teams::{Held, Holdings, Import, Plan, TeamError, plan};

use super::people::hold;
use super::{services, team};
use crate::statement::{Connection, Value};

/// Writes what becomes of what is told, and gives it. The whole of it is one transaction, beside which nobody makes or
/// deletes teams and services.
pub(super) async fn import(connection: &mut Connection<'_>, import: &Import<'_>) -> Result<Plan, TeamError> {
    let holdings = holdings(connection, import).await?;
    let plan = plan(import, &holdings);
    let is_new = |held: &&Held| !holdings.teams.contains_key(&held.team.slug);
    team::hold_total(connection, plan.teams.iter().filter(is_new).count()).await?;
    let new = plan.services.iter().filter(|service| !holdings.services.contains_key(&service.key));
    services::hold_total(connection, new.count()).await?;
    for held in &plan.teams {
        team::put(connection, holdings.teams.get(&held.team.slug), held).await?;
    }
    let changed: Vec<_> =
        plan.services.iter().map(|service| (holdings.services.get(&service.key), service)).collect();
    services::put(connection, &changed).await?;
    Ok(plan)
}

async fn holdings(connection: &mut Connection<'_>, import: &Import<'_>) -> Result<Holdings, TeamError> {
    let teams_total = team::hold_total(connection, 0).await?;
    let services_total = services::hold_total(connection, 0).await?;
    let slugs: Vec<Value> =
        import.told.slugs().into_iter().map(|slug| Value::Text(Some(slug.to_owned()))).collect();
    let ids: BTreeSet<uuid::Uuid> = team::ids(connection, slugs.clone()).await?;
    for id in ids {
        team::lock(connection, id).await?;
    }
    let people = hold(connection, &import.people.values().copied().collect()).await?;
    let teams = team::held(connection, "slug IN ", slugs).await?;
    let services = services::all_named(connection, &import.told.names()).await?;
    Ok(Holdings {
        teams: teams.into_iter().map(|held| (held.team.slug.clone(), held)).collect(),
        services: services
            .into_iter()
            .map(|service| (service.key.clone(), service))
            .collect::<BTreeMap<_, _>>(),
        teams_total,
        services_total,
        people,
    })
}
