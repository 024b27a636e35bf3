//! `manazir rollup play`: a stream as if it happened now.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use manazir_rollup::play::{Play, Played};
use serde::Serialize;

use super::asides;
use crate::cli::Output;
use crate::cli::rollup::RollupPlay;
use crate::command::{Ending, write_json};
use crate::progress::catch_interrupts;
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style};
use crate::rollup::counting::Aside;
use crate::rollup::playing::RealTime;

#[derive(Serialize)]
struct PlayedJson {
    written: u64,
    broken: u64,
}

pub(super) fn run(args: &RollupPlay, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let secs_per_day = args.secs_per_day;
    ensure!(
        secs_per_day >= 0.0 && secs_per_day.is_finite(),
        "--secs-per-day is {secs_per_day}; it is 0 or more"
    );
    catch_interrupts();
    let offset_column = usize::from(args.offset_column) - 1;
    let mut stage = RealTime::default();
    let Played { written, broken, stopped } = Play { secs_per_day, offset_column, truncate: !args.append }
        .play(&args.input, &args.output, &mut stage)
        .with_context(|| format!("play {} into {}", args.input.display(), args.output.display()))?;
    if output.json {
        write_json(out, &PlayedJson { written, broken })?;
        return Ok(Ending::of(stopped));
    }
    let style = Style::of_stdout();
    let heading = format!("{} written", counted(written as usize, "line", "lines"));
    writeln!(out, "{}", style.paint(Ink::Strong, &heading))?;
    let aside = |(line, why): &(u64, _)| Aside { line: *line, reason: format!("{why}"), waits: false };
    let asides: Vec<Aside> = stage.broken.iter().map(aside).collect();
    asides::say(out, &asides, broken, style)?;
    Ok(Ending::of(stopped))
}
