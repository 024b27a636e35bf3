//! `manazir rollup dead-letter`: findings that did not count.
//!
//! A destination with a history keeps them; those of any other are in the queues beside its own.

mod kept;
mod queued;
mod shown;

use std::io::Write;

use anyhow::Result;

use crate::cli::Output;
use crate::cli::rollup::RollupDeadLetter;
use crate::command::Ending;

pub(super) fn run(args: &RollupDeadLetter, output: Output, out: &mut dyn Write) -> Result<Ending> {
    match (args, args.asides_of().from.as_deref()) {
        (RollupDeadLetter::List(args), None) => kept::list(args, output, out),
        (RollupDeadLetter::List(args), Some(from)) => queued::list(args, from, output, out),
        (RollupDeadLetter::Show(args), None) => kept::show(args, output, out),
        (RollupDeadLetter::Show(args), Some(from)) => queued::show(args, from, output, out),
        (RollupDeadLetter::Repair(args), None) => kept::repair(args, output, out),
        (RollupDeadLetter::Repair(args), Some(from)) => queued::repair(args, from, output, out),
        (RollupDeadLetter::Replay(args), None) => kept::replay(args, output, out),
        (RollupDeadLetter::Replay(args), Some(from)) => queued::replay(args, from, output, out),
        (RollupDeadLetter::Discard(args), None) => kept::discard(args, output, out),
        (RollupDeadLetter::Discard(args), Some(from)) => queued::discard(args, from, output, out),
    }
}
