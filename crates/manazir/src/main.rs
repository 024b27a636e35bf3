//! The `manazir` binary: command line in, exit code out.

use std::process::ExitCode;

use clap::Parser;

/// Threads judge series side by side and each makes many short vectors; this allocator gives each thread a heap.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    manazir::command::run(&manazir::cli::Cli::parse())
}
