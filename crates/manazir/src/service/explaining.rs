//! What explanations need while the service runs: rules and tables that change, dependencies that are discovered, answers
//! that follow what arrives, and a copy in a graph database.

mod copying;
mod files;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_explain::{Explainer, learn};
use manazir_model::Timestamp;
use manazir_sql::Truth;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::copying::Copying;
use self::files::Files;
use crate::config::Explanations;

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(15);

/// Rounds between two looks at which dependencies are there.
const LEARN_ROUNDS: u64 = 4;

/// Explanations that a round asks again at most.
const REFRESHED_MAX: usize = 50;

/// Series that a round looks through for dependencies.
const SERIES_MAX: usize = 100_000;

/// A task that keeps explanations up to date for as long as the service runs.
pub(super) struct Explaining {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Explaining {
    /// Reads the files once, so that what cannot be read is said at the start.
    pub(super) async fn start(
        settings: &Explanations,
        explainer: Arc<Explainer>,
        truth: &Truth,
        now: fn() -> Timestamp,
    ) -> Result<Self> {
        let mut files = Files::new(settings);
        files.read(&explainer, now()).await?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        if let Some(address) = &settings.graph {
            let copying = Copying::open(address).context("`explanations.graph`")?;
            tasks.push(tokio::spawn(copying.run(truth.clone(), stopped.clone())));
        }
        let rounds = Rounds { explainer, settings: settings.clone(), files, now, learnt: now() };
        tasks.push(tokio::spawn(rounds.run(stopped)));
        Ok(Self { stop, tasks })
    }

    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // The tasks themselves do nothing that could fail.
            let _ = task.await;
        }
    }
}

struct Rounds {
    explainer: Arc<Explainer>,
    settings: Explanations,
    files: Files,
    now: fn() -> Timestamp,
    /// Dependencies were looked for up to here.
    learnt: Timestamp,
}

impl Rounds {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut round = 0_u64;
        while tokio::time::timeout(EVERY, stopped.wait_for(|stopped| *stopped)).await.is_err() {
            // What fails is tried again in the next round.
            if let Err(error) = self.files.read(&self.explainer, (self.now)()).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "a file of explanations could not be read; what was read before holds"
                );
            }
            if round.is_multiple_of(LEARN_ROUNDS)
                && let Err(error) = self.learn().await
            {
                tracing::warn!(error = ?error, "dependencies could not be looked for");
            }
            if let Err(error) = self.refresh(round).await {
                tracing::warn!(error = ?error, "explanations could not be asked again");
            }
            round += 1;
        }
    }

    async fn learn(&mut self) -> Result<(), manazir_explain::Error> {
        let now = (self.now)();
        let sources = self.explainer.sources();
        learn::dependencies(sources, self.learnt, now, SERIES_MAX).await?;
        self.learnt = now;
        Ok(())
    }

    async fn refresh(&self, round: u64) -> Result<(), manazir_explain::Error> {
        let micros = i64::from(self.settings.refresh_minutes) * 60_000_000;
        let revised = self.explainer.refresh_recent((micros, REFRESHED_MAX), round, (self.now)()).await?;
        if revised > 0 {
            tracing::info!(revised, "explanations have a new answer");
        }
        Ok(())
    }
}
