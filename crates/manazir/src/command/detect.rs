//! `manazir detect`: batch detection with every verdict.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::{Ending, anomaly_json, parquet_out, tell, write_json};
use crate::cli::{Detect, Output};
use crate::engine;
use crate::finding::SeriesReport;
use crate::found::Found;
use crate::load;
use crate::progress::{Unit, Work};
use crate::report::html::{Page, render};
use crate::report::terminal::Style;

#[derive(Serialize)]
struct DetectJson<'a> {
    interrupted: bool,
    anomalies: Vec<anomaly_json::AnomalyJson<'a>>,
    found: &'a Found,
}

pub(super) fn run(args: &Detect, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let (found, reports, interrupted) = judge(args, output.unwatched())?;
    if let Some(path) = &args.out {
        parquet_out::write(path, &reports).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.report {
        let title = args.sources.join(", ");
        let notes: Vec<String> =
            interrupted.then(|| "Interrupted: this is what was finished.".to_owned()).into_iter().collect();
        let page = Page { title: &title, found: &found, reports: &reports, notes: &notes, hidden: &[] };
        fs::write(path, render(&page)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output.json {
        let anomalies = anomaly_json::anomalies(&reports);
        write_json(out, &DetectJson { interrupted, anomalies, found: &found })?;
    } else {
        let style = Style::of_stdout();
        tell::found(out, &found, style)?;
        tell::anomalies(out, &found, &reports, args.top, style)?;
        for path in args.out.iter().chain(&args.report) {
            writeln!(out, "Written: {}", path.display())?;
        }
    }
    Ok(Ending::of(interrupted))
}

fn judge(args: &Detect, quiet: bool) -> Result<(Found, Vec<SeriesReport>, bool)> {
    let source = load::source(&args.sources);
    let catalog = load::discover(&source, quiet)?;
    if !load::has_series(&catalog) && !catalog.interrupted {
        bail!(load::nothing_to_read(&args.sources, &catalog));
    }
    let loaded = load::read(&source, &catalog, None, quiet)?;
    let words = load::found_with(&args.sources, &catalog, &loaded);
    let (series, mut found): (Vec<_>, Vec<_>) = loaded.series.into_iter().unzip();
    let work =
        Work::start("judging", found.iter().map(|found| found.samples as u64).sum(), Unit::Samples, quiet);
    let reports = engine::analyse(series, &work);
    let interrupted = catalog.interrupted || loaded.interrupted || reports.len() < found.len();
    // Reports come in the order of the series; a stopped run lacks some.
    let mut of = reports.iter().peekable();
    for series in &mut found {
        if let Some(report) = of.next_if(|report| report.series.key.to_string() == series.name) {
            series.score_max = report.score_max();
            series.anomalies = report.anomalies.len();
        }
    }
    let found = Found { series: found, ..words };
    Ok((found, reports, interrupted))
}
