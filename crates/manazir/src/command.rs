//! The commands: each takes its arguments, does the work, and writes for people or for machines.

mod account;
mod anomaly;
mod anomaly_json;
mod dead_letter;
mod detect;
mod discover;
mod doctor;
mod explain;
mod job;
mod look;
mod parquet_out;
mod rollup;
mod rule;
mod score;
mod score_causes;
mod score_cloudtrail;
mod serve;
mod tell;
mod up;
mod up_audit;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::progress::{self, INTERRUPTED_CODE};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything was done.
    Done,
    /// Ctrl-C came first; what was finished was shown.
    Interrupted,
    /// It was done, and the answer is no.
    Unwell,
}

impl Ending {
    fn of(interrupted: bool) -> Self {
        if interrupted { Self::Interrupted } else { Self::Done }
    }

    fn code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Interrupted => ExitCode::from(INTERRUPTED_CODE as u8),
            Self::Unwell => ExitCode::FAILURE,
        }
    }
}

/// Runs a command; its error goes to standard error with all that led to it.
pub fn run(cli: &Cli) -> ExitCode {
    // The service has its own way to stop.
    if !matches!(cli.command, Command::Serve(_)) {
        progress::catch_interrupts();
    }
    let mut out = io::stdout().lock();
    let ending = match &cli.command {
        Command::Up(args) => up::run(args, cli.output, &mut out),
        Command::Discover(args) => discover::run(args, cli.output, &mut out),
        Command::Detect(args) => detect::run(args, cli.output, &mut out),
        Command::Explain(args) => explain::run(args, cli.output, &mut out),
        Command::Score(args) => score::run(args, cli.output, &mut out),
        Command::Serve(args) => serve::run(args, cli.output, &mut out),
        Command::Token(args) => serve::token(args, cli.output, &mut out),
        Command::Account(args) => account::run(args, cli.output, &mut out),
        Command::Anomaly(args) => anomaly::run(args, cli.output, &mut out),
        Command::Rule(args) => rule::run(args, cli.output, &mut out),
        Command::Rollup(args) => rollup::run(args, cli.output, &mut out),
        Command::DeadLetter(args) => dead_letter::run(args, cli.output, &mut out),
        Command::Job(args) => job::run(args, cli.output, &mut out),
        Command::Doctor(args) => doctor::run(args, cli.output, &mut out),
    };
    match ending.and_then(|ending| out.flush().map(|()| ending).map_err(Into::into)) {
        Ok(ending) => ending.code(),
        // `manazir up | head` is no failure.
        Err(error) if closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "manazir: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn closed_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(broken)
}

/// One JSON object and a line end.
fn write_json(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<()> {
    // Standard output is written line by line, and a table may have a hundred thousand of them.
    let mut out = std::io::BufWriter::with_capacity(1 << 16, out);
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}
