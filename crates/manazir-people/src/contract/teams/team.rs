//! Teams: who makes, changes, joins, leaves, deletes them.

use manazir_model::Timestamp;

use super::{by, id, members, new_team, refused};
use crate::UserId;
use crate::teams::{
    Caller, MEMBERS_MAX, NewTeam, Part, Source, TEAMS_OF_PERSON_MAX, TeamAct, TeamKey, TeamPatch,
    TeamRefusal, TeamStore,
};

const NOW: Timestamp = Timestamp(9);

pub(super) async fn check<S: TeamStore>(open: &impl AsyncFn() -> S) {
    whoever_makes_a_team_owns_it(open().await).await;
    a_slug_is_given_once(open().await).await;
    teams_are_in_the_order_of_their_slugs(open().await).await;
    owners_change_and_members_leave(open().await).await;
    the_last_owner_stays_while_others_are_in_it(open().await).await;
    acts_are_done_all_or_none(open().await).await;
    what_is_deleted_is_gone(open().await).await;
    there_is_an_end_to_members(open().await).await;
    there_is_an_end_to_teams_of_a_person(open().await).await;
}

/// Lets someone do something that must work, and gives who is in the team then.
async fn does(store: &impl TeamStore, caller: Caller, acts: &[TeamAct]) -> String {
    store.change_team(caller, id(1), acts, NOW).await.unwrap();
    members(store, 1).await
}

async fn may_not(store: &impl TeamStore, caller: Caller, acts: &[TeamAct]) -> TeamRefusal {
    refused(store.change_team(caller, id(1), acts, NOW).await)
}

fn put(user: u32, part: Part) -> TeamAct {
    TeamAct::Put(UserId(user), part)
}

fn remove(user: u32) -> TeamAct {
    TeamAct::Remove(UserId(user))
}

async fn whoever_makes_a_team_owns_it<S: TeamStore>(store: S) {
    let new = NewTeam {
        owners: vec![UserId(2)],
        description: " For\npay \u{e9} ".to_owned(),
        ..new_team(1, "pay")
    };
    let made = store.create_team(by(7), &new).await.unwrap();
    assert_eq!((made.name.value.as_str(), made.description.value.as_str()), ("Team pay", "For\npay \u{e9}"));
    assert_eq!((made.source, made.name.source, made.created_at), (Source::Hand, Source::Hand, Timestamp(1)));
    assert_eq!(made.avatar_seed, id(1).to_string());
    assert_eq!(members(&store, 1).await, "2* 7*");
    for key in [TeamKey::Id(id(1)), TeamKey::Slug("pay".to_owned())] {
        assert_eq!(store.team(&key).await.unwrap().as_ref(), Some(&made), "{key:?}");
    }
    for key in [TeamKey::Id(id(2)), TeamKey::Slug("Pay".to_owned())] {
        assert_eq!(store.team(&key).await.unwrap(), None, "{key:?}");
    }
    let of = store.teams_of(UserId(7)).await.unwrap();
    assert_eq!((of.len(), &of[0].0, of[0].1.part, of[0].1.since), (1, &made, Part::Owner, Timestamp(1)));
    // An administrator makes one for others, even for nobody.
    store.create_team(Caller::Administrator, &new_team(2, "ops")).await.unwrap();
    assert_eq!(members(&store, 2).await, "");
}

async fn a_slug_is_given_once<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    let taken = |field| TeamRefusal::Taken { field };
    assert_eq!(refused(store.create_team(by(2), &new_team(2, "pay")).await), taken("slug"));
    assert_eq!(refused(store.create_team(by(2), &new_team(1, "ops")).await), taken("id"));
    for slug in ["", "Pay", "p y", "-p", &"p".repeat(64)] {
        let unsound = refused(store.create_team(by(2), &new_team(2, slug)).await);
        assert!(matches!(unsound, TeamRefusal::Invalid { field: "slug", .. }), "{slug}");
    }
    assert_eq!(members(&store, 1).await, "1*");
    assert_eq!(store.teams_of(UserId(2)).await.unwrap(), []);
}

async fn teams_are_in_the_order_of_their_slugs<S: TeamStore>(store: S) {
    for (number, slug) in (1..).zip(["b", "a-b", "a", "0", "ab"]) {
        store.create_team(by(1), &new_team(number, slug)).await.unwrap();
    }
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = store.teams(after.as_deref(), 2).await.unwrap();
        found.extend(page.items.into_iter().map(|team| team.slug));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, ["0", "a", "a-b", "ab", "b"]);
    let of: Vec<String> =
        store.teams_of(UserId(1)).await.unwrap().into_iter().map(|one| one.0.slug).collect();
    assert_eq!(of, found);
}

async fn owners_change_and_members_leave<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    assert_eq!(does(&store, by(1), &[put(2, Part::Member), put(3, Part::Member)]).await, "1* 2 3");
    let patch = TeamPatch { name: Some("Payments".to_owned()), ..TeamPatch::default() };
    let change = TeamAct::Change(patch);
    for act in [change.clone(), put(4, Part::Member), put(2, Part::Owner), remove(3), TeamAct::Delete] {
        for caller in [by(2), by(9)] {
            let refusal = may_not(&store, caller, std::slice::from_ref(&act)).await;
            assert!(matches!(refusal, TeamRefusal::NotAllowed { .. }), "{act:?}: {refusal:?}");
        }
    }
    assert_eq!(does(&store, by(2), &[remove(2)]).await, "1* 3");
    assert_eq!(may_not(&store, by(9), &[remove(9)]).await, TeamRefusal::NotAMember(UserId(9)));
    let changed = store.change_team(by(1), id(1), &[change], NOW).await.unwrap().unwrap();
    assert_eq!((changed.name.value.as_str(), changed.changed_at), ("Payments", NOW));
    assert_eq!(store.team(&TeamKey::Id(id(1))).await.unwrap(), Some(changed));
    assert_eq!(does(&store, Caller::Administrator, &[put(2, Part::Owner), remove(1)]).await, "2* 3");
    // The same again changes nothing, not even when it last changed.
    let same = store.change_team(by(2), id(1), &[put(2, Part::Owner)], Timestamp(99)).await.unwrap().unwrap();
    assert_eq!(same.changed_at, NOW);
    assert_eq!(refused(store.change_team(by(1), id(5), &[], NOW).await), TeamRefusal::UnknownTeam);
}

async fn the_last_owner_stays_while_others_are_in_it<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    does(&store, by(1), &[put(2, Part::Member)]).await;
    for caller in [by(1), Caller::Administrator] {
        for act in [remove(1), put(1, Part::Member)] {
            assert_eq!(may_not(&store, caller, &[act]).await, TeamRefusal::LastOwner);
        }
    }
    // Another is named, and then it goes.
    assert_eq!(does(&store, by(1), &[remove(1), put(2, Part::Owner)]).await, "2*");
    assert_eq!(does(&store, by(2), &[put(3, Part::Owner), put(2, Part::Member)]).await, "2 3*");
    assert_eq!(does(&store, by(3), &[remove(2)]).await, "3*");
    // Nobody else is in it.
    assert_eq!(does(&store, by(3), &[remove(3)]).await, "");
}

async fn acts_are_done_all_or_none<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    let before = store.team(&TeamKey::Id(id(1))).await.unwrap();
    let bad = TeamPatch { name: Some(String::new()), ..TeamPatch::default() };
    let refusal = may_not(&store, by(1), &[put(2, Part::Owner), TeamAct::Change(bad)]).await;
    assert!(matches!(refusal, TeamRefusal::Invalid { field: "name", .. }), "{refusal:?}");
    assert_eq!(members(&store, 1).await, "1*");
    assert_eq!(store.team(&TeamKey::Id(id(1))).await.unwrap(), before);
}

async fn what_is_deleted_is_gone<S: TeamStore>(store: S) {
    store.create_team(by(1), &new_team(1, "pay")).await.unwrap();
    does(&store, by(1), &[put(2, Part::Member)]).await;
    assert_eq!(store.change_team(by(1), id(1), &[TeamAct::Delete], NOW).await.unwrap(), None);
    assert_eq!(store.team(&TeamKey::Id(id(1))).await.unwrap(), None);
    assert_eq!((members(&store, 1).await.as_str(), store.teams_of(UserId(2)).await.unwrap().len()), ("", 0));
    assert_eq!(refused(store.change_team(by(1), id(1), &[], NOW).await), TeamRefusal::UnknownTeam);
    store.create_team(by(3), &new_team(2, "pay")).await.unwrap();
    assert_eq!(members(&store, 2).await, "3*");
}

async fn there_is_an_end_to_members<S: TeamStore>(store: S) {
    store.create_team(Caller::Administrator, &new_team(1, "pay")).await.unwrap();
    let max = MEMBERS_MAX as u32;
    let all: Vec<TeamAct> = (1..=max).map(|user| put(user, Part::Owner)).collect();
    store.change_team(Caller::Administrator, id(1), &all, NOW).await.unwrap();
    let refusal = may_not(&store, by(1), &[put(max + 1, Part::Member)]).await;
    assert!(matches!(refusal, TeamRefusal::TooMany { max: MEMBERS_MAX, .. }), "{refusal:?}");
    store.change_team(by(1), id(1), &[remove(7), put(max + 1, Part::Member)], NOW).await.unwrap();
}

async fn there_is_an_end_to_teams_of_a_person<S: TeamStore>(store: S) {
    for number in 1..=TEAMS_OF_PERSON_MAX as u128 {
        store.create_team(by(1), &new_team(number, &format!("t{number}"))).await.unwrap();
    }
    let refusal = refused(store.create_team(by(1), &new_team(999, "more")).await);
    assert!(matches!(refusal, TeamRefusal::TooMany { max: TEAMS_OF_PERSON_MAX, .. }), "{refusal:?}");
    assert_eq!(store.team(&TeamKey::Slug("more".to_owned())).await.unwrap(), None);
    does(&store, by(1), &[remove(1)]).await;
    store.create_team(by(1), &new_team(999, "more")).await.unwrap();
}
