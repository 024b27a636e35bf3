//! The report as one HTML file: no script, no network, light and dark, from 360 pixels to paper.
//!
//! Each anomaly opens with its sentence, then the chart, then the table. Everything that comes from data is
//! escaped, and a content security policy forbids scripts and requests whatever might slip through.

mod card;
mod cause;
mod chart;
mod contributors;
mod escape;
mod overview;
mod table;

pub use cause::explanation_page;

use crate::contributors::{Baseline, left_out};
use crate::finding::{Finding, SeriesReport, Severity, ranked};
use crate::found::Found;
use crate::report::number::{count, counted};
use crate::report::sentence::sentence;
use crate::report::when::{Clock, common_year};

/// Anomalies with a chart of their own; the next ones are told in a table.
pub const CARDS_MAX: usize = 20;

/// Series with a chart of their whole span.
pub const OVERVIEWS_MAX: usize = 20;

/// Rows of any table; more would be for a machine, which has `--json`.
pub const ROWS_MAX: usize = 500;

const STYLE: &str = include_str!("html/style.css");

/// What a report tells.
pub struct Page<'a> {
    /// Name of what was looked at.
    pub title: &'a str,
    /// What was found in the sources.
    pub found: &'a Found,
    /// What the engine says of the series.
    pub reports: &'a [SeriesReport],
    /// What changes of totals are measured against first.
    pub baseline: Baseline,
    /// Sentences that must be read with the result: interrupted, partial, of the demo.
    pub notes: &'a [String],
    /// What a demo hid, in words, and whether it was found; empty for data of which nobody knows.
    pub hidden: &'a [(String, bool)],
}

/// The whole document.
pub fn render(page: &Page<'_>) -> String {
    let findings = ranked(page.reports);
    let year = common_year(page.reports.iter().map(|report| &report.series));
    let mut body = head(page, &findings, year);
    body.push_str(&hidden(page.hidden));
    if !findings.is_empty() {
        body.push_str(&ranked_list(&findings, year));
        body.push_str(&cards(page, &findings, year));
        body.push_str(&further(&findings, year));
        body.push_str(&overview::series(page.reports, year));
    }
    body.push_str(&overview::found(page.found));
    body.push_str(FOOTER);
    document(page.title, &body)
}

const FOOTER: &str = "<footer><p>How to read it: the line is the value, the dashed line what was expected, the \
light band the usual range. A hatched stretch is an episode; its mark says how rare it is: a disc with an \
exclamation mark (high, rarer than one sample in a million), a triangle (medium, one in ten thousand), a ring \
(low, one in a thousand). Times are those of the zone under each chart.</p>\
<p>Made by Manazir from the files named above. Nothing was sent anywhere.</p></footer>";

/// Of the page of an explanation.
const FOOTER_EXPLANATION: &str = "<footer><p>How to read it: the percentage is the probability that this is the \
root cause, given what was seen; what is left to a hundred is that it is something else. In a chart the hatched stretch is \
the incident, the dashed line what was normal.</p><p>Made by Manazir. Nothing was sent anywhere.</p></footer>";

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{} · Manazir</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n{body}</body>\n</html>\n",
        escape::text(title)
    )
}

fn head(page: &Page<'_>, findings: &[Finding<'_>], year: i16) -> String {
    let notes: String = page.notes.iter().map(|note| format!("<p>{}</p>", escape::text(note))).collect();
    let strange = page.reports.iter().filter(|report| !report.anomalies.is_empty()).count();
    let judged = page.found.series.len().max(page.reports.len());
    let (headline, lead) = match findings.first() {
        Some(first) => (
            format!(
                "{} in {} of {} series",
                counted(findings.len(), "anomaly", "anomalies"),
                count(strange),
                count(judged)
            ),
            format!("The strangest: {}.", sentence(first.report, first.anomaly, year)),
        ),
        None => ("Nothing unusual".to_owned(), nothing(page.found)),
    };
    format!(
        "<header><p class=\"brand\">Manazir · {}</p><h1>{headline}</h1><p>{}</p>{notes}</header>\n{}",
        escape::name(page.title),
        escape::text(&lead),
        facts(page, findings)
    )
}

/// Incidents that are known, each with shape and word.
fn hidden(incidents: &[(String, bool)]) -> String {
    if incidents.is_empty() {
        return String::new();
    }
    let item = |(story, found): &(String, bool)| {
        let (class, mark) = if *found { ("found", "✓ found") } else { ("missed", "○ missed") };
        format!("<li><b class=\"{class}\">{mark}</b><span>{}</span></li>", escape::name(story))
    };
    let items: String = incidents.iter().map(item).collect();
    let hits = incidents.iter().filter(|(_, found)| *found).count();
    format!(
        "<h2>What the demo hid: {hits} of {} found</h2>\n<ul class=\"hidden\">{items}</ul>\n",
        counted(incidents.len(), "incident", "incidents")
    )
}

/// The empty state: what was judged, and what came nearest.
fn nothing(found: &Found) -> String {
    let until = found.series.iter().filter_map(|series| series.span).map(|(_, last)| last).max();
    let until = until.map_or(String::new(), |last| format!(", up to {last}"));
    let judged = format!("{} judged{until}.", counted(found.series.len(), "series", "series"));
    let nearest = found.series.iter().max_by(|one, other| one.score_max.total_cmp(&other.score_max));
    match nearest.filter(|nearest| nearest.score_max > 0.0) {
        Some(nearest) => format!(
            "{judged} Nearest to the line: {} (score {:.1}; an episode begins at {:.0}).",
            nearest.name, nearest.score_max, nearest.open_score
        ),
        None => judged,
    }
}

fn facts(page: &Page<'_>, findings: &[Finding<'_>]) -> String {
    let of = |severity| findings.iter().filter(|f| Severity::of_score(f.anomaly.score) == severity).count();
    let severities =
        format!("{} high, {} medium, {} low", of(Severity::High), of(Severity::Medium), of(Severity::Low));
    let rejected = page.found.rejected() as usize;
    let facts = [
        ("Anomalies", count(findings.len()), severities),
        (
            "Series judged",
            count(page.found.series.len()),
            counted(page.found.tables.len(), "table", "tables"),
        ),
        ("Samples", count(page.found.samples()), overview::span_words(page.found)),
        (
            "Rows rejected",
            count(rejected),
            if rejected == 0 { "all rows could be read" } else { "reasons below" }.to_owned(),
        ),
    ];
    let fact = |(name, value, words): &(&str, String, String)| {
        format!("<div><dt>{name}</dt><dd>{value}<small>{}</small></dd></div>", escape::text(words))
    };
    format!("<dl class=\"facts\">{}</dl>\n", facts.iter().map(fact).collect::<String>())
}

fn ranked_list(findings: &[Finding<'_>], year: i16) -> String {
    let item = |(position, finding): (usize, &Finding<'_>)| {
        format!(
            "<li><span>{}</span>{}<a href=\"#a{}\">{}</a></li>",
            position + 1,
            severity(finding.anomaly.score),
            position + 1,
            escape::name(&sentence(finding.report, finding.anomaly, year)),
        )
    };
    let items: String = findings.iter().take(CARDS_MAX).enumerate().map(item).collect();
    format!("<h2>What is strange, the strangest first</h2>\n<ol class=\"ranked\">{items}</ol>\n")
}

fn cards(page: &Page<'_>, findings: &[Finding<'_>], year: i16) -> String {
    let cards: String = findings
        .iter()
        .take(CARDS_MAX)
        .enumerate()
        .map(|(position, finding)| {
            let overview = overview::anchor(page.reports, finding.report);
            card::card(finding, page.baseline, (position + 1, overview), year)
        })
        .collect();
    let left_out = match left_out(page.reports) {
        0 => String::new(),
        left => format!(
            "<p class=\"quiet\">{} of totals not taken apart: there are stranger ones, or it is too large.</p>\n",
            counted(left, "anomaly", "anomalies")
        ),
    };
    format!("<h2>One by one</h2>\n{cards}{left_out}")
}

/// Those without a chart of their own, as rows.
fn further(findings: &[Finding<'_>], year: i16) -> String {
    let rest = findings.get(CARDS_MAX..).unwrap_or_default();
    if rest.is_empty() {
        return String::new();
    }
    let row = |(position, finding): (usize, &Finding<'_>)| {
        vec![
            (position + CARDS_MAX + 1).to_string(),
            severity(finding.anomaly.score),
            escape::name(&sentence(finding.report, finding.anomaly, year)),
        ]
    };
    let rows: Vec<_> = rest.iter().take(ROWS_MAX).enumerate().map(row).collect();
    let left = rest.len().saturating_sub(ROWS_MAX);
    let more = if left > 0 {
        format!(
            "<p class=\"quiet\">{} more are not shown here; <code>--json</code> lists all.</p>",
            count(left)
        )
    } else {
        String::new()
    };
    format!(
        "<h2>Further anomalies</h2><p class=\"quiet\">Charts are drawn for the first {CARDS_MAX}.</p>\n{}{more}",
        table::table(&["#Rank", "Severity", "Sentence"], &rows)
    )
}

/// Shape, word and colour.
fn severity(score: f64) -> String {
    let severity = Severity::of_score(score);
    format!("<span class=\"severity {0}\">{1}{0}</span>", severity.word(), chart::icon(severity))
}

/// When a sample was, for tables.
fn time_cell(clock: &Clock, at: manazir_model::Timestamp) -> String {
    match clock.zoned(at).filter(|_| !clock.counts_rows()) {
        Some(zoned) => format!("{} {}", zoned.strftime("%a %-d %b %Y"), clock.time(&zoned)),
        None => clock.instant(at),
    }
}

#[cfg(test)]
mod tests;
