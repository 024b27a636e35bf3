//! The service: the embedded queue and store, one worker, and the routes, wired together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use manazir_auth::{Scope, Secret, Token, TokenStore};
use manazir_fjall::{Config as StoreConfig, Embedded, OpenError};
use manazir_http::{App, Limits};
use manazir_ingest::answers::Waiting;
use manazir_ingest::decode;
use manazir_ingest::worker::{Config as WorkerConfig, Worker};
use manazir_model::Timestamp;
use manazir_sql::Truth;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::accounts::Accounts;

/// What the service tells whoever started it, before it answers anybody.
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// The administrator's secret, if this is the first start.
    pub secret: Option<Secret>,
}

/// Runs the service in `data` until it is told to stop; `started` is called once it listens.
pub async fn run(
    data: &Path,
    listen: SocketAddr,
    started: impl FnOnce(&Started) -> Result<()>,
) -> Result<()> {
    std::fs::create_dir_all(data).with_context(|| format!("make the directory {}", data.display()))?;
    let store = open_store(data)?;
    let truth = open_truth(data).await?;
    let secret = first_token(&truth).await?;
    let listener = bind(listen).await?;
    let address = listener.local_addr()?;
    let waiting = Arc::new(Waiting::default());
    let (worker, worker_ended) = start_worker(&store, &waiting).await?;
    let app = App {
        queue: Arc::new(store.clone()),
        store: Arc::new(store.clone()),
        waiting,
        tokens: Arc::new(truth.clone()),
        now,
        limits: Limits::default(),
        metrics: PrometheusBuilder::new().install_recorder().context("set up the metrics")?,
    };
    started(&Started { address, secret })?;
    manazir_http::serve(listener, manazir_http::router(app), stopped(worker_ended)).await?;
    // No request is answered any more: what was taken is judged, and the models are written down.
    tokio::task::spawn_blocking(move || {
        store.close();
        worker.join().map_err(|_| anyhow!("the worker ended by a panic; what it had committed is safe"))
    })
    .await??
    .context("the worker stopped")?;
    truth.close().await;
    Ok(())
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn open_store(data: &Path) -> Result<Embedded> {
    Embedded::open(&data.join("store"), &StoreConfig::default()).map_err(|error| match error {
        OpenError::Held(_) => anyhow!(
            "another `manazir serve` holds {}: stop it, or choose another directory with --data DIR",
            data.display()
        ),
        other => other.into(),
    })
}

/// Opens the relational truth of a directory.
pub async fn open_truth(data: &Path) -> Result<Truth> {
    let path = std::path::absolute(data.join("truth.db"))?;
    let path = path.to_str().context("the path of the directory is not UTF-8")?;
    Ok(Truth::open(&format!("sqlite://{path}")).await?)
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

type WorkerThread = JoinHandle<Result<(), manazir_ingest::Error>>;

/// The worker has a thread of its own, for it computes for milliseconds at a time. The receiver hears when it
/// ends, for whatever reason.
async fn start_worker(
    store: &Embedded,
    waiting: &Arc<Waiting>,
) -> Result<(WorkerThread, oneshot::Receiver<()>)> {
    let worker = Worker::<Accounts>::recover(store, decode::event, WorkerConfig::default()).await?;
    let (store, waiting, mut consumer) = (store.clone(), Arc::clone(waiting), store.consumer());
    let (ended, hears) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("worker".to_owned()).spawn(move || {
        let result = runtime.block_on(manazir_ingest::worker::run(worker, &mut consumer, &store, &waiting));
        if let Err(error) = &result {
            tracing::error!(%error, "the worker stopped; the service stops with it");
        }
        // Nobody hears it if the service is stopping already.
        let _ = ended.send(());
        result
    })?;
    Ok((thread, hears))
}

/// Resolves on Ctrl-C, on SIGTERM, and when the worker has ended.
async fn stopped(worker_ended: oneshot::Receiver<()>) {
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
        _ = worker_ended => {}
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
