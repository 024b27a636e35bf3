//! What the service carries: real processes on a fresh directory, disk sync on, and callers on the same machine.
//!
//! ```console
//! cargo bench -p manazir --bench service -- --only events,latency --seconds 20
//! cargo bench -p manazir --bench service -- --brokers --workers 2 -- --some-option-of-serve
//! ```
//!
//! Each figure is a row of one table that names payload and batch; the callers' work is part of it, and its
//! share of the processor is told. What comes after a second `--` goes to `serve` as it is.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to a terminal")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

mod callers;
mod latency;
mod live;
mod one_by_one;
mod proc;
mod setup;
mod table;
mod throughput;

use clap::Parser;

use setup::Setup;
use table::Table;

/// What is measured, and how much of it.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Which figures: events, cloudtrail, latency, callers, idle, one_by_one, live.
    #[arg(long, value_delimiter = ',', default_value = "idle,events,cloudtrail,latency,callers")]
    only: Vec<String>,
    /// Events, or records, of an end-to-end figure.
    #[arg(long, default_value_t = 400_000)]
    events: u64,
    /// Events in one request.
    #[arg(long, default_value_t = 1_000)]
    batch: u64,
    /// Events of the figure one_by_one, which starts brokers of its own and no service.
    #[arg(long, default_value_t = 20_000)]
    one_by_one: u64,
    /// Series of the figure live, and for how many minutes each sends a sample.
    #[arg(long, default_value_t = 50_000)]
    series: u64,
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Seconds after which the next of these minutes is sent: less than 60 is a clock that runs fast.
    #[arg(long, default_value_t = 60)]
    pace: u64,
    /// Connections that send batches.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Single events a second of the latency figure.
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// How long the latency figure takes.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Accounts whose records are sent: each lies in one partition.
    #[arg(long, default_value_t = 8)]
    accounts: u64,
    /// Start a RabbitMQ and a PostgreSQL, both with their disk sync on, and use them.
    #[arg(long)]
    brokers: bool,
    /// Worker processes beside one that takes requests; 0 is one process that does both.
    #[arg(long, default_value_t = 0)]
    workers: usize,
    /// The binary; the one that cargo has built if not given.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_manazir"))]
    program: String,
    /// Goes to `serve` as it is.
    #[arg(last = true)]
    serve: Vec<String>,
}

fn main() {
    // Cargo adds this word for the runner of the standard library.
    let options = Options::parse_from(std::env::args().filter(|word| word != "--bench"));
    let mut table = Table::default();
    for figure in &options.only {
        if figure == "one_by_one" {
            eprintln!("{figure} …");
            one_by_one::run(&options, &mut table);
            continue;
        }
        // Each figure has a service and a directory of its own: none finds what another left.
        let setup = Setup::start(&options);
        eprintln!("{figure} …");
        match figure.as_str() {
            "idle" => proc::idle(&setup, &mut table),
            "events" => throughput::events(&setup, &options, &mut table),
            "cloudtrail" => throughput::cloudtrail(&setup, &options, &mut table),
            "latency" => latency::open_loop(&setup, &options, &mut table),
            "live" => live::run(&setup, &options, &mut table),
            "callers" => callers::at_once(&setup, &mut table),
            other => panic!("no figure is called {other}"),
        }
    }
    print!("{table}");
}
