//! The service: queue, store, worker and routes, wired together as the settings say.

mod backend;
mod source;
mod worker;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use manazir_auth::{Scope, Secret, Token, TokenStore};
use manazir_http::{App, Limits, Tasks};
use manazir_ingest::answers::Waiting;
use manazir_ingest::lake::Lake;
use manazir_ingest::worker::Config as WorkerConfig;
use manazir_model::Timestamp;
use manazir_sql::{Keeping, Truth};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::{Role, Settings, truth_in};
use crate::keeper::Keeper;
use crate::projector::Projecting;
use crate::server_file::ServerFile;
use backend::Backend;
use source::{OntoQueue, Sources};
use worker::Running;

/// What the service tells whoever started it, before it answers anybody.
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// The administrator's secret, if this is the first start.
    pub secret: Option<Secret>,
}

/// Runs the service until it is told to stop; `started` is called once it listens.
pub async fn run(settings: &Settings, started: impl FnOnce(&Started) -> Result<()>) -> Result<()> {
    let data = &settings.data;
    std::fs::create_dir_all(data).with_context(|| format!("make the directory {}", data.display()))?;
    let truth = Truth::open(&settings.truth).await?;
    let waiting = Arc::new(Waiting::new(process_name()?));
    let backend = Arc::new(Backend::open(settings, &truth, &waiting).await?);
    let secret = if settings.role == Role::Worker { None } else { first_token(&truth).await? };
    let listener = bind(settings.listen).await?;
    let address = listener.local_addr()?;
    let (worker, worker_ended) = match settings.role {
        Role::Api => (None, None),
        Role::All | Role::Worker => {
            let config = WorkerConfig {
                batch_max: settings.worker.batch_max,
                snapshot_every: settings.worker.snapshot_every,
            };
            let (worker, ended) = Running::start(&backend, &waiting, config)?;
            (Some(worker), Some(ended))
        }
    };
    let onto = OntoQueue {
        queue: backend.queue(),
        waiting: Arc::clone(&waiting),
        wait_max: Duration::from_secs(settings.limits.wait_seconds),
    };
    let configured = if settings.role == Role::Worker { &[] } else { settings.sources.amqp.as_slice() };
    let sources = Sources::start(configured, onto)?;
    let keeping = Keeping::new(truth.clone());
    let projecting = backend.embedded().map(|store| Projecting::start(store, keeping.clone()));
    let tasks = Tasks::new(waiting.inbox());
    let app = App {
        queue: backend.queue(),
        store: backend.store(),
        lake: backend.lake().map(|lake| Arc::new(lake) as Arc<dyn Lake>),
        waiting,
        findings: Arc::new(truth.clone()),
        dead_letters: Arc::new(keeping),
        jobs: Arc::new(truth.clone()),
        tasks: tasks.clone(),
        tokens: Arc::new(truth.clone()),
        now,
        limits: limits(settings),
        metrics: PrometheusBuilder::new().install_recorder().context("set up the metrics")?,
    };
    let keeper = backend.lake().map(|lake| Keeper::start(lake, settings.lake.keeper(), now)).transpose()?;
    if settings.role != Role::Worker {
        manazir_http::resume(&app, backend.silence()).await?;
    }
    let _server_file = ServerFile::write(data, address)?;
    started(&Started { address, secret })?;
    let router = match settings.role {
        Role::Worker => manazir_http::operation_router(app),
        Role::All | Role::Api => manazir_http::router(app),
    };
    manazir_http::serve(listener, router, stopped(worker_ended)).await?;
    sources.stop().await;
    tasks.stop().await;
    // No request is answered any more: what was taken is judged, and the models are written down.
    let worked = tokio::task::spawn_blocking(move || {
        backend.close();
        if let Some(keeper) = keeper {
            keeper.stop();
        }
        worker.map_or(Ok(()), Running::stop)
    })
    .await?;
    if let Some(projecting) = projecting {
        projecting.stop().await;
    }
    worked.context("the worker stopped")?;
    truth.close().await;
    Ok(())
}

/// A name that no other process has or had.
fn process_name() -> Result<String> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy)?;
    Ok(format!("manazir.{:032x}", u128::from_be_bytes(entropy)))
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        event_bytes_max: settings.limits.event_bytes_max,
        batch_bytes_max: settings.limits.batch_bytes_max,
        wait_max: Duration::from_secs(settings.limits.wait_seconds),
        request_max: Duration::from_secs(settings.limits.request_seconds),
    }
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// Opens the relational truth of a directory.
pub async fn open_truth(data: &Path) -> Result<Truth> {
    Ok(Truth::open(&truth_in(data)?).await?)
}

async fn bind(listen: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow!(
            "{listen} is taken by another program: choose another address, for instance --listen {}:{}",
            listen.ip(),
            listen.port().checked_add(1).unwrap_or(7171)
        ),
        _ => anyhow::Error::new(error).context(format!("listen on {listen}")),
    })
}

/// Makes the administrator's token if there is none at all.
async fn first_token(truth: &Truth) -> Result<Option<Secret>> {
    if !truth.list().await?.is_empty() {
        return Ok(None);
    }
    Ok(Some(new_token(truth, "administrator", &[Scope::Admin]).await?))
}

/// Makes a token and returns its secret, which nobody can read again.
pub async fn new_token(truth: &Truth, name: &str, scopes: &[Scope]) -> Result<Secret> {
    let mut entropy = [0; 40];
    getrandom::fill(&mut entropy)?;
    let (token, secret) = Token::new(name, scopes.to_owned(), now(), entropy);
    truth.add(secret.hash(), &token).await?;
    Ok(secret)
}

/// Resolves on Ctrl-C, on SIGTERM, and when the worker, if there is one, has ended.
async fn stopped(worker_ended: Option<oneshot::Receiver<()>>) {
    let worker_ended = async {
        match worker_ended {
            Some(ended) => drop(ended.await),
            None => std::future::pending().await,
        }
    };
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            // Without the signal there is still Ctrl-C.
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
        () = worker_ended => {}
    }
}

/// Refuses an address that is none, with a sentence.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is no address; write it like 127.0.0.1:7171"))
}

/// The scopes that words name.
pub fn scopes(words: &[String]) -> Result<Vec<Scope>> {
    words.iter().map(|word| word.parse().map_err(|why: String| anyhow!(why))).collect()
}
