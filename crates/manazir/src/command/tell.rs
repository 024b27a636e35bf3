//! What `up` and `detect` say on a terminal.

use std::io::{self, Write};

use crate::contributors::{Baseline, left_out};
use crate::engine::Thorough;
use crate::finding::{Finding, SeriesReport, ranked};
use crate::found::Found;
use crate::report::columns::Window;
use crate::report::number::{count, counted};
use crate::report::terminal::{Ink, Style, chart, list, table, wrapped};
use crate::report::when::{Clock, common_year};

/// Tables and series listed on the terminal; the report lists more.
const ROWS_MAX: usize = 12;

/// What was found: tables, the series with the most faults, rejects.
pub(super) fn found(out: &mut dyn Write, found: &Found, style: Style) -> io::Result<()> {
    let rejected = found.rejected() as usize;
    let totals = match found.totals() {
        0 => String::new(),
        totals => format!(", and {}", counted(totals, "total of them", "totals of them")),
    };
    let heading = format!(
        "Found {} in {}{totals}: {}{}",
        counted(found.read().count(), "series", "series"),
        counted(found.tables.len(), "table", "tables"),
        counted(found.samples(), "sample", "samples"),
        if rejected > 0 { format!(", {} rejected", counted(rejected, "row", "rows")) } else { String::new() },
    );
    writeln!(out, "{}", style.paint(Ink::Strong, &heading))?;
    let rows: Vec<Vec<String>> = found.tables.iter().take(ROWS_MAX).map(row).collect();
    if !rows.is_empty() {
        writeln!(out, "{}", table(&["table", "form", "#series", "grain", "zone", "measures"], &rows, style))?;
    }
    more(out, found.tables.len(), "table", style)?;
    faults(out, found, style)?;
    for line in &found.rejects {
        let example = line.examples.first().map_or(String::new(), |example| format!(", first {example}"));
        let text =
            format!("rejected {}: {}{example}", counted(line.count as usize, "row", "rows"), line.reason);
        writeln!(out, "{}", style.paint(Ink::Quiet, &crate::report::name::printable(&text)))?;
    }
    for (name, reason) in found.skipped.iter().take(3) {
        let text = crate::report::name::printable(&format!("left out {name}: {reason}"));
        writeln!(out, "{}", style.paint(Ink::Quiet, &text))?;
    }
    if found.skipped.len() > 3 {
        let left = counted(found.skipped.len() - 3, "more file", "more files");
        writeln!(out, "{}", style.paint(Ink::Quiet, &format!("left out {left}")))?;
    }
    Ok(())
}

fn row(table: &crate::found::FoundTable) -> Vec<String> {
    [&table.name, &table.layout, &count(table.series), &table.grain, &table.zone, &table.columns]
        .map(String::clone)
        .to_vec()
}

/// Series that are not complete, the worst first.
fn faults(out: &mut dyn Write, found: &Found, style: Style) -> io::Result<()> {
    let mut faulty: Vec<_> = found.read().filter(|series| series.quality() != "complete").collect();
    if faulty.is_empty() {
        return Ok(());
    }
    faulty.sort_by(|one, other| one.filled.total_cmp(&other.filled).then_with(|| one.name.cmp(&other.name)));
    let rows: Vec<Vec<String>> =
        faulty.iter().take(ROWS_MAX / 2).map(|series| vec![series.name.clone(), series.quality()]).collect();
    writeln!(out, "{}", table(&["series", "quality"], &rows, style))?;
    let complete = found.read().count() - faulty.len();
    let text = match faulty.len().saturating_sub(ROWS_MAX / 2) {
        0 => format!("{} complete", counted(complete, "series is", "series are")),
        left => format!("{} more with faults, {} complete", count(left), count(complete)),
    };
    writeln!(out, "{}", style.paint(Ink::Quiet, &text))
}

fn more(out: &mut dyn Write, all: usize, what: &str, style: Style) -> io::Result<()> {
    match all.saturating_sub(ROWS_MAX) {
        0 => Ok(()),
        left => writeln!(out, "{}", style.paint(Ink::Quiet, &format!("and {} more {what}s", count(left)))),
    }
}

/// The ranked list with a chart of the first, or that nothing is strange.
pub(super) fn anomalies(
    out: &mut dyn Write,
    found: &Found,
    reports: &[SeriesReport],
    (top, baseline): (usize, Baseline),
    style: Style,
) -> io::Result<()> {
    let findings = ranked(reports);
    let Some(first) = findings.first() else { return nothing(out, found, style) };
    let year = common_year(reports.iter().map(|report| &report.series));
    let strange = reports.iter().filter(|report| !report.anomalies.is_empty()).count();
    let heading = format!(
        "{} in {} of {} series, the strangest first",
        counted(findings.len(), "anomaly", "anomalies"),
        count(strange),
        count(found.series.len()),
    );
    writeln!(out, "\n{}", style.paint(Ink::Strong, &heading))?;
    writeln!(out, "{}", list(&findings[..top.min(findings.len())], baseline, year, style))?;
    if findings.len() > top {
        let left = format!("and {} more, in the report", count(findings.len() - top));
        writeln!(out, "{}", style.paint(Ink::Quiet, &left))?;
    }
    not_drilled(out, reports, style)?;
    strongest(out, first, style)
}

fn not_drilled(out: &mut dyn Write, reports: &[SeriesReport], style: Style) -> io::Result<()> {
    match left_out(reports) {
        0 => Ok(()),
        left => {
            let text = format!(
                "{} of totals not taken apart: there are stranger ones, or it is too large",
                counted(left, "anomaly", "anomalies")
            );
            writeln!(out, "{}", style.paint(Ink::Quiet, &text))
        }
    }
}

fn strongest(out: &mut dyn Write, finding: &Finding<'_>, style: Style) -> io::Result<()> {
    let name = crate::report::name::printable(&finding.report.series.key.to_string());
    let heading = wrapped(&format!("The first of them: {name}"), style.width, 0);
    writeln!(out, "\n{}", style.paint(Ink::Strong, &heading))?;
    let window = Window::around(&finding.report.series, finding.anomaly);
    writeln!(out, "{}", chart(finding.report, window, style))?;
    let choice = format!("Judged by {}.", finding.report.choice);
    writeln!(out, "{}", style.paint(Ink::Quiet, &wrapped(&choice, style.width, 0)))?;
    if let Some(note) = &finding.report.confidence_note {
        let note = format!("Read with care: {note}.");
        writeln!(out, "{}", style.paint(Ink::Quiet, &wrapped(&note, style.width, 0)))?;
    }
    Ok(())
}

/// The strangest stretch of each series as its ensemble sees it, the strangest series first.
pub(super) fn ensembles(
    out: &mut dyn Write,
    reports: &[SeriesReport],
    ensembles: &[Thorough],
    top: usize,
    style: Style,
) -> io::Result<()> {
    if ensembles.is_empty() {
        return Ok(());
    }
    let year = common_year(reports.iter().map(|report| &report.series));
    let mut order: Vec<(&SeriesReport, &Thorough)> = reports.iter().zip(ensembles).collect();
    order.sort_by(|one, other| other.1.score.total_cmp(&one.1.score));
    writeln!(
        out,
        "\n{}",
        style.paint(Ink::Strong, "The strangest stretch of each series, by an ensemble chosen for it")
    )?;
    for (report, ensemble) in order.into_iter().take(top) {
        let name = crate::report::name::printable(&report.series.key.to_string());
        let Some((start, end)) = ensemble.strangest else {
            writeln!(out, "{}", wrapped(&format!("{name}: nothing stands out"), style.width, 2))?;
            continue;
        };
        let span = Clock::of(&report.series, year).span(start, end);
        let text = format!("{name}: {span}, score {:.1}; {}", ensemble.score, ensemble.words);
        writeln!(out, "{}", wrapped(&text, style.width, 2))?;
    }
    Ok(())
}

fn nothing(out: &mut dyn Write, found: &Found, style: Style) -> io::Result<()> {
    let judged = counted(found.series.len(), "series", "series");
    writeln!(out, "\n{}", style.paint(Ink::Strong, &format!("Nothing unusual. {judged} judged.")))?;
    let nearest = found.series.iter().max_by(|one, other| one.score_max.total_cmp(&other.score_max));
    match nearest.filter(|nearest| nearest.score_max > 0.0) {
        Some(nearest) => {
            let name = crate::report::name::printable(&nearest.name);
            writeln!(
                out,
                "Nearest to the line: {name} (score {:.1}; an episode begins at {:.0}).",
                nearest.score_max, nearest.open_score
            )
        }
        None => Ok(()),
    }
}
