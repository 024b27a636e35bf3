//! The page of an explanation: the answer, the graph, the candidates with their charts.

mod graph;

use manazir_model::{Anomaly, AnomalyKind, Grain, Series, SeriesKey};
use manazir_rca::contributors::Contributors;
use manazir_rca::explanation::{Cause, Chart as Shown, Explanation, Reason, Told, duration, percent};

use super::chart::Chart;
use super::{FOOTER_EXPLANATION, document, escape, table};
use crate::finding::SeriesReport;
use crate::report::columns::Window;
use crate::report::number::number;
use crate::report::when::common_year;

/// Charts of one cause.
const CHARTS_MAX: usize = 4;

/// The whole document. `known` is what is known from elsewhere, in sentences.
pub fn explanation_page(title: &str, told: &Explanation, known: &[String]) -> String {
    let mut body = head(title, told, known);
    body.push_str(&told.contributors.as_ref().map_or_else(String::new, contributors));
    body.push_str(&graph::figure(told));
    for (place, cause) in told.causes.iter().enumerate() {
        body.push_str(&card(told, place + 1, cause));
    }
    body.push_str(&events("What changed before", &told.changes));
    body.push_str(&events("What else happened near by", &told.related));
    if !told.missing.is_empty() {
        let items: String =
            told.missing.iter().map(|text| format!("<li>{}</li>", escape::name(text))).collect();
        body.push_str(&format!("<h2>What would make the answer surer</h2>\n<ul>{items}</ul>\n"));
    }
    body.push_str(FOOTER_EXPLANATION);
    document(title, &body)
}

fn head(title: &str, told: &Explanation, known: &[String]) -> String {
    let known: String =
        known.iter().map(|text| format!("<p class=\"quiet\">{}</p>", escape::name(text))).collect();
    let asked = told.asked.entity.as_ref().map_or(String::new(), |entity| format!(" of {entity}"));
    let question = format!("Why {}{asked} at {}?", told.asked.what, told.asked.at);
    format!(
        "<header><p class=\"brand\">Manazir · {}</p><p class=\"quiet\">{}</p><h1>{}</h1>{known}</header>\n",
        escape::name(title),
        escape::name(&question),
        escape::name(&told.summary)
    )
}

fn card(told: &Explanation, place: usize, cause: &Cause) -> String {
    let share = 100.0 * cause.confidence;
    let at = cause.at.map_or(String::new(), |at| format!("<span>{at}</span>"));
    format!(
        "<article class=\"card\" id=\"c{place}\"><header><span>{place}</span>\
         <span class=\"meter\"><i style=\"inline-size:{share:.0}%\"></i></span>\
         <strong>{}</strong>{at}</header>\n<h3>{}.</h3>\n{}{}{}{}<p><b>Next:</b> {}</p>\n{}</article>\n",
        percent(cause.confidence),
        escape::name(&cause.sentence),
        path(cause),
        reasons("For", &cause.supporting),
        reasons("Against", &cause.opposing),
        not_seen(cause),
        escape::name(&cause.next_check),
        charts(told, cause),
    )
}

fn path(cause: &Cause) -> String {
    if cause.path.len() < 2 {
        return String::new();
    }
    let step = |step: &manazir_rca::explanation::Step| {
        let at = step.at.map_or_else(|| "not seen".to_owned(), |at| at.to_string());
        let lag = step.lag_seconds.map_or(String::new(), |lag| format!(", {} apart", duration(lag)));
        format!("<li>{} <small class=\"quiet\">{at}{lag}</small></li>", escape::name(&step.sentence))
    };
    let steps: String = cause.path.iter().map(step).collect();
    format!("<h4>From what was asked to the cause</h4>\n<ol>{steps}</ol>\n")
}

fn reasons(heading: &str, reasons: &[Reason]) -> String {
    if reasons.is_empty() {
        return String::new();
    }
    let item = |reason: &Reason| {
        format!(
            "<li>{} <small class=\"quiet\">{}, {}</small></li>",
            escape::name(&reason.sentence),
            escape::text(&reason.source),
            number(reason.strength)
        )
    };
    format!("<h4>{heading}</h4>\n<ul>{}</ul>\n", reasons.iter().map(item).collect::<String>())
}

fn not_seen(cause: &Cause) -> String {
    if cause.not_seen.is_empty() {
        return String::new();
    }
    format!("<p><b>Not seen:</b> {}</p>\n", escape::name(&cause.not_seen.join("; ")))
}

/// The series that show a cause.
fn charts(told: &Explanation, cause: &Cause) -> String {
    let places = cause.supporting.iter().filter_map(|reason| reason.chart);
    let shown = places.filter_map(|place| told.charts.get(place)).take(CHARTS_MAX);
    shown.map(|shown| figure(told, shown)).collect()
}

fn figure(told: &Explanation, shown: &Shown) -> String {
    let Some(report) = report(told, shown) else { return String::new() };
    let series = &report.series;
    let caller = shown.caller.as_ref().map_or(String::new(), |caller| format!(", calls from {caller}"));
    let label = format!("{} of {}{caller}", shown.metric, shown.entity);
    let (Some(first), Some(last)) = (series.at.first(), series.at.last()) else { return String::new() };
    let chart = Chart {
        window: Window { from: first.micros(), to: last.micros().saturating_add(1) },
        focus: report.anomalies.first(),
        label: format!("Chart. {label}."),
        year: common_year(std::iter::once(series)),
        report: &report,
    };
    format!("<p class=\"quiet\">{}</p>\n{}", escape::name(&label), chart.html())
}

/// A chart in the terms of the other reports: the incident is its episode.
fn report(told: &Explanation, shown: &Shown) -> Option<SeriesReport> {
    let n_samples = shown.values.len();
    let (from, until) = (shown.incident.0, shown.incident.1.min(n_samples));
    if shown.times.len() != n_samples || from >= until {
        return None;
    }
    let step = shown.times.windows(2).map(|pair| pair[1].micros_since(pair[0])).min().unwrap_or_default();
    let values: Vec<f64> = shown.values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    let normal = shown.normal.unwrap_or(f64::NAN);
    let of_incident = from..until;
    let peak = of_incident.filter(|place| values[*place].is_finite()).max_by(|a, b| {
        let off = |place: &usize| (values[*place] - shown.normal.unwrap_or_default()).abs();
        off(a).total_cmp(&off(b))
    });
    let peak = peak.unwrap_or(from);
    let anomaly = Anomaly {
        series: SeriesKey::new(&shown.metric, []),
        start_at: shown.times[from],
        end_at: shown.times[until - 1],
        peak_at: shown.times[peak],
        kind: AnomalyKind::LevelShift,
        direction: None,
        observed: values[peak],
        expected: normal,
        peak_observed: values[peak],
        peak_expected: normal,
        score: if told.found { 30.0 } else { 15.0 },
        detector: String::new(),
        open: false,
    };
    let series = Series {
        key: SeriesKey::new(&shown.metric, []),
        grain: Grain::from_micros(step),
        zone: "UTC".to_owned(),
        at: shown.times.clone(),
        values,
        ..Series::default()
    };
    Some(SeriesReport {
        series,
        expected: vec![normal; n_samples],
        lower: vec![f64::NAN; n_samples],
        upper: vec![f64::NAN; n_samples],
        score: vec![0.0; n_samples],
        anomalies: vec![anomaly],
        choice: String::new(),
        baseline_words: String::new(),
        confidence_note: None,
        total: None,
    })
}

fn events(heading: &str, events: &[Told]) -> String {
    if events.is_empty() {
        return String::new();
    }
    let row = |event: &Told| {
        vec![
            escape::text(&event.at.to_string()),
            escape::name(&event.sentence),
            format!("{:.2}", event.nearness),
        ]
    };
    let rows: Vec<Vec<String>> = events.iter().map(row).collect();
    format!("<h2>{heading}</h2>\n{}", table::table(&["when", "what", "#nearness"], &rows))
}

fn contributors(contributors: &Contributors) -> String {
    let part = |share: f64| format!("{:.1}\u{a0}%", 100.0 * share);
    let mut rows: Vec<Vec<String>> = contributors
        .elements
        .iter()
        .map(|element| {
            vec![
                escape::name(&element.label()),
                number(element.observed),
                number(element.expected),
                number(element.contribution),
                part(element.share),
                part(element.closes),
                part(element.confidence),
            ]
        })
        .collect();
    let rest = [number(contributors.remainder), part(contributors.remainder_share)];
    let blank = || vec![String::new()];
    let not_explained = vec!["not explained".to_owned(), String::new(), String::new()];
    rows.push([not_explained, rest.to_vec(), blank(), blank()].concat());
    let headings =
        ["combination", "#observed", "#expected", "#adds", "#of the change", "#would close", "#confidence"];
    format!("<h2>Which values made the change</h2>\n{}", table::table(&headings, &rows))
}
