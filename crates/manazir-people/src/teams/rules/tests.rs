//! What holds of teams whatever is done to them.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn act() -> impl Strategy<Value = TeamAct> {
    let part = prop::sample::select(vec![Part::Owner, Part::Member]);
    prop_oneof![
        4 => (1_u32..5, part).prop_map(|(user, part)| TeamAct::Put(UserId(user), part)),
        3 => (1_u32..5).prop_map(|user| TeamAct::Remove(UserId(user))),
        1 => "[a-b]{0,2}".prop_map(|name| {
            TeamAct::Change(TeamPatch { name: Some(name), ..TeamPatch::default() })
        }),
    ]
}

fn caller() -> impl Strategy<Value = Caller> {
    prop_oneof![3 => (1_u32..5).prop_map(|user| Caller::Person(UserId(user))), 1 => Just(Caller::Administrator)]
}

fn person(_: UserId) -> PersonFacts {
    PersonFacts { state: PersonState::Active, teams: 0 }
}

fn new() -> Held {
    let (id, slug, name) = (Uuid::from_u128(1), "a".to_owned(), "A".to_owned());
    let new = NewTeam {
        id,
        slug,
        name,
        description: String::new(),
        avatar_seed: None,
        owners: Vec::new(),
        at: Timestamp(0),
    };
    founded(Caller::Person(UserId(1)), &new, person).unwrap()
}

proptest! {
    #[test]
    fn a_team_with_members_has_an_owner(wishes in prop::collection::vec((caller(), prop::collection::vec(act(), 1..4)), 0..30)) {
        let mut held = new();
        for ((caller, acts), at) in wishes.into_iter().zip(1..) {
            if let Ok(after) = decide(caller, &acts, &held, person, Timestamp(at)) {
                let after = after.unwrap();
                prop_assert!(after.has_owner() || after.members().next().is_none(), "{:?}", acts);
                let may_all = caller == Caller::Administrator
                    || matches!(caller, Caller::Person(user) if held.is_owner(user));
                let left = |user: &UserId| caller == Caller::Person(*user) && acts == [TeamAct::Remove(*user)];
                prop_assert!(may_all || after == held || held.people.keys().any(left), "{:?}", acts);
                held = after;
            }
        }
    }
}

#[test]
fn those_who_went_first_are_forgotten() {
    let mut held = new();
    for user in 2..=MEMBERS_MAX as u32 + 3 {
        let (at, user) = (Timestamp(i64::from(user)), UserId(user));
        let acts = [TeamAct::Put(user, Part::Member), TeamAct::Remove(user)];
        held = decide(Caller::Administrator, &acts, &held, person, at).unwrap().unwrap();
    }
    assert_eq!((held.size(), held.out()), (1, MEMBERS_MAX));
    assert_eq!(held.people.keys().take(2).copied().collect::<Vec<_>>(), [UserId(1), UserId(4)]);
}
