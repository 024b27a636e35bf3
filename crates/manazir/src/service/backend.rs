//! What the ports stand on: the embedded store, or a broker and PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use manazir_fjall::{Config as StoreConfig, Embedded, OpenError};
use manazir_ingest::answers::{Answers, Waiting};
use manazir_ingest::lake::keep::KeptLake;
use manazir_ingest::{Archive, Consumer, Error, EventStore, Queue};
use manazir_rabbitmq::{Address, RabbitAnswers, RabbitConsumer, RabbitQueue, Stop};
use manazir_sql::{PostgresEvents, Truth};

use crate::config::{Role, Settings};

/// The ports, and how they end.
pub(super) enum Backend {
    /// Queue and store in one directory.
    Embedded(Embedded),
    /// A queue on a broker, verdicts in PostgreSQL.
    Shared { queue: RabbitQueue, store: Arc<PostgresEvents>, address: Address },
}

/// A worker's end.
pub(super) struct WorkerEnd {
    pub(super) consumer: Box<dyn Consumer>,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) answers: Arc<dyn Answers>,
    /// Ends the consumer, if closing the queue does not.
    pub(super) stop: Option<Stop>,
}

impl Backend {
    pub(super) async fn open(settings: &Settings, truth: &Truth, waiting: &Arc<Waiting>) -> Result<Self> {
        let Some(queue) = &settings.queue else { return Ok(Self::Embedded(open_embedded(settings)?)) };
        let address = Address::parse(queue)?.with_quorum(settings.quorum_queues);
        let config = manazir_rabbitmq::Config { publications_max: settings.limits.publications_max };
        let away = || {
            format!("the broker at {address:?} cannot be used; is it running, are name and password right?")
        };
        let queue = RabbitQueue::open(&address, &config).await.with_context(away)?;
        let store = PostgresEvents::new(truth, waiting.inbox())
            .context("the truth is PostgreSQL where the queue is on a broker")?
            .with_lease(Duration::from_secs(settings.worker.lease_seconds));
        if settings.role != Role::Worker {
            // It runs as long as the process does.
            manazir_rabbitmq::inbox(&address, Arc::clone(waiting)).await.with_context(away)?;
        }
        Ok(Self::Shared { queue, store: Arc::new(store), address })
    }

    pub(super) fn queue(&self) -> Arc<dyn Queue> {
        match self {
            Self::Embedded(store) => Arc::new(store.clone()),
            Self::Shared { queue, .. } => Arc::new(queue.clone()),
        }
    }

    pub(super) fn store(&self) -> Arc<dyn EventStore> {
        match self {
            Self::Embedded(store) => Arc::new(store.clone()),
            Self::Shared { store, .. } => Arc::<PostgresEvents>::clone(store),
        }
    }

    /// The same, as events leave it.
    pub(super) fn archive(&self) -> Arc<dyn Archive> {
        match self {
            Self::Embedded(store) => Arc::new(store.clone()),
            Self::Shared { store, .. } => Arc::<PostgresEvents>::clone(store),
        }
    }

    /// Where samples are kept.
    pub(super) fn lake(&self) -> Arc<dyn KeptLake> {
        match self {
            Self::Embedded(store) => Arc::new(store.lake()),
            Self::Shared { store, .. } => Arc::new(store.lake()),
        }
    }

    /// Removes messages, or the bodies of those of samples, that no restart needs any more, at most `max`; how many.
    pub(super) async fn trim(&self, max: usize) -> Result<u64, Error> {
        match self {
            Self::Embedded(store) => store.trim(max),
            Self::Shared { store, .. } => store.trim(max).await,
        }
    }

    /// What a worker needs; a new one each time it begins.
    pub(super) fn worker_end(&self, waiting: &Arc<Waiting>) -> WorkerEnd {
        match self {
            Self::Embedded(store) => WorkerEnd {
                consumer: Box::new(store.consumer()),
                store: self.store(),
                answers: Arc::<Waiting>::clone(waiting),
                stop: None,
            },
            Self::Shared { address, .. } => {
                let (consumer, stop) = RabbitConsumer::new(address);
                WorkerEnd {
                    consumer: Box::new(consumer),
                    store: self.store(),
                    answers: Arc::new(RabbitAnswers::new(address, Arc::clone(waiting))),
                    stop: Some(stop),
                }
            }
        }
    }

    /// The embedded store, whose outbox is shown by this process.
    pub(super) fn embedded(&self) -> Option<Embedded> {
        match self {
            Self::Embedded(store) => Some(store.clone()),
            Self::Shared { .. } => None,
        }
    }

    /// After this time without a word the process of a job is taken to be gone. The embedded store is held by
    /// one process: all others are.
    pub(super) fn silence(&self) -> Duration {
        match self {
            Self::Embedded(_) => Duration::ZERO,
            Self::Shared { .. } => Duration::from_secs(600),
        }
    }

    /// Takes nothing more; what was taken is judged.
    pub(super) fn close(&self) {
        if let Self::Embedded(store) = self {
            store.close();
        }
    }
}

fn open_embedded(settings: &Settings) -> Result<Embedded> {
    let data = &settings.data;
    let config = StoreConfig { publications_max: settings.limits.publications_max, ..StoreConfig::default() };
    Embedded::open(&data.join("store"), &config).map_err(|error| match error {
        OpenError::Held(_) => anyhow!(
            "another `manazir serve` holds {}: stop it, or choose another directory with --data DIR",
            data.display()
        ),
        other => other.into(),
    })
}
