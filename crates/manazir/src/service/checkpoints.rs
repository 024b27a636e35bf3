//! The log of an SQLite truth goes into its file beside the writes, so that none of them waits for that.

use std::sync::Arc;
use std::time::Duration;

use manazir_sql::Truth;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const EVERY: Duration = Duration::from_millis(500);

/// A task that does it for as long as the service runs.
pub(super) struct Checkpoints {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Checkpoints {
    /// None where the truth sees to it by itself.
    pub(super) fn start(truth: &Truth) -> Option<Self> {
        if !matches!(truth, Truth::Sqlite { .. }) {
            return None;
        }
        let stop = Arc::<Notify>::default();
        let (truth, stopped) = (truth.clone(), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            while tokio::time::timeout(EVERY, stopped.notified()).await.is_err() {
                if let Err(error) = truth.checkpoint().await {
                    // Nothing is lost: what is in the log is on disk, and read from there.
                    tracing::warn!(%error, "the log of the truth could not be brought into its file");
                }
            }
        });
        Some(Self { stop, task })
    }

    pub(super) async fn stop(self) {
        self.stop.notify_one();
        // The task itself does nothing that could fail.
        let _ = self.task.await;
    }
}
