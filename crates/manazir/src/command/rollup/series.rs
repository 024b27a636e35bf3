//! `manazir rollup series`: what findings come to in each span of time.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result};
use manazir_rollup::aggregate::Aggregate;
use manazir_rollup::history::{By, Span, SpanQuery};
use serde::Serialize;

use super::as_of::as_of;
use super::place::Place;
use super::runtime;
use crate::cli::Output;
use crate::cli::rollup::{ByArg, RollupSeries};
use crate::command::look::when;
use crate::command::{Ending, write_json};
use crate::report::name::printable;
use crate::report::number::number;
use crate::report::terminal::{Style, table};

#[derive(Serialize)]
struct SeriesJson<'s> {
    rollup: &'s str,
    every_seconds: u64,
    spans: Vec<SpanJson<'s>>,
}

#[derive(Serialize)]
struct SpanJson<'s> {
    start: String,
    of: &'s str,
    #[serde(flatten)]
    values: BTreeMap<String, Option<f64>>,
}

pub(super) fn run(args: &RollupSeries, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let query = SpanQuery {
        every: i64::try_from(args.every.as_micros()).unwrap_or(i64::MAX),
        by: match args.by {
            ByArg::All => By::All,
            ByArg::Category => By::Category,
            ByArg::Key => By::Key,
        },
        key: args.key.as_deref().map(Into::into),
        since: args.since,
        as_of: as_of(args.as_of),
        wanted: args.aggregates.iter().copied().collect(),
    };
    let (place, spans) = runtime()?.block_on(async {
        let place = Place::open(&args.place).await?;
        let spans = place.history()?.series(&query).await.context("read the history")?;
        anyhow::Ok((place, spans))
    })?;
    let decimals = place.compiled().spec.rollup.decimals;
    let values = |span: &Span| -> Vec<(Aggregate, Option<f64>)> {
        args.aggregates.iter().map(|aggregate| (*aggregate, span.cell.value(*aggregate, decimals))).collect()
    };
    if output.json {
        let span = |span: &'_ Span| {
            values(span).into_iter().map(|(name, value)| (name.to_string(), value)).collect()
        };
        let spans =
            spans.iter().map(|one| SpanJson { start: one.start.to_string(), of: &one.of, values: span(one) });
        let spans = spans.collect();
        let rollup = &place.compiled().spec.name;
        write_json(out, &SeriesJson { rollup, every_seconds: args.every.as_secs(), spans })?;
        return Ok(Ending::Done);
    }
    if spans.is_empty() {
        writeln!(out, "No findings lie there.")?;
        return Ok(Ending::Done);
    }
    let names: Vec<String> = args.aggregates.iter().map(|aggregate| format!("#{aggregate}")).collect();
    let headings: Vec<&str> = ["from", "of"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let row = |span: &Span| {
        let numbers = values(span).into_iter().map(|(_, value)| value.map_or(String::new(), number));
        [when(span.start), printable(&span.of)].into_iter().chain(numbers).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = spans.iter().map(row).collect();
    writeln!(out, "{}", table(&headings, &rows, Style::of_stdout()))?;
    Ok(Ending::Done)
}
