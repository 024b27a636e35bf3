//! `manazir rollup replay`: findings that are kept, counted anew.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::board::{self, TotalJson};
use super::place::Place;
use super::runtime;
use crate::cli::Output;
use crate::cli::rollup::{RollupPlace, RollupReplay};
use crate::command::look::now;
use crate::command::{Ending, write_json};
use crate::progress::{Unit, Work, catch_interrupts, interrupted};
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style};
use crate::rollup::counting::Counting;
use crate::rollup::destinations::Target;
use crate::rollup::replaying::{Replayed, Replaying};
use crate::rollup::specification::Specification;

#[derive(Serialize)]
struct ReplayedJson<'r> {
    rollup: &'r str,
    destination: &'r str,
    replaced: bool,
    #[serde(flatten)]
    replayed: Replayed,
    totals: Vec<TotalJson<'r>>,
}

pub(super) fn run(args: &RollupReplay, output: Output, out: &mut dyn Write) -> Result<Ending> {
    catch_interrupts();
    let (place, replayed, totals) = runtime()?.block_on(async {
        let from = Place::open(&RollupPlace { to: args.history.clone(), ..args.place.clone() }).await?;
        let specification = Specification::read(&args.place.spec, args.place.references.as_deref())?;
        let target = Target::new(&specification, args.place.to.as_deref(), &args.place.data)?;
        ensure!(
            args.replace || target != from.target,
            "what counts in `{}` counts there already: --replace counts it anew in its place, --to names another \
             destination",
            target.name
        );
        let place = Place::new(specification, target).await?;
        let replayed = replay(args, &from, &place, output).await?;
        let totals = place.destination.totals().await.context("read the totals")?;
        anyhow::Ok((place, replayed, totals))
    })?;
    let replaced = args.replace && !interrupted();
    if output.json {
        let json = ReplayedJson {
            rollup: &place.compiled().spec.name,
            destination: &place.target.name,
            replaced,
            replayed,
            totals: board::json(&totals, &place.shape),
        };
        write_json(out, &json)?;
        return Ok(Ending::of(interrupted()));
    }
    let style = Style::of_stdout();
    writeln!(out, "{}", style.paint(Ink::Strong, &heading(replayed, replaced)))?;
    board::say(out, &totals, &place.shape, args.top, style)?;
    Ok(Ending::of(interrupted()))
}

async fn replay(args: &RollupReplay, from: &Place, to: &Place, output: Output) -> Result<Replayed> {
    let history = from.history()?;
    let total = history.status().await.context("look at the history")?.findings;
    let work = Work::start("counted", total, Unit::Findings, output.quiet);
    let compiled = to.compiled();
    if !args.replace {
        let mut replaying = Replaying::new(compiled, to.plan()?, history, &*to.destination).await?;
        replaying.catch_up(&work).await?;
        replaying.mend().await?;
        return Ok(replaying.replayed());
    }
    let shape = to.shape.staged();
    let staged = to.target.open(&shape).await?;
    let mut replaying = Replaying::new(compiled, to.plan()?, history, &*staged).await?;
    replaying.catch_up(&work).await?;
    replaying.mend().await?;
    if !interrupted() {
        replaying.replace(&*to.destination, &shape, &work).await?;
        // Names follow, and what was set aside and counts by now is marked as that.
        let live = to.target.open(&to.shape).await?;
        Counting::new(to.plan()?, compiled.clone(), live.into()).await?.release(now()).await?;
    }
    Ok(replaying.replayed())
}

fn heading(replayed: Replayed, replaced: bool) -> String {
    let Replayed { findings, counted: new, known, waiting, rejected, as_before } = replayed;
    let mut parts = vec![format!("{new} counted")];
    let others = [
        (known, "known before"),
        (waiting, "waiting"),
        (rejected, "rejected"),
        (as_before, "as before, for nobody kept what they said"),
    ];
    parts
        .extend(others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let heading = format!("{}: {}", counted(findings as usize, "finding", "findings"), parts.join(", "));
    if replaced { heading + "; the totals are those counted anew" } else { heading }
}
