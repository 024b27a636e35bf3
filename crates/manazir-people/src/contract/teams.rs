//! The suite that every store of teams and services must pass, on memory and on real servers.

mod import;
mod people;
mod services;
mod shared;
mod team;

use std::collections::{BTreeMap, BTreeSet};

use manazir_model::Timestamp;
use uuid::Uuid;

use crate::UserId;
use crate::teams::{Caller, NewService, NewTeam, Owner, Part, ServiceKey, TeamError, TeamRefusal, TeamStore};

/// Checks all that the port promises. `open` gives a store of nothing.
///
/// # Panics
/// If a store breaks the contract.
pub async fn check<S: TeamStore>(open: impl AsyncFn() -> S) {
    team::check(&open).await;
    people::check(&open).await;
    services::check(&open).await;
    shared::check(&open).await;
    import::check(&open).await;
}

/// A person who asks.
pub fn by(user: u32) -> Caller {
    Caller::Person(UserId(user))
}

/// A team of this slug, with a number for its identifier.
pub fn new_team(number: u128, slug: &str) -> NewTeam {
    NewTeam {
        id: Uuid::from_u128(number),
        slug: slug.to_owned(),
        name: format!("Team {slug}"),
        description: String::new(),
        avatar_seed: None,
        owners: Vec::new(),
        at: Timestamp(1),
    }
}

/// A service of this name, with a number for its identifier.
pub fn new_service(number: u128, name: &str, owners: &[Owner]) -> NewService {
    NewService {
        id: Uuid::from_u128(number),
        key: ServiceKey::named(name),
        description: String::new(),
        owners: owners.iter().copied().collect(),
        labels: BTreeMap::new(),
        avatar_seed: None,
        at: Timestamp(1),
    }
}

/// The identifier of a number.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Who is in a team, page by page, with a star for owners.
///
/// # Panics
/// If the store fails, or its pages are no list.
pub async fn members(store: &impl TeamStore, team: u128) -> String {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = store.members(id(team), after, 2).await.unwrap();
        assert!(page.items.len() <= 2);
        let shown = page.items.iter().map(|one| match one.part {
            Part::Owner => format!("{}*", one.user),
            Part::Member => one.user.to_string(),
        });
        found.extend(shown);
        match page.next {
            None => return found.join(" "),
            next => {
                assert_eq!(next, page.items.last().map(|one| one.user));
                after = next;
            }
        }
    }
}

/// What the rules say no to.
///
/// # Panics
/// If they do not.
pub fn refused<T: std::fmt::Debug>(result: Result<T, TeamError>) -> TeamRefusal {
    match result {
        Err(TeamError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn owners(owners: impl IntoIterator<Item = Owner>) -> BTreeSet<Owner> {
    owners.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use crate::teams::InMemoryTeams;

    #[test]
    fn teams_in_memory_keep_the_contract() {
        block_on(super::check(async || InMemoryTeams::default()));
    }
}
