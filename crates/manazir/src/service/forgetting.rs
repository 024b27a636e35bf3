//! What is too old goes: events with their verdicts after so many days, messages as soon as no restart needs them.

use std::sync::Arc;
use std::time::Duration;

use manazir_ingest::Error;
use manazir_model::{Grain, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::backend::Backend;

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
    pub(super) fn start(backend: &Arc<Backend>, days: u32, now: fn() -> Timestamp) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let backend = Arc::clone(backend);
        let task = tokio::spawn(async move {
            while tokio::time::timeout(EVERY, stopped.wait_for(|stopped| *stopped)).await.is_err() {
                let before = Timestamp(
                    now().micros().saturating_sub(i64::from(days).saturating_mul(Grain::DAY.micros())),
                );
                let (backend, runtime, stopping) = (Arc::clone(&backend), Handle::current(), stopped.clone());
                // The embedded store reads and writes files: not on a thread that answers requests.
                let round =
                    tokio::task::spawn_blocking(move || runtime.block_on(round(&backend, before, &stopping)));
                match round.await {
                    Ok(Ok(())) => {}
                    // What failed is tried again in the next round.
                    Ok(Err(error)) => tracing::warn!(error = ?error, "old events could not be forgotten"),
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

async fn round(backend: &Backend, before: Timestamp, stopping: &watch::Receiver<bool>) -> Result<(), Error> {
    const ALL: u64 = AT_A_TIME as u64;
    while !*stopping.borrow() && backend.trim(AT_A_TIME).await? == ALL {}
    let store = backend.store();
    let (mut forgotten, mut some) = (0, ALL);
    while !*stopping.borrow() && some == ALL {
        some = store.forget(before, AT_A_TIME).await?;
        forgotten += some;
    }
    if forgotten > 0 {
        tracing::info!(forgotten, %before, "events that arrived before were forgotten; sent again they are new");
    }
    Ok(())
}
