//! Who works on the same services.

use manazir_model::Timestamp;

use super::{by, id, new_service, new_team};
use crate::teams::{Caller, NewTeam, Owner, Part, SHARED_LOOKED_AT_MAX, TeamAct, TeamStore, shared_evidence};
use crate::{PersonState, UserId};

pub(super) async fn check<S: TeamStore>(open: &impl AsyncFn() -> S) {
    services_in_common_are_counted_once(open().await).await;
    there_is_an_end_to_what_is_looked_at(open().await).await;
}

async fn shared(store: &impl TeamStore, user: u32) -> Vec<(u32, u32)> {
    let shared = store.shared_services(UserId(user)).await.unwrap();
    shared.into_iter().map(|(user, services)| (user.0, services)).collect()
}

/// Teams 1 (people 1, 2, 3) and 2 (people 2, 4); services 10 of both teams and person 2, 11 of team 1, 12 of person 5 and
/// team 2, 13 of person 1 alone.
async fn some(store: &impl TeamStore) {
    for (number, slug, people) in [(1, "a", vec![1, 2, 3]), (2, "b", vec![2, 4])] {
        let owners = people.into_iter().map(UserId).collect();
        let new = NewTeam { owners, ..new_team(number, slug) };
        store.create_team(Caller::Administrator, &new).await.unwrap();
    }
    let (team, person) = (|number| Owner::Team(id(number)), |user| Owner::Person(UserId(user)));
    let services = [
        (10, vec![team(1), team(2), person(2)]),
        (11, vec![team(1)]),
        (12, vec![person(5), team(2)]),
        (13, vec![person(1)]),
    ];
    for (number, owners) in services {
        let new = new_service(number, &number.to_string(), &owners);
        store.create_service(Caller::Administrator, &new).await.unwrap();
    }
}

async fn services_in_common_are_counted_once<S: TeamStore>(store: S) {
    some(&store).await;
    assert_eq!(shared(&store, 1).await, [(2, 2), (3, 2), (4, 1)]);
    assert_eq!(shared(&store, 2).await, [(1, 2), (3, 2), (4, 2), (5, 1)]);
    assert_eq!(shared(&store, 5).await, [(2, 1), (4, 1)]);
    assert_eq!(shared(&store, 9).await, []);
    let evidence = shared_evidence(store.shared_services(UserId(5)).await.unwrap());
    assert_eq!((evidence[0].0, evidence[0].1.services, evidence[0].1.weight()), (UserId(2), 1, 2));
    store.set_person(UserId(2), PersonState::Deactivated).await.unwrap();
    assert_eq!(shared(&store, 1).await, [(3, 2), (4, 1)]);
    assert_eq!(shared(&store, 2).await, []);
    let leave = [TeamAct::Remove(UserId(4)), TeamAct::Put(UserId(6), Part::Owner)];
    store.change_team(by(4), id(2), &leave, Timestamp(9)).await.unwrap();
    assert_eq!(shared(&store, 1).await, [(3, 2), (6, 1)]);
    assert_eq!(shared(&store, 4).await, []);
}

async fn there_is_an_end_to_what_is_looked_at<S: TeamStore>(store: S) {
    let both = [Owner::Person(UserId(1)), Owner::Person(UserId(2))];
    for number in 1..=SHARED_LOOKED_AT_MAX as u128 + 5 {
        let new = new_service(number, &number.to_string(), &both);
        store.create_service(by(1), &new).await.unwrap();
    }
    assert_eq!(shared(&store, 1).await, [(2, SHARED_LOOKED_AT_MAX as u32)]);
}
