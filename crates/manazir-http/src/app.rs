//! What handlers share.

use std::sync::Arc;
use std::time::Duration;

use manazir_auth::{Accounts, TokenStore};
use manazir_explain::Explainer;
use manazir_ingest::answers::Waiting;
use manazir_ingest::dead_letters::DeadLetters;
use manazir_ingest::findings::Findings;
use manazir_ingest::jobs::Jobs;
use manazir_ingest::lake::Lake;
use manazir_ingest::{EventStore, Queue};
use manazir_model::Timestamp;
use manazir_people::teams::TeamStore;
use manazir_rollup::hosted::Hosted;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::accounts::AccountSettings;
use crate::avatars::Avatars;
use crate::keys::Keys;
use crate::people::People;
use crate::tasks::Tasks;

/// Bounds of what a caller may ask.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one event.
    pub event_bytes_max: usize,
    /// Bytes of a batch, as it comes and unpacked.
    pub batch_bytes_max: usize,
    /// How long a caller waits for a verdict before it gets a link instead.
    pub wait_max: Duration,
    /// How long a request may take in all.
    pub request_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes_max: 1 << 20,
            batch_bytes_max: 32 << 20,
            wait_max: Duration::from_secs(10),
            request_max: Duration::from_secs(30),
        }
    }
}

/// The ports behind the routes; clones share them.
#[derive(Clone)]
pub struct App {
    /// Where events are put.
    pub queue: Arc<dyn Queue>,
    /// Where verdicts are.
    pub store: Arc<dyn EventStore>,
    /// Where samples are.
    pub lake: Arc<dyn Lake>,
    /// Callers that wait.
    pub waiting: Arc<Waiting>,
    /// What was found strange.
    pub findings: Arc<dyn Findings>,
    /// Why it happened.
    pub explainer: Arc<Explainer>,
    /// What could not be read or judged.
    pub dead_letters: Arc<dyn DeadLetters>,
    /// Continuous aggregates that this process counts.
    pub rollups: Arc<[Hosted]>,
    /// Long tasks, as people see them.
    pub jobs: Arc<dyn Jobs>,
    /// Long tasks, as this process runs them.
    pub tasks: Tasks,
    /// Programs that are let in.
    pub tokens: Arc<dyn TokenStore>,
    /// People who are let in.
    pub accounts: Arc<Accounts>,
    /// Who people are to each other.
    pub people: People,
    /// Teams, and the services they own.
    pub teams: Arc<dyn TeamStore>,
    /// What people, teams and services look like.
    pub avatars: Avatars,
    /// How they get in.
    pub account_settings: Arc<AccountSettings>,
    /// Idempotency keys that were seen.
    pub keys: Keys,
    /// The hour.
    pub now: fn() -> Timestamp,
    /// Bounds.
    pub limits: Limits,
    /// What the service counts of itself.
    pub metrics: PrometheusHandle,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("limits", &self.limits).finish_non_exhaustive()
    }
}
