//! The command line of rollups.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use manazir_model::Timestamp;
use manazir_rollup::aggregate::Aggregate;

use super::DATA_FOLDER;

/// What is done with rollups.
#[derive(Debug, Subcommand)]
pub enum Rollup {
    /// Counts the findings of a stream into totals
    ///
    /// Each finding is joined with reference tables and counts for one key, once, however often it comes: the same
    /// file again changes nothing, a line that was added counts. Without a destination the totals are kept in the
    /// data directory.
    Run(RollupRun),
    /// Follows a file of findings and publishes them on RabbitMQ for all destinations
    ///
    /// From its first line on, checked, as events of CloudEvents 1.0 with only what is needed of them, to a durable
    /// exchange that feeds the durable queue of each destination of the specification. A second run goes on where the
    /// first was confirmed.
    Produce(RollupProduce),
    /// Plays a stream from a file with offsets in days, as if it happened now
    Play(RollupPlay),
    /// The totals as they were, with the names of that day
    ///
    /// By when findings happened (--at), or by what was known (--known-at): a finding that came late is in the first and
    /// not in the second. SQLite and PostgreSQL keep a history, other destinations do not.
    AsOf(RollupAsOf),
    /// How many findings of each hour, day or other span, how much they come to, and for whom
    Series(RollupSeries),
    /// How much was counted, how late it is, what waits and what was rejected
    Status(RollupStatus),
    /// Counts findings that are kept anew: into another destination, by a specification or tables that have changed
    ///
    /// From the history of one destination into another, while both go on counting what comes. What is repeated changes
    /// nothing. With --replace the destination keeps its table until the new one is complete, and then has it at once.
    Replay(RollupReplay),
    /// Findings that did not count: look at them, mend them, count them after all
    #[command(subcommand)]
    DeadLetter(RollupDeadLetter),
    /// The JSON Schema of specifications, for editors and checks
    Schema,
}

/// Which rollup, and where it is kept.
#[derive(Clone, Debug, Args)]
pub struct RollupPlace {
    /// The specification
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
    /// Where the reference tables are; the folder of the specification if it is not given
    #[arg(long, value_name = "DIR")]
    pub references: Option<PathBuf>,
    /// Where the totals are kept: the name of one of the specification's destinations, or an address
    #[arg(long, value_name = "NAME|URL")]
    pub to: Option<String>,
    /// Where totals are kept without a destination
    #[arg(long, value_name = "DIR", env = "MANAZIR_DATA", default_value = DATA_FOLDER)]
    pub data: PathBuf,
}

/// Which findings are looked at.
#[derive(Clone, Copy, Debug, Args)]
pub struct AsOfArgs {
    /// Those that had happened by then: a time (UTC if it names no zone), a day (to its end), or `3 days ago`
    #[arg(long, value_name = "TIME", value_parser = crate::rollup::moment::parse)]
    pub at: Option<Timestamp>,
    /// Those that had been taken in by then: what the table showed
    #[arg(long, value_name = "TIME", value_parser = crate::rollup::moment::parse)]
    pub known_at: Option<Timestamp>,
}

/// Arguments of `rollup as-of`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir rollup as-of --spec examples/karma/rollup.toml --at 2026-03-04
  manazir rollup as-of --spec rollup.toml --known-at '1 week ago' --key 9
  manazir rollup as-of --spec rollup.toml --to postgres --at '2026-03-04 12:00' --out wednesday.csv")]
pub struct RollupAsOf {
    /// Which rollup.
    #[command(flatten)]
    pub place: RollupPlace,
    /// As of when.
    #[command(flatten)]
    pub as_of: AsOfArgs,
    /// Only this key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Writes the whole table, as CSV with a header
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How many keys to show, those with the most first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
}

/// Arguments of `rollup series`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir rollup series --spec examples/karma/rollup.toml --every 1d
  manazir rollup series --spec rollup.toml --every 1h --by category --aggregates count,sum,p95
  manazir rollup series --spec rollup.toml --every 1d --by key --key 9 --json")]
pub struct RollupSeries {
    /// Which rollup.
    #[command(flatten)]
    pub place: RollupPlace,
    /// As of when.
    #[command(flatten)]
    pub as_of: AsOfArgs,
    /// The span: `1h`, `1d`, `15m`
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = crate::rollup::moment::span)]
    pub every: Duration,
    /// A series for each of these: `all` is one for everything
    #[arg(long, value_name = "WHAT", default_value = "category")]
    pub by: ByArg,
    /// Only this key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Not before this time
    #[arg(long, value_name = "TIME", value_parser = crate::rollup::moment::parse)]
    pub since: Option<Timestamp>,
    /// What of each span: count, sum, mean, min, max, p50 and other quantiles
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "count,sum,mean")]
    pub aggregates: Vec<Aggregate>,
}

/// What there is a series for each of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ByArg {
    /// One of everything
    All,
    /// Of each category
    Category,
    /// Of each key
    Key,
}

/// Arguments of `rollup status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir rollup status --spec examples/karma/rollup.toml
  manazir rollup status --spec rollup.toml --from amqp://broker")]
pub struct RollupStatus {
    /// Which rollup.
    #[command(flatten)]
    pub place: RollupPlace,
    /// A broker: how many messages are in the queues of each destination
    #[arg(long, value_name = "amqp://…")]
    pub from: Option<String>,
}

/// Arguments of `rollup replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir rollup replay --spec rollup.toml --to mariadb
  manazir rollup replay --spec rollup.toml --history postgres --to redis
  manazir rollup replay --spec rollup.toml --replace             # points have changed: recount from the start
  manazir rollup replay --spec new.toml --history sqlite:///srv/karma.db --to postgres")]
pub struct RollupReplay {
    /// Which rollup.
    #[command(flatten)]
    pub place: RollupPlace,
    /// Whose findings: the name of a destination with a history, or its address; the one in the data directory if it is
    /// not given
    #[arg(long, value_name = "NAME|URL")]
    pub history: Option<String>,
    /// Puts what is counted anew in the place of what the destination has, at once, when it is complete
    #[arg(long)]
    pub replace: bool,
    /// How many keys to show, those with the most first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
}

/// What is done with findings that did not count.
#[derive(Debug, Subcommand)]
pub enum RollupDeadLetter {
    /// Those that wait or were rejected, with the reason
    List(RollupAsides),
    /// One as it came
    Show(RollupAside),
    /// Counts one as it should have come, or publishes it
    Repair(RollupRepair),
    /// Tries them again, with the tables and the clock there are now
    Replay(RollupAsidesReplay),
    /// Says that one shall not count
    Discard(RollupDiscard),
}

impl RollupDeadLetter {
    /// Whose findings it is about.
    pub fn asides_of(&self) -> &RollupAsidesOf {
        match self {
            Self::List(args) => &args.of,
            Self::Show(args) => &args.of,
            Self::Repair(args) => &args.of,
            Self::Replay(args) => &args.of,
            Self::Discard(args) => &args.of,
        }
    }
}

/// Whose findings did not count.
#[derive(Clone, Debug, Args)]
pub struct RollupAsidesOf {
    /// Which rollup.
    #[command(flatten)]
    pub place: RollupPlace,
    /// A broker: those in the queues beside that of --to, for a destination that keeps no history
    ///
    /// Findings that nobody can count, or not yet, wait there until somebody sees to them. Repair and replay send them
    /// to the destination's queue, for its consumers.
    #[arg(long, value_name = "amqp://…", requires = "to")]
    pub from: Option<String>,
}

/// Arguments of `rollup dead-letter list`.
#[derive(Debug, Args)]
pub struct RollupAsides {
    /// Whose.
    #[command(flatten)]
    pub of: RollupAsidesOf,
    /// In which state
    #[arg(long, value_name = "STATE", default_value = "open",
        value_parser = ["open", "waiting", "rejected", "counted", "discarded", "all"])]
    pub state: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Only those with larger numbers: the page after
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub after: u64,
}

/// Arguments of `rollup dead-letter show`.
#[derive(Debug, Args)]
pub struct RollupAside {
    /// Its number
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// Whose.
    #[command(flatten)]
    pub of: RollupAsidesOf,
}

/// Arguments of `rollup dead-letter repair`.
#[derive(Debug, Args)]
pub struct RollupRepair {
    /// Its number
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// The line as it should have come
    #[arg(long, value_name = "TEXT")]
    pub line: String,
    /// Publishes it for all destinations, rather than count it here: for lines that `rollup produce` rejected
    #[arg(long, value_name = "amqp://…")]
    pub publish: Option<String>,
    /// Whose.
    #[command(flatten)]
    pub of: RollupAsidesOf,
}

/// Arguments of `rollup dead-letter replay`.
#[derive(Debug, Args)]
pub struct RollupAsidesReplay {
    /// Their numbers; all that are open if none is given
    #[arg(value_name = "NUMBER")]
    pub numbers: Vec<u64>,
    /// Whose.
    #[command(flatten)]
    pub of: RollupAsidesOf,
}

/// Arguments of `rollup dead-letter discard`.
#[derive(Debug, Args)]
pub struct RollupDiscard {
    /// Its number
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// Why; kept with it, except by a broker, which forgets what is discarded
    #[arg(long, value_name = "TEXT", default_value = "discarded")]
    pub reason: String,
    /// Whose.
    #[command(flatten)]
    pub of: RollupAsidesOf,
}

/// Arguments of `rollup run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir rollup run --spec examples/karma/rollup.toml examples/karma/finding.csv
  manazir rollup run --spec rollup.toml --references tables/ finding.csv --out totals.csv
  manazir rollup run --spec rollup.toml --follow finding.csv
  tail -n +1 -f finding.csv | manazir rollup run --spec rollup.toml -
  manazir rollup run --spec rollup.toml --to redis finding.csv
  manazir rollup run --spec rollup.toml --from amqp://broker --to mariadb")]
pub struct RollupRun {
    /// A file with a finding a line; `-` for standard input
    #[arg(value_name = "SOURCE", required_unless_present = "from")]
    pub source: Option<String>,
    /// Findings that `rollup produce` publishes on a RabbitMQ, from the destination's own queue
    ///
    /// Any number of processes may share the queue of a destination. Runs until Ctrl-C.
    #[arg(long, value_name = "amqp://…", conflicts_with_all = ["source", "follow", "source_name"], requires = "to")]
    pub from: Option<String>,
    /// With --from: ends when nothing has come for so many seconds
    #[arg(long, value_name = "SECONDS", requires = "from")]
    pub until_idle: Option<u64>,
    /// The specification
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
    /// Where the reference tables are; the folder of the specification if it is not given
    #[arg(long, value_name = "DIR")]
    pub references: Option<PathBuf>,
    /// Where the totals go: the name of one of the specification's destinations, or an address
    #[arg(long, value_name = "NAME|URL")]
    pub to: Option<String>,
    /// Where totals are kept without a destination
    #[arg(long, value_name = "DIR", env = "MANAZIR_DATA", default_value = DATA_FOLDER)]
    pub data: PathBuf,
    /// Writes the whole table at the end, as CSV with a header
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Goes on when the file is at its end, until Ctrl-C
    #[arg(long)]
    pub follow: bool,
    /// The name of the stream, by which a finding is known again; the path of the file if it is not given
    #[arg(long, value_name = "NAME")]
    pub source_name: Option<String>,
    /// How many keys to show, those with the most first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
}

/// Arguments of `rollup produce`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir rollup produce --spec rollup.toml --to amqp://broker finding.csv
  manazir rollup produce --spec rollup.toml --to amqp://broker finding.csv --once")]
pub struct RollupProduce {
    /// A file with a finding a line, which may grow
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The specification
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
    /// The broker; `${NAME}` stands for a variable of the environment
    #[arg(long, value_name = "amqp://…")]
    pub to: String,
    /// Where it is kept how far findings were confirmed
    #[arg(long, value_name = "DIR", env = "MANAZIR_DATA", default_value = DATA_FOLDER)]
    pub data: PathBuf,
    /// Ends at the end of the file
    #[arg(long)]
    pub once: bool,
    /// The name of the stream, by which a finding is known again; the path of the file if it is not given
    #[arg(long, value_name = "NAME")]
    pub source_name: Option<String>,
}

/// Arguments of `rollup play`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  manazir rollup play examples/karma/finding_offsets.csv finding.csv --secs-per-day 1
  manazir rollup play offsets.csv finding.csv --append")]
pub struct RollupPlay {
    /// A CSV file without a header; one of its columns has the days since the stream began
    #[arg(value_name = "OFFSETS")]
    pub input: PathBuf,
    /// Where the lines are written, without that column
    #[arg(value_name = "FILE")]
    pub output: PathBuf,
    /// How long a day of the stream takes, in seconds; 0 waits for nothing
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub secs_per_day: f64,
    /// The column of the days, from 1 on
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub offset_column: u16,
    /// Goes on behind what is in FILE, rather than empty it
    #[arg(long)]
    pub append: bool,
}
