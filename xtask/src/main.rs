//! The project's own commands; `cargo xtask` lists them.
//!
//! Everything that a person or a machine runs to judge a change is here, so that both run the same.

// A command line speaks on its standard output.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "these commands talk to a terminal")]

mod coverage;
mod docs;
mod generate;
mod install;
mod python;
mod shell;
mod soak;
mod steps;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Before each commit, about a minute: format, lints, tidy, fast tests.
    Check,
    /// Everything that must hold: format, tidy, lints, all tests, documentation, generated files.
    Test {
        /// First install what the tests need and is missing, where that is possible.
        #[arg(long)]
        install: bool,
    },
    /// The rules of this house that no other tool checks: arrows, licences, file headers, loose ends.
    Tidy,
    /// The long checks: fuzzing of the readers, property tests with many cases, kills of the service.
    Soak(soak::Options),
    /// Line coverage of each crate by all tests.
    Coverage {
        /// First install the tools of LLVM, where that is possible.
        #[arg(long)]
        install: bool,
        /// Also name the lines that no test reaches.
        #[arg(long)]
        lines: bool,
        /// Run the tests of these crates only.
        #[arg(long, short, value_name = "NAME")]
        package: Vec<String>,
    },
    /// Write the generated files anew.
    Generate {
        /// Write nothing; fail if a file is stale.
        #[arg(long)]
        check: bool,
    },
    /// Run the commands that the documents show.
    Docs,
}

fn main() -> ExitCode {
    if let Some(status) = coverage::as_compiler() {
        return status;
    }
    let Some(command) = Arguments::parse().command else {
        print!("{}", Arguments::command().render_help());
        return ExitCode::SUCCESS;
    };
    let result = match command {
        Command::Check => test::check(),
        Command::Test { install } => test::test(install),
        Command::Tidy => tidy::run(),
        Command::Soak(options) => soak::run(&options),
        Command::Coverage { install, lines, package } => coverage::run(install, lines, &package),
        Command::Generate { check } => generate::run(check),
        Command::Docs => docs::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
