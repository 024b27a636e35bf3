//! `manazir up`: discover, learn from history, find, explain.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{Ending, anomaly_json, tell, up_audit, write_json};
use crate::audit;
use crate::cli::{Output, Up};
use crate::contributors::{Baseline, left_out};
use crate::demo::{self, DemoIncident, demo};
use crate::found::Found;
use crate::judge::{Judged, judge};
use crate::report::html::{Page, render};
use crate::report::terminal::{Ink, Style, wrapped};
use crate::state::State;

/// Name of the report in the state directory.
const REPORT_FILE: &str = "manazir-report.html";

#[derive(Serialize)]
struct UpJson<'a> {
    interrupted: bool,
    tables_reused: usize,
    not_taken_apart: usize,
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
    if let Some(files) = audit::files(&args.sources) {
        return up_audit::run(&files, args, output, out);
    }
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
    let state = State::open(&folder, args.sensitivity.into())?;
    if args.fresh {
        state.clear()?;
    }
    let judged = judge(&sources, Some(&state), args.sensitivity.into(), output.unwatched())?;
    let incidents = demo.as_ref().map(|demo| demo::found(&demo.incidents, &judged.reports));
    let hidden = incidents.as_deref().map(demo::verdict).unwrap_or_default();
    let report = write_report(&judged, &title, &hidden, args.baseline, state.folder())?;
    if output.json {
        let json = UpJson {
            interrupted: judged.interrupted,
            tables_reused: judged.reused,
            not_taken_apart: left_out(&judged.reports),
            report: &report,
            anomalies: anomaly_json::anomalies(&judged.reports, args.baseline),
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

/// Sentences that must be read with the result.
fn notes(judged: &Judged) -> Vec<String> {
    let interrupted = "Interrupted: this is what was finished. The same command goes on from here.";
    judged.interrupted.then(|| interrupted.to_owned()).into_iter().collect()
}

fn write_report(
    judged: &Judged,
    title: &str,
    hidden: &[(String, bool)],
    baseline: Baseline,
    folder: &Path,
) -> Result<PathBuf> {
    let notes = notes(judged);
    let page =
        Page { title, found: &judged.found, reports: &judged.reports, baseline, notes: &notes, hidden };
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
    tell::anomalies(out, &judged.found, &judged.reports, (args.top, args.baseline), style)?;
    writeln!(out)?;
    for note in notes(judged) {
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
