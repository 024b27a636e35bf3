//! A store with a cache aside.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use manazir_model::Random;

use super::flights::{Flights, Outcome};
use super::kept::Kept;
use super::scope::{Entry, Scope};
use super::{Cache, LIFE_MAX};
use crate::{Change, Error, UserId};

/// What could not be forgotten yet. Beyond so much everything is to be forgotten.
const OWED_MAX: usize = 4_096;

/// Longest answer that is kept, in bytes.
const VALUE_MAX: usize = 1 << 18;

/// A store whose profiles and recommendations are kept in a cache. All else goes through: lists, relations and suggestions
/// are answered from memory by [`Following`](crate::Following), and no key can be named for what a search depends on.
pub struct Cached<P> {
    pub(super) people: P,
    cache: Arc<dyn Cache>,
    life: Duration,
    generations: Mutex<Random>,
    flights: Flights,
    /// With the number of the time that it came to be owed.
    owed: Mutex<BTreeMap<Scope, u64>>,
    times_owed: AtomicU64,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    hits: AtomicU64,
    loads: AtomicU64,
    shared: AtomicU64,
}

/// How often something happened since the process began; for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Answered from the cache.
    pub hits: u64,
    /// Answered by the truth.
    pub loads: u64,
    /// Answered by what the truth told somebody else who asked at the same time.
    pub shared: u64,
}

/// What one look into the cache found.
pub(super) struct Look {
    /// What a new value must bear.
    pub(super) stamp: Vec<u8>,
    pub(super) found: Option<Vec<u8>>,
}

/// A write that is being done: what it concerns is to be forgotten once this is dropped, whatever became of the write,
/// and also if its caller went away in the middle.
pub(super) struct Writing<'a, P> {
    cached: &'a Cached<P>,
    scopes: Vec<Scope>,
}

impl<P> Drop for Writing<'_, P> {
    fn drop(&mut self) {
        self.cached.owe(&self.scopes);
    }
}

impl<P> Cached<P> {
    /// Keeps answers for `life`, which bounds how long others may not see what a process that died did not say; 30
    /// seconds are enough for much. `seed` is random, and another in each process and at each start.
    pub fn new(people: P, cache: Arc<dyn Cache>, life: Duration, seed: u64) -> Self {
        Self {
            people,
            cache,
            life: life.min(LIFE_MAX),
            generations: Mutex::new(Random::new(seed)),
            flights: Flights::default(),
            owed: Mutex::default(),
            times_owed: AtomicU64::new(0),
            counters: Counters::default(),
        }
    }

    /// The store behind it.
    pub fn truth(&self) -> &P {
        &self.people
    }

    /// What was answered from where.
    pub fn counts(&self) -> Counts {
        let [hits, loads, shared] = [&self.counters.hits, &self.counters.loads, &self.counters.shared]
            .map(|counter| counter.load(Ordering::Relaxed));
        Counts { hits, loads, shared }
    }

    /// Forgets what is known of these people themselves; called when something of theirs was written past this process.
    pub async fn forget_people(&self, users: &[UserId]) {
        self.forget(users.iter().copied().map(Scope::Person).collect()).await;
    }

    /// Forgets what these changes concern; called by whoever follows the log, with each part of it.
    pub async fn forget_changes(&self, changes: &[Change]) {
        let people = changes.iter().flat_map(Change::people).map(Scope::Person);
        // Whoever leaves or comes back is on pages of others.
        let someone = changes.iter().any(|change| matches!(change, Change::Person { .. }));
        self.forget(people.chain(someone.then_some(Scope::States)).collect()).await;
    }

    async fn forget(&self, scopes: Vec<Scope>) {
        drop(self.writing(scopes));
        self.settle().await;
    }

    pub(super) fn writing(&self, scopes: Vec<Scope>) -> Writing<'_, P> {
        Writing { cached: self, scopes }
    }

    /// After a commit: nothing that was read before is found from now on.
    pub(super) async fn written(&self, writing: Writing<'_, P>) {
        drop(writing);
        self.settle().await;
    }

    fn owe(&self, scopes: &[Scope]) {
        let time = self.times_owed.fetch_add(1, Ordering::Relaxed);
        let mut owed = locked(&self.owed);
        owed.extend(scopes.iter().map(|scope| (*scope, time)));
        if owed.len() > OWED_MAX {
            *owed = BTreeMap::from([(Scope::All, time)]);
            drop(owed);
            self.flights.forget(&[Scope::All]);
        } else {
            drop(owed);
            self.flights.forget(scopes);
        }
    }

    /// Forgets what is owed; false if that cannot be done now, so that nothing in the cache is to be believed.
    async fn settle(&self) -> bool {
        let due = locked(&self.owed).clone();
        if due.is_empty() {
            return true;
        }
        let keys: Vec<String> = due.keys().flat_map(|scope| scope.forgotten()).collect();
        let is_done = self.cache.forget(&keys).await;
        if is_done {
            // What came to be owed again meanwhile, still is.
            locked(&self.owed).retain(|scope, time| due.get(scope) != Some(time));
        }
        is_done
    }

    /// What the cache has of these entries, in one look; `None` if it is not to be believed.
    pub(super) async fn look(&self, entries: &[Entry]) -> Option<Vec<Look>> {
        if !self.settle().await {
            return None;
        }
        let mut generations: BTreeMap<Scope, Option<Vec<u8>>> =
            entries.iter().flat_map(|entry| &entry.scopes).map(|scope| (*scope, None)).collect();
        let keys: Vec<String> = generations.keys().map(|scope| scope.generation()).collect();
        let keys: Vec<String> = keys.into_iter().chain(entries.iter().map(|one| one.key.clone())).collect();
        let mut values = self.cache.get(&keys).await.into_iter();
        for (place, value) in generations.values_mut().zip(values.by_ref()) {
            *place = value;
        }
        self.begin_generations(&mut generations).await;
        let look = |entry: &Entry| {
            let stamps = entry.scopes.iter().filter_map(|scope| generations.get(scope)?.as_deref());
            let stamp: Vec<u8> = stamps.flatten().copied().collect();
            let found = values.next().flatten();
            let found = found.and_then(|value| value.strip_prefix(stamp.as_slice()).map(<[u8]>::to_vec));
            Look { stamp, found }
        };
        Some(entries.iter().map(look).collect())
    }

    /// Where there is none, a new one begins, before anyone asks the truth.
    async fn begin_generations(&self, generations: &mut BTreeMap<Scope, Option<Vec<u8>>>) {
        let mut new = Vec::new();
        for (scope, generation) in generations.iter_mut().filter(|(_, one)| one.is_none()) {
            let number = locked(&self.generations).next_u64().to_le_bytes().to_vec();
            new.push((scope.generation(), number.clone()));
            *generation = Some(number);
        }
        if !new.is_empty() {
            self.cache.put(new, LIFE_MAX).await;
        }
    }

    /// Asks the truth, unless somebody is asking the same. `keep` says what is kept of the answer, and where.
    pub(super) async fn fly<T: Kept>(
        &self,
        flight: &Entry,
        load: impl Future<Output = Result<T, Error>> + Send,
        keep: impl FnOnce(&T) -> Vec<(String, Vec<u8>)> + Send,
    ) -> Result<T, Error> {
        let seat = self.flights.join(&flight.key, &flight.scopes);
        let mut outcome = seat.outcome.lock().await;
        match &*outcome {
            Outcome::Landed(bytes) => {
                if let Some(value) = T::read(bytes) {
                    self.counters.shared.fetch_add(1, Ordering::Relaxed);
                    return Ok(value);
                }
            }
            // Not one after the other: the truth may take long to say no.
            Outcome::Failed => drop(outcome),
            Outcome::Open => {
                let answer = self.loaded(load).await;
                match &answer {
                    Ok(value) => {
                        self.keep(keep(value)).await;
                        *outcome = value.written().map_or(Outcome::Failed, Outcome::Landed);
                    }
                    Err(_) => *outcome = Outcome::Failed,
                }
                seat.land();
                return answer;
            }
        }
        self.loaded(load).await
    }

    async fn loaded<T>(&self, load: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
        self.counters.loads.fetch_add(1, Ordering::Relaxed);
        load.await
    }

    async fn keep(&self, mut entries: Vec<(String, Vec<u8>)>) {
        entries.retain(|(_, value)| value.len() <= VALUE_MAX);
        if !entries.is_empty() {
            self.cache.put(entries, self.life).await;
        }
    }

    /// One answer, from the cache or the truth.
    pub(super) async fn answer<T: Kept>(
        &self,
        entry: Entry,
        load: impl Future<Output = Result<T, Error>> + Send,
        is_kept: fn(&T) -> bool,
    ) -> Result<T, Error> {
        let look = self.look(std::slice::from_ref(&entry)).await.and_then(|mut looks| looks.pop());
        if let Some(value) = look.as_ref().and_then(|look| T::read(look.found.as_deref()?)) {
            self.hit(1);
            return Ok(value);
        }
        let keep = |value: &T| -> Vec<(String, Vec<u8>)> {
            let kept = look.filter(|_| is_kept(value));
            let stamped = kept.and_then(|look| Some(look.stamped(&value.written()?)));
            stamped.map(|value| (entry.key.clone(), value)).into_iter().collect()
        };
        self.fly(&entry, load, keep).await
    }

    pub(super) fn hit(&self, count: usize) {
        self.counters.hits.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// What is kept under a key whose value proves itself.
    pub(super) async fn plain(&self, key: &str) -> Option<Vec<u8>> {
        self.cache.get(&[key.to_owned()]).await.pop().flatten()
    }

    pub(super) fn flights(&self) -> &Flights {
        &self.flights
    }
}

impl Look {
    /// A value with what it must bear.
    pub(super) fn stamped(&self, value: &[u8]) -> Vec<u8> {
        [self.stamp.as_slice(), value].concat()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P> fmt::Debug for Cached<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("life", &self.life)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
