//! The store of verdicts on PostgreSQL, for any number of workers.
//!
//! A worker leases partitions and renews them; what it commits is checked against the partition's epoch under
//! a lock of its row. A worker that was paused for longer than its lease, and goes on after another has taken
//! over, is refused and has changed nothing.

mod commit;
mod lease;
mod read;
mod show;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use manazir_ingest::{
    Archive, Commit, Error, EventId, EventStore, Held, Judged, Lease, Message, Places, Sampled, Standing,
};
use manazir_model::Timestamp;
use sqlx::PgPool;

use crate::failure::failed;
use crate::{PostgresLake, Truth};

/// How long a worker may be silent before others take over what it holds.
const LEASE: Duration = Duration::from_secs(30);

/// One worker's view of the store.
#[derive(Debug)]
pub struct PostgresEvents {
    pool: PgPool,
    lake: PostgresLake,
    worker: String,
    lease: Duration,
    holding: Mutex<Holding>,
}

#[derive(Debug)]
struct Holding {
    held: Arc<Held>,
    renew_at: Instant,
    /// Partitions of which this process has suspected a message, under their epochs. It lives: the message is none
    /// that a worker died of.
    suspected: BTreeMap<u16, u64>,
}

impl PostgresEvents {
    /// `worker` names this process, and no other before or after it. `None` unless the truth is PostgreSQL:
    /// alone with a file there is nothing to share.
    pub fn new(truth: &Truth, worker: impl Into<String>) -> Option<Self> {
        let Truth::Postgres(pool) = truth else { return None };
        Some(Self {
            pool: pool.clone(),
            lake: PostgresLake::new(truth)?,
            worker: worker.into(),
            lease: LEASE,
            holding: Mutex::new(Holding {
                held: Arc::default(),
                renew_at: Instant::now(),
                suspected: BTreeMap::new(),
            }),
        })
    }

    /// The same with another lease.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// Where the samples of its batches are.
    pub fn lake(&self) -> PostgresLake {
        self.lake.clone()
    }

    /// Empties the bodies of messages of samples, which are in the lake, at most `max` of them; how many. Messages
    /// that a restart judges once more, those after the models of their partition were written down, stay whole.
    pub async fn trim(&self, max: usize) -> Result<u64, Error> {
        commit::trim(&self.pool, max).await.map_err(failed)
    }

    fn holding(&self) -> std::sync::MutexGuard<'_, Holding> {
        // Both fields are replaced whole: a panic elsewhere cannot have broken them.
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets partitions, and looks at the next chance which are left.
    fn forget(&self, partitions: &[u16]) {
        let mut holding = self.holding();
        let keep = |partition: &u16| !partitions.contains(partition);
        holding.held = Arc::new(Held {
            leases: holding.held.leases.iter().filter(|lease| keep(&lease.partition)).cloned().collect(),
            asked_back: holding.held.asked_back.iter().filter(|partition| keep(partition)).copied().collect(),
        });
        holding.renew_at = Instant::now();
    }
}

#[async_trait]
impl EventStore for PostgresEvents {
    async fn hold(&self) -> Result<Arc<Held>, Error> {
        {
            let holding = self.holding();
            if Instant::now() < holding.renew_at {
                return Ok(Arc::clone(&holding.held));
            }
        }
        let mut now_held = lease::renew(&self.pool, &self.worker, self.lease).await.map_err(failed)?;
        let mut holding = self.holding();
        for lease in &mut now_held.leases {
            if holding.suspected.get(&lease.partition) == Some(&lease.epoch) {
                lease.suspect = None;
            }
        }
        holding.renew_at = Instant::now() + self.lease / 3;
        if *holding.held != now_held {
            holding.held = Arc::new(now_held);
        }
        Ok(Arc::clone(&holding.held))
    }

    async fn release(&self, leases: &[Lease]) -> Result<(), Error> {
        lease::release(&self.pool, &self.worker, leases).await.map_err(failed)?;
        self.forget(&leases.iter().map(|lease| lease.partition).collect::<Vec<_>>());
        Ok(())
    }

    async fn suspect(&self, lease: &Lease, id: &EventId) -> Result<(), Error> {
        self.holding().suspected.insert(lease.partition, lease.epoch);
        lease::suspect(&self.pool, lease, id).await.map_err(failed)
    }

    async fn commit(&self, commit: &Commit<'_>) -> Result<Vec<u16>, Error> {
        let sampled: Vec<&Sampled> = commit.sampled.values().collect();
        let numbers = self.lake.numbers(&sampled).await?;
        let lost = commit::commit(&self.pool, &self.worker, commit, &numbers).await.map_err(failed)?;
        if !lost.is_empty() {
            tracing::warn!(partitions = ?lost, "another worker has taken over what was held here");
            self.forget(&lost);
        }
        Ok(lost)
    }

    async fn judged(&self, ids: &[EventId]) -> Result<Vec<Option<Judged>>, Error> {
        read::judged(&self.pool, ids).await
    }

    async fn standing(&self, partition: u16) -> Result<Standing, Error> {
        read::standing(&self.pool, partition).await
    }

    async fn replay(&self, partition: u16, after: u64, max: usize) -> Result<Vec<(u64, Message)>, Error> {
        read::replay(&self.pool, partition, after, max).await
    }
}

#[async_trait]
impl Archive for PostgresEvents {
    async fn store_name(&self) -> Result<String, Error> {
        read::store_name(&self.pool).await.map_err(failed)
    }

    async fn events(&self, partition: u16, after: u64, max: usize) -> Result<Vec<Judged>, Error> {
        read::events(&self.pool, partition, after, max).await
    }

    async fn forget(&self, before: Timestamp, until: Option<&Places>, max: usize) -> Result<u64, Error> {
        commit::forget(&self.pool, before, until, max).await.map_err(failed)
    }
}
