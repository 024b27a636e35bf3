//! People and the connections between them: the truth, the copy that follows it, and the cache in front of both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use manazir_bolt::BoltConnections;
use manazir_http::People;
use manazir_people::cache::{Cache, Cached, InProcessCache};
use manazir_people::{Change, ConnectionLog as _, Error, Following, GraphStore, PeopleStore};
use manazir_redis::RedisCache;
use manazir_sql::{SqlPeople, Truth};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::config::{CachePlace, GraphPlace, People as Settings};

/// Between two looks at what other processes have written.
const EVERY: Duration = Duration::from_millis(500);

/// Changes that are read at once.
const CHANGES: usize = 10_000;

/// So long a profile is believed that another process may have changed, if the two share no cache.
const CACHED: Duration = Duration::from_secs(30);

/// People as this process answers for them, and the task that keeps its copy up to date.
pub(super) struct Peopled {
    people: People,
    following: Option<(Arc<Notify>, JoinHandle<()>)>,
}

impl Peopled {
    /// Loads the connections if they are to be answered from memory.
    pub(super) async fn start(settings: &Settings, truth: &Truth) -> Result<Self> {
        let truth = SqlPeople { limits: settings.of_graph(), ..SqlPeople::new(truth.clone()) };
        match &settings.graph {
            GraphPlace::Truth => Self::following(settings, truth).await,
            GraphPlace::Memory => {
                let copy = load(truth).await.context("load the connections between people")?;
                Self::following(settings, copy).await
            }
            GraphPlace::Bolt(address) => {
                let copy = BoltConnections::new(address, truth).context("`people.graph` cannot be used")?;
                Self::following(settings, copy).await
            }
        }
    }

    async fn following<S: Answers + 'static>(settings: &Settings, store: S) -> Result<Self> {
        let seen = store.log().last_change().await.context("read the log of people")?;
        let cached = cached(settings, store)?;
        let forgets = (settings.cache == CachePlace::Memory).then_some(seen);
        let stop = Arc::<Notify>::default();
        let task = tokio::spawn(follow(Arc::clone(&cached), forgets, Arc::clone(&stop)));
        let people = People::new(Arc::<Cached<S>>::clone(&cached), cached, settings.of_requests());
        Ok(Self { people, following: Some((stop, task)) })
    }

    /// People of a process that answers no questions about them: nothing is loaded.
    pub(super) fn idle(truth: &Truth) -> Self {
        let truth = Arc::new(SqlPeople::new(truth.clone()));
        Self { people: People::new(truth.clone(), truth, Settings::default().of_requests()), following: None }
    }

    /// For the routes.
    pub(super) fn people(&self) -> People {
        self.people.clone()
    }

    pub(super) async fn stop(self) {
        if let Some((stop, task)) = self.following {
            stop.notify_one();
            // The task itself does nothing that could fail.
            let _ = task.await;
        }
    }
}

async fn load(truth: SqlPeople) -> Result<Following<SqlPeople>> {
    let begun = Instant::now();
    let following = Following::load(truth).await?;
    let (people, connections) = {
        let graph = following.graph();
        (graph.people(), graph.connections())
    };
    let took_ms = begun.elapsed().as_millis() as u64;
    tracing::info!(people, connections, took_ms, "connections between people are in memory");
    Ok(following)
}

/// What answers for people: the truth, or a copy of it.
#[async_trait]
trait Answers: PeopleStore + GraphStore {
    /// The truth, with its log.
    fn log(&self) -> &SqlPeople;

    /// Goes on to the end of the log; the number of the last change there.
    async fn catch_up(&self) -> Result<u64, Error>;
}

#[async_trait]
impl Answers for SqlPeople {
    fn log(&self) -> &SqlPeople {
        self
    }

    async fn catch_up(&self) -> Result<u64, Error> {
        self.last_change().await
    }
}

#[async_trait]
impl Answers for Following<SqlPeople> {
    fn log(&self) -> &SqlPeople {
        self.truth()
    }

    async fn catch_up(&self) -> Result<u64, Error> {
        Self::catch_up(self).await
    }
}

#[async_trait]
impl Answers for BoltConnections<SqlPeople> {
    fn log(&self) -> &SqlPeople {
        self.truth()
    }

    async fn catch_up(&self) -> Result<u64, Error> {
        Self::catch_up(self).await
    }
}

/// A store with the cache in front of it that the settings name.
fn cached<P>(settings: &Settings, store: P) -> Result<Arc<Cached<P>>> {
    let cache: Arc<dyn Cache> = match &settings.cache {
        CachePlace::Memory => Arc::new(InProcessCache::new(u64::from(settings.cache_mib) << 20)),
        CachePlace::Redis(address) => {
            let cache = RedisCache::new(address, &settings.cache_prefix);
            Arc::new(cache.context("`people.cache` cannot be used")?)
        }
    };
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)?;
    Ok(Arc::new(Cached::new(store, cache, CACHED, u64::from_le_bytes(seed))))
}

/// Keeps the copy up to date, and a cache of this process alone: `seen` is the last change that it knows of.
async fn follow<S: Answers>(cached: Arc<Cached<S>>, mut seen: Option<u64>, stop: Arc<Notify>) {
    let mut is_behind = false;
    loop {
        match step(&cached, &mut seen).await {
            Ok(()) if is_behind => {
                is_behind = false;
                tracing::info!("connections between people are followed again");
            }
            Ok(()) => {}
            // Said once, not twice a second.
            Err(error) if !is_behind => {
                is_behind = true;
                tracing::warn!(error = ?error, "connections between people are not followed");
            }
            Err(_) => {}
        }
        if tokio::time::timeout(EVERY, stop.notified()).await.is_ok() {
            return;
        }
    }
}

async fn step<S: Answers>(cached: &Cached<S>, seen: &mut Option<u64>) -> Result<(), Error> {
    let end = cached.truth().catch_up().await?;
    let Some(seen) = seen else { return Ok(()) };
    while *seen < end {
        let changes = match cached.truth().log().changes_after(*seen, CHANGES).await {
            Ok(changes) => changes,
            // What is not known of by now lives no longer than an entry does.
            Err(Error::Forgotten(last)) => {
                *seen = last;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(last) = changes.last() else { break };
        *seen = last.seq;
        let changes: Vec<Change> = changes.iter().map(|numbered| numbered.change).collect();
        cached.forget_changes(&changes).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use manazir_model::Timestamp;
    use manazir_people::{PersonState, ProfileKey, UserId, contract};

    use super::*;

    async fn changed_elsewhere(here: Arc<Cached<impl Answers>>, elsewhere: SqlPeople) {
        let mut seen = Some(0);
        let state = async || here.profile(&ProfileKey::Id(UserId(1))).await.unwrap().unwrap().state;
        contract::join(&*here, 1).await;
        step(&here, &mut seen).await.unwrap();
        assert_eq!(state().await, PersonState::Active);
        elsewhere.set_state(UserId(1), PersonState::Deactivated, Timestamp(9)).await.unwrap();
        assert_eq!(state().await, PersonState::Active, "it is kept");
        step(&here, &mut seen).await.unwrap();
        assert_eq!(state().await, PersonState::Deactivated);
        assert_eq!(seen, Some(2));
    }

    #[tokio::test]
    async fn what_another_process_changed_is_answered_once_the_log_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let open = async |name: &str| {
            let url = format!("sqlite://{}", folder.path().join(name).display());
            SqlPeople::new(Truth::open(&url).await.unwrap())
        };
        let settings = Settings::default();
        let copy = Following::load(open("copy.db").await).await.unwrap();
        changed_elsewhere(cached(&settings, copy).unwrap(), open("copy.db").await).await;
        let truth = open("truth.db").await;
        changed_elsewhere(cached(&settings, truth).unwrap(), open("truth.db").await).await;
    }
}
