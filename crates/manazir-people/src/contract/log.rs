//! The log: what a copy needs to become equal, whenever it begins.

use manazir_model::{Random, Timestamp};

use super::{People, act, all, join};
use crate::{Action, Change, ConnectionGraph, ConnectionLog, Error, Limits, PersonState, UserId};

pub(super) async fn check<P: People + ConnectionLog>(open: &impl AsyncFn(Limits) -> P) {
    numbers_have_no_gap(open(Limits::default()).await).await;
    what_is_refused_is_not_in_it(open(Limits::default()).await).await;
    a_copy_begun_while_others_write_becomes_equal(open(Limits { contacts: 8, ties: 5 }).await).await;
}

async fn numbers_have_no_gap<P: People + ConnectionLog>(people: P) {
    assert_eq!(people.last_change().await.unwrap(), 0);
    join(&people, 3).await;
    all(&people, &[(1, Action::Connect, 2), (1, Action::Ask, 3), (3, Action::Accept, 1)]).await;
    let last = people.last_change().await.unwrap();
    let changes = people.changes_after(0, 100).await.unwrap();
    assert!(changes.iter().map(|one| one.seq).eq(1..=last));
    assert_eq!(changes[3].change, Change::connected(UserId(1), UserId(2)));
    let some = people.changes_after(2, 2).await.unwrap();
    assert_eq!(some, changes[2..4]);
    assert!(people.changes_after(last, 10).await.unwrap().is_empty());
}

async fn what_is_refused_is_not_in_it<P: People + ConnectionLog>(people: P) {
    join(&people, 2).await;
    let last = people.last_change().await.unwrap();
    let acts =
        [(1, Action::Connect, 1), (1, Action::Accept, 2), (1, Action::Connect, 9), (1, Action::Unblock, 2)];
    people.write(&acts.map(|(by, action, to)| act(by, action, to))).await.unwrap();
    assert!(people.create(&super::person(1)).await.is_err());
    assert_eq!(people.last_change().await.unwrap(), last);
}

/// Invariant 7 of the design, too: both sides of a connection agree at every time, and so do all limits.
async fn a_copy_begun_while_others_write_becomes_equal<P: People + ConnectionLog>(people: P) {
    const PEOPLE: usize = 12;
    join(&people, PEOPLE as u32).await;
    let mut random = Random::new(11);
    let (mut copy, mut after) = (ConnectionGraph::default(), None);
    let begun = people.last_change().await.unwrap();
    let mut is_loaded = false;
    for round in 0..400 {
        something(&people, &mut random, PEOPLE).await;
        if round % 4 == 0 && !is_loaded {
            let part = people.snapshot_after(after, 3).await.unwrap();
            part.iter().for_each(|change| copy.apply(change).unwrap());
            is_loaded = part.is_empty();
            after = part.last().copied().or(after);
            if is_loaded {
                copy.loaded(begun);
            }
        }
        if is_loaded && round % 7 == 0 {
            caught_up(&people, &mut copy).await;
        }
    }
    assert!(is_loaded);
    caught_up(&people, &mut copy).await;
}

/// One random thing, allowed or not.
async fn something(people: &impl People, random: &mut Random, count: usize) {
    let mut user = || 1 + random.below(count) as u32;
    let (by, to) = (user(), user());
    let actions = [
        Action::Connect,
        Action::Ask,
        Action::Accept,
        Action::Reject,
        Action::Cancel,
        Action::Disconnect,
        Action::Block,
        Action::Unblock,
        Action::Dismiss,
        Action::Connect,
    ];
    match random.below(60) {
        0 => {
            let states = [PersonState::Deactivated, PersonState::Active];
            let _ = people.set_state(UserId(by), states[random.below(2)], Timestamp(5)).await;
        }
        1 if random.below(2) == 0 => {
            let _ = people.set_state(UserId(by), PersonState::Erased, Timestamp(5)).await;
        }
        _ => {
            people.write(&[act(by, actions[random.below(actions.len())], to)]).await.unwrap();
        }
    }
}

/// Follows the log to its end and compares with a copy that is read at once.
async fn caught_up(people: &impl ConnectionLog, copy: &mut ConnectionGraph) {
    loop {
        let changes = people.changes_after(copy.version(), 5).await.unwrap();
        if changes.is_empty() {
            break;
        }
        for change in changes {
            assert!(copy.follow(&change).unwrap());
            assert!(!copy.follow(&change).unwrap());
        }
    }
    let whole = people.snapshot_after(None, usize::MAX).await.unwrap();
    assert!(whole.is_sorted_by(|one, other| one < other));
    assert!(copy.snapshot_after(None).eq(whole));
    let mut gap = people.changes_after(0, 1).await.unwrap();
    gap[0].seq = copy.version() + 2;
    assert!(matches!(copy.follow(&gap[0]), Err(Error::Damaged { .. })));
}
