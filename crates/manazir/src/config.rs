//! The configuration of the service: a TOML file, whose every key has a default, under what the command line
//! and the environment say.

mod accounts;
mod check;
mod explanations;
mod oidc;
mod people;
mod sources;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use manazir_ingest::lake::days::Retention;
use manazir_parquet::Folder;
use serde::Deserialize;
use tokio::runtime::Handle;

pub use accounts::{Accounts, Registration};
pub use explanations::Explanations;
pub use oidc::Oidc;
pub use people::{CachePlace, GraphPlace, People};
pub use sources::{AmqpSource, MqttSource, Sources};

use crate::cli::{DATA_FOLDER, Serve};
use crate::keeper::KeeperConfig;
use crate::live::EventRollup;

/// The variable that holds the secret of the installation; no file and no command line that others read has to.
const SECRET: &str = "MANAZIR_SECRET";

/// What a process does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, in one process.
    #[default]
    All,
    /// Answers requests and puts events on the queue.
    Api,
    /// Judges what is on the queue.
    Worker,
}

/// The file, as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address and port to listen on.
    pub listen: Option<SocketAddr>,
    /// Where this process keeps what is its own.
    pub data: Option<PathBuf>,
    /// What this process does.
    pub role: Option<Role>,
    /// `sqlite://PATH` or `postgres://…`; by default a file in `data`.
    pub truth: Option<String>,
    /// `amqp://…`; by default embedded, in `data`.
    pub queue: Option<String>,
    /// True on a cluster of brokers: its queues then live on several nodes.
    pub quorum_queues: bool,
    /// Bounds of what a caller may ask.
    pub limits: Limits,
    /// How events are judged.
    pub worker: Worker,
    /// How long events are kept, and which series they become.
    pub events: Events,
    /// How long samples are kept, and where they go.
    pub lake: Lake,
    /// Where events come from beside requests.
    pub sources: Sources,
    /// Continuous aggregates that are hosted.
    pub rollups: Vec<RollupConfig>,
    /// What explanations are made by, and how long they follow what arrives.
    pub explanations: Explanations,
    /// Where the connections between people are read, and how much one may ask for.
    pub people: People,
    /// Accounts of people.
    pub accounts: Accounts,
}

/// A continuous aggregate that is hosted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollupConfig {
    /// The specification.
    pub spec: PathBuf,
    /// Where its tables are; beside it if it is not given.
    pub references: Option<PathBuf>,
    /// Where the totals go: the name of one of its destinations, or an address; in `data` if it is not given.
    pub to: Option<String>,
    /// A file that grows, whose lines are counted too.
    pub follow: Option<PathBuf>,
    /// The name of the stream in that file; its path if it is not given.
    pub source_name: Option<String>,
}

/// Bounds of what a caller may ask.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of one event.
    pub event_bytes_max: usize,
    /// Bytes of a batch, as it comes and unpacked.
    pub batch_bytes_max: usize,
    /// Requests, each of any number of events, that may wait to be put on the queue; more get a 429.
    pub publications_max: usize,
    /// How long a caller waits for a verdict before it gets a link instead.
    pub wait_seconds: u64,
    /// How long a request may take in all.
    pub request_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes_max: 1 << 20,
            batch_bytes_max: 32 << 20,
            publications_max: 4_096,
            wait_seconds: 10,
            request_seconds: 30,
        }
    }
}

/// How events are judged.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// Most messages in a batch, which is one commit.
    pub batch_max: usize,
    /// Events of a partition between two snapshots of its models.
    pub snapshot_every: usize,
    /// How long a worker may be silent before others take over its partitions.
    pub lease_seconds: u64,
}

impl Default for Worker {
    fn default() -> Self {
        let worker = manazir_ingest::worker::Config::default();
        Self { batch_max: worker.batch_max, snapshot_every: worker.snapshot_every, lease_seconds: 30 }
    }
}

/// How long events with their verdicts are kept, and which series they become.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// Days for which an event that is sent again is known, and its verdict can be asked for, and after it was last
    /// seen stands on the event graph. Anomalies stay.
    pub retention_days: u32,
    /// Series that events become beside those that are always there.
    pub series: Vec<EventRollup>,
}

impl Default for Events {
    fn default() -> Self {
        Self { retention_days: 30, series: Vec::new() }
    }
}

/// How long samples with their verdicts are kept, and where closed days go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lake {
    /// Days that are kept; the oldest go first.
    pub retention_days: u32,
    /// Bytes that samples may take on disk; of more, the oldest days go.
    pub disk_bytes_max: u64,
    /// A folder, or `s3://bucket/prefix`, in which each day that is over becomes Parquet files; nowhere if it is not
    /// given.
    pub export: Option<String>,
}

impl Default for Lake {
    fn default() -> Self {
        let Retention { days, disk_bytes_max, .. } = Retention::default();
        Self { retention_days: days, disk_bytes_max, export: None }
    }
}

impl Lake {
    /// For the thread that keeps it. To be called within a runtime.
    pub(crate) fn keeper(&self, data: &Path) -> Result<KeeperConfig> {
        let retention = Retention {
            days: self.retention_days,
            disk_bytes_max: self.disk_bytes_max,
            exported_first: self.export.is_some(),
        };
        let open = |address: &String| {
            let variables = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
            Folder::open(address, &data.join("spool"), variables, &Handle::current())
                .context("`lake.export` cannot be used")
        };
        Ok(KeeperConfig { retention, export: self.export.as_ref().map(open).transpose()? })
    }
}

/// What is to be done, with every default filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The directory of this process.
    pub data: PathBuf,
    /// What this process does.
    pub role: Role,
    /// Address of the relational truth.
    pub truth: String,
    /// Address of the broker; `None` for the embedded queue.
    pub queue: Option<String>,
    /// See [`Config::quorum_queues`].
    pub quorum_queues: bool,
    /// See [`Limits`].
    pub limits: Limits,
    /// See [`Worker`].
    pub worker: Worker,
    /// See [`Events`].
    pub events: Events,
    /// See [`Lake`].
    pub lake: Lake,
    /// See [`Sources`].
    pub sources: Sources,
    /// See [`RollupConfig`].
    pub rollups: Vec<RollupConfig>,
    /// What explanations are made by.
    pub explanations: Explanations,
    /// See [`People`].
    pub people: People,
    /// See [`Accounts`].
    pub accounts: Accounts,
}

impl Settings {
    /// The command line over the file over the defaults.
    pub fn new(args: &Serve) -> Result<Self> {
        let config = args.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let data = args.data.clone().or(config.data).unwrap_or_else(|| DATA_FOLDER.into());
        let truth = args.truth.clone().or(config.truth).map_or_else(|| truth_in(&data), Ok)?;
        let settings = Self {
            listen: args.listen.or(config.listen).unwrap_or(([127, 0, 0, 1], 7171).into()),
            role: args.role.or(config.role).unwrap_or_default(),
            queue: args.queue.clone().or(config.queue).filter(|queue| !queue.starts_with("fjall:")),
            quorum_queues: config.quorum_queues,
            truth,
            data,
            limits: config.limits,
            worker: config.worker,
            events: config.events,
            lake: config.lake,
            sources: config.sources,
            rollups: config.rollups,
            explanations: config.explanations,
            people: config.people,
            accounts: Accounts { secret: std::env::var(SECRET).ok(), ..config.accounts },
        };
        check::check(&settings)?;
        Ok(settings)
    }
}

/// The file of the relational truth in a directory.
pub fn truth_in(data: &Path) -> Result<String> {
    let path = std::path::absolute(data.join("truth.db"))?;
    let path = path.to_str().context("the path of the directory is not UTF-8")?;
    Ok(format!("sqlite://{path}"))
}

fn read(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    // What cannot be understood is shown as it stands in the file: secrets come in afterwards.
    let mut config: Config =
        toml::from_str(&text).with_context(|| format!("{} cannot be understood", path.display()))?;
    fill_all(&mut config, |name| std::env::var(name).ok()).with_context(|| path.display().to_string())?;
    Ok(config)
}

/// Fills in all texts and paths.
fn fill_all(config: &mut Config, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    let Config { truth, queue, data, lake, sources, accounts, .. } = config;
    let of_mail = accounts.mail.iter_mut().map(|mail| &mut mail.smtp);
    let of_provider = accounts.oidc.iter_mut().flat_map(|oidc| {
        let Oidc { issuer, client_id, client_secret, .. } = oidc;
        [Some(issuer), Some(client_id), client_secret.as_mut()].into_iter().flatten()
    });
    let of_sources = sources.amqp.iter_mut().flat_map(|source| {
        let AmqpSource { address, queue, reply_to } = source;
        [address, queue, reply_to]
    });
    for text in truth
        .iter_mut()
        .chain(queue)
        .chain(&mut lake.export)
        .chain(of_sources)
        .chain(of_mail)
        .chain(of_provider)
    {
        *text = fill(text, &variable)?;
    }
    if let Some(data) = data
        && let Some(text) = data.to_str()
    {
        *data = fill(text, &variable)?.into();
    }
    Ok(())
}

/// Replaces `${NAME}` by what the environment says, so that no secret has to stand in a file.
pub(crate) fn fill(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').context("`${` without its `}`")?;
        let value = variable(name).ok_or_else(|| anyhow!("the environment has no variable `{name}`"))?;
        filled.push_str(before);
        filled.push_str(&value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests;
