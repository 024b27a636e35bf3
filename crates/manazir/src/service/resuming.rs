//! Jobs that other processes left behind are gone on with.

use std::sync::Arc;
use std::time::Duration;

use manazir_http::{App, resume};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Between two looks; a job that was handed back waits no longer.
const EVERY: Duration = Duration::from_secs(60);

/// A task that looks for such jobs for as long as the service runs.
pub(super) struct Resuming {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Resuming {
    /// After `silence` without a word the process of a job is taken to be gone.
    pub(super) fn start(app: App, silence: Duration) -> Self {
        let stop = Arc::<Notify>::default();
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            while tokio::time::timeout(EVERY, stopped.notified()).await.is_err() {
                if let Err(error) = resume(&app, silence).await {
                    tracing::warn!(error = ?error, "jobs of other processes could not be looked for");
                }
            }
        });
        Self { stop, task }
    }

    pub(super) async fn stop(self) {
        self.stop.notify_one();
        // The task itself does nothing that could fail.
        let _ = self.task.await;
    }
}
