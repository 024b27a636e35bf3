//! Rollups inside the service: a thread for each counts what comes over HTTP and from a file that is followed, batch by
//! batch.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use manazir_ingest::Queue;
use manazir_rollup::decode::content_of;
use manazir_rollup::follow::{Follow, TooLong};
use manazir_rollup::history::{Aside, Status};
use manazir_rollup::hosted::{Hosted, Intake, IntakeError, NotCounted, Taken, Tried};
use manazir_rollup::{Compiled, Destination, Error, Plan, Raw, Shape};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::counting::{BATCH, Counting, NotYet, now};
use super::destinations::Target;
use super::feeding::Feeder;
use super::producing::Progress;
use super::specification::{Specification, Watch};
use crate::config::RollupConfig;

/// Requests that wait to be counted; more are told to come again.
const REQUESTS_MAX: usize = 256;

/// How often tables and the file are looked at, and series are fed, where nothing comes.
const PATIENCE: Duration = Duration::from_millis(200);

/// Between two looks at what has become of the series.
const FEED_EVERY: Duration = Duration::from_secs(1);

/// What is asked of the thread.
enum Request {
    Take { source: Arc<str>, lines: Vec<Vec<u8>>, taken: oneshot::Sender<Result<Taken, IntakeError>> },
    Retry { aside: Box<Aside>, line: Option<Vec<u8>>, tried: oneshot::Sender<Result<Tried, IntakeError>> },
}

/// A rollup that runs.
pub struct Hosting {
    hosted: Hosted,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

/// What the routes hold of it.
struct Door {
    requests: mpsc::Sender<Request>,
    destination: Arc<dyn Destination>,
}

/// What the thread holds.
struct Host {
    specification: Arc<Specification>,
    counting: Counting,
    file: Option<Followed>,
    feeder: Option<Feeder>,
}

/// A file that grows, and how far it was counted.
struct Followed {
    follow: Follow,
    path: PathBuf,
    source: Arc<str>,
    progress: Progress,
}

impl Hosting {
    /// Opens what a configured rollup needs and lets it run; `queue` is where its series go.
    pub async fn start(config: &RollupConfig, data: &std::path::Path, queue: Arc<dyn Queue>) -> Result<Self> {
        let specification = Specification::read(&config.spec, config.references.as_deref())?;
        let name = specification.compiled.spec.name.clone();
        let target = Target::new(&specification, config.to.as_deref(), data)?;
        let shape = specification.compiled.shape(&target.name);
        let destination: Arc<dyn Destination> = target.open(&shape).await?.into();
        let counting = Counting::new(
            specification.plan()?,
            Arc::clone(&specification.compiled),
            Arc::clone(&destination),
        )
        .await?;
        let file = config.follow.as_ref().map(|path| Followed::new(config, path, &specification, data));
        let series = &specification.compiled.spec.series;
        let feeder = (!series.is_empty()).then(|| Feeder::new(&specification.compiled, queue));
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let hosted = hosted(&specification.compiled, shape, &destination, requests);
        let file = file.transpose()?;
        let host = Host { file, specification: Arc::new(specification), counting, feeder };
        tracing::info!(rollup = name, "a rollup is hosted");
        let (stop, stopped) = oneshot::channel();
        let runtime = Handle::current();
        let running = std::thread::Builder::new().name(format!("rollup {name}")).spawn(move || {
            // Whatever it waits for is given up: what was not answered comes again.
            runtime.block_on(async {
                tokio::select! {
                    () = host.run(asked) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { hosted, stop, running })
    }

    /// For the routes.
    pub fn hosted(&self) -> Hosted {
        self.hosted.clone()
    }

    /// Ends it. What was answered is on disk; what was not comes again.
    pub async fn stop(self) {
        // It has ended already if nobody hears.
        let _ = self.stop.send(());
        let ended = tokio::task::spawn_blocking(|| self.running.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("a rollup ended by a panic; what it had not counted comes again");
        }
    }
}

fn hosted(
    compiled: &Compiled,
    shape: Shape,
    destination: &Arc<dyn Destination>,
    requests: mpsc::Sender<Request>,
) -> Hosted {
    Hosted {
        name: compiled.spec.name.clone(),
        shape,
        decimals: compiled.spec.rollup.decimals,
        destination: Arc::clone(destination),
        intake: Arc::new(Door { requests, destination: Arc::clone(destination) }),
    }
}

impl Followed {
    fn new(
        config: &RollupConfig,
        path: &std::path::Path,
        specification: &Specification,
        data: &std::path::Path,
    ) -> Result<Self> {
        let source = match &config.source_name {
            Some(name) => name.clone(),
            None => std::path::absolute(path)?.to_string_lossy().into_owned(),
        };
        let identity = format!("hosted {} {source}", specification.identity);
        let progress =
            Progress::new(data, &specification.compiled.spec.name, content_of(identity.as_bytes()))?;
        let follow = Follow::open(path, progress.read());
        Ok(Self { follow, path: path.to_owned(), source: source.into(), progress })
    }
}

#[async_trait]
impl Intake for Door {
    async fn take(&self, source: &str, lines: Vec<Vec<u8>>) -> Result<Taken, IntakeError> {
        let (taken, answer) = oneshot::channel();
        self.ask(Request::Take { source: source.into(), lines, taken })?;
        answer.await.map_err(|_| IntakeError::Closed)?
    }

    async fn retry(&self, aside: Aside, line: Option<Vec<u8>>) -> Result<Tried, IntakeError> {
        let (tried, answer) = oneshot::channel();
        self.ask(Request::Retry { aside: Box::new(aside), line, tried })?;
        answer.await.map_err(|_| IntakeError::Closed)?
    }

    async fn status(&self) -> Result<Status, IntakeError> {
        let Some(history) = self.destination.history() else { return Ok(Status::default()) };
        history.status().await.map_err(|error| IntakeError::Destination(Arc::new(error)))
    }
}

impl Door {
    fn ask(&self, request: Request) -> Result<(), IntakeError> {
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => IntakeError::Full,
            mpsc::error::TrySendError::Closed(_) => IntakeError::Closed,
        })
    }
}

impl Host {
    async fn run(mut self, mut asked: mpsc::Receiver<Request>) {
        let mut fed = Instant::now();
        let specification = Arc::clone(&self.specification);
        let mut watch = Watch::new(&specification);
        loop {
            let first = tokio::time::timeout(PATIENCE, asked.recv()).await;
            let worked = match first {
                Ok(None) => return,
                Ok(Some(request)) => self.answer(request, &mut asked).await,
                Err(_) => Ok(()),
            };
            if let Err(error) = worked {
                tracing::error!(error = format!("{error:#}"), "findings could not be counted");
            }
            if let Some(plan) = watch.changed()
                && let Err(error) = self.reload(plan).await
            {
                tracing::error!(error = format!("{error:#}"), "what waited could not be counted");
            }
            if let Err(error) = self.read_file().await {
                tracing::warn!(error = format!("{error:#}"), "the file cannot be read; it is tried again");
            }
            if fed.elapsed() >= FEED_EVERY {
                fed = Instant::now();
                self.feed().await;
            }
        }
    }

    /// Whatever waits is counted together: one commit for many callers.
    async fn answer(&mut self, first: Request, asked: &mut mpsc::Receiver<Request>) -> Result<()> {
        let (mut answers, mut lines_taken, mut next) = (Vec::new(), 0, Some(first));
        while let Some(request) = next {
            match request {
                Request::Take { source, lines, taken } => {
                    lines_taken += lines.len();
                    answers.push((taken, self.take(&source, &lines).await?));
                }
                Request::Retry { aside, line, tried } => {
                    // A caller that has gone needs no answer.
                    let _ = tried.send(self.retry(*aside, line).await);
                }
            }
            next = if lines_taken < BATCH { asked.try_recv().ok() } else { None };
        }
        self.counting.flush().await?;
        for (taken, answer) in answers {
            let _ = taken.send(Ok(answer));
        }
        Ok(())
    }

    async fn take(&mut self, source: &Arc<str>, lines: &[Vec<u8>]) -> Result<Taken> {
        let mut taken = Taken { findings: lines.len() as u64, not_counted: Vec::new() };
        for (bytes, line) in lines.iter().zip(0..) {
            let not_yet = self.counting.take_line(source, line, Ok(bytes), now()).await?;
            taken.not_counted.extend(not_yet.map(|NotYet { reason, waits }| NotCounted {
                line,
                reason,
                waits,
            }));
        }
        Ok(taken)
    }

    async fn retry(&mut self, aside: Aside, line: Option<Vec<u8>>) -> Result<Tried, IntakeError> {
        let raw = line.map_or_else(|| aside.raw.clone(), |line| Raw::Line(line.into()));
        self.counting.retry(Aside { raw, ..aside }, now()).await.map_err(|error| {
            IntakeError::Destination(Arc::new(Error::Refused("the rollup".to_owned(), error.into())))
        })
    }

    async fn reload(&mut self, plan: Plan) -> Result<()> {
        self.counting.reload(plan).await?;
        self.counting.release(now()).await
    }

    /// Counts what the file has more; the place is kept once that is on disk.
    async fn read_file(&mut self) -> Result<()> {
        let Some(Followed { follow, path, source, progress }) = &mut self.file else { return Ok(()) };
        let lines = follow.read(BATCH).with_context(|| format!("read {}", path.display()))?;
        if lines.is_empty() {
            return Ok(());
        }
        for line in &lines {
            let bytes = line.bytes.as_deref().map_err(TooLong::to_string);
            self.counting.take_line(source, line.position, bytes, now()).await?;
        }
        self.counting.flush().await?;
        progress.write(follow.place())
    }

    async fn feed(&mut self) {
        let (Some(feeder), Some(history)) = (&mut self.feeder, self.counting.destination().history()) else {
            return;
        };
        if let Err(error) = feeder.feed(history).await {
            tracing::warn!(error = format!("{error:#}"), "series could not be fed; it is tried again");
        }
    }
}

impl std::fmt::Debug for Hosting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hosting").field("rollup", &self.hosted.name).finish_non_exhaustive()
    }
}
