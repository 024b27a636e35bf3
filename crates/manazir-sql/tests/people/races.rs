//! Many who write at the same time.

use manazir_model::{Random, Timestamp};
use manazir_people::{
    Action, Change, ConnectionGraph, ConnectionLog as _, Error, GraphStore as _, Limits, List, NewProfile,
    PeopleStore as _, PersonState, Refusal, Relation, UserId, Written, contract,
};
use manazir_sql::SqlPeople;
use tokio::task::JoinSet;

use super::{count, crowd, on_both};

/// Who writes at the same time.
const WRITERS: u32 = 64;

/// All at once; what became of each.
async fn all_at_once(people: &SqlPeople, acts: Vec<(u32, Action, u32)>) -> Vec<Result<Written, Refusal>> {
    let mut tasks = JoinSet::new();
    for (by, action, to) in acts {
        let people = people.clone();
        tasks.spawn(async move { contract::does(&people, by, action, to).await });
    }
    tasks.join_all().await
}

/// Of 64 writers who all would connect one person, from either side and by any way, as many succeed as there is room.
async fn the_last_places(people: SqlPeople) {
    let (max, room) = (people.limits.contacts as u32, 10);
    let others = 2 + max - room;
    crowd(&people, others + 2 * WRITERS).await;
    let acts: Vec<_> = (2..others).map(|to| contract::act(1, Action::Connect, to)).collect();
    assert!(people.write(&acts).await.unwrap().iter().all(Result::is_ok));
    let way = |n: u32| match n % 3 {
        0 => (1, Action::Connect, others + n),
        1 => (others + n, Action::Connect, 1),
        _ => (1, Action::Accept, others + n),
    };
    for other in (0..WRITERS).filter(|n| n % 3 == 2) {
        contract::does(&people, others + other, Action::Ask, 1).await.unwrap();
    }
    let done = all_at_once(&people, (0..WRITERS).map(way).collect()).await;
    let full = Refusal::Full { user: UserId(1), max: max as usize };
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), room as usize);
    assert!(done.iter().filter_map(|done| done.as_ref().err()).all(|refusal| *refusal == full), "{done:?}");
    assert_eq!(count(&people.truth, "SELECT count(*) FROM connections WHERE one = 1").await, i64::from(max));
    assert_eq!(count(&people.truth, "SELECT contacts FROM people WHERE id = 1").await, i64::from(max));
    let last = all_at_once(&people, (0..WRITERS).map(|n| way(WRITERS + n)).collect()).await;
    assert!(
        last.iter().all(|done| matches!(done, Err(Refusal::Full { .. } | Refusal::NoRequest))),
        "{last:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_limit_holds_whoever_races_needs_postgres() {
    on_both(Limits { contacts: 20, ties: 100 }, the_last_places).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_the_5001st_contact_needs_postgres() {
    on_both(Limits::default(), the_last_places).await;
}

/// BB-W25: requests that cross are a connection for both, whoever comes first; of two answers one finds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn requests_and_answers_that_race_make_one_connection_needs_postgres() {
    on_both(Limits::default(), async |people| {
        contract::join(&people, 60).await;
        let crossing = (1..=20).flat_map(|n| [(n, Action::Ask, 60 - n), (60 - n, Action::Ask, n)]);
        let done = all_at_once(&people, crossing.collect()).await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        for n in 1..=20 {
            assert_eq!(people.relation(UserId(n), UserId(60 - n)).await.unwrap(), Relation::Connected);
            assert_eq!(contract::listed(&people, n, List::AskedBy).await, [0; 0]);
            assert_eq!(contract::listed(&people, n, List::AskedTo).await, [0; 0]);
        }
        for n in 2..=20 {
            contract::does(&people, 1, Action::Ask, n).await.unwrap();
        }
        let answers = (2..=20).flat_map(|n| [(n, Action::Accept, 1); 2]);
        let done = all_at_once(&people, answers.collect()).await;
        let late = done.iter().filter(|done| **done == Err(Refusal::AlreadyConnected)).count();
        assert_eq!((done.iter().filter(|done| done.is_ok()).count(), late), (19, 19));
        let changes = people.changes_after(0, 1_000).await.unwrap();
        let made = changes.iter().filter(|one| matches!(one.change, Change::Connected { .. })).count();
        assert_eq!(made, 20 + 19);
        agrees(&people).await;
    })
    .await;
}

/// CM-W7: one of all who come with the same address at the same time, and no number is lost by the others.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_taken_once_needs_postgres() {
    on_both(Limits::default(), async |people| {
        let mut tasks = JoinSet::new();
        for n in 0..32_u32 {
            let people = people.clone();
            let email = format!("Somebody{}@example.com", n % 4);
            let new = NewProfile { email, ..contract::person(n + 1) };
            tasks.spawn(async move { people.create(&new).await });
        }
        let (joined, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
        let taken = |error: &Error| matches!(error, Error::Refused(Refusal::Taken { field: "email" }));
        assert!(refused.iter().all(|refused| refused.as_ref().is_err_and(taken)), "{refused:?}");
        let mut numbers: Vec<u32> = joined.into_iter().map(|joined| joined.unwrap().id.0).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4]);
        assert_eq!(people.last_change().await.unwrap(), 4);
    })
    .await;
}

/// BB-W24: rows, counts and the log are one truth, whatever is done at the same time, and nobody waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_and_logged_is_what_is_there_needs_postgres() {
    on_both(Limits { contacts: 8, ties: 5 }, async |people| {
        const PEOPLE: usize = 14;
        contract::join(&people, PEOPLE as u32).await;
        let mut tasks = JoinSet::new();
        for seed in 0..16 {
            let people = people.clone();
            tasks.spawn(async move {
                let mut random = Random::new(seed);
                for _ in 0..25 {
                    something(&people, &mut random, PEOPLE).await;
                }
            });
        }
        tasks.join_all().await;
        agrees(&people).await;
    })
    .await;
}

const ACTIONS: [Action; 10] = [
    Action::Connect,
    Action::Ask,
    Action::Accept,
    Action::Reject,
    Action::Cancel,
    Action::Disconnect,
    Action::Block,
    Action::Unblock,
    Action::Dismiss,
    Action::Import,
];

/// Some acts in one call, or now and then something that somebody becomes.
async fn something(people: &SqlPeople, random: &mut Random, count: usize) {
    let user = |random: &mut Random| 1 + random.below(count) as u32;
    let states = [PersonState::Deactivated, PersonState::Active, PersonState::Erased];
    if random.below(8) == 0 {
        let (one, state) = (UserId(user(random)), states[random.below(20) % 7 % 3]);
        match people.set_state(one, state, Timestamp(7)).await {
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    } else {
        let acts: Vec<_> = (0..1 + random.below(6))
            .map(|_| contract::act(user(random), ACTIONS[random.below(ACTIONS.len())], user(random)))
            .collect();
        people.write(&acts).await.unwrap();
    }
}

/// Counts are those of rows, both sides of a connection are there, and the log adds up to what is there.
async fn agrees(people: &SqlPeople) {
    let wrong = "SELECT count(*) FROM people WHERE \
        contacts <> (SELECT count(*) FROM connections WHERE one = id) \
        OR contacts <> (SELECT count(*) FROM connections WHERE other = id) \
        OR asked <> (SELECT count(*) FROM ties WHERE kind = 0 AND from_user = id) \
        OR asked_by <> (SELECT count(*) FROM ties WHERE kind = 0 AND to_user = id) \
        OR blocked <> (SELECT count(*) FROM ties WHERE kind = 1 AND from_user = id) \
        OR dismissed <> (SELECT count(*) FROM ties WHERE kind = 2 AND from_user = id)";
    assert_eq!(count(&people.truth, wrong).await, 0);
    let one_sided = "SELECT count(*) FROM connections AS half WHERE NOT EXISTS \
        (SELECT 1 FROM connections WHERE one = half.other AND other = half.one)";
    assert_eq!(count(&people.truth, one_sided).await, 0);
    let changes = people.changes_after(0, usize::MAX).await.unwrap();
    assert!(changes.iter().map(|one| one.seq).eq(1..=people.last_change().await.unwrap()));
    let mut copy = ConnectionGraph::default();
    changes.iter().for_each(|change| assert!(copy.follow(change).unwrap()));
    assert!(copy.snapshot_after(None).eq(people.snapshot_after(None, usize::MAX).await.unwrap()));
}
