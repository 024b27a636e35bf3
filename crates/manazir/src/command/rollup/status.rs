//! `manazir rollup status`: how much there is, and how late it is.

use std::io::Write;

use anyhow::{Context, Result};
use manazir_model::Timestamp;
use manazir_rabbitmq::fanout::{Depth, depth};
use manazir_rollup::history::Status;
use serde::Serialize;

use super::place::Place;
use super::{broker, runtime};
use crate::cli::Output;
use crate::cli::rollup::RollupStatus;
use crate::command::look::{now, when};
use crate::command::{Ending, write_json};
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style, table};
use crate::report::when::duration;
use crate::rollup::specification::Specification;

#[derive(Serialize)]
struct StatusJson<'s> {
    rollup: &'s str,
    destination: &'s str,
    /// None where none is kept.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    history: Option<HistoryJson>,
    queues: &'s [QueueJson],
}

#[derive(Serialize)]
struct HistoryJson {
    findings: u64,
    segments: u64,
    first_at: Option<String>,
    last_at: Option<String>,
    last_known_at: Option<String>,
    /// How long ago the last finding was taken in.
    idle_seconds: Option<f64>,
    waiting: u64,
    rejected: u64,
}

#[derive(Serialize)]
struct QueueJson {
    destination: String,
    queue: String,
    ready: Option<u64>,
    consumers: Option<u64>,
    waiting: Option<u64>,
    dead: Option<u64>,
}

pub(super) fn run(args: &RollupStatus, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let (place, status, queues) = runtime()?.block_on(async {
        let place = Place::open(&args.place).await?;
        let queues = match &args.from {
            Some(from) => queues(&place.specification, from).await?,
            None => Vec::new(),
        };
        let status = match place.destination.history() {
            // Its queue can be looked at.
            None if args.from.is_some() => None,
            _ => Some(place.history()?.status().await.context("look at the history")?),
        };
        anyhow::Ok((place, status, queues))
    })?;
    let (rollup, destination) = (&*place.compiled().spec.name, &*place.target.name);
    if output.json {
        write_json(out, &StatusJson { rollup, destination, history: status.map(history), queues: &queues })?;
        return Ok(Ending::Done);
    }
    let style = Style::of_stdout();
    let findings = status.map_or("no history is kept there".to_owned(), |status| {
        counted(status.findings as usize, "finding", "findings")
    });
    writeln!(out, "{}", style.paint(Ink::Strong, &format!("{rollup} in {destination}: {findings}")))?;
    for line in status.into_iter().flat_map(lines) {
        writeln!(out, "  {line}")?;
    }
    if !queues.is_empty() {
        let number = |number: Option<u64>| number.map_or("none".to_owned(), |number| number.to_string());
        let row = |queue: &QueueJson| {
            let QueueJson { destination, ready, consumers, waiting, dead, .. } = queue;
            let numbers = [*ready, *consumers, *waiting, *dead].map(number);
            [destination.clone()].into_iter().chain(numbers).collect::<Vec<_>>()
        };
        let rows: Vec<Vec<String>> = queues.iter().map(row).collect();
        let headings = ["queue of", "#to count", "#consumers", "#waiting", "#dead"];
        writeln!(out, "{}", table(&headings, &rows, style))?;
        if queues.iter().any(|queue| queue.waiting.unwrap_or(0) + queue.dead.unwrap_or(0) > 0) {
            let hint =
                "`manazir rollup dead-letter list --to NAME --from amqp://…` shows what waits or is dead";
            writeln!(out, "{}", style.paint(Ink::Quiet, hint))?;
        }
    }
    Ok(Ending::Done)
}

fn lines(status: Status) -> Vec<String> {
    let Status { segments, at, known_at, waiting, rejected, .. } = status;
    let mut lines = Vec::new();
    if let (Some((first, last)), Some(known_at)) = (at, known_at) {
        lines.push(format!("from {} to {}", when(first), when(last)));
        let ago = duration(now().micros_since(known_at).max(0));
        lines.push(format!(
            "the last one came in {ago} ago; in {}",
            counted(segments as usize, "segment", "segments")
        ));
    }
    if waiting + rejected > 0 {
        lines.push(format!(
            "{waiting} waiting, {rejected} rejected: `manazir rollup dead-letter list` has them"
        ));
    }
    lines
}

fn history(status: Status) -> HistoryJson {
    let Status { findings, segments, at, known_at, waiting, rejected } = status;
    let text = |at: Timestamp| at.to_string();
    HistoryJson {
        findings,
        segments,
        first_at: at.map(|(first, _)| text(first)),
        last_at: at.map(|(_, last)| text(last)),
        last_known_at: known_at.map(text),
        idle_seconds: known_at.map(|known_at| now().micros_since(known_at) as f64 / 1e6),
        waiting,
        rejected,
    }
}

async fn queues(specification: &Specification, from: &str) -> Result<Vec<QueueJson>> {
    let address = broker(from)?;
    let names: Vec<&str> = specification.compiled.spec.destinations.iter().map(|one| &*one.name).collect();
    let queues = specification.queues();
    let depths = depth(&address, &queues).await.with_context(|| format!("ask {address:?}"))?;
    let queue = |((name, queue), depth): ((&&str, String), Depth)| QueueJson {
        destination: (*name).to_owned(),
        queue,
        ready: depth.ready,
        consumers: depth.consumers,
        waiting: depth.waiting,
        dead: depth.dead,
    };
    Ok(names.iter().zip(queues).zip(depths).map(queue).collect())
}
