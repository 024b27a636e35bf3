//! The connection of a cache: nobody waits long for it, and it comes back by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, FromRedisValue, Pipeline, RedisError};

/// After a failure nobody asks for so long: a server that hangs costs one caller a second a moment, and no others.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two messages that say the same.
const SILENCE: Duration = Duration::from_secs(5);

/// A connection that all callers share.
pub(super) struct Line {
    client: redis::Client,
    /// Nobody waits longer for an answer, nor for a connection.
    patience: Duration,
    state: Mutex<State>,
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    /// Somebody is at it.
    is_connecting: bool,
    /// How many connections there were.
    number: u64,
    /// Nobody asks before.
    not_before: Option<Instant>,
    said_at: Option<Instant>,
}

#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    /// What the server calls this run of itself.
    run: String,
    number: u64,
}

/// Whoever connects, until they have or went away.
struct Connecting<'a>(&'a Line);

impl Drop for Connecting<'_> {
    fn drop(&mut self) {
        self.0.state().is_connecting = false;
    }
}

impl Line {
    pub(super) fn new(client: redis::Client, patience: Duration) -> Self {
        Self { client, patience, state: Mutex::default(), failures: AtomicU64::new(0) }
    }

    /// The server, as messages call it.
    pub(super) fn name(&self) -> String {
        format!("Redis at {}", self.client.get_connection_info().addr())
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Sends commands, which are told the run of the server; `None` if it did not answer as it should.
    pub(super) async fn ask<T: FromRedisValue>(&self, commands: impl Fn(&str) -> Pipeline) -> Option<T> {
        let mut open = match self.begin() {
            Begin::Open(open) => open,
            Begin::Connect(_connecting, number) => self.connected(number).await?,
            Begin::PassBy => return None,
        };
        let commands = commands(&open.run);
        match commands.query_async(&mut open.connection).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.failed(open.number, &error);
                None
            }
        }
    }

    /// Who finds no connection makes one; all others go on without.
    fn begin(&self) -> Begin<'_> {
        let mut state = self.state();
        if let Some(open) = &state.open {
            return Begin::Open(open.clone());
        }
        if state.is_connecting || state.not_before.is_some_and(|moment| Instant::now() < moment) {
            return Begin::PassBy;
        }
        state.is_connecting = true;
        Begin::Connect(Connecting(self), state.number + 1)
    }

    async fn connected(&self, number: u64) -> Option<Open> {
        let late = || RedisError::from((ErrorKind::Io, "it does not answer in time"));
        let connected = tokio::time::timeout(self.patience, self.connect(number)).await;
        match connected.unwrap_or_else(|_| Err(late())) {
            Ok(open) => {
                let mut state = self.state();
                state.number = number;
                if state.not_before.take().is_some() {
                    let server = self.name();
                    tracing::info!(server, "{server} keeps answers again");
                }
                Some(state.open.insert(open).clone())
            }
            Err(error) => {
                self.failed(number, &error);
                None
            }
        }
    }

    async fn connect(&self, number: u64) -> Result<Open, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        let run = run.ok_or((ErrorKind::UnexpectedReturnType, "the server does not tell its run_id"))?;
        Ok(Open { connection, run: run.trim().to_owned(), number })
    }

    /// Counts it, says it if nothing was said for a while, and has the next who asks after a pause connect anew, unless
    /// somebody did so already.
    fn failed(&self, number: u64, error: &RedisError) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("manazir_cache_failures_total").increment(1);
        let now = Instant::now();
        let mut state = self.state();
        if number >= state.number {
            state.open = None;
            state.not_before = Some(now + PAUSE);
        }
        let is_said = state.said_at.is_some_and(|said| now.duration_since(said) < SILENCE);
        if !is_said {
            state.said_at = Some(now);
            drop(state);
            let (server, failures) = (self.name(), self.failures());
            tracing::warn!(
                server,
                failures,
                "{server} keeps no answers, the truth is asked instead: {error}"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a question begins.
enum Begin<'a> {
    Open(Open),
    /// This one connects, with this number.
    Connect(Connecting<'a>, u64),
    /// There is no connection now.
    PassBy,
}
