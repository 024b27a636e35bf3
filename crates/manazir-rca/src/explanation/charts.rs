//! Series that an answer shows.

use super::Chart;
use super::measured::Seen;

/// Samples that are shown before an incident.
const BEFORE: usize = 60;
/// And after it.
const AFTER: usize = 12;

/// Series that were asked for, each once.
pub(super) struct Charts {
    places: Vec<usize>,
    charts: Vec<Chart>,
    max: usize,
}

impl Charts {
    pub(super) fn new(max: usize) -> Self {
        Self { places: Vec::new(), charts: Vec::new(), max }
    }

    /// The place of the chart of a series; `None` if there are enough.
    pub(super) fn of(&mut self, seen: &Seen<'_>, series: usize) -> Option<usize> {
        if let Some(known) = self.places.iter().position(|place| *place == series) {
            return Some(known);
        }
        if self.charts.len() >= self.max {
            return None;
        }
        self.places.push(series);
        self.charts.push(chart(seen, series));
        Some(self.charts.len() - 1)
    }

    pub(super) fn into_charts(self) -> Vec<Chart> {
        self.charts
    }
}

fn chart(seen: &Seen<'_>, place: usize) -> Chart {
    let incident = seen.measured.incident;
    let series = &incident.series[place];
    let window = incident.window(series.values.len());
    let until = window.end.saturating_add(AFTER).min(series.values.len());
    let shown = contiguous(seen, window.start, until);
    Chart {
        entity: seen.name(series.entity).to_owned(),
        caller: series.caller.map(|caller| seen.name(caller).to_owned()),
        metric: series.metric.to_owned(),
        times: shown.clone().map(|position| seen.measured.at(position)).collect(),
        incident: (window.start - shown.start, window.end - shown.start),
        normal: seen.shifts[place].map(|shift| shift.normal.center),
        values: series.values[shown].iter().map(|value| value.is_finite().then_some(*value)).collect(),
    }
}

/// Positions around the start of an incident without a gap in time: a grid may be put together from several stretches.
fn contiguous(seen: &Seen<'_>, start: usize, until: usize) -> std::ops::Range<usize> {
    /// So many steps apart are still the same stretch.
    const STEPS_MAX: f64 = 5.0;
    let measured = &seen.measured;
    let step_s = |position: usize| measured.at(position).micros_since(measured.at(position - 1)) as f64 / 1e6;
    let usual_s = if start + 1 < until { step_s(start + 1) } else { measured.step_s() };
    let follows = |position: usize| (0.0..=STEPS_MAX * usual_s.abs()).contains(&step_s(position));
    let mut from = start;
    while from > 0 && start - from < BEFORE && follows(from) {
        from -= 1;
    }
    let mut end = start;
    while end + 1 < until && follows(end + 1) {
        end += 1;
    }
    from..until.min(end + 1)
}
