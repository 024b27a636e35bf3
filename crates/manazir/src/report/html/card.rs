//! One anomaly: sentence, chart, table.

use manazir_model::{Anomaly, AnomalyKind};

use super::chart::Chart;
use super::{contributors, escape, severity, table, time_cell};
use crate::contributors::Baseline;
use crate::finding::{Finding, SeriesReport};
use crate::report::columns::Window;
use crate::report::number;
use crate::report::sentence::sentence;
use crate::report::when::Clock;

/// Rows of the table of an episode.
const TABLE_ROWS_MAX: usize = 48;

/// Samples before and after the episode in its table.
const TABLE_MARGIN: usize = 3;

/// The card of a finding with its rank. `overview` is the anchor of the chart of its whole series, where there is one.
pub(super) fn card(
    finding: &Finding<'_>,
    baseline: Baseline,
    (rank, overview): (usize, Option<String>),
    year: i16,
) -> String {
    let Finding { report, anomaly } = *finding;
    let sentence = sentence(report, anomaly, year);
    let chart = Chart {
        report,
        window: Window::around(&report.series, anomaly),
        focus: Some(anomaly),
        label: format!("Chart. {sentence}."),
        year,
    };
    let whole =
        overview.map_or(String::new(), |anchor| format!(" <a href=\"#{anchor}\">The whole series</a>"));
    let note = report
        .confidence_note
        .as_ref()
        .map_or(String::new(), |note| format!("<p>Read with care: {}.</p>", escape::text(note)));
    format!(
        "<article class=\"card\" id=\"a{rank}\"><header><span>{rank}</span>{}<span>{}</span><span>score {:.1}</span></header>\
         <h3>{}.</h3>\n{}<p class=\"quiet\">Judged by {}.{whole}</p>{note}{}{}</article>\n",
        severity(anomaly.score),
        kind_words(anomaly.kind),
        anomaly.score,
        escape::name(&sentence),
        chart.html(),
        escape::text(&report.choice),
        contributors::section(finding, baseline),
        samples(report, anomaly, year),
    )
}

/// The kind of an anomaly in two words.
pub(super) fn kind_words(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Spike => "short excursion",
        AnomalyKind::LevelShift => "change of level",
        AnomalyKind::VarianceChange => "change of scatter",
        AnomalyKind::Shape => "unusual course",
        AnomalyKind::FlatLine => "flat line",
        AnomalyKind::Missing => "missing data",
        AnomalyKind::Season => "out of season",
    }
}

/// The samples of the episode, a few before and after it.
fn samples(report: &SeriesReport, anomaly: &Anomaly, year: i16) -> String {
    let series = &report.series;
    let clock = Clock::of(series, year);
    let first = series.at.partition_point(|&at| at < anomaly.start_at);
    let after = series.at.partition_point(|&at| at <= anomaly.end_at).max(first);
    let from = first.saturating_sub(TABLE_MARGIN);
    let to = (after + TABLE_MARGIN).min(series.len());
    let shown = from..to.min(from + TABLE_ROWS_MAX);
    let value = |value: f64| {
        if value.is_finite() { number::with_unit(value, series.unit.as_deref()) } else { "–".to_owned() }
    };
    let usual = |lower: f64, upper: f64| match lower.is_finite() && upper.is_finite() {
        true => number::range(lower, upper, series.unit.as_deref()),
        false => "–".to_owned(),
    };
    let row = |index: usize| {
        let score = report.score[index];
        vec![
            escape::text(&time_cell(&clock, series.at[index])),
            escape::text(&value(series.values[index])),
            escape::text(&value(report.expected[index])),
            escape::text(&usual(report.lower[index], report.upper[index])),
            if score.is_finite() { format!("{score:.1}") } else { "–".to_owned() },
        ]
    };
    let rows: Vec<_> = shown.clone().map(row).collect();
    let strange = |position: usize| (first..after).contains(&(from + position));
    let left = to - shown.end;
    let more = if left > 0 {
        format!("<p class=\"quiet\">{} more samples.</p>", number::count(left))
    } else {
        String::new()
    };
    format!(
        "<details><summary>Table of samples</summary>{}{more}</details>",
        table::marked(&["Time", "#Value", "#Expected", "#Usual range", "#Score"], &rows, strange)
    )
}
