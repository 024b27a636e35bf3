//! What becomes of whoever is deactivated or erased.

use manazir_model::Timestamp;

use super::{by, id, members, new_service, new_team, owners, refused};
use crate::teams::{Caller, Owner, Part, TeamAct, TeamRefusal, TeamStore};
use crate::{PersonState, UserId};

const NOW: Timestamp = Timestamp(9);

pub(super) async fn check<S: TeamStore>(open: &impl AsyncFn() -> S) {
    the_deactivated_are_kept_and_not_shown(open().await).await;
    a_team_of_deactivated_owners_is_repaired(open().await).await;
    nothing_is_left_of_the_erased(open().await).await;
    whoever_does_not_take_part_gets_nothing_new(open().await).await;
}

fn put(user: u32, part: Part) -> TeamAct {
    TeamAct::Put(UserId(user), part)
}

async fn team<S: TeamStore>(store: &S, acts: &[TeamAct]) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    store.change_team(by(1), id(1), acts, NOW).await.unwrap();
}

async fn the_deactivated_are_kept_and_not_shown<S: TeamStore>(store: S) {
    team(&store, &[put(2, Part::Member), put(3, Part::Owner)]).await;
    store.set_person(UserId(3), PersonState::Deactivated).await.unwrap();
    assert_eq!(members(&store, 1).await, "1* 2");
    assert_eq!(store.teams_of(UserId(3)).await.unwrap(), []);
    // They count for nothing: the other one is the last owner, and who is deactivated may not do anything.
    let leave = [TeamAct::Remove(UserId(1))];
    assert_eq!(refused(store.change_team(by(1), id(1), &leave, NOW).await), TeamRefusal::LastOwner);
    let by_them = refused(store.change_team(by(3), id(1), &[put(4, Part::Member)], NOW).await);
    assert!(matches!(by_them, TeamRefusal::NotAllowed { .. }), "{by_them:?}");
    store.set_person(UserId(3), PersonState::Active).await.unwrap();
    assert_eq!(members(&store, 1).await, "1* 2 3*");
    store.change_team(by(1), id(1), &leave, NOW).await.unwrap();
    assert_eq!(members(&store, 1).await, "2 3*");
}

async fn a_team_of_deactivated_owners_is_repaired<S: TeamStore>(store: S) {
    team(&store, &[put(2, Part::Member), put(4, Part::Member)]).await;
    store.set_person(UserId(1), PersonState::Deactivated).await.unwrap();
    assert_eq!(members(&store, 1).await, "2 4");
    store.change_team(by(4), id(1), &[TeamAct::Remove(UserId(4))], NOW).await.unwrap();
    store.change_team(Caller::Administrator, id(1), &[put(2, Part::Owner)], NOW).await.unwrap();
    assert_eq!(members(&store, 1).await, "2*");
}

async fn nothing_is_left_of_the_erased<S: TeamStore>(store: S) {
    team(&store, &[put(2, Part::Member)]).await;
    let both = [Owner::Person(UserId(1)), Owner::Person(UserId(2)), Owner::Team(id(1))];
    store.create_service(by(1), &new_service(5, "checkout", &both)).await.unwrap();
    store.set_person(UserId(1), PersonState::Erased).await.unwrap();
    assert_eq!(members(&store, 1).await, "2");
    let left = store.service(id(5)).await.unwrap().unwrap().owners.value;
    assert_eq!(left, owners([Owner::Person(UserId(2)), Owner::Team(id(1))]));
    // There is no way back.
    store.set_person(UserId(1), PersonState::Active).await.unwrap();
    assert_eq!((members(&store, 1).await.as_str(), store.teams_of(UserId(1)).await.unwrap().len()), ("2", 0));
    let again = store.change_team(Caller::Administrator, id(1), &[put(1, Part::Owner)], NOW).await;
    assert_eq!(refused(again), TeamRefusal::Inactive(UserId(1)));
    store.change_team(Caller::Administrator, id(1), &[put(2, Part::Owner)], NOW).await.unwrap();
    assert_eq!(members(&store, 1).await, "2*");
}

async fn whoever_does_not_take_part_gets_nothing_new<S: TeamStore>(store: S) {
    team(&store, &[]).await;
    store.set_person(UserId(2), PersonState::Deactivated).await.unwrap();
    let inactive = TeamRefusal::Inactive(UserId(2));
    assert_eq!(refused(store.change_team(by(1), id(1), &[put(2, Part::Member)], NOW).await), inactive);
    assert_eq!(refused(store.create_team(by(2), &new_team(2, "ops")).await), inactive);
    let theirs = new_service(5, "checkout", &[Owner::Person(UserId(2))]);
    assert_eq!(refused(store.create_service(Caller::Administrator, &theirs).await), inactive);
    assert_eq!(members(&store, 1).await, "1*");
}
