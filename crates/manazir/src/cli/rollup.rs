//! The command line of rollups.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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
    /// The JSON Schema of specifications, for editors and checks
    Schema,
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
