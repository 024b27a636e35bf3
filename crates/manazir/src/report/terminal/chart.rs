//! A chart of braille dots: two columns and four rows of dots a character.

use manazir_model::Grain;

use super::{Ink, Style};
use crate::finding::SeriesReport;
use crate::report::axis::{ValueAxis, time_ticks};
use crate::report::columns::{Column, Window, gap_micros, runs};
use crate::report::when::{Clock, common_year};

/// Rows of characters of the plot.
const ROWS: usize = 10;

/// Columns kept for the labels of the value axis.
const LABEL_COLUMNS: usize = 11;

/// Bits of the braille dots of a character (Unicode 2800), by row and column.
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// A grid of characters, each with its dots of the series and what lies behind them.
struct Canvas {
    width: usize,
    dots: Vec<u8>,
    band: Vec<bool>,
    strange: Vec<bool>,
}

impl Canvas {
    fn new(width: usize) -> Self {
        Self {
            width,
            dots: vec![0; width * ROWS],
            band: vec![false; width * ROWS],
            strange: vec![false; width],
        }
    }

    fn dot(&mut self, column: usize, row: usize) {
        let (x, y) = ((column / 2).min(self.width - 1), (row / 4).min(ROWS - 1));
        self.dots[y * self.width + x] |= DOTS[row % 4][column % 2];
    }

    /// The band between two rows of characters, both included.
    fn shade(&mut self, column: usize, top: usize, bottom: usize) {
        for y in top..=bottom.min(ROWS - 1) {
            self.band[y * self.width + column] = true;
        }
    }

    /// All dots of a column between two rows, both included.
    fn line(&mut self, column: usize, one: usize, other: usize) {
        for row in one.min(other)..=one.max(other) {
            self.dot(column, row);
        }
    }
}

/// The series within `window`: dots for its values, shade for the expected band, marks below for episodes;
/// gaps stay empty. Ends with a line for the time axis and one that explains the signs.
pub fn chart(report: &SeriesReport, window: Window, style: Style) -> String {
    let year = common_year(std::iter::once(&report.series));
    let clock = Clock::of(&report.series, year);
    let width = style.width.saturating_sub(LABEL_COLUMNS + 2).max(20);
    let axis = ValueAxis::of(report, window, 4);
    let mut canvas = Canvas::new(width);
    draw_band(&mut canvas, report, window, &axis);
    draw_values(&mut canvas, report, window, &axis);
    mark_episodes(&mut canvas, report, window);
    let mut lines = plot_lines(&canvas, &axis, report.series.unit.as_deref(), style);
    lines.push(mark_line(&canvas, style));
    lines.push(time_line(&clock, window, width, style));
    lines.push(legend(report, style));
    lines.join("\n")
}

fn draw_values(canvas: &mut Canvas, report: &SeriesReport, window: Window, axis: &ValueAxis) {
    let n_columns = canvas.width * 2;
    let columns = window.columns(&report.series.at, &report.series.values, n_columns);
    let place =
        |column: &Column| ((window.share(column.first.at) * n_columns as f64) as usize).min(n_columns - 1);
    for run in runs(&columns, gap_micros(&report.series)) {
        let mut before: Option<(usize, usize)> = None;
        for column in &run {
            let x = place(column);
            canvas.line(x, row_of(axis, column.min.value), row_of(axis, column.max.value));
            let first = row_of(axis, column.first.value);
            if let Some((from, row)) = before {
                join(canvas, (from, row), (x, first));
            }
            before = Some((x, row_of(axis, column.last.value)));
        }
    }
}

/// A line between two dots, the way halfway along each step.
fn join(canvas: &mut Canvas, from: (usize, usize), to: (usize, usize)) {
    let steps = to.0.saturating_sub(from.0).max(1);
    let row_at = |step: usize| {
        let share = step as f64 / steps as f64;
        (from.1 as f64 + share * (to.1 as f64 - from.1 as f64)).round() as usize
    };
    for step in 0..steps {
        let (row, next) = (row_at(step), row_at(step + 1));
        let middle = usize::midpoint(row, next);
        canvas.line(from.0 + step, row, middle);
        canvas.line(from.0 + step + 1, middle, next);
    }
}

fn draw_band(canvas: &mut Canvas, report: &SeriesReport, window: Window, axis: &ValueAxis) {
    let series = &report.series;
    let lower = window.columns(&series.at, &report.lower, canvas.width);
    let upper = window.columns(&series.at, &report.upper, canvas.width);
    let gap = gap_micros(series);
    let mut before: Option<(usize, Column)> = None;
    for (x, (lower, upper)) in lower.iter().zip(&upper).enumerate() {
        let (Some(lower), Some(upper)) = (lower, upper) else { continue };
        // Where samples are rarer than columns the band goes on from one to the next.
        let from = before.filter(|(_, last)| lower.first.at - last.last.at <= gap);
        for column in from.map_or(x, |(last, _)| last + 1)..=x {
            canvas.shade(column, row_of(axis, upper.max.value) / 4, row_of(axis, lower.min.value) / 4);
        }
        before = Some((x, *lower));
    }
}

fn mark_episodes(canvas: &mut Canvas, report: &SeriesReport, window: Window) {
    let grain = report.series.grain.map_or(0, Grain::micros);
    let inside = |at: i64| (window.share(at) * canvas.width as f64).floor();
    for anomaly in &report.anomalies {
        let (from, to) =
            (anomaly.start_at.micros(), anomaly.end_at.micros().saturating_add(grain.max(1) - 1));
        if to < window.from || from >= window.to {
            continue;
        }
        let last = (canvas.width - 1) as f64;
        let (first, after) = (inside(from).clamp(0.0, last) as usize, inside(to).clamp(0.0, last) as usize);
        canvas.strange[first..=after].fill(true);
    }
}

/// The row of dots of a value, from the top.
fn row_of(axis: &ValueAxis, value: f64) -> usize {
    let last = (ROWS * 4 - 1) as f64;
    ((1.0 - axis.share(value)) * last).round() as usize
}

fn plot_lines(canvas: &Canvas, axis: &ValueAxis, unit: Option<&str>, style: Style) -> Vec<String> {
    let mut labels = vec![String::new(); ROWS];
    for (tick, label) in axis.ticks.iter().zip(axis.labels(unit)) {
        labels[row_of(axis, *tick) / 4] = label;
    }
    let line = |y: usize| {
        let label = format!("{:>LABEL_COLUMNS$}", crate::report::name::shortened(&labels[y], LABEL_COLUMNS));
        let edge = if labels[y].is_empty() { "│" } else { "┤" };
        format!(
            "{} {}{}",
            style.paint(Ink::Quiet, &label),
            style.paint(Ink::Quiet, edge),
            cells(canvas, y, style)
        )
    };
    (0..ROWS).map(line).collect()
}

/// One row of characters; neighbours of one colour share an escape sequence.
fn cells(canvas: &Canvas, y: usize, style: Style) -> String {
    let cell = |x: usize| {
        let index = y * canvas.width + x;
        match (canvas.dots[index], canvas.band[index], canvas.strange[x]) {
            (0, true, _) => (Ink::Expected, '░'),
            (0, false, _) => (Ink::Quiet, ' '),
            (dots, _, strange) => {
                let letter = char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ');
                (if strange { Ink::Strange } else { Ink::Value }, letter)
            }
        }
    };
    painted((0..canvas.width).map(cell), style)
}

fn painted(cells: impl Iterator<Item = (Ink, char)>, style: Style) -> String {
    let mut out = String::new();
    let mut run: Option<(Ink, String)> = None;
    for (ink, letter) in cells {
        match &mut run {
            Some((of_run, text)) if *of_run == ink => text.push(letter),
            _ => {
                if let Some((ink, text)) = run.replace((ink, letter.to_string())) {
                    out.push_str(&style.paint(ink, &text));
                }
            }
        }
    }
    if let Some((ink, text)) = run {
        out.push_str(style.paint(ink, &text).trim_end());
    }
    out
}

fn mark_line(canvas: &Canvas, style: Style) -> String {
    let marks = canvas.strange.iter().map(|&strange| (Ink::Strange, if strange { '▲' } else { ' ' }));
    let edge = style.paint(Ink::Quiet, "└");
    format!("{:LABEL_COLUMNS$} {edge}{}", "", painted(marks, style))
}

fn time_line(clock: &Clock, window: Window, width: usize, style: Style) -> String {
    let mut line = vec![' '; width];
    let mut free_from = 0;
    for tick in time_ticks(clock, window, (width / 14).clamp(2, 8)) {
        let at = (window.share(tick.at) * width as f64) as usize;
        let letters: Vec<char> = format!("╵{}", tick.label).chars().collect();
        if at >= free_from && at + letters.len() <= width {
            line[at..at + letters.len()].copy_from_slice(&letters);
            free_from = at + letters.len() + 1;
        }
    }
    let line: String = line.into_iter().collect();
    format!("{:LABEL_COLUMNS$}  {}", "", style.paint(Ink::Quiet, line.trim_end()))
}

fn legend(report: &SeriesReport, style: Style) -> String {
    let zone =
        if crate::report::when::is_row_number(&report.series) { "row numbers" } else { &report.series.zone };
    format!(
        "{:LABEL_COLUMNS$}  {} value  {} expected  {} strange  {}",
        "",
        style.paint(Ink::Value, "⠤⠒"),
        style.paint(Ink::Expected, "░"),
        style.paint(Ink::Strange, "▲"),
        style.paint(Ink::Quiet, &format!("({zone})")),
    )
}

#[cfg(test)]
mod tests;
