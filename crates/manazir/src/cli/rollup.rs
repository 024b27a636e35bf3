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
  manazir rollup run --spec rollup.toml --to redis finding.csv")]
pub struct RollupRun {
    /// A file with a finding a line; `-` for standard input
    #[arg(value_name = "SOURCE")]
    pub source: String,
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
