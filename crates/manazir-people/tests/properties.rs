//! What holds of the connection graph whatever happens, seen from outside.

#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

use std::collections::BTreeSet;

use futures_executor::block_on;
use manazir_model::Timestamp;
use manazir_people::connections::Scratch;
use manazir_people::memory::InMemoryPeople;
use manazir_people::{
    Act, Action, Change, ConnectionGraph, ConnectionLog, Evidence, GraphStore, Limits, List, NewProfile,
    Numbered, Page, PeopleStore, PersonState, Rank, Start, SuggestionQuery, TieKind, UserId,
};
use proptest::prelude::*;
use proptest::sample::select;

const PEOPLE: u32 = 8;

fn user() -> impl Strategy<Value = UserId> {
    (1..=PEOPLE).prop_map(UserId)
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let actions = vec![
        Action::Connect,
        Action::Connect,
        Action::Ask,
        Action::Ask,
        Action::Accept,
        Action::Reject,
        Action::Cancel,
        Action::Disconnect,
        Action::Block,
        Action::Unblock,
        Action::Dismiss,
    ];
    let act = (user(), select(actions), user(), 0_i64..9);
    let act = act.prop_map(|(by, action, to, at)| Act { by, to, action, at: Timestamp(at) });
    prop::collection::vec(act, 0..120)
}

/// Any change of the log but those of people.
fn change() -> impl Strategy<Value = Change> {
    let kinds = vec![TieKind::Asked, TieKind::Blocked, TieKind::Dismissed];
    let two = (user(), user()).prop_filter("two people", |(one, other)| one != other);
    (two, select(kinds), 0..4, 0_i64..9).prop_map(|((from, to), kind, which, at)| match which {
        0 => Change::connected(from, to),
        1 => Change::disconnected(from, to),
        2 => Change::Tied { kind, from, to, at: Timestamp(at) },
        _ => Change::Untied { kind, from, to },
    })
}

fn everyone() -> ConnectionGraph {
    graph(
        &(1..=PEOPLE)
            .map(|user| Change::Person { user: UserId(user), state: PersonState::Active })
            .collect::<Vec<_>>(),
    )
}

fn graph(changes: &[Change]) -> ConnectionGraph {
    let mut graph = ConnectionGraph::default();
    changes.iter().for_each(|change| graph.apply(change).unwrap());
    graph
}

async fn truth(limits: Limits) -> InMemoryPeople {
    let people = InMemoryPeople::new(limits, 1_000);
    for number in 1..=PEOPLE {
        let (public_id, email) = (uuid::Uuid::from_u128(number.into()), format!("{number}@example.com"));
        let new =
            NewProfile { public_id, username: None, name: None, email, affiliation: None, at: Timestamp(0) };
        people.create(&new).await.unwrap();
    }
    people
}

/// What a change is about: those of the same subject depend on each other's order, others do not.
fn subject(change: &Change) -> (Option<TieKind>, [UserId; 2]) {
    match change {
        Change::Tied { kind, .. } | Change::Untied { kind, .. } => (Some(*kind), change.people()),
        _ => (None, change.people()),
    }
}

proptest! {
    /// After each act, whatever it was.
    #[test]
    fn both_sides_agree_and_no_limit_is_passed(acts in acts(), contacts in 1_usize..4, ties in 1_usize..4) {
        block_on(async {
            let people = truth(Limits { contacts, ties }).await;
            for act in acts {
                people.write(&[act]).await.unwrap();
                let mut now = ConnectionGraph::default();
                for change in people.snapshot_after(None, 10_000).await.unwrap() {
                    now.apply(&change).unwrap();
                }
                for user in (1..=PEOPLE).map(UserId) {
                    let side = now.facts(user, UserId(0)).by;
                    prop_assert!(side.contacts <= contacts);
                    prop_assert!([side.asked, side.asked_by, side.blocked, side.dismissed].iter().all(|n| *n <= ties));
                    for other in (1..=PEOPLE).map(UserId).filter(|other| *other != user) {
                        let (mine, theirs) = (now.facts(user, other).pair, now.facts(other, user).pair);
                        prop_assert_eq!(now.contacts(user).contains(other), now.contacts(other).contains(user));
                        prop_assert_eq!((mine.asked, mine.blocked), (theirs.asked_by, theirs.blocked_by));
                        prop_assert!(!(mine.connected && (mine.asked || mine.asked_by)));
                        prop_assert!(!((mine.blocked || mine.blocked_by) && (mine.connected || mine.asked)));
                        prop_assert!(!(mine.asked && mine.asked_by));
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_order_of_independent_changes_changes_nothing(
        changes in prop::collection::vec(change(), 0..40),
        order in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut subjects = BTreeSet::new();
        let independent: Vec<Change> =
            changes.into_iter().filter(|change| subjects.insert(subject(change))).collect();
        let mut shuffled: Vec<(usize, Change)> = order.into_iter().zip(independent.iter().copied()).collect();
        shuffled.sort();
        let (mut one, mut other) = (everyone(), everyone());
        independent.iter().for_each(|change| one.apply(change).unwrap());
        shuffled.iter().for_each(|(_, change)| other.apply(change).unwrap());
        prop_assert!(one == other);
        prop_assert_eq!(one.connections(), other.connections());
    }

    #[test]
    fn a_change_that_is_applied_again_changes_nothing(changes in prop::collection::vec(change(), 1..40)) {
        let (mut once, mut again) = (everyone(), everyone());
        for change in &changes {
            once.apply(change).unwrap();
            again.apply(change).unwrap();
            again.apply(change).unwrap();
        }
        // All of them once more, as after a snapshot that was read late.
        changes.iter().for_each(|change| again.apply(change).unwrap());
        prop_assert!(once == again);
    }

    #[test]
    fn a_snapshot_in_parts_is_the_whole(changes in prop::collection::vec(change(), 0..40), max in 1_usize..5) {
        let mut whole = everyone();
        changes.iter().for_each(|change| whole.apply(change).unwrap());
        let (mut parts, mut after) = (Vec::new(), None);
        loop {
            let part: Vec<Change> = whole.snapshot_after(after).take(max).collect();
            let Some(last) = part.last() else { break };
            after = Some(*last);
            parts.extend(part);
        }
        prop_assert!(graph(&parts) == whole);
        prop_assert!(parts.into_iter().eq(whole.snapshot_after(None)));
    }

    /// Contacts come and go while someone reads page by page.
    #[test]
    fn who_stays_is_seen_once_and_nobody_twice(
        first in prop::collection::btree_set(2..200_u32, 0..60),
        between in prop::collection::vec((2..200_u32, any::<bool>()), 0..60),
        max in 1_usize..9,
    ) {
        let mut graph = ConnectionGraph::default();
        for user in (1..200).map(UserId) {
            graph.apply(&Change::Person { user, state: PersonState::Active }).unwrap();
        }
        first.iter().for_each(|other| graph.apply(&Change::connected(UserId(1), UserId(*other))).unwrap());
        let (mut seen, mut start, mut touched) = (Vec::new(), Start::Offset(0), BTreeSet::new());
        let mut between = between.into_iter();
        loop {
            let page = graph.list(UserId(1), List::Contacts, &Page::new(start, max).unwrap()).unwrap();
            seen.extend(page.items.iter().map(|listed| listed.user.0));
            let Some(next) = page.next else { break };
            start = Start::After(next);
            for (other, adds) in between.by_ref().take(3) {
                touched.insert(other);
                let change = if adds { Change::connected } else { Change::disconnected };
                graph.apply(&change(UserId(1), UserId(other))).unwrap();
            }
        }
        prop_assert!(seen.is_sorted_by(|one, other| one < other));
        let stayed = first.difference(&touched);
        prop_assert!(stayed.copied().all(|user| seen.contains(&user)));
    }

    /// Against counting one by one; page by page the same as at once.
    #[test]
    fn suggestions_are_those_that_counting_finds(
        changes in prop::collection::vec(change(), 0..60),
        evidence in prop::collection::btree_map(user(), 0_u32..3, 0..4),
        max in 1_usize..4,
    ) {
        let mut graph = everyone();
        changes.iter().for_each(|change| graph.apply(change).unwrap());
        let me = UserId(1);
        let evidence: Vec<(UserId, Evidence)> = evidence
            .into_iter()
            .map(|(user, services)| (user, Evidence { services, ..Evidence::default() }))
            .collect();
        let mut expected: Vec<Rank> = (1..=PEOPLE)
            .map(UserId)
            .filter(|other| !graph.is_kept_from(me, *other))
            .map(|other| {
                let common = graph.contacts(me).iter().filter(|one| graph.connected(*one, other)).count() as u32;
                let weight = evidence.iter().find(|(user, _)| *user == other).map_or(0, |(_, one)| one.weight());
                Rank { score: common + weight, user: other }
            })
            .filter(|rank| rank.score > 0)
            .collect();
        expected.sort();
        let (mut found, mut after, mut scratch) = (Vec::new(), None, Scratch::default());
        loop {
            let query = SuggestionQuery { evidence: evidence.clone(), after, max };
            let page = graph.suggestions(me, &query, &mut scratch).unwrap();
            prop_assert!(page.is_complete);
            found.extend(page.items.iter().map(|one| one.rank));
            after = page.items.last().map(|one| one.rank);
            if page.items.len() < max { break }
        }
        prop_assert_eq!(found, expected);
    }

    /// CM-W1: nothing that is read can break the graph.
    #[test]
    fn what_cannot_hold_is_refused_and_changes_nothing(number in any::<u32>(), change in change()) {
        let mut graph = everyone();
        graph.apply(&change).unwrap();
        let before = graph.clone();
        let odd = [
            Change::Connected { one: UserId(number), other: UserId(number) },
            Change::Disconnected { one: UserId(3), other: UserId(2) },
            Change::Tied { kind: TieKind::Blocked, from: UserId(2), to: UserId(2), at: Timestamp(1) },
            Change::Person { user: UserId(number | 1 << 24), state: PersonState::Active },
            Change::Connected { one: UserId(1), other: UserId(number | 1 << 31) },
        ];
        for change in odd {
            prop_assert!(graph.apply(&change).is_err());
            let next = Numbered { seq: 1, change };
            prop_assert!(graph.follow(&next).is_err());
        }
        prop_assert!(graph == before);
        prop_assert_eq!(graph.version(), 0);
    }
}

/// More paths than are walked: whom it suggests is counted in full all the same.
#[test]
fn where_there_is_too_much_to_count_numbers_are_exact_and_it_is_said() {
    // 1 knows 2..=1501, each of whom knows 3,000 others out of 1502..=9000.
    let mut graph = ConnectionGraph::default();
    for user in (1..9_001).map(UserId) {
        graph.apply(&Change::Person { user, state: PersonState::Active }).unwrap();
    }
    for contact in 2..1_502 {
        graph.apply(&Change::connected(UserId(1), UserId(contact))).unwrap();
        for nth in 0..3_000 {
            let other = UserId(1_502 + (contact * 37 + nth * 5) % 7_499);
            graph.apply(&Change::connected(UserId(contact), other)).unwrap();
        }
    }
    let query = SuggestionQuery { max: 10, ..SuggestionQuery::default() };
    let found = graph.suggestions(UserId(1), &query, &mut Scratch::default()).unwrap();
    assert!(!found.is_complete);
    assert_eq!(found.items.len(), 10);
    assert!(found.items.is_sorted_by(|one, other| one.rank < other.rank));
    for one in found.items {
        let common = graph.contacts(UserId(1)).common_count(graph.contacts(one.rank.user)) as u32;
        assert_eq!((one.common, one.rank.score), (common, common));
    }
}
