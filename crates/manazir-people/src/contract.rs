//! The suite that every store of people and of the connection graph must pass, on memory and on real servers.

#![allow(clippy::unwrap_used, reason = "a suite of tests ends at the first surprise as tests do")]

mod acts;
pub mod cache;
mod lists;
mod log;
pub mod oracles;
pub mod population;
mod profiles;
mod recommendations;
mod suggestions;
pub mod teams;

use manazir_model::Timestamp;
use uuid::Uuid;

use crate::{
    Act, Action, ConnectionLog, GraphStore, Limits, List, NewProfile, Page, PeopleStore, Refusal, Start,
    UserId, Written,
};

/// Both ports of one truth, as most code uses them.
pub trait People: PeopleStore + GraphStore {}

impl<T: PeopleStore + GraphStore> People for T {}

/// Checks all that both ports promise. `open` gives a truth of nobody with these limits.
///
/// # Panics
/// If a store breaks the contract.
pub async fn check<P: People>(open: impl AsyncFn(Limits) -> P) {
    profiles::check(&open).await;
    acts::check(&open).await;
    lists::check(&open).await;
    suggestions::check(&open).await;
    recommendations::check(&open).await;
}

/// Checks all that the log promises.
///
/// # Panics
/// If a store breaks the contract.
pub async fn check_log<P: People + ConnectionLog>(open: impl AsyncFn(Limits) -> P) {
    log::check(&open).await;
}

/// Someone with this number as name and address.
pub fn person(number: u32) -> NewProfile {
    NewProfile {
        public_id: Uuid::from_u128(u128::from(number)),
        username: Some(format!("user{number}")),
        name: None,
        email: format!("user{number}@example.com"),
        affiliation: None,
        at: Timestamp(i64::from(number)),
    }
}

/// So many people join; those of a truth of nobody get the numbers from 1.
///
/// # Panics
/// If the store does not let them.
pub async fn join(people: &impl PeopleStore, count: u32) {
    for number in 1..=count {
        assert_eq!(people.create(&person(number)).await.unwrap().id, UserId(number));
    }
}

/// What one does to another.
pub fn act(by: u32, action: Action, to: u32) -> Act {
    Act { by: UserId(by), to: UserId(to), action, at: Timestamp(1_000 + i64::from(to)) }
}

/// Does one thing.
///
/// # Panics
/// If the store fails.
pub async fn does(graph: &impl GraphStore, by: u32, action: Action, to: u32) -> Result<Written, Refusal> {
    let mut done = graph.write(&[act(by, action, to)]).await.unwrap();
    assert_eq!(done.len(), 1);
    done.remove(0)
}

/// Does what must work.
async fn all(graph: &impl GraphStore, acts: &[(u32, Action, u32)]) {
    let acts: Vec<Act> = acts.iter().map(|(by, action, to)| act(*by, *action, *to)).collect();
    for (act, done) in acts.iter().zip(graph.write(&acts).await.unwrap()) {
        done.unwrap_or_else(|refusal| panic!("{act:?}: {refusal}"));
    }
}

/// All of a list, page by page.
///
/// # Panics
/// If the store fails, or its pages are no list.
pub async fn listed(graph: &impl GraphStore, user: u32, list: List) -> Vec<u32> {
    let (mut start, mut found) = (Start::Offset(0), Vec::new());
    loop {
        let listing = graph.list(UserId(user), list, &Page::new(start, 3).unwrap()).await.unwrap();
        found.extend(listing.items.iter().map(|listed| listed.user.0));
        let Some(next) = listing.next else {
            assert_eq!(found.len(), listing.total);
            assert!(found.is_sorted_by(|one, other| one < other), "{found:?}");
            return found;
        };
        assert_eq!(Some(next.0), found.last().copied());
        start = Start::After(next);
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use crate::Following;
    use crate::memory::InMemoryPeople;

    #[test]
    fn the_truth_in_memory_keeps_the_contract() {
        block_on(super::check(async |limits| InMemoryPeople::new(limits, 1_000)));
        block_on(super::check_log(async |limits| InMemoryPeople::new(limits, 1_000)));
    }

    #[test]
    fn a_copy_that_follows_keeps_the_contract() {
        let open = async |limits| Following::load(InMemoryPeople::new(limits, 1_000)).await.unwrap();
        block_on(super::check(open));
    }

    /// Its log always forgets what the copy has not seen yet, but for the last change.
    #[test]
    fn a_copy_that_must_load_anew_keeps_the_contract() {
        let open = async |limits| Following::load(InMemoryPeople::new(limits, 1)).await.unwrap();
        block_on(super::check(open));
    }
}
