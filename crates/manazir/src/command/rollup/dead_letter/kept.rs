//! Those that a destination keeps in its history.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use manazir_rollup::Raw;
use manazir_rollup::history::{Aside, AsideState, Resolution};
use manazir_rollup::hosted::Tried;
use serde::Serialize;

use super::shown::{self, Shown};
use crate::cli::Output;
use crate::cli::rollup::{
    RollupAside, RollupAsides, RollupAsidesReplay, RollupDiscard, RollupPlace, RollupRepair,
};
use crate::command::look::now;
use crate::command::rollup::place::Place;
use crate::command::rollup::{broker, runtime};
use crate::command::{Ending, write_json};
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style};
use crate::rollup::producing::publish;
use crate::rollup::releasing::{Released, release, try_out};

/// Those that are tried again in one step.
const TOGETHER: usize = 1_000;

impl From<&Aside> for Shown {
    fn from(aside: &Aside) -> Self {
        Self {
            number: aside.number,
            state: aside.state.name(),
            source: aside.source.to_string(),
            line: aside.position.saturating_add(1),
            arrived_at: Some(aside.known_at),
            reason: aside.reason.clone(),
            body: text(&aside.raw),
        }
    }
}

#[derive(Serialize)]
struct ReplayedJson {
    counted: u64,
    known: u64,
    waiting: u64,
    rejected: u64,
}

fn text(raw: &Raw) -> String {
    match raw {
        Raw::Nothing => String::new(),
        Raw::Line(bytes) | Raw::Message(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn with_place<T>(args: &RollupPlace, work: impl AsyncFnOnce(Place) -> Result<T>) -> Result<T> {
    runtime()?.block_on(async { work(Place::open(args).await?).await })
}

pub(super) fn list(args: &RollupAsides, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let asides = with_place(&args.of.place, async |place| {
        let history = place.history()?;
        let states: &[Option<AsideState>] = match &*args.state {
            "all" => &[None],
            "open" => &[Some(AsideState::Waiting), Some(AsideState::Rejected)],
            state => &[AsideState::named(state)],
        };
        let mut asides = Vec::new();
        for state in states {
            asides.extend(history.asides(*state, args.after, args.limit).await.context("read what is kept")?);
        }
        asides.sort_by_key(|aside| aside.number);
        asides.truncate(args.limit);
        Ok(asides)
    })?;
    shown::list(&asides.iter().map(Shown::from).collect::<Vec<_>>(), output, out)
}

async fn one(place: &Place, number: u64) -> Result<Aside> {
    let found =
        place.history()?.asides(None, number.saturating_sub(1), 1).await.context("read what is kept")?;
    let found = found.into_iter().find(|aside| aside.number == number);
    found.with_context(|| {
        format!(
            "there is none of the number {number}; `rollup dead-letter list --state all` shows what there is"
        )
    })
}

pub(super) fn show(args: &RollupAside, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let aside = with_place(&args.of.place, async |place| one(&place, args.number).await)?;
    shown::one(&Shown::from(&aside), output, out)
}

pub(super) fn repair(args: &RollupRepair, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let released = with_place(&args.of.place, async |place| {
        let aside = one(&place, args.number).await?;
        let is_open = matches!(aside.state, AsideState::Waiting | AsideState::Rejected);
        ensure!(is_open, "finding {} is {} already", args.number, aside.state.name());
        let mended = Aside { raw: Raw::Line(Arc::from(args.line.as_bytes())), ..aside };
        let mut plan = place.plan()?;
        // Told before anything is written: what was mended has to count.
        if let Tried::Rejected(why) = try_out(place.compiled(), &mut plan, &mended, now()) {
            bail!("it would be rejected still: {why}");
        }
        if let Some(to) = &args.publish {
            publish_mended(&place, &mended, to).await?;
            return Ok(None);
        }
        let ports = (&*place.destination, place.history()?);
        release(place.compiled(), &mut plan, ports, &[mended], now()).await.map(Some)
    })?;
    match released {
        Some(released) => tell(released, output, out),
        None => {
            if output.json {
                write_json(out, &serde_json::json!({ "number": args.number, "published": true }))?;
            } else {
                writeln!(out, "Finding {} is published: each destination counts it.", args.number)?;
            }
            Ok(Ending::Done)
        }
    }
}

/// Sends a mended line to every destination; it is seen to when the broker has it.
async fn publish_mended(place: &Place, mended: &Aside, to: &str) -> Result<()> {
    let compiled = place.compiled();
    let Raw::Line(line) = &mended.raw else { bail!("only a line can be published") };
    let values = compiled.decode_kept(&mended.raw).map_err(anyhow::Error::msg)?;
    let identity = compiled.identity(&mended.source, mended.position, line, &values);
    publish(&place.specification, &broker(to)?, compiled.encode(&identity, &values)).await?;
    let reason = "it was mended and published".to_owned();
    let resolution = Resolution { number: mended.number, state: AsideState::Counted, reason };
    place.history()?.resolve(&[resolution]).await.context("write down what became of it")?;
    Ok(())
}

pub(super) fn replay(args: &RollupAsidesReplay, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let released = with_place(&args.of.place, async |place| {
        let history = place.history()?;
        let mut plan = place.plan()?;
        let ports = (&*place.destination, history);
        let mut all = Released::default();
        for state in [AsideState::Waiting, AsideState::Rejected] {
            let mut after = 0;
            loop {
                let asides =
                    history.asides(Some(state), after, TOGETHER).await.context("read what is kept")?;
                let Some(last) = asides.last() else { break };
                after = last.number;
                let wanted = |aside: &Aside| args.numbers.is_empty() || args.numbers.contains(&aside.number);
                let wanted: Vec<Aside> = asides.into_iter().filter(wanted).collect();
                all = all + release(place.compiled(), &mut plan, ports, &wanted, now()).await?;
            }
        }
        Ok(all)
    })?;
    tell(released, output, out)
}

pub(super) fn discard(args: &RollupDiscard, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let RollupDiscard { number, reason, of } = args;
    with_place(&of.place, async |place| {
        one(&place, *number).await?;
        let resolution = Resolution { number: *number, state: AsideState::Discarded, reason: reason.clone() };
        place.history()?.resolve(&[resolution]).await.context("write down what became of it")
    })?;
    if output.json {
        write_json(out, &serde_json::json!({ "number": number, "state": "discarded" }))?;
    } else {
        writeln!(
            out,
            "Finding {number} shall not count; `rollup dead-letter list --state discarded` has it still."
        )?;
    }
    Ok(Ending::Done)
}

fn tell(released: Released, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let Released { counted: new, known, rejected, waiting } = released;
    if output.json {
        write_json(out, &ReplayedJson { counted: new, known, waiting, rejected })?;
        return Ok(Ending::Done);
    }
    let mut parts = vec![counted(new as usize, "finding counts now", "findings count now")];
    let others = [(known, "counted before"), (waiting, "waiting still"), (rejected, "rejected again")];
    parts
        .extend(others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    writeln!(out, "{}", Style::of_stdout().paint(Ink::Strong, &parts.join(", ")))?;
    Ok(Ending::Done)
}
