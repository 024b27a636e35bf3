//! `manazir detect`: batch detection with every verdict.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::{Ending, anomaly_json, parquet_out, tell, write_json};
use crate::cli::{Detect, Output};
use crate::contributors::Baseline;
use crate::engine::{Thorough, thorough};
use crate::finding::SeriesReport;
use crate::found::Found;
use crate::judge::{Judged, judge};
use crate::progress::{Unit, Work};
use crate::report::html::{Page, render};
use crate::report::terminal::Style;

#[derive(Serialize)]
struct DetectJson<'a> {
    interrupted: bool,
    anomalies: Vec<anomaly_json::AnomalyJson<'a>>,
    found: &'a Found,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ensembles: Vec<EnsembleJson<'a>>,
}

/// What the ensemble that was chosen for a series says.
#[derive(Serialize)]
struct EnsembleJson<'a> {
    series: String,
    choice: &'a str,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<String>,
}

pub(super) fn run(args: &Detect, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let Judged { found, reports, interrupted, .. } =
        judge(&args.sources, None, args.sensitivity.into(), output.unwatched())?;
    let ensembles = if args.thorough { judged_thoroughly(&reports, output)? } else { Vec::new() };
    if let Some(path) = &args.out {
        parquet_out::write(path, &reports, &ensembles)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.report {
        let title = args.sources.join(", ");
        let notes: Vec<String> =
            interrupted.then(|| "Interrupted: this is what was finished.".to_owned()).into_iter().collect();
        let baseline = Baseline::default();
        let page =
            Page { title: &title, found: &found, reports: &reports, baseline, notes: &notes, hidden: &[] };
        fs::write(path, render(&page)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output.json {
        let anomalies = anomaly_json::anomalies(&reports, Baseline::default());
        let ensembles = ensemble_json(&reports, &ensembles);
        write_json(out, &DetectJson { interrupted, anomalies, found: &found, ensembles })?;
    } else {
        let style = Style::of_stdout();
        tell::found(out, &found, style)?;
        tell::anomalies(out, &found, &reports, (args.top, Baseline::default()), style)?;
        tell::ensembles(out, &reports, &ensembles, args.top, style)?;
        for path in args.out.iter().chain(&args.report) {
            writeln!(out, "Written: {}", path.display())?;
        }
    }
    Ok(Ending::of(interrupted))
}

/// Interrupted, nothing of it is shown: a choice among half of the series would mislead.
fn judged_thoroughly(reports: &[SeriesReport], output: Output) -> Result<Vec<Thorough>> {
    let samples = reports.iter().map(|report| report.series.len() as u64).sum();
    let work = Work::start("judging by ensembles", samples, Unit::Samples, output.unwatched());
    match thorough(reports, &work) {
        Some(ensembles) => Ok(ensembles),
        None => bail!("interrupted before the ensembles were done; without --thorough it takes seconds"),
    }
}

fn ensemble_json<'a>(reports: &'a [SeriesReport], ensembles: &'a [Thorough]) -> Vec<EnsembleJson<'a>> {
    let of = |(report, ensemble): (&SeriesReport, &'a Thorough)| EnsembleJson {
        series: report.series.key.to_string(),
        choice: &ensemble.words,
        score: ensemble.score,
        start_at: ensemble.strangest.map(|(start, _)| start.to_string()),
        end_at: ensemble.strangest.map(|(_, end)| end.to_string()),
    };
    reports.iter().zip(ensembles).map(of).collect()
}
