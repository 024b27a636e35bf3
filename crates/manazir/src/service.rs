//! The service: queue, store, worker and routes, wired together as the settings say.

pub(crate) mod accounts;
mod backend;
mod beside;
mod checkpoints;
mod explaining;
mod forgetting;
mod people;
mod resuming;
mod sensors;
mod source;
mod upkeep;
mod worker;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use manazir_auth::{Accounts, Cached, Scope, Secret, Token, TokenStore};
use manazir_explain::{Explainer, gather as explain};
use manazir_http::{AccountSettings, App, Avatars, Keys, Limits};
use manazir_ingest::answers::Waiting;
use manazir_model::Timestamp;
use manazir_sql::{Keeping, Truth};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::{Role, Settings, truth_in};
use crate::rollup::hosting::Hosting;
use crate::server_file::{ServerFile, reachable};
use accounts::SigningIn;
use backend::Backend;
use beside::Beside;
use checkpoints::Checkpoints;
use explaining::Explaining;
use people::Peopled;
use resuming::Resuming;
use upkeep::Upkeep;

/// A token that another process refuses is let in for so long at the most.
const TOKENS_BELIEVED: Duration = Duration::from_secs(1);

/// What the service tells whoever started it, before it answers anybody.
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// The administrator's secret, if there was none that lets in.
    pub secret: Option<Secret>,
    /// The page where the first account is made, an administrator's, if there is none yet.
    pub invitation: Option<String>,
}

/// Runs the service until it is told to stop; `started` is called once it listens.
pub async fn run(settings: &Settings, started: impl FnOnce(&Started) -> Result<()>) -> Result<()> {
    let data = &settings.data;
    std::fs::create_dir_all(data).with_context(|| format!("make the directory {}", data.display()))?;
    let listener = bind(settings.listen).await?;
    let truth = Truth::open(&settings.truth).await?;
    let waiting = Arc::new(Waiting::new(process_name()?));
    let backend = Arc::new(Backend::open(settings, &truth, &waiting).await?);
    let address = listener.local_addr()?;
    let keeping = Keeping::new(truth.clone());
    let checkpoints = Checkpoints::start(&truth);
    let upkeep = Upkeep::start().context("set up the metrics")?;
    // Before anything works: until here a signal ends the process as it ends any other, whatever it waits for.
    let signals = Signals::listen().context("listen for signals")?;
    let (beside, worker_ended) = Beside::start(settings, &backend, &waiting, &keeping)?;
    let hosting = host(settings, &backend).await?;
    let explainer = explainer(&backend, &truth);
    let peopled = match settings.role {
        Role::Worker => Peopled::idle(&truth),
        Role::All | Role::Api => Peopled::start(&settings.people, &truth).await?,
    };
    let (signing_in, accounts, account_settings) = let_in(settings, &truth, address).await?;
    let app = App {
        explainer: Arc::clone(&explainer),
        queue: backend.queue(),
        store: backend.store(),
        lake: backend.lake(),
        waiting,
        findings: Arc::new(truth.clone()),
        dead_letters: Arc::new(keeping),
        jobs: Arc::new(truth.clone()),
        tasks: beside.tasks(),
        tokens: Arc::new(Cached::new(Arc::new(truth.clone()), TOKENS_BELIEVED)),
        people: peopled.people(),
        teams: Arc::new(truth.clone()),
        avatars: Avatars::default(),
        accounts,
        account_settings,
        keys: Keys::default(),
        now,
        limits: limits(settings),
        metrics: upkeep.metrics(),
        rollups: hosting.iter().map(Hosting::hosted).collect(),
    };
    if settings.role == Role::Worker {
        started(&Started { address, secret: None, invitation: None })?;
        let router = manazir_http::operation_router(app);
        manazir_http::serve(listener, router, signals.stopped(worker_ended)).await?;
    } else {
        manazir_http::resume(&app, backend.silence()).await?;
        let explaining = Explaining::start(&settings.explanations, explainer, &truth, now).await?;
        let resuming = Resuming::start(app.clone(), backend.silence());
        let _server_file = ServerFile::write(data, address)?;
        let invitation = match &signing_in {
            Some(signing_in) => signing_in.first_invitation(&truth, now).await?,
            None => None,
        };
        // Nothing but telling it may fail from here on: a token that nobody was told is of no use.
        let secret = first_token(&truth).await?;
        started(&Started { address, secret, invitation })?;
        manazir_http::serve(listener, manazir_http::router(app), signals.stopped(worker_ended)).await?;
        resuming.stop().await;
        explaining.stop().await;
    }
    if let Some(signing_in) = signing_in {
        signing_in.stop().await;
    }
    for one in hosting {
        one.stop().await;
    }
    peopled.stop().await;
    let stopped = beside.stop().await;
    upkeep.stop().await;
    if let Some(checkpoints) = checkpoints {
        checkpoints.stop().await;
    }
    truth.close().await;
    stopped
}

/// Who may sign in; nobody at a process that only judges.
async fn let_in(
    settings: &Settings,
    truth: &Truth,
    address: SocketAddr,
) -> Result<(Option<SigningIn>, Arc<Accounts>, Arc<AccountSettings>)> {
    if settings.role == Role::Worker {
        return Ok((None, accounts::without_keys(truth)?, Arc::default()));
    }
    let reached = format!("http://{}", reachable(address));
    let signing_in = SigningIn::start(settings, truth, &reached, now).await?;
    let (accounts, account_settings) = (Arc::clone(&signing_in.accounts), Arc::clone(&signing_in.settings));
    Ok((Some(signing_in), accounts, account_settings))
}

/// Answers why, from what the truth and the lake hold.
fn explainer(backend: &Backend, truth: &Truth) -> Arc<Explainer> {
    let lake = backend.lake();
    let sources = explain::Sources { events: Arc::new(truth.clone()), lake };
    Arc::new(Explainer::new(sources, Arc::new(truth.clone())))
}

/// Lets the rollups run that the settings name; a process that only judges has none.
async fn host(settings: &Settings, backend: &Backend) -> Result<Vec<Hosting>> {
    let mut hosting = Vec::new();
    for config in settings.rollups.iter().filter(|_| settings.role != Role::Worker) {
        let one = Hosting::start(config, &settings.data, backend.queue()).await;
        hosting.push(one.with_context(|| format!("host the rollup of {}", config.spec.display()))?);
    }
    Ok(hosting)
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

/// Makes an administrator's token if there is none that lets in.
async fn first_token(truth: &Truth) -> Result<Option<Secret>> {
    let is_good = |token: &Token| token.revoked_at.is_none() && token.scopes.contains(&Scope::Admin);
    if truth.list().await?.iter().any(is_good) {
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

/// What tells the service to stop. From when it is made on a signal is kept, also before anybody waits for it.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    /// Resolves on Ctrl-C, on SIGTERM, and when the worker, if there is one, has ended.
    async fn stopped(mut self, worker_ended: Option<oneshot::Receiver<()>>) {
        let worker_ended = async {
            match worker_ended {
                Some(ended) => drop(ended.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = worker_ended => {}
        }
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
