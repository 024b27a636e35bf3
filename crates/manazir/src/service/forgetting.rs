//! What is too old goes: events, with their verdicts and what they are on the event graph, after so many days; messages
//! as soon as no restart needs them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use manazir_explain::EventGraphStore;
use manazir_model::Timestamp;
use manazir_parquet::Folder;
use manazir_sql::Truth;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::backend::Backend;
use crate::config::Events;

/// Between two rounds; the first comes after this time, so that a start is not slowed down by it.
const EVERY: Duration = Duration::from_secs(300);

/// Entries that are removed at a time, between which others write.
const AT_A_TIME: usize = 10_000;

/// A task that forgets for as long as the service runs.
pub(super) struct Forgetting {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Forgetting {
    /// What is to be exported goes after that: `exported_first`, if it is given, says how far that is.
    pub(super) fn start(
        backend: &Arc<Backend>,
        truth: &Truth,
        events: &Events,
        exported_first: Option<Folder>,
        now: fn() -> Timestamp,
    ) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let kept = Duration::from_secs(86_400) * events.retention_days;
        let round = Arc::new(Round {
            backend: Arc::clone(backend),
            truth: truth.clone(),
            exported_first,
            stopping: stopped.clone(),
        });
        let task = tokio::spawn(async move {
            while tokio::time::timeout(EVERY, stopped.wait_for(|stopped| *stopped)).await.is_err() {
                let before = Timestamp(now().micros().saturating_sub(kept.as_micros() as i64));
                let (round, runtime) = (Arc::clone(&round), Handle::current());
                // The embedded store reads and writes files: not on a thread that answers requests.
                match tokio::task::spawn_blocking(move || round.run(&runtime, before)).await {
                    Ok(Ok(())) => {}
                    // What failed is tried again in the next round.
                    Ok(Err(error)) => {
                        tracing::warn!(error = format!("{error:#}"), "old events could not be forgotten");
                    }
                    Err(error) => tracing::error!(%error, "forgetting old events ended by a panic"),
                }
            }
        });
        Self { stop, task }
    }

    /// Returns soon: a round that runs goes on at the next start.
    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        // The task itself does nothing that could fail.
        let _ = self.task.await;
    }
}

/// What a round needs.
struct Round {
    backend: Arc<Backend>,
    truth: Truth,
    exported_first: Option<Folder>,
    stopping: watch::Receiver<bool>,
}

impl Round {
    /// Blocks: not to be called from a thread of the runtime.
    fn run(&self, runtime: &Handle, before: Timestamp) -> Result<()> {
        const ALL: u64 = AT_A_TIME as u64;
        let Self { backend, truth, exported_first, stopping } = self;
        let on = || !*stopping.borrow();
        while on() && runtime.block_on(backend.trim(AT_A_TIME))? == ALL {}
        let archive = backend.archive();
        let until = match exported_first {
            Some(folder) => Some(folder.events_until(&runtime.block_on(archive.store_name())?)?),
            None => None,
        };
        let (mut forgotten, mut some) = (0, ALL);
        while on() && some == ALL {
            some = runtime.block_on(archive.forget(before, until.as_ref(), AT_A_TIME))?;
            forgotten += some;
        }
        while on() && runtime.block_on(EventGraphStore::forget(truth, before, AT_A_TIME))? > 0 {}
        if forgotten > 0 {
            tracing::info!(forgotten, %before, "events that arrived before were forgotten; sent again they are new");
        }
        Ok(())
    }
}
