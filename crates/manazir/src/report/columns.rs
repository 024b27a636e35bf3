//! Down-sampling for charts: as many columns as there are pixels, and no spike lost.

use manazir_model::{Anomaly, Grain, Series, Timestamp};

/// Distance in grains from which two samples are not joined: one slot is empty between them.
const GAP_GRAINS: f64 = 1.5;

/// The same in usual distances, for a series without a grain.
const GAP_DISTANCES: f64 = 10.0;

/// Grains shown before and after an episode: enough to see the rhythm that it breaks.
const BEFORE_GRAINS: i64 = 144;
const AFTER_GRAINS: i64 = 72;

/// One sample, or one end of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Microseconds since the epoch.
    pub at: i64,
    /// In the unit of the series.
    pub value: f64,
}

/// What a chart needs of the samples that share a column: its first, lowest, highest and last one
/// (the M4 aggregation of Jugel et al. 2014, which draws the same pixels as all samples would).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The first sample.
    pub first: Point,
    /// The lowest.
    pub min: Point,
    /// The highest.
    pub max: Point,
    /// The last.
    pub last: Point,
}

impl Column {
    fn of(point: Point) -> Self {
        Self { first: point, min: point, max: point, last: point }
    }

    fn add(&mut self, point: Point) {
        if point.value < self.min.value {
            self.min = point;
        }
        if point.value > self.max.value {
            self.max = point;
        }
        self.last = point;
    }

    /// Its points in order of time, each once.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        let (early, late) =
            if self.min.at <= self.max.at { (self.min, self.max) } else { (self.max, self.min) };
        let mut before: Option<Point> = None;
        [self.first, early, late, self.last].into_iter().filter(move |point| {
            let new = before.is_none_or(|before| before.at < point.at);
            before = Some(*point);
            new
        })
    }
}

/// A stretch of time cut into equal columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant, in microseconds.
    pub from: i64,
    /// End, not included; later than `from`.
    pub to: i64,
}

impl Window {
    /// From `from` to `to`; at least one microsecond long.
    pub fn new(from: i64, to: i64) -> Self {
        Self { from, to: to.max(from.saturating_add(1)) }
    }

    /// The whole of a series, its last sample lasting one grain; `None` if it is empty.
    pub fn whole(series: &Series) -> Option<Self> {
        let (first, last) = (series.at.first()?, series.at.last()?);
        let grain = series.grain.map_or(1, Grain::micros);
        Some(Self::new(first.micros(), last.micros().saturating_add(grain)))
    }

    /// An episode with twice its length before it and once after, within its series.
    pub fn around(series: &Series, anomaly: &Anomaly) -> Self {
        let grain = series.grain.map_or_else(|| typical_step(series), Grain::micros);
        let (start, end) = (anomaly.start_at.micros(), anomaly.end_at.micros().saturating_add(grain));
        let Some(whole) = Self::whole(series) else { return Self::new(start, end) };
        let length = end.saturating_sub(start);
        let before = length.saturating_mul(2).max(BEFORE_GRAINS.saturating_mul(grain));
        let after = length.max(AFTER_GRAINS.saturating_mul(grain));
        let from = start.saturating_sub(before).max(whole.from.min(start));
        Self::new(from, end.saturating_add(after).min(whole.to.max(end)))
    }

    /// Length in microseconds.
    pub fn micros(&self) -> i64 {
        self.to.saturating_sub(self.from)
    }

    /// Where an instant lies: 0 at `from`, 1 at `to`.
    pub fn share(&self, at: i64) -> f64 {
        (at as f64 - self.from as f64) / self.micros() as f64
    }

    /// Indices of the samples inside.
    pub fn samples(&self, at: &[Timestamp]) -> std::ops::Range<usize> {
        let from = at.partition_point(|at| at.micros() < self.from);
        from..at.partition_point(|at| at.micros() < self.to).max(from)
    }

    /// `values` by column, `None` where a column holds no number. Shapes `(n_samples,)` → `(n_columns,)`.
    pub fn columns(&self, at: &[Timestamp], values: &[f64], n_columns: usize) -> Vec<Option<Column>> {
        let mut columns: Vec<Option<Column>> = vec![None; n_columns];
        for index in self.samples(at) {
            let point = Point { at: at[index].micros(), value: values[index] };
            let column = (self.share(point.at) * n_columns as f64) as usize;
            if !point.value.is_finite() || n_columns == 0 {
                continue;
            }
            match &mut columns[column.min(n_columns - 1)] {
                Some(column) => column.add(point),
                empty => *empty = Some(Column::of(point)),
            }
        }
        columns
    }
}

/// Mean distance of samples, at least a microsecond.
fn typical_step(series: &Series) -> i64 {
    let span = series.at.last().zip(series.at.first()).map_or(0, |(last, first)| last.micros_since(*first));
    (span / series.at.len().max(1) as i64).max(1)
}

/// Two samples further apart than this have a gap between them, in microseconds.
pub fn gap_micros(series: &Series) -> i64 {
    if let Some(grain) = series.grain {
        return (GAP_GRAINS * grain.micros() as f64) as i64;
    }
    let mut steps: Vec<i64> = series.at.windows(2).map(|pair| pair[1].micros_since(pair[0])).collect();
    if steps.is_empty() {
        return i64::MAX;
    }
    let middle = steps.len() / 2;
    let median = *steps.select_nth_unstable(middle).1;
    (GAP_DISTANCES * median as f64) as i64
}

/// Columns in runs without a gap between them, empty columns left out.
pub fn runs(columns: &[Option<Column>], gap_micros: i64) -> Vec<Vec<Column>> {
    let mut runs: Vec<Vec<Column>> = Vec::new();
    for column in columns.iter().flatten() {
        match runs.last_mut().filter(|run| {
            run.last().is_some_and(|before| column.first.at.saturating_sub(before.last.at) <= gap_micros)
        }) {
            Some(run) => run.push(*column),
            None => runs.push(vec![*column]),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use manazir_model::Grain;
    use proptest::prelude::*;

    use super::*;

    fn series(values: Vec<f64>) -> Series {
        let at = (0..values.len() as i64).map(|hour| Timestamp(hour * Grain::HOUR.micros())).collect();
        Series { values, at, grain: Some(Grain::HOUR), ..Series::default() }
    }

    proptest! {
        /// Whatever the number of columns: the lowest and the highest sample are drawn, at their own time.
        #[test]
        fn no_spike_vanishes(values in prop::collection::vec(-1e6..1e6f64, 1..500), n_columns in 1usize..50) {
            let series = series(values);
            let window = Window::whole(&series).unwrap();
            let columns = window.columns(&series.at, &series.values, n_columns);
            let drawn: Vec<Point> = columns.iter().flatten().flat_map(Column::points).collect();
            prop_assert!(drawn.len() <= 4 * n_columns);
            prop_assert!(drawn.windows(2).all(|pair| pair[0].at < pair[1].at));
            for extreme in [f64::min, f64::max] {
                let of = |values: &mut dyn Iterator<Item = f64>| values.reduce(extreme);
                prop_assert_eq!(of(&mut drawn.iter().map(|p| p.value)), of(&mut series.values.iter().copied()));
            }
            for point in &drawn {
                let index = series.at.binary_search(&Timestamp(point.at)).unwrap();
                prop_assert_eq!(series.values[index], point.value);
            }
        }
    }

    #[test]
    fn a_slot_without_number_is_a_gap() {
        let series = series(vec![1.0, 2.0, f64::NAN, 3.0, 4.0]);
        let window = Window::whole(&series).unwrap();
        let columns = window.columns(&series.at, &series.values, 100);
        let lengths: Vec<usize> = runs(&columns, gap_micros(&series)).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 2]);
    }

    #[test]
    fn without_a_grain_only_long_silences_are_gaps() {
        let at: Vec<Timestamp> = [0, 9, 20, 31, 500].into_iter().map(Timestamp).collect();
        let series = Series { values: vec![1.0; 5], at, ..Series::default() };
        let window = Window::whole(&series).unwrap();
        let columns = window.columns(&series.at, &series.values, 1_000);
        let lengths: Vec<usize> = runs(&columns, gap_micros(&series)).iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 1]);
    }
}
