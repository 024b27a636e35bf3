//! The command line.

pub mod account;
pub mod look;
pub mod rollup;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Role;
use crate::contributors::Baseline;
use crate::engine::Sensitivity;

/// Directory that a second run goes on from.
pub const DATA_FOLDER: &str = ".manazir";

const EXAMPLES: &str = "\
Examples:
  manazir up                          try it on a small shop with hidden incidents
  manazir up sales.csv                what is strange in a file
  manazir up logs/ 'metrics/*.gz'     in folders and patterns
  manazir up data/ --json | jq '.anomalies[0].sentence'

Exit codes:
  0    done, whether or not anything strange was found
  1    it could not be done; the reason is on standard error
  2    the command line was not understood
  130  interrupted; what was finished is shown and kept";

/// Finds what is strange in your data.
///
/// Manazir looks at files of any common form, learns from their history, and says in plain sentences what was
/// and is strange. Nothing leaves this machine.
#[derive(Debug, Parser)]
#[command(name = "manazir", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to say it.
    #[command(flatten)]
    pub output: Output,
}

/// How results are given.
#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// One JSON object on standard output, for machines
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress on standard error
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

impl Output {
    /// True if nobody watches progress.
    pub fn unwatched(self) -> bool {
        self.quiet || self.json
    }
}

/// How much is told.
#[derive(Clone, Copy, Debug, Args)]
pub struct SensitivityArgs {
    /// False alarms to expect for each series and week; fewer mean that only the strangest is told
    #[arg(long, value_name = "N", value_parser = positive)]
    pub alarms_per_week: Option<f64>,
}

impl From<SensitivityArgs> for Sensitivity {
    fn from(args: SensitivityArgs) -> Self {
        Self { alarms_per_week: args.alarms_per_week }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("a number above 0 is needed, such as 0.5".to_owned()),
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The main job: discover, learn from history, find, explain
    ///
    /// Finds what is strange in SOURCE; without SOURCE in a small demo whose incidents are known. Writes a
    /// report that opens in any browser. A second run uses the results of files that have not changed.
    Up(Up),
    /// What is in a source: tables, series, time, grain, zone, quality
    ///
    /// Reads everything once and judges nothing; says how sure it is of what it found.
    Discover(Discover),
    /// Batch detection, with scores as Parquet and a report as HTML
    ///
    /// Judges every sample of SOURCE by the whole of its series, later samples too.
    Detect(Detect),
    /// The root cause of one anomaly or case, with the evidence
    ///
    /// Ranks what may have caused it, each with its probability, the way from the symptom to the cause, what speaks
    /// for and against it, what was not seen, and what to look at next.
    Explain(Explain),
    /// Rules of the event graph: check them, test them, see those that come with the product
    #[command(subcommand)]
    Rule(Rule),
    /// Measured accuracy on labelled data
    #[command(subcommand)]
    Score(Score),
    /// The service: events in over HTTP, verdicts out
    ///
    /// Takes events and CloudTrail records, keeps them on disk before it says so, judges each once, and answers
    /// with the verdict. Needs no configuration and no other program. Prints an administrator's token at its
    /// first start. Ctrl-C or SIGTERM stops it; nothing that was taken is lost, whatever stops it.
    Serve(Serve),
    /// Tokens that let programs in
    #[command(subcommand)]
    Token(Token),
    /// Accounts of people: invite, list, give roles, ban, hand over links to new passwords
    #[command(subcommand)]
    Account(account::Account),
    /// Anomalies that the service found: look at them, say what they were
    #[command(subcommand)]
    Anomaly(look::Anomaly),
    /// Messages that could not be read or judged: look, repair, send again
    #[command(subcommand)]
    DeadLetter(look::DeadLetter),
    /// Continuous aggregates: findings joined with reference tables into totals
    #[command(subcommand)]
    Rollup(rollup::Rollup),
    /// Long tasks of the service and how far they are
    #[command(subcommand)]
    Job(look::Job),
    /// Is everything as it should be, and what to do if not
    ///
    /// Checks this machine: cores, memory, directory, terminal, time zones, reading a file.
    Doctor(Doctor),
}

/// Arguments of `up`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir up
  manazir up examples/nab
  manazir up orders.csv latency.parquet --data /var/lib/manazir
  manazir up huge/ --fresh
  manazir up orders.csv --baseline last-week
  manazir up orders.csv --json | jq -r '.anomalies[].contributors | select(.) | .sentence'
  manazir up metrics/ --alarms-per-week 0.1")]
pub struct Up {
    /// Files, folders or patterns: CSV, TSV, JSON, NDJSON, Parquet, also as .gz and .zst; or a folder of
    /// CloudTrail records, as .json, .json.gz or NDJSON
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// Where results and the report are kept
    #[arg(long, value_name = "DIR", env = "MANAZIR_DATA", default_value = DATA_FOLDER)]
    pub data: PathBuf,
    /// Start over: use nothing of an earlier run
    #[arg(long)]
    pub fresh: bool,
    /// How many anomalies to tell on the terminal
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// What a total's change is measured against when it is taken apart
    #[arg(long, value_name = "BASELINE", value_enum, default_value_t)]
    pub baseline: Baseline,
    /// How much is told.
    #[command(flatten)]
    pub sensitivity: SensitivityArgs,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir explain metrics/                             the strangest anomaly of what `up` understands
  manazir explain metrics/ --metric latency_ms --at 2026-03-02T14:05:00Z --topology calls.csv
  manazir explain metrics/ --events deploys.ndjson --out cause.html
  manazir explain petshop/                             which cases a labelled folder has
  manazir explain petshop/ --case low_traffic-train-1
  manazir explain cubes/ --case S/3 --json | jq .contributors.elements

A table of who depends on whom has a line `caller,callee` for each pair. Events are JSON objects as
`POST /api/v1/ingest/events` takes them, one a line: deployments, configurations, flags, alerts.")]
pub struct Explain {
    /// Files, folders or patterns as for `up`; or a folder with cases as `manazir score` reads them
    #[arg(value_name = "SOURCE")]
    pub source: PathBuf,
    /// Which case of a labelled folder; without it they are listed
    #[arg(long, value_name = "ID", conflicts_with_all = ["at", "metric", "events", "topology", "rules"])]
    pub case: Option<String>,
    /// An anomaly that goes on at this time; UTC if it names no zone
    #[arg(long, value_name = "T")]
    pub at: Option<String>,
    /// An anomaly of this metric, or of this series
    #[arg(long, value_name = "M")]
    pub metric: Option<String>,
    /// What was changed, and alerts of other tools, one JSON object a line
    #[arg(long, value_name = "F.ndjson")]
    pub events: Option<PathBuf>,
    /// Who depends on whom: a table `caller,callee`
    #[arg(long, value_name = "F.csv")]
    pub topology: Option<PathBuf>,
    /// Rules of the event graph in place of those that come with the product
    #[arg(long, value_name = "F.toml")]
    pub rules: Option<PathBuf>,
    /// Where results of `up` are kept
    #[arg(long, value_name = "DIR", env = "MANAZIR_DATA", default_value = DATA_FOLDER)]
    pub data: PathBuf,
    /// Write the answer as an HTML page with graph and charts
    #[arg(long, value_name = "F.html")]
    pub out: Option<PathBuf>,
    /// How many candidates to tell
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub top: usize,
    /// How much is told.
    #[command(flatten)]
    pub sensitivity: SensitivityArgs,
}

/// Which event may cause which.
#[derive(Debug, Subcommand)]
pub enum Rule {
    /// Can a file of rules be understood, and do scenarios end as they should?
    Check(RuleCheck),
    /// The file of rules that comes with the product, to begin from
    Standard(RuleStandard),
}

/// Arguments of `rule check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir rule check
  manazir rule standard > rules.toml && manazir rule check rules.toml
  manazir rule check rules.toml --scenarios scenarios.txt

A scenario is what happened and what the ranking should say:

  scenario nobody watches the service in the middle

  web -> api -> db

  -90s  db   deploy
  -60s  db   error_spike    0.9
    0s  web  error_spike    0.7  alert

  1. db deploy
  path web < (api) < db

Exit code 1 if one ends otherwise.")]
pub struct RuleCheck {
    /// The file; without it the rules that come with the product
    #[arg(value_name = "RULES.toml")]
    pub rules: Option<PathBuf>,
    /// Scenarios to run by them
    #[arg(long, value_name = "F.txt")]
    pub scenarios: Vec<PathBuf>,
}

/// Arguments of `rule standard`.
#[derive(Debug, Args)]
pub struct RuleStandard {}

/// Arguments of `discover`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir discover data/
  manazir discover data/ --json | jq '.tables[].time'

A file named manazir.toml beside the data overrides what was guessed.")]
pub struct Discover {
    /// Files, folders or patterns
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<String>,
    /// Also say why each decision was taken
    #[arg(long)]
    pub why: bool,
}

/// Arguments of `detect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir detect data/ --out scores.parquet
  manazir detect data/ --report report.html
  manazir detect data/ --json > anomalies.json
  manazir detect heartbeat.csv --thorough --out scores.parquet

Columns of the Parquet file: series, ts, value, expected, lower, upper, score, p_value, alarm, and with
--thorough ensemble_score, which ranks the samples of a series and is calibrated to nothing.")]
pub struct Detect {
    /// Files, folders or patterns
    #[arg(value_name = "SOURCE", required = true)]
    pub sources: Vec<String>,
    /// Judge each series also by an ensemble of batch methods chosen for it: minutes, not seconds
    #[arg(long)]
    pub thorough: bool,
    /// Write the verdict of every sample as Parquet
    #[arg(long, value_name = "F.parquet")]
    pub out: Option<PathBuf>,
    /// Write a report as HTML
    #[arg(long, value_name = "F.html")]
    pub report: Option<PathBuf>,
    /// How many anomalies to tell on the terminal
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// How much is told.
    #[command(flatten)]
    pub sensitivity: SensitivityArgs,
}

/// Measured accuracy on labelled data.
#[derive(Debug, Subcommand)]
pub enum Score {
    /// The Numenta benchmark: exact optimum over all thresholds, three profiles, and out of group
    Nab(ScoreArgs),
    /// Labelled sets: VUS-PR, average precision, event recall at one false alarm per 10,000 points, delay
    Labelled(ScoreArgs),
    /// Attack techniques hidden in two weeks of an ordinary account: rank, delay, alarms a day
    Cloudtrail(CloudtrailArgs),
    /// Cubes with dimensions: are the combinations that caused a change named, exactly and no others?
    Cubes(CausesArgs),
    /// Incidents of events on a graph of services: is the event that caused it first, or among the first three?
    Events(CausesArgs),
    /// Faults in a shop of cloud services: is the component that broke first, from its metrics?
    Petshop(CausesArgs),
    /// Faults in two systems of services: is the service that broke first, from metrics, traces and logs?
    Nezha(CausesArgs),
}

/// What root causes are scored on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir score cubes cubes/
  manazir score events events_sim/ --json | jq .ac_at_1
  manazir score petshop petshop/
  manazir score nezha nezha/ --json | jq .systems.tt")]
pub struct CausesArgs {
    /// The folder with the cases and their labels
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// What is scored, and where the scores go.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir score nab NAB/ --json
  manazir score labelled sets/ --out scores.parquet")]
pub struct ScoreArgs {
    /// The folder with the data and its labels
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Write the score of every point as Parquet
    #[arg(long, value_name = "F.parquet")]
    pub out: Option<PathBuf>,
}

/// Arguments of `score cloudtrail`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir score cloudtrail cloudtrail/
  manazir score cloudtrail cloudtrail/ --json | jq .top10")]
pub struct CloudtrailArgs {
    /// The folder with the records of techniques
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir serve
  manazir serve --listen 0.0.0.0:7171 --data /var/lib/manazir
  manazir serve --config service.toml --role worker

Nothing needs to be configured: queue, verdicts and tokens are kept in the directory. On several machines
the queue is on RabbitMQ and the verdicts are in PostgreSQL; see docs/how-to/scale-out.md. The routes are
described at http://127.0.0.1:7171/docs. RUST_LOG sets what is logged.")]
pub struct Serve {
    /// A configuration file; what stands on the command line wins
    #[arg(long, value_name = "F.toml", env = "MANAZIR_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the service keeps everything; one service at a time holds it [default: .manazir]
    #[arg(long, value_name = "DIR", env = "MANAZIR_DATA")]
    pub data: Option<PathBuf>,
    /// The address and port to listen on [default: 127.0.0.1:7171]
    #[arg(long, value_name = "ADDR", env = "MANAZIR_LISTEN", value_parser = crate::service::address)]
    pub listen: Option<SocketAddr>,
    /// What this process does [default: all]
    #[arg(long, value_name = "ROLE", env = "MANAZIR_ROLE")]
    pub role: Option<Role>,
    /// The queue: amqp://USER:PASSWORD@HOST:5672/VHOST; embedded if it is not given
    #[arg(long, value_name = "URI", env = "MANAZIR_QUEUE", hide_env_values = true)]
    pub queue: Option<String>,
    /// The relational truth: sqlite://PATH or postgres://…; a file in DIR if it is not given
    #[arg(long, value_name = "URI", env = "MANAZIR_TRUTH", hide_env_values = true)]
    pub truth: Option<String>,
}

/// Tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token and print it, this once
    New(NewToken),
}

/// Arguments of `token new`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir token new --name shipper --scope ingest
  manazir token new --name page --scope read --scope ingest
  manazir token new --scope admin --truth 'postgres://manazir:PASSWORD@database/manazir'

Scopes: ingest sends events, read sees what was found, respond says what it was and replays dead letters,
people acts for any person (profiles, connections, recommendations), admin does everything. It works while the service runs, and when it does not, once it has been started.")]
pub struct NewToken {
    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "made on the command line")]
    pub name: String,
    /// What it may do: ingest, read, respond, people or admin
    #[arg(long, value_name = "SCOPE", required = true)]
    pub scope: Vec<String>,
    /// Where the truth is.
    #[command(flatten)]
    pub data: look::DataArgs,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code 1 if something must be repaired before Manazir can work.")]
pub struct Doctor {
    /// The directory that `up` would use
    #[arg(long, value_name = "DIR", env = "MANAZIR_DATA", default_value = DATA_FOLDER)]
    pub data: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
