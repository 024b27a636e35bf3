//! What runs beside the routes: worker, sources, projector, keeper of the lake, forgetting. All of it is begun and
//! ended here, in the order in which one needs the other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_http::Tasks;
use manazir_ingest::answers::Waiting;
use manazir_ingest::worker::Config as WorkerConfig;
use manazir_sql::Keeping;
use tokio::sync::oneshot;

use super::backend::Backend;
use super::forgetting::Forgetting;
use super::sensors::Sensors;
use super::source::{OntoQueue, Sources};
use super::worker::Running;
use crate::config::{Role, Settings};
use crate::keeper::{Keeper, Kept};
use crate::live::EventRollup;
use crate::projector::Projecting;

/// Everything that runs.
pub(super) struct Beside {
    backend: Arc<Backend>,
    tasks: Tasks,
    sources: Sources,
    sensors: Sensors,
    worker: Option<Running>,
    projecting: Option<Projecting>,
    keeper: Option<Keeper>,
    forgetting: Option<Forgetting>,
}

impl Beside {
    /// Starts what the role asks for. The receiver hears when the worker, if there is one, ends.
    pub(super) fn start(
        settings: &Settings,
        backend: &Arc<Backend>,
        waiting: &Arc<Waiting>,
        keeping: &Keeping,
    ) -> Result<(Self, Option<oneshot::Receiver<()>>)> {
        let (answers, judges) = (settings.role != Role::Worker, settings.role != Role::Api);
        let config = WorkerConfig {
            batch_max: settings.worker.batch_max,
            snapshot_every: settings.worker.snapshot_every,
        };
        let series: Arc<[EventRollup]> = settings.events.series.clone().into();
        let worker = judges.then(|| Running::start(backend, waiting, config, series)).transpose()?;
        let (worker, worker_ended) = worker.unzip();
        let onto = OntoQueue {
            queue: backend.queue(),
            waiting: Arc::clone(waiting),
            wait_max: Duration::from_secs(settings.limits.wait_seconds),
        };
        let keep = settings.lake.keeper(&settings.data)?;
        let exported_first = keep.export.clone();
        let kept = Kept { lake: backend.lake(), events: backend.archive() };
        let beside = Self {
            backend: Arc::clone(backend),
            tasks: Tasks::new(waiting.inbox()),
            sensors: Sensors::start(settings, backend.queue(), keeping)?,
            sources: Sources::start(if answers { &settings.sources.amqp } else { &[] }, onto)?,
            worker,
            projecting: backend.embedded().map(|store| Projecting::start(store, keeping.clone())),
            keeper: judges.then(|| Keeper::start(kept, keep, super::now)).transpose()?,
            forgetting: judges.then(|| {
                Forgetting::start(backend, &keeping.truth, &settings.events, exported_first, super::now)
            }),
        };
        Ok((beside, worker_ended))
    }

    /// Long tasks that requests begin.
    pub(super) fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// Ends everything. To be called when no request is answered any more: what was taken is judged, and the models
    /// are written down.
    pub(super) async fn stop(self) -> Result<()> {
        self.sensors.stop().await;
        self.sources.stop().await;
        self.tasks.stop().await;
        if let Some(forgetting) = self.forgetting {
            forgetting.stop().await;
        }
        let (backend, keeper, worker) = (self.backend, self.keeper, self.worker);
        let worked = tokio::task::spawn_blocking(move || {
            backend.close();
            // The worker first, whose models are not written down yet: a round of the keeper may take a while.
            let worked = worker.map_or(Ok(()), Running::stop);
            if let Some(keeper) = keeper {
                keeper.stop();
            }
            worked
        })
        .await?;
        if let Some(projecting) = self.projecting {
            projecting.stop().await;
        }
        worked.context("the worker stopped")
    }
}
