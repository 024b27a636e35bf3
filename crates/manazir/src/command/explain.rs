//! `manazir explain`: the root cause of one case or anomaly, with the evidence.

mod source;
mod tell;

pub(super) use source::rules;

use std::fs;
use std::io::Write;

use anyhow::{Context, Result, anyhow, bail};
use manazir_rca::explanation::{Config, Explanation};
use manazir_score::cases::{self, Cases, Labelled};
use serde::Serialize;

use super::{Ending, write_json};
use crate::cli::{Explain, Output};
use crate::report::html::explanation_page;
use crate::report::number::counted;
use crate::report::terminal::Style;

/// Names that are listed when none is given.
const NAMES_TOLD: usize = 20;

pub(super) fn run(args: &Explain, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let has_cases = args.at.is_none() && args.metric.is_none() && args.source.is_dir();
    let reading = || format!("cannot read {}", args.source.display());
    let cases = if has_cases { cases::open(&args.source).with_context(reading)? } else { None };
    match (cases, &args.case) {
        (Some(cases), None) => list(&cases, output, out),
        (Some(cases), Some(name)) => case(&cases, name, args, output, out),
        (None, Some(name)) => bail!(
            "{} holds no cases in a layout that is known (petshop, nezha, events, cubes; docs/how-to/score.md), \
             so there is no case `{name}`",
            args.source.display()
        ),
        (None, None) => {
            let told = source::explain(args, output)?;
            let title = args.source.to_string_lossy();
            tell(&title, &told, &told, &[], args, output, out)
        }
    }
}

fn case(cases: &Cases, name: &str, args: &Explain, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let config = Config { causes_max: args.top.max(1), ..Config::default() };
    let labelled = cases.explain(name, &config)?.ok_or_else(|| no_case(cases, name))?;
    tell(&labelled.case, &labelled.explanation, &labelled, &known(&labelled), args, output, out)
}

/// As a page, if one is wanted, and as JSON or on the terminal.
fn tell(
    title: &str,
    told: &Explanation,
    json: &impl Serialize,
    known: &[String],
    args: &Explain,
    output: Output,
    out: &mut dyn Write,
) -> Result<Ending> {
    if let Some(path) = &args.out {
        fs::write(path, explanation_page(title, told, known))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output.json {
        write_json(out, json)?;
    } else {
        let style = Style::of_stdout();
        tell::explanation(out, told, style)?;
        tell::known(out, known, style)?;
        tell::page(out, args.out.as_deref(), style)?;
    }
    Ok(Ending::Done)
}

/// What the labels say, in a sentence.
fn known(labelled: &Labelled) -> Vec<String> {
    let causes = labelled.known_causes.join("; ");
    let hit = match (labelled.explanation.contributors.is_some(), labelled.right) {
        (_, true) => "as found",
        (true, false) => "which is not what was named",
        (false, false) => "which is not the first of those above",
    };
    vec![format!("The labels name {causes}, {hit}.")]
}

fn list(cases: &Cases, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let names = cases.names();
    if output.json {
        write_json(out, &serde_json::json!({ "layout": cases.layout(), "cases": names }))?;
        return Ok(Ending::Done);
    }
    let n = counted(names.len(), "case", "cases");
    writeln!(out, "{n} in the layout of `{}`; say which with --case:", cases.layout())?;
    for name in names.iter().take(NAMES_TOLD) {
        writeln!(out, "  {name}")?;
    }
    if let Some(left) = names.len().checked_sub(NAMES_TOLD).filter(|left| *left > 0) {
        writeln!(out, "  and {left} more; --json lists all")?;
    }
    Ok(Ending::Done)
}

fn no_case(cases: &Cases, name: &str) -> anyhow::Error {
    let names = cases.names();
    let some: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    anyhow!("there is no case `{name}`; there are {} such as {}", names.len(), some.join(", "))
}
