//! The memory of the metrics, kept small while nobody reads them.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A histogram keeps each value until it is counted, which whoever reads the metrics does, or this.
const EVERY: Duration = Duration::from_secs(5);

/// A task that counts for as long as the service runs.
pub(super) struct Upkeep {
    handle: PrometheusHandle,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Upkeep {
    /// Sets the metrics of this process up.
    pub(super) fn start() -> anyhow::Result<Self> {
        Ok(Self::of(PrometheusBuilder::new().install_recorder()?))
    }

    fn of(handle: PrometheusHandle) -> Self {
        let stop = Arc::<Notify>::default();
        let (kept, stopped) = (handle.clone(), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            while tokio::time::timeout(EVERY, stopped.notified()).await.is_err() {
                kept.run_upkeep();
            }
        });
        Self { handle, stop, task }
    }

    /// What is shown to whoever reads the metrics.
    pub(super) fn metrics(&self) -> PrometheusHandle {
        self.handle.clone()
    }

    pub(super) async fn stop(self) {
        self.stop.notify_one();
        // The task itself does nothing that could fail.
        let _ = self.task.await;
    }
}
