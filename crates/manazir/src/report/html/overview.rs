//! Each strange series over its whole span, and what was found in the sources.

use super::card::kind_words;
use super::chart::Chart;
use super::{OVERVIEWS_MAX, ROWS_MAX, escape, severity, table};
use crate::finding::SeriesReport;
use crate::found::{Found, FoundSeries};
use crate::report::columns::Window;
use crate::report::number::{count, counted, with_unit};
use crate::report::sentence::sentence;
use crate::report::when::Clock;

/// Episodes listed under the chart of a series.
const EPISODES_MAX: usize = 50;

/// Series that get a chart of their whole span: those with the strangest episodes.
fn shown(reports: &[SeriesReport]) -> Vec<&SeriesReport> {
    let mut strange: Vec<_> = reports.iter().filter(|report| !report.anomalies.is_empty()).collect();
    strange.sort_by(|one, other| peak(other).total_cmp(&peak(one)));
    strange.truncate(OVERVIEWS_MAX);
    strange
}

fn peak(report: &SeriesReport) -> f64 {
    report.anomalies.iter().map(|anomaly| anomaly.score).fold(0.0, f64::max)
}

/// Where the chart of the whole series stands, if it has one.
pub(super) fn anchor(reports: &[SeriesReport], report: &SeriesReport) -> Option<String> {
    let position = shown(reports).iter().position(|shown| std::ptr::eq(*shown, report))?;
    Some(format!("s{}", position + 1))
}

/// Charts of whole series with all their episodes.
pub(super) fn series(reports: &[SeriesReport], year: i16) -> String {
    let shown = shown(reports);
    let strange = reports.iter().filter(|report| !report.anomalies.is_empty()).count();
    let more = if strange > shown.len() {
        format!(
            "<p class=\"quiet\">The {} strangest of {} series with anomalies.</p>",
            count(shown.len()),
            count(strange)
        )
    } else {
        String::new()
    };
    let sections: String =
        shown.iter().enumerate().map(|(position, report)| section(report, position + 1, year)).collect();
    format!("<h2>Whole series</h2>{more}\n{sections}")
}

fn section(report: &SeriesReport, position: usize, year: i16) -> String {
    let series = &report.series;
    let Some(window) = Window::whole(series) else { return String::new() };
    let values = series.values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let unit = series.unit.as_deref();
    let episodes = counted(report.anomalies.len(), "episode", "episodes");
    let label = format!(
        "Chart of {}: {} samples between {} and {}, {episodes} marked.",
        series.key,
        count(series.len()),
        with_unit(low, unit),
        with_unit(high, unit)
    );
    let chart = Chart { report, window, focus: None, label, year };
    let total = report
        .total
        .as_ref()
        .map_or(String::new(), |total| format!(", total of {}", counted(total.leaves, "series", "series")));
    format!(
        "<section class=\"card\" id=\"s{position}\"><h3>{}</h3><p class=\"quiet\">{episodes}. Judged by {}.</p>\n{}{}</section>\n",
        escape::name(&format!("{}{total}", series.key)),
        escape::text(&report.choice),
        chart.html(),
        episodes_table(report, year),
    )
}

fn episodes_table(report: &SeriesReport, year: i16) -> String {
    let clock = Clock::of(&report.series, year);
    let row = |anomaly: &manazir_model::Anomaly| {
        vec![
            severity(anomaly.score),
            escape::text(&clock.span(anomaly.start_at, anomaly.end_at)),
            kind_words(anomaly.kind).to_owned(),
            escape::name(&sentence(report, anomaly, year)),
        ]
    };
    let rows: Vec<_> = report.anomalies.iter().take(EPISODES_MAX).map(row).collect();
    let left = report.anomalies.len().saturating_sub(EPISODES_MAX);
    let more = if left > 0 { format!("<p class=\"quiet\">{} more.</p>", count(left)) } else { String::new() };
    format!(
        "<details><summary>Table of episodes</summary>{}{more}</details>",
        table::table(&["Severity", "When", "Kind", "Sentence"], &rows)
    )
}

/// What the sources hold: tables, series with their quality, rejected rows, files left out.
pub(super) fn found(found: &Found) -> String {
    format!(
        "<h2>What was found</h2>\n{}{}{}{}",
        tables(found),
        series_table(found),
        rejects(found),
        skipped(found)
    )
}

/// From the first to the last sample of all series.
pub(super) fn span_words(found: &Found) -> String {
    let spans = found.series.iter().filter_map(|series| series.span);
    let whole = spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    let date = |at: manazir_model::Timestamp| at.to_jiff().map(|at| at.strftime("%-d %b %Y").to_string());
    match whole.and_then(|(first, last)| date(first).zip(date(last))) {
        Some((first, last)) if first == last => first,
        Some((first, last)) => format!("{first} to {last}"),
        None => String::new(),
    }
}

fn tables(found: &Found) -> String {
    if found.tables.is_empty() {
        return String::new();
    }
    let row = |table: &crate::found::FoundTable| {
        vec![
            escape::name(&table.name),
            escape::text(&table.layout),
            count(table.files),
            count(table.series),
            escape::text(&table.grain),
            escape::text(&table.zone),
            escape::name(&table.columns),
        ]
    };
    let rows: Vec<_> = found.tables.iter().take(ROWS_MAX).map(row).collect();
    let reason = |table: &crate::found::FoundTable| {
        let items: String =
            table.reasons.iter().map(|reason| format!("<li>{}</li>", escape::text(reason))).collect();
        format!("<p>{}</p><ul>{items}</ul>", escape::name(&table.name))
    };
    let reasons: String = found.tables.iter().take(50).map(reason).collect();
    format!(
        "{}<details><summary>Why these decisions, and how sure they are</summary>{reasons}</details>\n",
        table::table(&["Table", "Form", "#Files", "#Series", "Grain", "Zone", "Columns"], &rows)
    )
}

fn series_table(found: &Found) -> String {
    let row = |series: &FoundSeries| {
        let span = series.span.map_or(String::new(), |(first, last)| {
            let date = |at: manazir_model::Timestamp| {
                at.to_jiff().map_or(String::new(), |at| at.strftime("%Y-%m-%d").to_string())
            };
            format!("{} to {}", date(first), date(last))
        });
        vec![
            escape::name(&series.name),
            series.grain.map_or("irregular".to_owned(), |grain| grain.to_string()),
            escape::text(&series.zone),
            span,
            count(series.samples),
            escape::text(&series.quality()),
            count(series.anomalies),
        ]
    };
    let mut order: Vec<&FoundSeries> = found.series.iter().collect();
    order.sort_by(|one, other| {
        other.score_max.total_cmp(&one.score_max).then_with(|| one.name.cmp(&other.name))
    });
    let rows: Vec<_> = order.into_iter().take(ROWS_MAX).map(row).collect();
    let left = found.series.len().saturating_sub(ROWS_MAX);
    let more = if left > 0 {
        format!("<p class=\"quiet\">{} more series, less strange than these.</p>", count(left))
    } else {
        String::new()
    };
    let open = if rows.len() <= 12 { " open" } else { "" };
    format!(
        "<details{open}><summary>All series and their quality ({})</summary>{}{more}</details>\n",
        count(found.series.len()),
        table::table(&["Series", "Grain", "Zone", "Span", "#Samples", "Quality", "#Anomalies"], &rows)
    )
}

fn rejects(found: &Found) -> String {
    if found.rejects.is_empty() {
        return String::new();
    }
    let row = |line: &crate::found::RejectLine| {
        let examples: Vec<String> =
            line.examples.iter().map(|example| format!("<code>{}</code>", escape::text(example))).collect();
        vec![escape::text(&line.reason), count(line.count as usize), examples.join("<br>")]
    };
    let rows: Vec<_> = found.rejects.iter().map(row).collect();
    format!(
        "<details><summary>Rows that could not be read ({})</summary>{}</details>\n",
        count(found.rejected() as usize),
        table::table(&["Reason", "#Rows", "First of them"], &rows)
    )
}

fn skipped(found: &Found) -> String {
    if found.skipped.is_empty() {
        return String::new();
    }
    let row = |(name, reason): &(String, String)| vec![escape::name(name), escape::text(reason)];
    let rows: Vec<_> = found.skipped.iter().take(ROWS_MAX).map(row).collect();
    format!(
        "<details><summary>Files left out ({})</summary>{}</details>\n",
        count(found.skipped.len()),
        table::table(&["File", "Why"], &rows)
    )
}
