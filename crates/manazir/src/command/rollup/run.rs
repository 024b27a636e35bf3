//! `manazir rollup run`: findings into totals.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_rabbitmq::fanout::FanoutConsumer;
use manazir_rollup::follow::{Follow, Line, TooLong};
use manazir_rollup::{Shape, Total};
use serde::Serialize;

use super::board::{self, TotalJson};
use super::{PATIENCE, asides, broker, runtime, source_name, unless_interrupted};
use crate::cli::Output;
use crate::cli::rollup::RollupRun;
use crate::command::look::now;
use crate::command::{Ending, write_json};
use crate::progress::{Unit, Work, catch_interrupts, interrupted};
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style};
use crate::rollup::consuming::consume;
use crate::rollup::counting::{Aside, BATCH, Counting, Lines, Tally};
use crate::rollup::destinations::Target;
use crate::rollup::specification::{Specification, Watch};
use crate::rollup::{input, table};

#[derive(Serialize)]
struct Ran<'r> {
    rollup: &'r str,
    destination: &'r str,
    #[serde(flatten)]
    tally: Tally,
    aside: &'r [Aside],
    totals: Vec<TotalJson<'r>>,
}

/// What was counted, and what there is now.
struct Counted {
    tally: Tally,
    asides: Vec<Aside>,
    totals: Vec<Total>,
    /// True if what does not count is in the destination.
    keeps_asides: bool,
}

pub(super) fn run(args: &RollupRun, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let specification = Specification::read(&args.spec, args.references.as_deref())?;
    let plan = specification.plan()?;
    let target = Target::new(&specification, args.to.as_deref(), &args.data)?;
    let shape = specification.compiled.shape(&target.name);
    catch_interrupts();
    let ran = runtime()?.block_on(async {
        let counting =
            Counting::new(plan, Arc::clone(&specification.compiled), target.open(&shape).await?.into())
                .await?;
        let (counting, asides) = match &args.from {
            Some(from) => (count_queue(args, &specification, &target, counting, from).await?, Vec::new()),
            None => count_lines(args, &specification, counting, output.quiet).await?,
        };
        let totals = counting.destination().totals().await.context("read the totals")?;
        let keeps_asides = counting.keeps_asides();
        anyhow::Ok(Counted { tally: counting.tally(), asides, totals, keeps_asides })
    })?;
    if let Some(path) = &args.out {
        table::write(path, &shape, &ran.totals)?;
    }
    if output.json {
        let json = Ran {
            rollup: &specification.compiled.spec.name,
            destination: &target.name,
            tally: ran.tally,
            aside: &ran.asides,
            totals: board::json(&ran.totals, &shape),
        };
        write_json(out, &json)?;
    } else {
        say(out, &ran, &shape, args.top)?;
        if args.from.is_some() && ran.tally.waiting + ran.tally.rejected > 0 {
            let hint = if ran.keeps_asides { "" } else { " --from amqp://…" };
            let hint = format!(
                "`manazir rollup dead-letter list --to {}{hint}` shows what does not count",
                target.name
            );
            writeln!(out, "{}", Style::of_stdout().paint(Ink::Quiet, &hint))?;
        }
    }
    // Whoever runs until Ctrl-C is done by it.
    Ok(Ending::of(interrupted() && !args.follow && args.from.is_none()))
}

async fn count_queue(
    args: &RollupRun,
    specification: &Specification,
    target: &Target,
    mut counting: Counting,
    from: &str,
) -> Result<Counting> {
    let address = broker(from)?;
    let (exchange, queue) = (specification.exchange(), specification.queue(&target.name));
    let opened = FanoutConsumer::open(&address, &exchange, &queue);
    let Some(opened) = unless_interrupted(opened).await else { return Ok(counting) };
    let mut consumer = opened.with_context(|| format!("read from {address:?}"))?;
    let until_idle = args.until_idle.map(Duration::from_secs);
    consume(specification, &mut counting, &mut consumer, until_idle).await?;
    Ok(counting)
}

async fn count_lines(
    args: &RollupRun,
    specification: &Specification,
    counting: Counting,
    quiet: bool,
) -> Result<(Counting, Vec<Aside>)> {
    let source = Path::new(args.source.as_deref().unwrap_or("-"));
    let name = source_name(args.source_name.as_deref(), source)?;
    let mut lines = Lines::new(counting, &name);
    if source == Path::new("-") {
        count_input(&mut lines, specification).await?;
    } else {
        count_file(&mut lines, specification, source, args.follow, quiet).await?;
    }
    lines.end(now()).await
}

async fn count_file(
    counting: &mut Lines,
    specification: &Specification,
    path: &Path,
    follow: bool,
    quiet: bool,
) -> Result<()> {
    let unreadable = || format!("read {}", path.display());
    // Of a file that grows nobody knows how much is to come.
    let work = if follow {
        Work::unseen()
    } else {
        let bytes = std::fs::metadata(path).with_context(unreadable)?.len();
        Work::start("counted", bytes, Unit::Bytes, quiet)
    };
    let mut offset = 0;
    let mut watch = Watch::new(specification);
    let mut file = Follow::open(path, None);
    loop {
        let lines = file.read(BATCH).with_context(unreadable)?;
        for line in &lines {
            take(counting, line).await?;
        }
        let read = file.place().offset;
        work.advance(read.saturating_sub(offset));
        offset = read;
        if interrupted() {
            return counting.flush().await;
        }
        if lines.is_empty() {
            counting.flush().await?;
            if !follow {
                break;
            }
            if let Some(plan) = watch.changed() {
                counting.reload(plan, now()).await?;
            }
            tokio::time::sleep(PATIENCE).await;
        }
    }
    if let Some(line) = file.finish() {
        take(counting, &line).await?;
    }
    counting.flush().await
}

async fn take(counting: &mut Lines, line: &Line) -> Result<()> {
    let bytes = line.bytes.as_deref().map_err(TooLong::to_string);
    counting.take(line.position, bytes, now()).await
}

async fn count_input(counting: &mut Lines, specification: &Specification) -> Result<()> {
    let mut watch = Watch::new(specification);
    let lines = input::lines()?;
    while !interrupted() {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => take(counting, &line).await?,
            Err(RecvTimeoutError::Timeout) => {
                counting.flush().await?;
                if let Some(plan) = watch.changed() {
                    counting.reload(plan, now()).await?;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    counting.flush().await
}

fn say(out: &mut dyn Write, ran: &Counted, shape: &Shape, top: usize) -> Result<()> {
    let style = Style::of_stdout();
    let Counted { tally, asides, totals, .. } = ran;
    let Tally { findings, counted: new, known, waiting, rejected } = *tally;
    let mut parts = vec![format!("{new} counted")];
    let others = [(known, "known before"), (waiting, "waiting"), (rejected, "rejected")];
    parts
        .extend(others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let heading = format!("{}: {}", counted(findings as usize, "finding", "findings"), parts.join(", "));
    writeln!(out, "{}", style.paint(Ink::Strong, &heading))?;
    board::say(out, totals, shape, top, style)?;
    asides::say(out, asides, waiting + rejected, style)
}
