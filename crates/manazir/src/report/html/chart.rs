//! A chart: shapes as SVG that stretches with the page, texts and marks as HTML that does not.

use manazir_model::{Anomaly, Grain, Timestamp};

use super::escape;
use crate::finding::{SeriesReport, Severity};
use crate::report::axis::{ValueAxis, time_ticks};
use crate::report::columns::{Column, Window, gap_micros, runs};
use crate::report::number;
use crate::report::when::Clock;

/// Columns to which a chart is reduced, four points at most in each: finer than a laptop's screen shows.
const COLUMNS: usize = 480;

/// Units of the drawing; the browser stretches them.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 240.0;

/// Episodes marked in one chart, the strangest first.
const EPISODES_MAX: usize = 200;

/// One chart of one series.
pub(super) struct Chart<'a> {
    /// What is drawn.
    pub(super) report: &'a SeriesReport,
    /// The part of it.
    pub(super) window: Window,
    /// The episode that the chart is about, if it is about one.
    pub(super) focus: Option<&'a Anomaly>,
    /// What the picture shows, for those who do not see it.
    pub(super) label: String,
    /// Dates of this year do without it.
    pub(super) year: i16,
}

impl Chart<'_> {
    /// The whole figure with axes, legend and zone.
    pub(super) fn html(&self) -> String {
        let axis = ValueAxis::of(self.report, self.window, 4);
        let clock = Clock::of(&self.report.series, self.year);
        format!(
            "<figure class=\"chart\"><div class=\"plot\" role=\"img\" aria-label=\"{}\">\
             <div class=\"y\">{}</div><div class=\"area\">{}{}{}</div><div class=\"x\">{}</div></div>{}</figure>\n",
            escape::text(&self.label),
            self.value_labels(&axis),
            self.spans(),
            self.shapes(&axis),
            self.marks(&axis),
            self.time_labels(&clock),
            self.caption(&axis, &clock),
        )
    }

    fn value_labels(&self, axis: &ValueAxis) -> String {
        let label = |(tick, label): (&f64, String)| {
            format!(
                "<span style=\"bottom:{:.2}%\">{}</span>",
                100.0 * axis.share(*tick),
                escape::text(&label)
            )
        };
        axis.ticks.iter().zip(axis.labels(self.report.series.unit.as_deref())).map(label).collect()
    }

    fn time_labels(&self, clock: &Clock) -> String {
        let ticks = time_ticks(clock, self.window, 7);
        let label = |(position, tick): (usize, &crate::report::axis::TimeTick)| {
            let share = 100.0 * self.window.share(tick.at);
            // Every other label is left out where the page is narrow; one at the right end would stick out.
            let class = if position % 2 == 1 { " class=\"odd\"" } else { "" };
            let hidden = share > 97.0;
            let text = if hidden { String::new() } else { escape::text(&tick.label) };
            format!("<span{class} style=\"left:{share:.2}%\">{text}</span>")
        };
        ticks.iter().enumerate().map(label).collect()
    }

    /// Episodes as shaded and hatched stretches.
    fn spans(&self) -> String {
        self.episodes()
            .map(|(anomaly, from, to)| {
                let focus = if self.is_focus(anomaly) { " focus" } else { "" };
                let severity = Severity::of_score(anomaly.score).word();
                format!(
                    "<i class=\"episode {severity}{focus}\" style=\"left:{from:.2}%;width:{:.2}%\"></i>",
                    to - from
                )
            })
            .collect()
    }

    /// The strangest sample of each episode as a mark with the shape of its severity.
    fn marks(&self, axis: &ValueAxis) -> String {
        let mark = |(anomaly, from, to): (&Anomaly, f64, f64)| {
            let severity = Severity::of_score(anomaly.score);
            let left = (100.0 * self.window.share(anomaly.peak_at.micros())).clamp(from, to);
            let value = if anomaly.peak_observed.is_finite() { anomaly.peak_observed } else { axis.low };
            let focus = if self.is_focus(anomaly) { " focus" } else { "" };
            format!(
                "<b class=\"mark {}{focus}\" style=\"left:{left:.2}%;bottom:{:.2}%\">{}</b>",
                severity.word(),
                100.0 * axis.share(value),
                icon(severity),
            )
        };
        self.episodes().map(mark).collect()
    }

    fn is_focus(&self, anomaly: &Anomaly) -> bool {
        self.focus.is_some_and(|focus| std::ptr::eq(focus, anomaly))
    }

    /// Episodes within the window, with their ends in percent of its width.
    fn episodes(&self) -> impl Iterator<Item = (&Anomaly, f64, f64)> {
        let grain = self.report.series.grain.map_or(1, Grain::micros);
        let mut inside: Vec<&Anomaly> = self
            .report
            .anomalies
            .iter()
            .filter(|anomaly| {
                anomaly.start_at.micros() < self.window.to
                    && anomaly.end_at.micros().saturating_add(grain) > self.window.from
            })
            .collect();
        inside.sort_by(|one, other| other.score.total_cmp(&one.score));
        inside.truncate(EPISODES_MAX);
        inside.into_iter().map(move |anomaly| {
            let from = 100.0 * self.window.share(anomaly.start_at.micros()).clamp(0.0, 1.0);
            let to = 100.0 * self.window.share(anomaly.end_at.micros().saturating_add(grain)).clamp(0.0, 1.0);
            (anomaly, from, to)
        })
    }

    fn shapes(&self, axis: &ValueAxis) -> String {
        let grid: String = axis
            .ticks
            .iter()
            .map(|&tick| format!("M0 {:.1}H{WIDTH}", HEIGHT * (1.0 - axis.share(tick))))
            .collect();
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <path class=\"grid\" d=\"{grid}\"/><path class=\"band\" d=\"{}\"/>\
             <path class=\"expected\" d=\"{}\"/><path class=\"value\" d=\"{}\"/></svg>",
            self.band_path(axis),
            self.expected_path(axis),
            self.value_path(axis),
        )
    }

    fn runs(&self, values: &[f64]) -> Vec<Vec<Column>> {
        let series = &self.report.series;
        runs(&self.window.columns(&series.at, values, COLUMNS), gap_micros(series))
    }

    fn x(&self, at: i64) -> f64 {
        WIDTH * self.window.share(at)
    }

    fn value_path(&self, axis: &ValueAxis) -> String {
        let mut path = String::new();
        for run in self.runs(&self.report.series.values) {
            let points: Vec<_> = run.iter().flat_map(Column::points).collect();
            push_line(&mut path, points.iter().map(|point| (self.x(point.at), y(axis, point.value))));
            if points.len() == 1 {
                // A sample alone between gaps: a line of no length, which round ends make a dot.
                path.push_str("h0");
            }
        }
        path
    }

    fn expected_path(&self, axis: &ValueAxis) -> String {
        let mut path = String::new();
        for run in self.runs(&self.report.expected) {
            let points = run.iter().map(|column| {
                let middle = (column.first.value + column.last.value) / 2.0;
                (self.x(middle_of(column)), y(axis, middle))
            });
            push_line(&mut path, points);
        }
        path
    }

    fn band_path(&self, axis: &ValueAxis) -> String {
        let (lower, upper) = (self.runs(&self.report.lower), self.runs(&self.report.upper));
        let mut path = String::new();
        for (lower, upper) in lower.iter().zip(&upper) {
            let above = upper.iter().map(|column| (self.x(middle_of(column)), y(axis, column.max.value)));
            let below =
                lower.iter().rev().map(|column| (self.x(middle_of(column)), y(axis, column.min.value)));
            push_line(&mut path, above.chain(below));
            path.push('Z');
        }
        path
    }

    /// The days that the window covers, for ticks name only what changes.
    fn dates(&self, clock: &Clock) -> Option<String> {
        let day = |at: i64| clock.zoned(Timestamp(at)).map(|at| at.strftime("%-d %b %Y").to_string());
        let (first, last) = (day(self.window.from)?, day(self.window.to - 1)?);
        let several = first != last;
        (!clock.counts_rows()).then(|| if several { format!("{first} to {last}") } else { first })
    }

    fn caption(&self, axis: &ValueAxis, clock: &Clock) -> String {
        let zone = if clock.counts_rows() { "row numbers" } else { &self.report.series.zone };
        let mut notes: Vec<String> = self.dates(clock).into_iter().collect();
        notes.push(escape::text(zone));
        if axis.low > 0.0 {
            notes.push(format!(
                "axis begins at {}",
                escape::text(&number::with_unit(axis.low, self.report.series.unit.as_deref()))
            ));
        }
        let has_expectation = self.report.expected.iter().any(|value| value.is_finite());
        let expected = if has_expectation {
            "<span class=\"key expected\">expected</span><span class=\"key band\">usual range</span>"
        } else {
            ""
        };
        format!(
            "<figcaption><span class=\"key value\">value</span>{expected}\
             <span class=\"key strange\">strange</span><span class=\"zone\">{}</span></figcaption>",
            notes.join(" · ")
        )
    }
}

/// The shape of a severity, drawn in the colour of the text around it.
pub(super) fn icon(severity: Severity) -> &'static str {
    match severity {
        Severity::High => {
            "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><circle cx=\"8\" cy=\"8\" r=\"7\" \
             fill=\"currentColor\"/><path class=\"cut\" d=\"M8 4v5M8 11.2v.6\"/></svg>"
        }
        Severity::Medium => {
            "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"M8 2 15 14H1Z\" \
             fill=\"currentColor\"/></svg>"
        }
        Severity::Low => {
            "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><circle class=\"ring\" cx=\"8\" cy=\"8\" \
             r=\"6\"/><path class=\"bar\" d=\"M5 8h6\"/></svg>"
        }
    }
}

fn middle_of(column: &Column) -> i64 {
    column.first.at + (column.last.at - column.first.at) / 2
}

fn y(axis: &ValueAxis, value: f64) -> f64 {
    HEIGHT * (1.0 - axis.share(value))
}

fn push_line(path: &mut String, points: impl Iterator<Item = (f64, f64)>) {
    for (position, (x, y)) in points.enumerate() {
        let letter = if position == 0 { 'M' } else { 'L' };
        path.push_str(&format!("{letter}{x:.1} {y:.1}"));
    }
}
