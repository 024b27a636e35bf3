//! What is kept aside is never older than a write that has returned.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_executor::block_on;
use futures_util::future::join_all;
use futures_util::{FutureExt, lock};
use manazir_model::{Random, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::contract::cache::{check_cache, check_cached};
use crate::contract::{act, join, person};
use crate::memory::InMemoryPeople;
use crate::{
    Act, Action, Change, ConnectionLog, Error, GraphStore, Limits, List, Listing, NewProfile, Page,
    PeopleStore, PersonState, Profile, ProfileKey, ProfilePatch, Rank, Recommendation, Refusal, Relation,
    SuggestionQuery, Suggestions, UserId, Which, Written,
};

const LIFE: Duration = Duration::from_secs(600);
const SIZE: u64 = 1 << 20;

/// The truth, which counts what it is asked, and whose answers wait at a gate after they were read.
#[derive(Default)]
struct Slow {
    people: InMemoryPeople,
    asked: AtomicUsize,
    gate: lock::Mutex<()>,
    is_away: std::sync::atomic::AtomicBool,
}

impl Slow {
    async fn passed<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = answer.await;
        drop(self.gate.lock().await);
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Error::Away("the truth".to_owned(), "for a test".into()));
        }
        answer
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl PeopleStore for Slow {
    async fn create(&self, new: &NewProfile) -> Result<Profile, Error> {
        self.people.create(new).await
    }
    async fn update(&self, user: UserId, patch: &ProfilePatch, at: Timestamp) -> Result<Profile, Error> {
        self.people.update(user, patch, at).await
    }
    async fn profile(&self, key: &ProfileKey) -> Result<Option<Profile>, Error> {
        self.passed(self.people.profile(key)).await
    }
    async fn numbers(&self, public_ids: &[Uuid]) -> Result<Vec<Option<UserId>>, Error> {
        self.passed(self.people.numbers(public_ids)).await
    }
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, Error> {
        self.passed(self.people.profiles(users)).await
    }
    async fn set_state(&self, user: UserId, state: PersonState, at: Timestamp) -> Result<Profile, Error> {
        self.people.set_state(user, state, at).await
    }
    async fn search(&self, query: &str, max: usize) -> Result<Vec<Profile>, Error> {
        self.people.search(query, max).await
    }
}

#[async_trait]
impl GraphStore for Slow {
    async fn write(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        let done = self.people.write(acts).await;
        drop(self.gate.lock().await);
        done
    }
    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error> {
        self.people.relation(user, other).await
    }
    async fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Error> {
        self.people.list(user, list, page).await
    }
    async fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Error> {
        self.people.mutual(one, other, page).await
    }
    async fn suggestions(&self, user: UserId, query: &SuggestionQuery) -> Result<Suggestions, Error> {
        self.people.suggestions(user, query).await
    }
    async fn recommend(&self, all: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error> {
        self.people.recommend(all).await
    }
    async fn recommendations(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error> {
        self.passed(self.people.recommendations(user, after, max)).await
    }
    async fn withdraw(&self, user: UserId, which: &Which) -> Result<u64, Error> {
        self.people.withdraw(user, which).await
    }
    async fn version(&self) -> Result<u64, Error> {
        self.people.version().await
    }
}

/// A cache that loses what it has and does not do what it should, now and then.
struct Unreliable(InProcessCache, Mutex<Random>);

impl Unreliable {
    fn fails(&self) -> bool {
        self.1.lock().unwrap().below(3) == 0
    }
}

#[async_trait]
impl Cache for Unreliable {
    async fn get(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        let found = self.0.get(keys).await;
        found.into_iter().map(|one| one.filter(|_| !self.fails())).collect()
    }
    async fn put(&self, mut entries: Vec<(String, Vec<u8>)>, life: Duration) {
        entries.retain(|_| !self.fails());
        self.0.put(entries, life).await;
    }
    async fn forget(&self, keys: &[String]) -> bool {
        if self.fails() {
            return false;
        }
        // It was done, and nobody is told.
        self.0.forget(keys).await && !self.fails()
    }
}

fn in_process() -> Arc<dyn Cache> {
    Arc::new(InProcessCache::new(SIZE))
}

async fn slow(count: u32) -> Cached<Slow> {
    let slow = Slow::default();
    join(&slow.people, count).await;
    Cached::new(slow, in_process(), LIFE, 7)
}

fn named(name: &str) -> ProfilePatch {
    ProfilePatch { name: Some(Some(name.to_owned())), ..ProfilePatch::default() }
}

fn recommendation(user: u32, recommended: u32, score: u32) -> Recommendation {
    let (user, recommended, at) = (UserId(user), UserId(recommended), Timestamp(1));
    Recommendation { user, recommended, source: "hr".to_owned(), score, reason: String::new(), at }
}

async fn name(people: &impl PeopleStore, key: ProfileKey) -> Option<String> {
    people.profile(&key).await.unwrap().unwrap().name
}

async fn recommended(graph: &impl GraphStore, user: u32, after: Option<Rank>, max: usize) -> Vec<u32> {
    let all = graph.recommendations(UserId(user), after, max).await.unwrap();
    all.iter().map(|one| one.recommended.0).collect()
}

/// One question for each would make a batch three times as long.
#[test]
fn numbers_of_many_are_asked_for_together() {
    block_on(async {
        let cached = slow(3).await;
        let ids = [3, 1, 9, 2].map(|user| person(user).public_id);
        let numbers = cached.numbers(&ids).await.unwrap();
        assert_eq!(numbers, [Some(UserId(3)), Some(UserId(1)), None, Some(UserId(2))]);
        assert_eq!(cached.people.asked(), 1);
    });
}

#[test]
fn a_cache_in_the_process_keeps_the_contract() {
    block_on(check_cache(async || InProcessCache::new(SIZE)));
}

#[test]
fn a_cache_in_the_process_has_an_end() {
    let cache = InProcessCache::new(100_000);
    for at in 0..2_000 {
        block_on(cache.put(vec![(at.to_string(), vec![0; 1_000])], LIFE));
        assert!(cache.bytes() <= 100_000);
    }
    assert!(cache.bytes() > 50_000, "{}", cache.bytes());
}

#[test]
fn a_store_behind_a_cache_keeps_the_contract() {
    let open = async |limits| InMemoryPeople::new(limits, 1_000);
    block_on(check_cached(open, async || InProcessCache::new(SIZE)));
    // So small that nearly nothing stays.
    block_on(check_cached(open, async || InProcessCache::new(2_000)));
}

/// BB-W5, BB-W56.
#[test]
fn bb_w5_a_cache_that_fails_changes_no_answer() {
    for seed in 0..8 {
        let cache = async || Unreliable(InProcessCache::new(SIZE), Mutex::new(Random::new(seed)));
        block_on(check_cached(async |limits| InMemoryPeople::new(limits, 1_000), cache));
    }
}

#[test]
fn what_was_asked_once_is_not_asked_again() {
    block_on(async {
        let people = slow(3).await;
        let keys = [
            ProfileKey::Id(UserId(2)),
            ProfileKey::Public(Uuid::from_u128(2)),
            ProfileKey::Username("USER2".to_owned()),
            ProfileKey::Email("User2@example.com".to_owned()),
        ];
        for key in &keys {
            people.profile(key).await.unwrap().unwrap();
        }
        assert_eq!(people.truth().asked(), 4);
        for key in &keys {
            assert_eq!(people.profile(key).await.unwrap().unwrap().id, UserId(2));
        }
        let some = people.profiles(&[UserId(3), UserId(9), UserId(2), UserId(3)]).await.unwrap();
        assert_eq!(some.iter().map(|one| one.id.0).collect::<Vec<_>>(), [3, 2, 3]);
        assert_eq!(people.truth().asked(), 5);
        people.profiles(&[UserId(2), UserId(3)]).await.unwrap();
        assert_eq!(people.truth().asked(), 5);
        assert_eq!(people.counts().loads, 5);
    });
}

/// BB-W17, BB-W27: a reader has the old value in hand when the writer clears the cache, and stores it afterwards.
#[test]
fn bb_w27_a_reader_cannot_put_back_what_a_writer_cleared() {
    block_on(async {
        let people = slow(2).await;
        people.recommend(&[recommendation(1, 2, 5)]).await.unwrap();
        let closed = people.truth().gate.lock().await;
        let mut profile = Box::pin(people.profile(&ProfileKey::Id(UserId(1))));
        let mut batch = Box::pin(people.profiles(&[UserId(1), UserId(2)]));
        let mut page = Box::pin(people.recommendations(UserId(1), None, 10));
        assert!(profile.as_mut().now_or_never().is_none());
        assert!(batch.as_mut().now_or_never().is_none());
        assert!(page.as_mut().now_or_never().is_none());
        people.update(UserId(1), &named("new"), Timestamp(9)).await.unwrap();
        people.withdraw(UserId(1), &Which::All).await.unwrap();
        // Whoever comes after the write does not wait for those before it.
        let mut later = Box::pin(people.profile(&ProfileKey::Id(UserId(1))));
        assert!(later.as_mut().now_or_never().is_none());
        drop(closed);
        assert_eq!(later.await.unwrap().unwrap().name.as_deref(), Some("new"));
        assert_eq!(profile.await.unwrap().unwrap().name, None);
        assert_eq!((batch.await.unwrap().len(), page.await.unwrap().len()), (2, 1));
        assert_eq!(name(&people, ProfileKey::Id(UserId(1))).await.as_deref(), Some("new"));
        assert_eq!(people.profiles(&[UserId(1)]).await.unwrap()[0].name.as_deref(), Some("new"));
        assert_eq!(recommended(&people, 1, None, 10).await, [0; 0]);
    });
}

/// A caller went away between the commit and the clearing.
#[test]
fn bb_w17_what_a_write_without_an_end_did_is_seen() {
    block_on(async {
        let people = slow(3).await;
        people.recommend(&[recommendation(1, 2, 5), recommendation(1, 3, 4)]).await.unwrap();
        assert_eq!(recommended(&people, 1, None, 10).await, [2, 3]);
        let closed = people.truth().gate.lock().await;
        let acts = [act(1, Action::Connect, 2)];
        assert!(people.write(&acts).now_or_never().is_none());
        drop(closed);
        assert_eq!(recommended(&people, 1, None, 10).await, [3]);
    });
}

/// BB-W20, BB-W21.
#[test]
fn bb_w20_a_page_is_never_another_page() {
    block_on(async {
        let people = slow(8).await;
        let all: Vec<Recommendation> = (2..=8).map(|other| recommendation(1, other, 100 - other)).collect();
        people.recommend(&all).await.unwrap();
        let third = Some(Rank { score: 96, user: UserId(4) });
        for _ in 0..2 {
            assert_eq!(recommended(&people, 1, None, 1).await, [2]);
            assert_eq!(recommended(&people, 1, None, 3).await, [2, 3, 4]);
            assert_eq!(recommended(&people, 1, third, 2).await, [5, 6]);
            assert_eq!(recommended(&people, 1, third, 3).await, [5, 6, 7]);
            assert_eq!(recommended(&people, 2, None, 3).await, [0; 0]);
        }
        assert_eq!(people.truth().asked(), 5);
    });
}

/// BB-W22.
#[test]
fn bb_w22_empty_pages_are_kept_and_all_pages_are_cleared() {
    block_on(async {
        let people = slow(6).await;
        assert_eq!(recommended(&people, 1, None, 2).await, [0; 0]);
        assert_eq!(recommended(&people, 1, None, 2).await, [0; 0]);
        assert_eq!(people.truth().asked(), 1);
        people
            .recommend(&(2..=6).map(|other| recommendation(1, other, 9)).collect::<Vec<_>>())
            .await
            .unwrap();
        let second = Some(Rank { score: 9, user: UserId(3) });
        assert_eq!(recommended(&people, 1, second, 2).await, [4, 5]);
        // Each of these changes a page that is not the first.
        people.write(&[act(5, Action::Block, 1)]).await.unwrap();
        assert_eq!(recommended(&people, 1, second, 2).await, [4, 6]);
        people.set_state(UserId(4), PersonState::Deactivated, Timestamp(9)).await.unwrap();
        assert_eq!(recommended(&people, 1, second, 2).await, [6]);
        people.set_state(UserId(4), PersonState::Active, Timestamp(9)).await.unwrap();
        assert_eq!(recommended(&people, 1, second, 2).await, [4, 6]);
    });
}

/// BB-W58.
#[test]
fn bb_w58_one_asks_and_all_others_wait() {
    block_on(async {
        let people = slow(2).await;
        let closed = people.truth().gate.lock().await;
        let key = ProfileKey::Id(UserId(1));
        let mut crowd = Box::pin(join_all((0..200).map(|_| people.profile(&key))));
        assert!(crowd.as_mut().now_or_never().is_none());
        drop(closed);
        assert!(crowd.await.into_iter().all(|one| one.unwrap().unwrap().id == UserId(1)));
        assert_eq!(people.truth().asked(), 1);
        assert_eq!((people.counts().shared, people.flights().count()), (199, 0));
    });
}

/// BB-W58: also without a cache, and if whoever asked first goes away or is told of an error.
#[test]
fn bb_w58_who_waits_is_not_lost_with_the_one_who_asks() {
    block_on(async {
        let people = slow(2).await;
        let key = ProfileKey::Email("user1@example.com".to_owned());
        let closed = people.truth().gate.lock().await;
        let mut first = Box::pin(people.profile(&key));
        let mut second = Box::pin(people.profile(&key));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(first);
        drop(closed);
        assert_eq!(second.await.unwrap().unwrap().id, UserId(1));
        assert_eq!((people.truth().asked(), people.flights().count()), (2, 0));

        people.forget_people(&[UserId(1)]).await;
        people.truth().is_away.store(true, Ordering::Relaxed);
        let key = ProfileKey::Id(UserId(1));
        let all = join_all((0..5).map(|_| people.profile(&key))).await;
        assert!(all.iter().all(|one| matches!(one, Err(Error::Away(..)))));
        people.truth().is_away.store(false, Ordering::Relaxed);
        assert!(people.profile(&key).await.unwrap().is_some());
        assert_eq!(people.flights().count(), 0);
    });
}

#[test]
fn nobody_who_left_in_the_middle_leaves_anything() {
    block_on(async {
        let people = slow(2).await;
        let closed = people.truth().gate.lock().await;
        for user in 1..100 {
            let key = ProfileKey::Id(UserId(user));
            assert!(people.profile(&key).now_or_never().is_none());
        }
        assert_eq!(people.flights().count(), 0);
        drop(closed);
    });
}

/// Two processes, each with a cache of its own: the log tells one what the other did.
#[test]
fn who_follows_the_log_sees_what_others_wrote() {
    block_on(async {
        let truth = InMemoryPeople::default();
        join(&truth, 4).await;
        truth.recommend(&[2, 3, 4].map(|other| recommendation(1, other, 9 - other))).await.unwrap();
        let here = Cached::new(truth.clone(), in_process(), LIFE, 1);
        let there = Cached::new(truth.clone(), in_process(), LIFE, 2);
        let before = truth.last_change().await.unwrap();
        assert_eq!(recommended(&here, 1, None, 9).await, [2, 3, 4]);
        assert_eq!(name(&here, ProfileKey::Id(UserId(3))).await, None);
        there.write(&[act(1, Action::Connect, 2)]).await.unwrap();
        there.set_state(UserId(3), PersonState::Erased, Timestamp(9)).await.unwrap();
        let changes: Vec<Change> =
            truth.changes_after(before, 99).await.unwrap().into_iter().map(|one| one.change).collect();
        here.forget_changes(&changes).await;
        assert_eq!(recommended(&here, 1, None, 9).await, [4]);
        let gone = here.profile(&ProfileKey::Id(UserId(3))).await.unwrap().unwrap();
        assert_eq!(gone.state, PersonState::Erased);
        there.update(UserId(4), &named("new"), Timestamp(9)).await.unwrap();
        here.forget_people(&[UserId(4)]).await;
        assert_eq!(name(&here, ProfileKey::Id(UserId(4))).await.as_deref(), Some("new"));
    });
}

/// Two processes with one cache.
#[test]
fn who_shares_a_cache_sees_what_others_wrote() {
    block_on(async {
        let (truth, cache) = (InMemoryPeople::default(), in_process());
        join(&truth, 2).await;
        let here = Cached::new(truth.clone(), Arc::clone(&cache), LIFE, 1);
        let there = Cached::new(truth, cache, LIFE, 2);
        let key = ProfileKey::Username("user1".to_owned());
        for at in 0..3 {
            assert_eq!(name(&here, key.clone()).await, name(&there, key.clone()).await);
            there.update(UserId(1), &named(&at.to_string()), Timestamp(9)).await.unwrap();
            assert_eq!(name(&here, key.clone()).await, Some(at.to_string()));
        }
    });
}

/// An address that somebody gave up and another took.
#[test]
fn a_key_leads_to_whoever_has_it_now() {
    block_on(async {
        let people = slow(1).await;
        let key = ProfileKey::Email("user1@example.com".to_owned());
        for _ in 0..2 {
            assert_eq!(people.profile(&key).await.unwrap().unwrap().id, UserId(1));
        }
        people.set_state(UserId(1), PersonState::Erased, Timestamp(9)).await.unwrap();
        assert_eq!(people.profile(&key).await.unwrap(), None);
        let again = NewProfile { public_id: Uuid::from_u128(9), ..person(1) };
        people.create(&again).await.unwrap();
        assert_eq!(people.profile(&key).await.unwrap().unwrap().id, UserId(2));
    });
}

/// Whoever asked before somebody joined is told that there is nobody; whoever asks after it is not.
#[test]
fn who_has_joined_is_found_by_whoever_asks_then() {
    block_on(async {
        let people = slow(0).await;
        let keys = [ProfileKey::Id(UserId(1)), ProfileKey::Email("user1@example.com".to_owned())];
        for key in keys {
            let closed = people.truth().gate.lock().await;
            let mut early = Box::pin(people.profile(&key));
            assert!(early.as_mut().now_or_never().is_none());
            let id = people.create(&person(people.truth().asked() as u32)).await.unwrap().id;
            let later = ProfileKey::Id(id);
            let mut late = Box::pin(people.profile(&later));
            assert!(late.as_mut().now_or_never().is_none());
            drop(closed);
            early.await.unwrap();
            assert!(late.await.unwrap().is_some());
        }
    });
}

#[test]
fn more_than_can_be_owed_is_everything() {
    block_on(async {
        let always = Unreliable(InProcessCache::new(SIZE), Mutex::new(Random::new(3)));
        let truth = InMemoryPeople::default();
        join(&truth, 1).await;
        let people = Cached::new(truth.clone(), Arc::new(always), LIFE, 1);
        for _ in 0..5 {
            people.profile(&ProfileKey::Id(UserId(1))).await.unwrap();
        }
        truth.update(UserId(1), &named("new"), Timestamp(9)).await.unwrap();
        let many: Vec<UserId> = (2..6_000).map(UserId).collect();
        people.forget_people(&many).await;
        assert_eq!(name(&people, ProfileKey::Id(UserId(1))).await.as_deref(), Some("new"));
    });
}

#[derive(Clone, Debug)]
enum Step {
    Rename(u32, u8),
    Recommend(u32, u32, u32),
    Connect(u32, u32),
    Disconnect(u32, u32),
    Leave(u32),
    Return(u32),
}

fn any_step() -> impl Strategy<Value = Step> {
    let user = || 1..=4_u32;
    prop_oneof![
        (user(), any::<u8>()).prop_map(|(user, name)| Step::Rename(user, name)),
        (user(), user(), 0..9_u32).prop_map(|(one, other, score)| Step::Recommend(one, other, score)),
        (user(), user()).prop_map(|(one, other)| Step::Connect(one, other)),
        (user(), user()).prop_map(|(one, other)| Step::Disconnect(one, other)),
        user().prop_map(Step::Leave),
        user().prop_map(Step::Return),
    ]
}

async fn takes(people: &impl crate::contract::People, step: &Step) {
    let at = Timestamp(5);
    match step {
        Step::Rename(user, name) => {
            people.update(UserId(*user), &named(&name.to_string()), at).await.unwrap();
        }
        Step::Recommend(one, other, score) => {
            let _ = people.recommend(&[recommendation(*one, *other, *score)]).await.unwrap();
        }
        Step::Connect(one, other) => drop(people.write(&[act(*one, Action::Connect, *other)]).await.unwrap()),
        Step::Disconnect(one, other) => {
            drop(people.write(&[act(*one, Action::Disconnect, *other)]).await.unwrap());
        }
        Step::Leave(user) => {
            people.set_state(UserId(*user), PersonState::Deactivated, at).await.unwrap();
        }
        Step::Return(user) => drop(people.set_state(UserId(*user), PersonState::Active, at).await.unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two processes share a cache that fails now and then. Who writes sees it at once, whatever is lost.
    #[test]
    fn answers_are_those_of_the_truth(steps in proptest::collection::vec(any_step(), 1..40), seed in any::<u64>()) {
        block_on(async {
            let truth = InMemoryPeople::new(Limits::default(), 1_000);
            join(&truth, 4).await;
            let cache = Arc::new(Unreliable(InProcessCache::new(SIZE), Mutex::new(Random::new(seed))));
            let people = Cached::new(truth.clone(), cache, LIFE, seed);
            for step in &steps {
                takes(&people, step).await;
                for user in (1..=4).map(UserId) {
                    let key = ProfileKey::Id(user);
                    assert_eq!(people.profile(&key).await.unwrap(), truth.profile(&key).await.unwrap());
                    for max in [1, 9] {
                        let expected = truth.recommendations(user, None, max).await.unwrap();
                        assert_eq!(people.recommendations(user, None, max).await.unwrap(), expected, "{step:?}");
                    }
                }
            }
        });
    }
}
