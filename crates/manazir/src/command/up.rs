//! `manazir up`: discover, learn from history, find, explain.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use manazir_catalog::Catalog;
use serde::Serialize;

use super::{Ending, anomaly_json, tell, write_json};
use crate::cli::{Output, Up};
use crate::demo::{self, DemoIncident, demo};
use crate::engine;
use crate::finding::SeriesReport;
use crate::found::{Found, FoundSeries};
use crate::load::{self, Loaded};
use crate::progress::{Unit, Work, interrupted};
use crate::report::html::{Page, render};
use crate::report::terminal::{Ink, Style, wrapped};
use crate::state::{State, Stored};

/// Name of the report in the state directory.
const REPORT_FILE: &str = "manazir-report.html";

/// What one run came to.
struct Judged {
    found: Found,
    /// Series with anomalies; the others are only counted in `found`.
    reports: Vec<SeriesReport>,
    /// Tables that were as they were at the last run.
    reused: usize,
    interrupted: bool,
}

#[derive(Serialize)]
struct UpJson<'a> {
    interrupted: bool,
    tables_reused: usize,
    report: &'a Path,
    anomalies: Vec<anomaly_json::AnomalyJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    demo: Option<Vec<DemoJson<'a>>>,
    found: &'a Found,
}

#[derive(Serialize)]
struct DemoJson<'a> {
    found: bool,
    #[serde(flatten)]
    incident: &'a DemoIncident,
}

pub(super) fn run(args: &Up, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let demo = args.sources.is_empty().then(demo);
    let (folder, sources, title) = match &demo {
        Some(demo) => {
            let folder = args.data.join("demo");
            let files = folder.join("data");
            demo.write(&files).with_context(|| format!("cannot write the demo to {}", files.display()))?;
            (folder, vec![files.to_string_lossy().into_owned()], "the demo".to_owned())
        }
        None => (args.data.clone(), args.sources.clone(), args.sources.join(", ")),
    };
    let state = State::open(&folder)?;
    if args.fresh {
        state.clear()?;
    }
    let judged = judge(&sources, &state, output.unwatched())?;
    let incidents = demo.as_ref().map(|demo| demo::found(&demo.incidents, &judged.reports));
    let hidden = incidents.as_deref().map(demo::verdict).unwrap_or_default();
    let report = write_report(&judged, &title, &hidden, state.folder())?;
    if output.json {
        let json = UpJson {
            interrupted: judged.interrupted,
            tables_reused: judged.reused,
            report: &report,
            anomalies: anomaly_json::anomalies(&judged.reports),
            demo: incidents.map(|incidents| {
                incidents.into_iter().map(|(incident, found)| DemoJson { found, incident }).collect()
            }),
            found: &judged.found,
        };
        write_json(out, &json)?;
    } else {
        say(out, &judged, args, &hidden, &report)?;
    }
    Ok(Ending::of(judged.interrupted))
}

/// Judges what has changed since the last run and adds what was kept of the rest.
fn judge(sources: &[String], state: &State, quiet: bool) -> Result<Judged> {
    let source = load::source(sources);
    let catalog = load::discover(&source, quiet)?;
    if !load::has_series(&catalog) && !catalog.interrupted {
        bail!(load::nothing_to_read(sources, &catalog));
    }
    let kept: Vec<Option<Stored>> = catalog.tables.iter().map(|table| state.load(table)).collect();
    let done: HashSet<usize> = kept
        .iter()
        .enumerate()
        .filter(|(_, kept)| kept.as_ref().is_some_and(|kept| kept.complete))
        .map(|(at, _)| at)
        .collect();
    let rest = load::without(&catalog, &done);
    let mut judged = Judged {
        found: load::found(sources, &catalog),
        reports: Vec::new(),
        reused: done.len(),
        interrupted: catalog.interrupted,
    };
    let loaded = load::read(&source, &rest, Some(state.folder()), quiet)?;
    judged.found.rejects.clone_from(&loaded.rejects);
    let mut read = loaded.counts(rest.tables.len()).into_iter();
    for (table, kept) in judged.found.tables.iter_mut().zip(&kept) {
        let before = kept.as_ref().filter(|kept| kept.complete).map(|kept| kept.found.len());
        table.series = before.or_else(|| read.next()).unwrap_or(0);
    }
    let partial: Vec<Stored> = kept
        .into_iter()
        .enumerate()
        .filter_map(|(index, kept)| {
            let kept = kept.unwrap_or_default();
            if done.contains(&index) {
                judged.found.rejects.extend(kept.rejects.clone());
                judged.add(kept);
                return None;
            }
            Some(kept)
        })
        .collect();
    judge_loaded(&mut judged, &rest, loaded, partial, state, quiet)?;
    Ok(judged)
}

/// Judges the series that were read, table by table, and keeps each table's result when it is there.
/// `partial`: what an interrupted run left of each of these tables.
fn judge_loaded(
    judged: &mut Judged,
    catalog: &Catalog,
    loaded: Loaded,
    partial: Vec<Stored>,
    state: &State,
    quiet: bool,
) -> Result<()> {
    let samples = loaded.series.iter().map(|(series, _)| series.len() as u64).sum();
    let work = Work::start("judging", samples, Unit::Samples, quiet);
    let read_whole = !loaded.interrupted;
    judged.interrupted |= loaded.interrupted;
    let mut by_table: Vec<Vec<_>> = catalog.tables.iter().map(|_| Vec::new()).collect();
    for (series, table) in loaded.series.into_iter().zip(loaded.table) {
        by_table[table].push(series);
    }
    for ((table, series), before) in catalog.tables.iter().zip(by_table).zip(partial) {
        let known: HashSet<&str> = before.found.iter().map(|series| series.name.as_str()).collect();
        let (fresh, mut found): (Vec<_>, Vec<_>) =
            series.into_iter().filter(|(_, found)| !known.contains(found.name.as_str())).unzip();
        let reports = engine::analyse(fresh, &work);
        let complete = read_whole && reports.len() == found.len();
        judged.interrupted |= !complete;
        keep_judged(&mut found, &reports);
        let mut stored = Stored::new(complete, found, strange(reports), Vec::new());
        stored.found.extend(before.found);
        stored.reports.extend(before.reports);
        stored.found.sort_by(|one, other| one.name.cmp(&other.name));
        // Rejects are counted for all tables of a read together: they are kept where there is one table.
        if catalog.tables.len() == 1 {
            stored.rejects.clone_from(&loaded.rejects);
        }
        state.store(table, &stored)?;
        judged.add(stored);
    }
    judged.interrupted |= interrupted();
    Ok(())
}

/// Leaves the series that were judged, with what was found in them.
fn keep_judged(found: &mut Vec<FoundSeries>, reports: &[SeriesReport]) {
    let of: std::collections::HashMap<String, &SeriesReport> =
        reports.iter().map(|report| (report.series.key.to_string(), report)).collect();
    found.retain_mut(|series| {
        let Some(report) = of.get(&series.name) else { return false };
        series.score_max = report.score_max();
        series.anomalies = report.anomalies.len();
        true
    });
}

fn strange(reports: Vec<SeriesReport>) -> Vec<SeriesReport> {
    reports.into_iter().filter(|report| !report.anomalies.is_empty()).collect()
}

impl Judged {
    fn add(&mut self, stored: Stored) {
        self.found.series.extend(stored.found);
        self.reports.extend(stored.reports);
    }

    /// Sentences that must be read with the result.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.interrupted {
            notes.push(
                "Interrupted: this is what was finished. The same command goes on from here.".to_owned(),
            );
        }
        notes
    }
}

fn write_report(judged: &Judged, title: &str, hidden: &[(String, bool)], folder: &Path) -> Result<PathBuf> {
    let notes = judged.notes();
    let page = Page { title, found: &judged.found, reports: &judged.reports, notes: &notes, hidden };
    let path = folder.join(REPORT_FILE);
    fs::write(&path, render(&page))
        .with_context(|| format!("cannot write the report to {}", path.display()))?;
    Ok(path)
}

fn say(
    out: &mut dyn Write,
    judged: &Judged,
    args: &Up,
    hidden: &[(String, bool)],
    report: &Path,
) -> Result<()> {
    let style = Style::of_stdout();
    tell::found(out, &judged.found, style)?;
    if judged.reused > 0 {
        let text = format!(
            "{} as before: earlier results are used, --fresh starts over",
            crate::report::number::counted(judged.reused, "table is", "tables are")
        );
        writeln!(out, "{}", style.paint(Ink::Quiet, &text))?;
    }
    tell::anomalies(out, &judged.found, &judged.reports, args.top, style)?;
    writeln!(out)?;
    for note in judged.notes() {
        writeln!(out, "{}", wrapped(&note, style.width, 0))?;
    }
    if !hidden.is_empty() {
        let hits = hidden.iter().filter(|(_, found)| *found).count();
        writeln!(out, "The demo hid {} incidents; {hits} were found.", hidden.len())?;
    }
    for (story, found) in hidden {
        let line = format!("{}: {story}", if *found { "found" } else { "missed" });
        writeln!(out, "{}", wrapped(&line, style.width, 2))?;
    }
    writeln!(out, "{} {}", style.paint(Ink::Strong, "Report:"), report.display())?;
    let next = if !hidden.is_empty() {
        "Next: open the report in a browser, then try `manazir up FILE` on data of your own."
    } else {
        "Next: open the report in a browser; `manazir discover SOURCE --why` says how the data was understood."
    };
    writeln!(out, "{}", wrapped(next, style.width, 0))?;
    Ok(())
}
