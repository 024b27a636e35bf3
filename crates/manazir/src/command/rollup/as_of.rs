//! `manazir rollup as-of`: the table as it was.

use std::io::Write;

use anyhow::{Context, Result, bail};
use manazir_model::Timestamp;
use manazir_rollup::AsOf;
use serde::Serialize;

use super::board::{self, TotalJson};
use super::place::Place;
use super::runtime;
use crate::cli::Output;
use crate::cli::rollup::{AsOfArgs, RollupAsOf};
use crate::command::{Ending, write_json};
use crate::report::terminal::{Ink, Style};
use crate::rollup::table;

#[derive(Serialize)]
struct WasJson<'w> {
    rollup: &'w str,
    at: Option<String>,
    known_at: Option<String>,
    totals: Vec<TotalJson<'w>>,
}

pub(super) fn run(args: &RollupAsOf, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let as_of = as_of(args.as_of);
    let (place, mut totals) = runtime()?.block_on(async {
        let place = Place::open(&args.place).await?;
        let totals = place.history()?.as_of(as_of).await.context("read the history")?;
        anyhow::Ok((place, totals))
    })?;
    if let Some(key) = &args.key {
        totals.retain(|total| total.key == *key);
        if totals.is_empty() {
            bail!("nobody of the key {key:?} was known then");
        }
    }
    if let Some(path) = &args.out {
        table::write(path, &place.shape, &totals)?;
    }
    if output.json {
        let json = WasJson {
            rollup: &place.compiled().spec.name,
            at: as_of.at.map(|at| at.to_string()),
            known_at: as_of.known_at.map(|at| at.to_string()),
            totals: board::json(&totals, &place.shape),
        };
        write_json(out, &json)?;
        return Ok(Ending::Done);
    }
    let style = Style::of_stdout();
    writeln!(out, "{}", style.paint(Ink::Strong, &heading(as_of)))?;
    if totals.is_empty() {
        writeln!(out, "Nobody was known then.")?;
    }
    board::say(out, &totals, &place.shape, args.top, style)?;
    Ok(Ending::Done)
}

pub(super) fn as_of(AsOfArgs { at, known_at }: AsOfArgs) -> AsOf {
    AsOf { at, known_at }
}

pub(super) fn heading(AsOf { at, known_at }: AsOf) -> String {
    let when = |what: &str, time: Option<Timestamp>| time.map(|time| format!("{what} {time}"));
    let parts = [when("what had happened by", at), when("what was known at", known_at)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "everything that is known".to_owned() } else { parts.join(", ") }
}
