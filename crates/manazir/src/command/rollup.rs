//! `manazir rollup`: findings into totals.

use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_rollup::follow::{Follow, LINE_BYTES_MAX, Line, TooLong};
use manazir_rollup::spec::Spec;
use manazir_rollup::{Shape, Total};
use serde::Serialize;

use super::look::now;
use super::{Ending, write_json};
use crate::cli::Output;
use crate::cli::rollup::{Rollup, RollupRun};
use crate::progress::{catch_interrupts, interrupted};
use crate::report::name::printable;
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style, table as terminal_table};
use crate::rollup::counting::{Aside, BATCH, Counting, Tally};
use crate::rollup::destinations::Target;
use crate::rollup::specification::Specification;
use crate::rollup::table;

/// How long a finding waits for others before it is counted alone, and a file at its end before it is looked at again.
const PATIENCE: Duration = Duration::from_millis(200);

/// Findings that do not count, as the terminal shows them.
const ASIDES_SHOWN: usize = 5;

/// Lines of standard input that wait.
const LINES_MAX: usize = 10_000;

#[derive(Serialize)]
struct Ran<'r> {
    rollup: &'r str,
    destination: &'r str,
    #[serde(flatten)]
    tally: Tally,
    aside: &'r [Aside],
    totals: Vec<TotalJson<'r>>,
}

#[derive(Serialize)]
struct TotalJson<'t> {
    key: &'t str,
    label: &'t str,
    count: u64,
    sum: i64,
    mean: Option<f64>,
    by_category: serde_json::Map<String, serde_json::Value>,
}

pub(super) fn run(args: &Rollup, output: Output, out: &mut dyn Write) -> Result<Ending> {
    match args {
        Rollup::Run(args) => count(args, output, out),
        Rollup::Schema => {
            write_json(out, &schemars::schema_for!(Spec))?;
            Ok(Ending::Done)
        }
    }
}

fn count(args: &RollupRun, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let specification = Specification::read(&args.spec, args.references.as_deref())?;
    let plan = specification.plan()?;
    let target = Target::new(&specification, args.to.as_deref(), &args.data)?;
    let shape = specification.compiled.shape(&target.name);
    catch_interrupts();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (counting, totals) = runtime.block_on(async {
        let destination = target.open(&shape).await?;
        let compiled = std::sync::Arc::clone(&specification.compiled);
        let mut counting = Counting::new(compiled, plan, destination, &source_name(args)?).await?;
        if args.source == "-" {
            count_input(&mut counting).await?;
        } else {
            count_file(&mut counting, Path::new(&args.source), args.follow).await?;
        }
        let totals = counting.destination().totals().await.context("read the totals")?;
        anyhow::Ok((counting, totals))
    })?;
    if let Some(path) = &args.out {
        table::write(path, &shape, &totals)?;
    }
    if output.json {
        let ran = Ran {
            rollup: &specification.compiled.spec.name,
            destination: &target.name,
            tally: counting.tally(),
            aside: counting.asides(),
            totals: totals.iter().map(|total| json(total, &shape)).collect(),
        };
        write_json(out, &ran)?;
    } else {
        say(out, &counting, &totals, &shape, args.top)?;
    }
    Ok(Ending::of(interrupted() && !args.follow))
}

/// By which name findings of the source are known again.
fn source_name(args: &RollupRun) -> Result<String> {
    if let Some(name) = &args.source_name {
        return Ok(name.clone());
    }
    if args.source == "-" {
        return Ok("stdin".to_owned());
    }
    let path = std::path::absolute(&args.source)?;
    Ok(std::fs::canonicalize(&path).unwrap_or(path).to_string_lossy().into_owned())
}

async fn count_file(counting: &mut Counting, path: &Path, follow: bool) -> Result<()> {
    let unreadable = || format!("read {}", path.display());
    if !follow {
        std::fs::metadata(path).with_context(unreadable)?;
    }
    let mut file = Follow::open(path, None);
    loop {
        let lines = file.read(BATCH).with_context(unreadable)?;
        for line in &lines {
            take(counting, line).await?;
        }
        if interrupted() {
            return counting.flush().await;
        }
        if lines.is_empty() {
            counting.flush().await?;
            if !follow {
                break;
            }
            tokio::time::sleep(PATIENCE).await;
        }
    }
    if let Some(line) = file.finish() {
        take(counting, &line).await?;
    }
    counting.flush().await
}

async fn take(counting: &mut Counting, line: &Line) -> Result<()> {
    let bytes = line.bytes.as_deref().map_err(TooLong::to_string);
    counting.line(line.position, bytes, now()).await
}

async fn count_input(counting: &mut Counting) -> Result<()> {
    let lines = read_input()?;
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => take(counting, &line).await?,
            Err(RecvTimeoutError::Timeout) => counting.flush().await?,
            Err(RecvTimeoutError::Disconnected) => return counting.flush().await,
        }
        if interrupted() {
            return counting.flush().await;
        }
    }
}

/// The lines of standard input, which may pause, from a thread that may wait for them.
fn read_input() -> Result<Receiver<Line>> {
    let (send, lines) = sync_channel(LINES_MAX);
    let read = move || {
        let mut input = std::io::stdin().lock();
        for position in 0.. {
            match read_line(&mut input) {
                Ok(Some(bytes)) => {
                    if send.send(Line { position, bytes }).is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "standard input cannot be read");
                    break;
                }
            }
        }
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(read)?;
    Ok(lines)
}

/// The next line without its ending; `None` at the end.
fn read_line(input: &mut impl BufRead) -> std::io::Result<Option<Result<Vec<u8>, TooLong>>> {
    let mut bytes = Vec::new();
    let longest = LINE_BYTES_MAX as u64 + 2;
    if input.by_ref().take(longest).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    } else if bytes.len() as u64 == longest {
        input.skip_until(b'\n')?;
    }
    Ok(Some(if bytes.len() > LINE_BYTES_MAX { Err(TooLong) } else { Ok(bytes) }))
}

fn json<'t>(total: &'t Total, shape: &Shape) -> TotalJson<'t> {
    let by_category = shape.categories.iter().zip(&total.by_category);
    TotalJson {
        key: &total.key,
        label: &total.label,
        count: total.count,
        sum: total.sum,
        mean: mean(total),
        by_category: by_category.map(|(category, sum)| (category.clone(), (*sum).into())).collect(),
    }
}

/// KP-W12: of the exact sum and count, each time anew.
fn mean(total: &Total) -> Option<f64> {
    (total.count > 0).then(|| total.sum as f64 / total.count as f64)
}

fn say(out: &mut dyn Write, counting: &Counting, totals: &[Total], shape: &Shape, top: usize) -> Result<()> {
    let style = Style::of_stdout();
    let Tally { findings, counted: new, known, waiting, rejected } = counting.tally();
    let mut parts = vec![format!("{new} counted")];
    let others = [(known, "known before"), (waiting, "waiting"), (rejected, "rejected")];
    parts
        .extend(others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let heading = format!("{}: {}", counted(findings as usize, "finding", "findings"), parts.join(", "));
    writeln!(out, "{}", style.paint(Ink::Strong, &heading))?;
    let mut ranked: Vec<&Total> = totals.iter().collect();
    ranked.sort_by_key(|total| (std::cmp::Reverse(total.sum), &total.key));
    let row = |total: &&Total| {
        let mean = mean(total).map_or(String::new(), |mean| format!("{mean:.1}"));
        let sums = total.by_category.iter().map(i64::to_string);
        let words = [printable(&total.key), printable(&total.label)].into_iter().chain(sums);
        words.chain([total.count.to_string(), total.sum.to_string(), mean]).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = ranked.iter().take(top).map(row).collect();
    let categories: Vec<String> = shape.categories.iter().map(|category| format!("#{category}")).collect();
    let headings = ["key", "name"].into_iter().chain(categories.iter().map(String::as_str));
    let headings: Vec<&str> = headings.chain(["#findings", "#sum", "#average"]).collect();
    if !rows.is_empty() {
        writeln!(out, "{}", terminal_table(&headings, &rows, style))?;
    }
    if ranked.len() > top {
        let more = counted(ranked.len() - top, "more", "more");
        writeln!(out, "{}", style.paint(Ink::Quiet, &format!("and {more}; --top N shows more, --out all")))?;
    }
    for aside in counting.asides().iter().take(ASIDES_SHOWN) {
        let what = if aside.waits { "waits" } else { "rejected" };
        let text = format!("line {} {what}: {}", aside.line, aside.reason);
        writeln!(out, "{}", style.paint(Ink::Quiet, &printable(&text)))?;
    }
    let more = (waiting + rejected) as usize - counting.asides().len().min(ASIDES_SHOWN);
    if more > 0 {
        let more = counted(more, "more finding does", "more findings do");
        writeln!(out, "{}", style.paint(Ink::Quiet, &format!("{more} not count; --json lists them")))?;
    }
    Ok(())
}
