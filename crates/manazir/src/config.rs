//! The configuration of the service: a TOML file, whose every key has a default, under what the command line
//! and the environment say.

mod accounts;
mod check;
mod explanations;
mod people;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use manazir_ingest::lake::days::Retention;
use manazir_parquet::Folder;
use serde::Deserialize;
use tokio::runtime::Handle;

pub use accounts::Accounts;
pub use explanations::Explanations;
pub use people::{CachePlace, GraphPlace, People};

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

/// Where events come from beside requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Queues that others publish to.
    pub amqp: Vec<AmqpSource>,
    /// Brokers that sensors publish to.
    pub mqtt: Vec<MqttSource>,
}

/// A queue that others publish to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmqpSource {
    /// `amqp://…`
    pub address: String,
    /// Its name; it must exist.
    pub queue: String,
    /// Where answers go to messages that name no other place.
    #[serde(default = "reply_to")]
    pub reply_to: String,
}

fn reply_to() -> String {
    "response_cloudtrail_events".to_owned()
}

/// A broker that sensors publish to.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttSource {
    /// `mqtt://…`
    pub address: String,
    /// What is subscribed to; `+` stands for one level, `#` for all that follow.
    pub topics: Vec<String>,
    /// Our name there; by default one that this directory keeps.
    pub client_id: Option<String>,
}

impl std::fmt::Debug for MqttSource {
    /// Without the address, which holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MqttSource").field("topics", &self.topics).finish_non_exhaustive()
    }
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
    let of_sources = sources.amqp.iter_mut().flat_map(|source| {
        let AmqpSource { address, queue, reply_to } = source;
        [address, queue, reply_to]
    });
    for text in truth.iter_mut().chain(queue).chain(&mut lake.export).chain(of_sources).chain(of_mail) {
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
mod tests {
    use clap::Parser;
    use expect_test::{Expect, expect};

    use super::*;
    use crate::cli::{Cli, Command};

    fn settings(arguments: &[&str]) -> Result<Settings> {
        let Command::Serve(serve) = Cli::parse_from([&["manazir", "serve"], arguments].concat()).command
        else {
            unreachable!("the arguments begin with serve");
        };
        Settings::new(&serve)
    }

    #[track_caller]
    fn refused(arguments: &[&str], expect: Expect) {
        expect.assert_eq(&format!("{:#}", settings(arguments).unwrap_err()));
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_to_type() {
        refused(
            &["--role", "worker"],
            expect![
                "the embedded queue is held by one process, which does everything: for several, give --queue amqp://… and --truth postgres://…, or leave --role away"
            ],
        );
        refused(
            &["--queue", "amqp://localhost"],
            expect![
                "with a queue on a broker the verdicts must be where every worker sees them: give --truth postgres://…"
            ],
        );
        refused(
            &["--queue", "kafka://localhost"],
            expect![
                "`kafka://…` is no address of a queue: it begins with amqp://, or is left away for the embedded one"
            ],
        );
        refused(
            &["--queue", "u:s3cret@h"],
            expect![
                "what is given is no address of a queue: it begins with amqp://, or is left away for the embedded one"
            ],
        );
    }

    #[test]
    fn sensors_that_cannot_be_followed_are_refused_without_their_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let sensors = |source: &str, expect: Expect| {
            std::fs::write(&path, format!("[[sources.mqtt]]\n{source}\n")).unwrap();
            refused(&["--config", path.to_str().unwrap()], expect);
        };
        sensors(
            "address = 'mqtts://a:secret@b'\ntopics = ['#']",
            expect![
                "`sources.mqtt.address`: no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: TLS is not spoken; put a tunnel between"
            ],
        );
        sensors(
            "address = 'mqtt://b'\ntopics = ['a#']",
            expect![
                "`sources.mqtt.topics`: `a#` is no filter of topics: `+` stands for a whole level, `#` for a whole level at the end"
            ],
        );
        sensors(
            "address = 'mqtt://b'\ntopics = []",
            expect!["`sources.mqtt.topics`: a source of sensors names at least one topic"],
        );
        sensors(
            "address = 'mqtt://b'\ntopics = ['a']\nclient_id = ''",
            expect!["`sources.mqtt.client_id` has 0 bytes; it has 1 to 65535"],
        );
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "listen = '127.0.0.1:1'\ntruth = 'postgres://a'\n[limits]\nwait_seconds = 3\n")
            .unwrap();
        let path = path.to_str().unwrap();
        let both = settings(&["--config", path, "--listen", "127.0.0.1:2"]).unwrap();
        assert_eq!((both.listen.port(), both.truth.as_str()), (2, "postgres://a"));
        assert_eq!((both.limits.wait_seconds, both.limits.request_seconds), (3, 30));
        std::fs::write(path, "liste = 1").unwrap();
        let error = format!("{:#}", settings(&["--config", path]).unwrap_err());
        assert!(error.contains("unknown field `liste`, expected one of"), "{error}");
    }

    #[track_caller]
    fn file_refused(text: &str, expect: Expect) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, text).unwrap();
        let error = format!("{:#}", settings(&["--config", path.to_str().unwrap()]).unwrap_err());
        expect.assert_eq(&error.replace(path.to_str().unwrap(), "a.toml"));
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_key() {
        file_refused("[worker]\nbatch_max = 0", expect!["`worker.batch_max` is 0; it is at least 1"]);
        file_refused(
            "[worker]\nsnapshot_every = 0",
            expect!["`worker.snapshot_every` is 0; it is at least 1"],
        );
        file_refused(
            "[worker]\nlease_seconds = 0",
            expect!["`worker.lease_seconds` is 0; it lies between 1 and 86400"],
        );
        file_refused(
            "[limits]\npublications_max = 0",
            expect!["`limits.publications_max` is 0; it is at least 1"],
        );
        file_refused(
            "[limits]\nrequest_seconds = 0",
            expect!["`limits.request_seconds` is 0; it lies between 1 and 86400"],
        );
        file_refused(
            "[limits]\nwait_seconds = 30",
            expect![
                "`limits.wait_seconds` is 30, and a request is ended after `limits.request_seconds`, which is 30: let it wait for less, so that it can be answered"
            ],
        );
        file_refused(
            "[events]\nretention_days = 999999999",
            expect!["`events.retention_days` is 999999999; it lies between 1 and 36500"],
        );
        file_refused(
            "[lake]\nretention_days = 0",
            expect!["`lake.retention_days` is 0; it lies between 1 and 36500"],
        );
    }

    #[test]
    fn series_of_events_that_cannot_be_are_refused_by_their_name() {
        let series = |rest: &str, expect: Expect| {
            file_refused(&format!("[[events.series]]\nmetric = 'errors'\n{rest}"), expect);
        };
        let of = "by = ['account', 'actor']\nevery_seconds = 300\naggregate =";
        series(
            "by = ['actor']\nevery_seconds = 300\naggregate = 'count'",
            expect![[
                r#"`events.series`: "errors": `by` has no "account", and events of several are not counted together"#
            ]],
        );
        series(
            "by = ['account']\nevery_seconds = 7\naggregate = 'count'",
            expect![[
                r#"`events.series`: "errors": `every_seconds` is 7; it lies between 60 and 86400, and a day is a whole number of them"#
            ]],
        );
        series(
            "by = ['account', 'account']\nevery_seconds = 60\naggregate = 'count'",
            expect![[r#"`events.series`: "errors": `by` names a field twice"#]],
        );
        series(
            &format!("{of} 'distinct'"),
            expect![[r#"`events.series`: "errors": "distinct" needs the field that it is `of`"#]],
        );
        series(
            &format!("{of} 'distinct'\nof = 'actor'"),
            expect![[
                r#"`events.series`: "errors": `of` is "actor", of which there is never more than one, for it is in `by`"#
            ]],
        );
        series(
            &format!("{of} 'count'\nof = 'action'"),
            expect![[r#"`events.series`: "errors": `of` is for "distinct": a count is one of events"#]],
        );
        series(
            &format!("{of} 'p99'"),
            expect![[
                r#"`events.series`: "errors": `aggregate` is "p99", and an event has no amount: "count" it, or count what is "distinct""#
            ]],
        );
        series(
            &format!("{of} 'count'\nonly = {{ field = 'error' }}"),
            expect![[
                r#"`events.series`: "errors": `only` says of its field what it `is`, or what it `is_not`"#
            ]],
        );
        series(
            &format!("{of} 'count'\n[[events.series]]\nmetric = 'errors'\n{of} 'count'"),
            expect![[r#"`events.series`: "errors": its name is that of another series"#]],
        );
        series(
            &format!("{of} 'median'"),
            expect![[r#"
            a.toml cannot be understood: TOML parse error at line 5, column 13
              |
            5 | aggregate = 'median'
              |             ^^^^^^^^
            "median" is no aggregate: those are count, sum, mean, min, max, distinct, and percentiles as p50 or p99.9, with at most 3 decimals
        "#]],
        );
        series(
            "by = ['resource']",
            expect![[r#"
            a.toml cannot be understood: TOML parse error at line 3, column 7
              |
            3 | by = ['resource']
              |       ^^^^^^^^^^
            unknown variant `resource`, expected one of `account`, `actor`, `action`, `error`, `kind`, `place`, `peers`, `session`, `source`, `address`, `agent`
        "#]],
        );
        file_refused(
            "[[events.series]]\nmetric = 'events_per_minute'\nby = ['account']\nevery_seconds = 60\naggregate = 'count'",
            expect![[r#"`events.series`: "events_per_minute": its name is that of another series"#]],
        );
    }

    #[test]
    fn what_cannot_be_understood_is_shown_without_its_secrets() {
        // `HOME` is as good a secret as any, and is there.
        let error = {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.toml");
            std::fs::write(&path, "truth = { a = \"p://u:${HOME}@h\" }").unwrap();
            format!("{:#}", settings(&["--config", path.to_str().unwrap()]).unwrap_err())
        };
        assert!(error.contains("p://u:${HOME}@h"), "{error}");
    }

    #[test]
    fn secrets_come_from_the_environment() {
        let variable = |name: &str| (name == "PASSWORD").then(|| "a\"b".to_owned());
        let mut config: Config = toml::from_str(
            "truth = \"p://u:${PASSWORD}@h\"\ndata = \"/${PASSWORD}\"\n[[sources.amqp]]\naddress = \"${PASSWORD}\"\nqueue = \"q\"",
        )
        .unwrap();
        fill_all(&mut config, variable).unwrap();
        assert_eq!(config.truth.as_deref(), Some("p://u:a\"b@h"));
        assert_eq!(config.data.as_deref(), Some(Path::new("/a\"b")));
        assert_eq!(config.sources.amqp[0].address, "a\"b");
        assert!(fill("${OTHER}", variable).unwrap_err().to_string().contains("no variable `OTHER`"));
    }
}
