//! People and the connections between them: the truth, the copy that follows it, and the cache in front of both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use manazir_bolt::BoltConnections;
use manazir_http::People;
use manazir_people::cache::{Cache, Cached, InProcessCache};
use manazir_people::{Error, Following, GraphStore, PeopleStore};
use manazir_redis::RedisCache;
use manazir_sql::{SqlPeople, Truth};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::config::{CachePlace, GraphPlace, People as Settings};

/// Between two looks at what other processes have written.
const EVERY: Duration = Duration::from_millis(500);

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
            GraphPlace::Truth => {
                Ok(Self { people: answering(cached(settings, truth)?, settings), following: None })
            }
            GraphPlace::Memory => {
                let copy = load(truth).await.context("load the connections between people")?;
                Ok(Self::following(cached(settings, copy)?, settings))
            }
            GraphPlace::Bolt(address) => {
                let copy = BoltConnections::new(address, truth).context("`people.graph` cannot be used")?;
                Ok(Self::following(cached(settings, copy)?, settings))
            }
        }
    }

    fn following<C: FollowsTruth + PeopleStore + GraphStore + 'static>(
        copy: Arc<C>,
        settings: &Settings,
    ) -> Self {
        let stop = Arc::<Notify>::default();
        let task = tokio::spawn(follow(Arc::<C>::clone(&copy), Arc::clone(&stop)));
        Self { people: answering(copy, settings), following: Some((stop, task)) }
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

/// A copy of the connections that follows the truth.
#[async_trait]
trait FollowsTruth: Send + Sync {
    /// Goes on to the end of the log.
    async fn catch_up(&self) -> Result<u64, Error>;
}

#[async_trait]
impl FollowsTruth for Cached<Following<SqlPeople>> {
    async fn catch_up(&self) -> Result<u64, Error> {
        self.truth().catch_up().await
    }
}

#[async_trait]
impl FollowsTruth for Cached<BoltConnections<SqlPeople>> {
    async fn catch_up(&self) -> Result<u64, Error> {
        self.truth().catch_up().await
    }
}

/// People of a store as routes ask for them.
fn answering<P: PeopleStore + GraphStore + 'static>(store: Arc<P>, settings: &Settings) -> People {
    People::new(Arc::<P>::clone(&store), store, settings.of_requests())
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

async fn follow(copy: Arc<impl FollowsTruth + 'static>, stop: Arc<Notify>) {
    let mut is_behind = false;
    loop {
        match copy.catch_up().await {
            Ok(_) if is_behind => {
                is_behind = false;
                tracing::info!("connections between people are followed again");
            }
            Ok(_) => {}
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
