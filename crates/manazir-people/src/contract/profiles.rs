//! Profiles: who joins, changes, leaves, is erased, is found.

use manazir_model::Timestamp;
use uuid::Uuid;

use super::{People, all, does, join, listed, person};
use crate::{
    Action, Error, Limits, List, NewProfile, PeopleStore, PersonState, Profile, ProfileKey, ProfilePatch,
    Refusal, UserId,
};

pub(super) async fn check<P: People>(open: &impl AsyncFn(Limits) -> P) {
    whoever_joins_is_found_by_each_key(open(Limits::default()).await).await;
    what_is_taken_is_taken_whatever_its_case(open(Limits::default()).await).await;
    a_patch_changes_what_it_names(open(Limits::default()).await).await;
    the_deactivated_keep_everything_and_get_nothing(open(Limits::default()).await).await;
    nothing_is_left_of_the_erased(open(Limits::default()).await).await;
    many_are_looked_up_together(open(Limits::default()).await).await;
    every_character_of_a_search_means_itself(open(Limits::default()).await).await;
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

async fn by(people: &impl PeopleStore, key: ProfileKey) -> Option<Profile> {
    people.profile(&key).await.unwrap()
}

async fn whoever_joins_is_found_by_each_key<P: People>(people: P) {
    join(&people, 3).await;
    let keys = [
        ProfileKey::Id(UserId(2)),
        ProfileKey::Public(Uuid::from_u128(2)),
        ProfileKey::Username("USER2".to_owned()),
        ProfileKey::Email("User2@Example.com".to_owned()),
    ];
    for key in keys {
        let found = by(&people, key.clone()).await.unwrap();
        assert_eq!((found.id, found.username.as_deref()), (UserId(2), Some("user2")), "{key:?}");
        assert_eq!((found.joined_at, found.state), (Timestamp(2), PersonState::Active));
    }
    assert_eq!(by(&people, ProfileKey::Id(UserId(4))).await, None);
    assert_eq!(by(&people, ProfileKey::Email("nobody@example.com".to_owned())).await, None);
    let some = people.profiles(&[UserId(3), UserId(9), UserId(1)]).await.unwrap();
    assert_eq!(some.iter().map(|profile| profile.id.0).collect::<Vec<_>>(), [3, 1]);
}

/// CM-W7.
async fn what_is_taken_is_taken_whatever_its_case<P: People>(people: P) {
    join(&people, 1).await;
    let other = person(2);
    let cases = [
        ("email", NewProfile { email: "USER1@example.com".to_owned(), ..other.clone() }),
        ("username", NewProfile { username: Some("User1".to_owned()), ..other.clone() }),
        ("public_id", NewProfile { public_id: Uuid::from_u128(1), ..other.clone() }),
    ];
    for (field, new) in cases {
        assert_eq!(refused(people.create(&new).await), Refusal::Taken { field });
    }
    let unsound = NewProfile { email: "nobody".to_owned(), ..other.clone() };
    assert!(matches!(refused(people.create(&unsound).await), Refusal::Invalid { .. }));
    // What was refused has used up no number.
    assert_eq!(people.create(&other).await.unwrap().id, UserId(2));
}

async fn a_patch_changes_what_it_names<P: People>(people: P) {
    join(&people, 1).await;
    let patch =
        ProfilePatch { name: Some(Some("Ada".to_owned())), affiliation: Some(Some("Team A".to_owned())) };
    people.update(UserId(1), &patch, Timestamp(50)).await.unwrap();
    let patch = ProfilePatch { affiliation: Some(None), ..ProfilePatch::default() };
    let after = people.update(UserId(1), &patch, Timestamp(60)).await.unwrap();
    assert_eq!((after.name.as_deref(), after.affiliation.as_deref()), (Some("Ada"), None));
    assert_eq!(after.changed_at, Timestamp(60));
    assert_eq!(by(&people, ProfileKey::Id(UserId(1))).await, Some(after));
    // CM-W5.
    assert_eq!(
        refused(people.update(UserId(7), &patch, Timestamp(60)).await),
        Refusal::UnknownUser(UserId(7))
    );
}

async fn the_deactivated_keep_everything_and_get_nothing<P: People>(people: P) {
    join(&people, 4).await;
    all(&people, &[(1, Action::Connect, 2), (1, Action::Ask, 3)]).await;
    let gone = people.set_state(UserId(1), PersonState::Deactivated, Timestamp(90)).await.unwrap();
    assert_eq!((gone.state, gone.email.as_deref()), (PersonState::Deactivated, Some("user1@example.com")));
    assert_eq!(listed(&people, 2, List::Contacts).await, [1]);
    assert_eq!(does(&people, 4, Action::Ask, 1).await, Err(Refusal::Deactivated(UserId(1))));
    assert_eq!(does(&people, 3, Action::Accept, 1).await, Err(Refusal::Deactivated(UserId(1))));
    assert!(!found(&people, "user").await.contains(&1));
    people.set_state(UserId(1), PersonState::Active, Timestamp(91)).await.unwrap();
    assert!(does(&people, 3, Action::Accept, 1).await.is_ok());
    assert!(found(&people, "user").await.contains(&1));
}

async fn nothing_is_left_of_the_erased<P: People>(people: P) {
    join(&people, 6).await;
    let ties = [
        (1, Action::Connect, 2),
        (1, Action::Ask, 3),
        (4, Action::Ask, 1),
        (1, Action::Block, 5),
        (6, Action::Block, 1),
        (2, Action::Dismiss, 1),
        (2, Action::Connect, 3),
    ];
    all(&people, &ties).await;
    let erased = people.set_state(UserId(1), PersonState::Erased, Timestamp(90)).await.unwrap();
    assert_eq!((erased.email, erased.username, erased.name), (None, None, None));
    assert_eq!(by(&people, ProfileKey::Id(UserId(1))).await.unwrap().state, PersonState::Erased);
    assert_eq!(by(&people, ProfileKey::Email("user1@example.com".to_owned())).await, None);
    let lists = [
        (2, List::Contacts, vec![3]),
        (3, List::AskedBy, vec![]),
        (4, List::AskedTo, vec![]),
        (6, List::Blocked, vec![]),
        (2, List::Dismissed, vec![]),
    ];
    for (user, list, expected) in lists {
        assert_eq!(listed(&people, user, list).await, expected, "{list:?} of {user}");
    }
    let unknown = Refusal::UnknownUser(UserId(1));
    assert_eq!(refused(people.relation(UserId(2), UserId(1)).await), unknown);
    assert_eq!(does(&people, 2, Action::Connect, 1).await, Err(unknown.clone()));
    assert_eq!(refused(people.set_state(UserId(1), PersonState::Active, Timestamp(91)).await), unknown);
    people.set_state(UserId(1), PersonState::Erased, Timestamp(91)).await.unwrap();
    // Number and public identifier are not given again, all else is.
    let again = NewProfile { public_id: Uuid::from_u128(99), ..person(1) };
    assert_eq!(people.create(&again).await.unwrap().id, UserId(7));
    let public = NewProfile { email: "a@b".to_owned(), username: None, ..person(1) };
    assert_eq!(refused(people.create(&public).await), Refusal::Taken { field: "public_id" });
}

async fn many_are_looked_up_together<P: People>(people: P) {
    join(&people, 3).await;
    people.set_state(UserId(2), PersonState::Erased, Timestamp(90)).await.unwrap();
    people.set_state(UserId(3), PersonState::Deactivated, Timestamp(90)).await.unwrap();
    let asked = [3, 9, 1, 2, 3].map(Uuid::from_u128);
    let expected = [Some(UserId(3)), None, Some(UserId(1)), None, Some(UserId(3))];
    assert_eq!(people.numbers(&asked).await.unwrap(), expected);
    assert_eq!(people.numbers(&[]).await.unwrap(), []);
    let many: Vec<Uuid> = (1..=2_500).map(Uuid::from_u128).collect();
    let known: Vec<_> = people.numbers(&many).await.unwrap().into_iter().flatten().collect();
    assert_eq!(known, [UserId(1), UserId(3)]);
}

async fn found(people: &impl PeopleStore, query: &str) -> Vec<u32> {
    people.search(query, 10).await.unwrap().iter().map(|profile| profile.id.0).collect()
}

/// BB-11, BB-W35.
async fn every_character_of_a_search_means_itself<P: People>(people: P) {
    for (number, (username, name)) in
        (1..).zip([("alan", "Éva"), ("grace", "Alma"), ("hal9000", "50% \\ Hal_")])
    {
        let (username, name) = (Some(username.to_owned()), Some(name.to_owned()));
        people.create(&NewProfile { username, name, ..person(number) }).await.unwrap();
    }
    let cases: [(&str, &[u32]); 9] = [
        ("al", &[1, 2, 3]),
        ("AL", &[1, 2, 3]),
        ("éV", &[1]),
        ("%", &[3]),
        ("_", &[3]),
        ("\\", &[3]),
        ("a_a", &[]),
        ("", &[]),
        ("'", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(found(&people, query).await, expected, "{query}");
    }
    assert_eq!(people.search("al", 2).await.unwrap().len(), 2);
}
