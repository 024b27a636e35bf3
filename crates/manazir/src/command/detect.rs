//! `manazir detect`: batch detection with every verdict.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::{Ending, anomaly_json, parquet_out, tell, write_json};
use crate::cli::{Detect, Output};
use crate::found::Found;
use crate::judge::{Judged, judge};
use crate::report::html::{Page, render};
use crate::report::terminal::Style;

#[derive(Serialize)]
struct DetectJson<'a> {
    interrupted: bool,
    anomalies: Vec<anomaly_json::AnomalyJson<'a>>,
    found: &'a Found,
}

pub(super) fn run(args: &Detect, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let Judged { found, reports, interrupted, .. } =
        judge(&args.sources, None, args.sensitivity.into(), output.unwatched())?;
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
