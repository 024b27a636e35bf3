//! Writes series like those of a business, with incidents whose place and kind are known.
//!
//! ```sh
//! cargo run --release --example make_series -- DIR --series 1000 --days 90 --anomalies 20 --seed 1
//! manazir up DIR/data --json > findings.json
//! cargo run --release --example true_findings -- DIR/truth.csv findings.json
//! ```

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use manazir::generate::{FleetConfig, fleet, write_each, write_long, write_truth};

/// Writes DIR/data/*.csv with hourly series and DIR/truth.csv with what was hidden in them.
#[derive(Debug, Parser)]
struct Args {
    /// Where to write; made if it is missing
    dir: PathBuf,
    /// How many series
    #[arg(long, default_value_t = 1_000)]
    series: usize,
    /// Days of hourly samples
    #[arg(long, default_value_t = 90)]
    days: usize,
    /// Incidents: spike, dip, level shift, flat line and variance in turn, at most one a series
    #[arg(long, default_value_t = 20)]
    anomalies: usize,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A file for each series instead of one for all
    #[arg(long)]
    per_file: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let config =
        FleetConfig { n_series: args.series, days: args.days, n_incidents: args.anomalies, seed: args.seed };
    let fleet = fleet(&config);
    let data = args.dir.join("data");
    fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    if args.per_file {
        write_each(&data, &fleet.series).context("cannot write the series")?;
    } else {
        write_long(&data.join("series.csv"), &fleet.series).context("cannot write the series")?;
    }
    write_truth(&args.dir.join("truth.csv"), &fleet.injected).context("cannot write the truth")
}
