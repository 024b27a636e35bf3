//! The worker's thread, and what becomes of it when the broker or the database goes away.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};
use manazir_ingest::answers::Waiting;
use manazir_ingest::backoff::Backoff;
use manazir_ingest::worker::{Config, Worker, run};
use manazir_ingest::{Error, decode};
use manazir_rabbitmq::Stop;
use tokio::sync::oneshot;

use super::backend::Backend;
use crate::live::EventRollup;
use crate::partition::Partition;

/// Between two attempts to begin anew; half of it to all of it, so that workers do not come back in step.
const PAUSE: Duration = Duration::from_secs(4);

/// A worker that runs.
pub(super) struct Running {
    thread: JoinHandle<Result<(), Error>>,
    stopping: Arc<Mutex<Stopping>>,
}

#[derive(Default)]
struct Stopping {
    asked: bool,
    stop: Option<Stop>,
}

impl Running {
    /// Starts it on a thread of its own, for it computes for milliseconds at a time. The receiver hears when
    /// it ends, for whatever reason.
    pub(super) fn start(
        backend: &Arc<Backend>,
        waiting: &Arc<Waiting>,
        config: Config,
        series: Arc<[EventRollup]>,
    ) -> Result<(Self, oneshot::Receiver<()>)> {
        let (backend, waiting) = (Arc::clone(backend), Arc::clone(waiting));
        let stopping = Arc::<Mutex<Stopping>>::default();
        let (ended, hears) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        let shared = Arc::clone(&stopping);
        let thread = std::thread::Builder::new().name("worker".to_owned()).spawn(move || {
            let result = runtime.block_on(work(&backend, &waiting, (config, series), &shared));
            if let Err(error) = &result {
                tracing::error!(%error, "the worker stopped; the service stops with it");
            }
            // Nobody hears it if the service is stopping already.
            let _ = ended.send(());
            result
        })?;
        Ok((Self { thread, stopping }, hears))
    }

    /// Lets it finish what it has received and write its models down. Blocks.
    pub(super) fn stop(self) -> Result<()> {
        {
            let mut stopping = lock(&self.stopping);
            stopping.asked = true;
            if let Some(stop) = &stopping.stop {
                stop.stop();
            }
        }
        let ended = self.thread.join();
        ended.map_err(|_| anyhow!("the worker ended by a panic; what it had committed is safe"))??;
        Ok(())
    }
}

/// Works; begins anew, from what is committed, when the broker or the database was away.
async fn work(
    backend: &Backend,
    waiting: &Arc<Waiting>,
    (config, series): (Config, Arc<[EventRollup]>),
    stopping: &Mutex<Stopping>,
) -> Result<(), Error> {
    // Pauses that do not grow: nothing here tells when what was away is back, so they would never shrink again.
    let mut backoff = Backoff::new(PAUSE, PAUSE);
    loop {
        let mut end = backend.worker_end(waiting);
        {
            let mut stopping = lock(stopping);
            if stopping.asked {
                return Ok(());
            }
            stopping.stop = end.stop.take();
        }
        let worker = Worker::<Partition>::new(decode::event, config).set(Arc::clone(&series));
        let result = run(worker, &mut *end.consumer, &*end.store, &*end.answers).await;
        let Err(Error::Unreachable { .. }) = &result else { return result };
        tracing::warn!(error = ?result, "the worker begins anew");
        tokio::time::sleep(backoff.failed(rand::random())).await;
    }
}

fn lock(stopping: &Mutex<Stopping>) -> std::sync::MutexGuard<'_, Stopping> {
    // A flag and a handle, each set whole: a panic elsewhere cannot have broken them.
    stopping.lock().unwrap_or_else(PoisonError::into_inner)
}
