//! `manazir rollup`: continuous aggregates.

mod as_of;
mod asides;
mod board;
mod dead_letter;
mod place;
mod play;
mod produce;
mod replay;
mod run;
mod series;
mod status;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_rabbitmq::Address;
use manazir_rollup::spec::schema;

use super::serve::{log_to_standard_error, runtime};
use super::{Ending, write_json};
use crate::cli::Output;
use crate::cli::rollup::Rollup;
use crate::config::fill;
use crate::progress::interrupted;

/// How long a finding waits for others before it is counted alone, and a file at its end before it is looked at again;
/// and how soon Ctrl-C is heard.
const PATIENCE: Duration = Duration::from_millis(200);

pub(super) fn run(args: &Rollup, output: Output, out: &mut dyn Write) -> Result<Ending> {
    if !output.quiet && !matches!(args, Rollup::Schema) {
        log_to_standard_error("warn");
    }
    match args {
        Rollup::Run(args) => run::run(args, output, out),
        Rollup::Produce(args) => produce::run(args, output, out),
        Rollup::Play(args) => play::run(args, output, out),
        Rollup::AsOf(args) => as_of::run(args, output, out),
        Rollup::Series(args) => series::run(args, output, out),
        Rollup::Status(args) => status::run(args, output, out),
        Rollup::Replay(args) => replay::run(args, output, out),
        Rollup::DeadLetter(args) => dead_letter::run(args, output, out),
        Rollup::Schema => {
            write_json(out, &schema())?;
            Ok(Ending::Done)
        }
    }
}

/// By which name findings of a file, or of standard input, are known again.
fn source_name(name: Option<&str>, source: &Path) -> Result<String> {
    if let Some(name) = name {
        return Ok(name.to_owned());
    }
    if source == Path::new("-") {
        return Ok("stdin".to_owned());
    }
    let path = std::path::absolute(source)?;
    Ok(std::fs::canonicalize(&path).unwrap_or(path).to_string_lossy().into_owned())
}

/// The broker of an address, in which `${NAME}` stands for a variable of the environment.
fn broker(url: &str) -> Result<Address> {
    let url = fill(url, |name| std::env::var(name).ok()).context("the address of the broker")?;
    Ok(Address::parse(&url)?)
}

/// What comes of it; `None` after Ctrl-C.
async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    while !interrupted() {
        if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
            return Some(done);
        }
    }
    None
}
