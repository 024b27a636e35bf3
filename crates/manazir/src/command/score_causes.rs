//! `manazir score cubes|events|petshop|nezha`: is the cause named that is known to be the one?

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result};
use manazir_rca::contributors::{Config, explain};
use manazir_score::cubes::{Answer, Case, Element, SetReport};
use manazir_score::{Accuracy, Figures, cubes, events, nezha, peak_rss_mib, petshop};

use super::score::reading;
use super::{Ending, write_json};
use crate::cli::{CausesArgs, Output};
use crate::report::number::number;
use crate::report::terminal::{Style, table};

pub(super) fn cubes(args: &CausesArgs, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let cubes = cubes::load(&args.dir).with_context(|| reading(&args.dir))?;
    let answers = cubes.cases().map(answer).collect::<Result<Vec<_>>>()?;
    let report = cubes::Report { peak_rss_mib: peak_rss_mib(), ..cubes.report(&answers)? };
    if output.json {
        write_json(out, &report)?;
        return Ok(Ending::Done);
    }
    let row = |(name, set): (&String, &SetReport)| {
        let shares = [set.f1, set.precision, set.recall].map(|share| format!("{share:.3}"));
        let ms = set.ms_per_case_p50.map_or("-".to_owned(), number);
        [name.clone()].into_iter().chain(shares).chain([ms, set.cases.to_string()]).collect::<Vec<_>>()
    };
    let rows: Vec<_> = report.sets.iter().map(row).collect();
    let headings = ["set", "#F1", "#precision", "#recall", "#ms, median", "#cubes"];
    writeln!(out, "{}", table(&headings, &rows, Style::of_stdout()))?;
    Ok(Ending::Done)
}

fn answer(case: &Case) -> Result<Answer> {
    let rows = case.read()?;
    let begun = Instant::now();
    let cube = rows.into_cube().with_context(|| format!("case {}", case.name))?;
    let explanation = explain(&cube, &Config::default());
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    let named = |values: &[(usize, u32)]| -> Element {
        values.iter().map(|value| cube.label(std::slice::from_ref(value))).collect()
    };
    Ok(Answer { elements: explanation.elements.iter().map(|element| named(&element.values)).collect(), ms })
}

pub(super) fn events(args: &CausesArgs, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let suite = events::Suite::load(&args.dir).with_context(|| reading(&args.dir))?;
    let report = suite.score()?;
    if output.json {
        write_json(out, &report)?;
        return Ok(Ending::Done);
    }
    let ours = [("manazir", &report.found), ("manazir, a fifth of the events left out", &report.dropped)];
    let others = report.others.iter().map(|(name, accuracy)| (*name, accuracy));
    accuracies(out, "ranking", ours.into_iter().chain(others))?;
    times(out, report.ms_per_case_p50, report.ms_per_case_p95)
}

pub(super) fn petshop(args: &CausesArgs, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let report = petshop::score(&args.dir).with_context(|| reading(&args.dir))?;
    if output.json {
        write_json(out, &report)?;
        return Ok(Ending::Done);
    }
    figures(out, "petshop", &report.figures)?;
    for (metric, share) in &report.specificity {
        writeln!(out, "of the quiet windows of {metric} {:.1} % have no cause", 100.0 * share)?;
    }
    times(out, report.ms_per_case_p50, report.ms_per_case_p95)
}

pub(super) fn nezha(args: &CausesArgs, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let report = nezha::score(&args.dir).with_context(|| reading(&args.dir))?;
    if output.json {
        write_json(out, &report)?;
        return Ok(Ending::Done);
    }
    for (name, system) in &report.systems {
        figures(out, name, &system.known)?;
        let starts = [("60 s late", &system.late.accuracy), ("start looked for", &system.found.accuracy)];
        accuracies(out, name, starts)?;
        if let Some(share) = system.specificity {
            writeln!(out, "of the quiet windows {:.1} % have no cause", 100.0 * share)?;
        }
        times(out, system.ms_per_case_p50, system.ms_per_case_p95)?;
    }
    Ok(Ending::Done)
}

fn figures(out: &mut dyn Write, name: &str, figures: &Figures) -> Result<()> {
    let kinds = figures.by_kind.iter().map(|(kind, accuracy)| (kind.as_str(), accuracy));
    let baselines = figures.baselines.iter().map(|(name, accuracy)| (*name, accuracy));
    accuracies(out, name, [("manazir", &figures.accuracy)].into_iter().chain(kinds).chain(baselines))
}

fn accuracies<'a>(
    out: &mut dyn Write,
    of: &str,
    all: impl IntoIterator<Item = (&'a str, &'a Accuracy)>,
) -> Result<()> {
    let with = |share: f64, (low, high): (f64, f64)| format!("{share:.3} ({low:.2} to {high:.2})");
    let row = |(name, accuracy): (&str, &Accuracy)| {
        let first = with(accuracy.ac_at_1, accuracy.ac_at_1_interval);
        let third = with(accuracy.ac_at_3, accuracy.ac_at_3_interval);
        vec![name.to_owned(), first, third, accuracy.cases.to_string()]
    };
    let rows: Vec<_> = all.into_iter().map(row).collect();
    writeln!(out, "{}", table(&[of, "#AC@1 (95 %)", "#AC@3 (95 %)", "#cases"], &rows, Style::of_stdout()))?;
    Ok(())
}

fn times(out: &mut dyn Write, p50: f64, p95: f64) -> Result<Ending> {
    writeln!(out, "{} ms a case, 95 % within {} ms", number(p50), number(p95))?;
    Ok(Ending::Done)
}
