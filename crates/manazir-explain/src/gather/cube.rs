//! The series of one metric as a cube: which label values made its change.

use std::collections::BTreeMap;

use manazir_model::{JudgedSample, SeriesKey, Timestamp};
use manazir_rca::contributors::{
    Baseline, Contributors, DIMENSIONS_MAX, History, Leaf, Numbers, Span, Telling, tell,
};
use manazir_rca::discover::meaning::meaning;
use manazir_rca::evidence::Kind;

use super::series::{Grid, Known};
use super::{Ask, Sources};
use crate::Error;

/// Fewer leaves need no drill-down.
const LEAVES_MIN: usize = 4;
/// More are not read for one answer.
const LEAVES_MAX: usize = 2_000;
/// Earlier spans that tell what is usual, where no detector does, and how far combinations are off for no reason.
const EARLIER_SPANS: usize = 8;

/// Which labels made the metric change; `None` if it has too few series, or values that do not add up.
pub(super) async fn contributors(
    sources: &Sources,
    ask: &Ask,
    grid: Grid,
    same: &[&Known],
) -> Result<Option<Contributors>, Error> {
    let dimensions = dimensions(same);
    if !(LEAVES_MIN..=LEAVES_MAX).contains(&same.len()) || dimensions.is_empty() || !adds_up(same) {
        return Ok(None);
    }
    let mut read = Vec::with_capacity(same.len());
    for series in same {
        read.push(Columns::of(&sources.lake.samples(&grid.query(series.id, ask.as_of)).await?));
    }
    let values = |key: &SeriesKey| dimensions.iter().map(|name| label(key, name).to_owned()).collect();
    let values: Vec<Vec<String>> = same.iter().map(|series| values(&series.key)).collect();
    let leaves = values.iter().zip(&read).map(|(values, columns)| columns.leaf(values)).collect();
    let episode = grid.incident();
    let history = History::new(dimensions.clone(), leaves, &[episode]);
    let slots = history.slots(episode).len();
    let earlier = earlier(grid, episode);
    let baseline = if read.iter().any(|columns| columns.is_forecast(episode)) {
        Baseline::Expected { before: 0, whole: None }
    } else {
        Baseline::Spans(earlier.clone())
    };
    let cube = history.cube(episode, &baseline).map_err(Error::store)?;
    let noise = history.noise(&baseline, &earlier);
    let telling = Telling { noise, unit: 1.0 / slots.max(1) as f64, ..Telling::default() };
    Ok((cube.len() >= LEAVES_MIN).then(|| tell(&cube, &telling)))
}

/// Spans as long as the episode, one before the other, the nearest first.
fn earlier(grid: Grid, episode: Span) -> Vec<Span> {
    let (first, step) = grid.history();
    let length = episode.end.micros_since(episode.start) + 1;
    let moved = |at: Timestamp, times: i64| Timestamp(at.micros() - times * length.max(step));
    let span = |times: i64| Span { start: moved(episode.start, times), end: moved(episode.end, times) };
    (1..=EARLIER_SPANS as i64).map(span).take_while(|span| span.start >= first).collect()
}

/// The samples of a series, column by column.
struct Columns {
    at: Vec<Timestamp>,
    actual: Vec<f64>,
    expected: Vec<f64>,
}

impl Columns {
    fn of(samples: &[JudgedSample]) -> Self {
        Self {
            at: samples.iter().map(|sample| sample.at).collect(),
            actual: samples.iter().map(JudgedSample::judged_value).collect(),
            expected: samples.iter().map(|sample| f64::from(sample.expected)).collect(),
        }
    }

    fn leaf<'a>(&'a self, values: &'a [String]) -> Leaf<'a> {
        let over = Numbers { at: &self.at, actual: &self.actual, expected: &self.expected };
        Leaf { values: values.iter().map(String::as_str).collect(), over, under: None }
    }

    /// True if a detector said what was to be expected in a span.
    fn is_forecast(&self, span: Span) -> bool {
        let first = self.at.partition_point(|at| *at < span.start);
        self.expected[first..].iter().any(|expected| expected.is_finite())
    }
}

/// Labels with at least two values, as many as a cube can have.
fn dimensions(series: &[&Known]) -> Vec<String> {
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in series.iter().flat_map(|series| &series.key.labels) {
        let known = values.entry(name).or_default();
        if known.len() < 2 && !known.contains(&value.as_str()) {
            known.push(value);
        }
    }
    let varying = values.into_iter().filter(|(_, values)| values.len() > 1);
    varying.map(|(name, _)| name.to_owned()).take(DIMENSIONS_MAX).collect()
}

/// Latencies, shares and levels of resources do not.
fn adds_up(series: &[&Known]) -> bool {
    let kind = series.first().and_then(|series| meaning(&series.key)).map(|told| told.kind);
    !matches!(
        kind,
        Some(Kind::Latency | Kind::Availability | Kind::Errors | Kind::Resource | Kind::NetworkGap)
    )
}

fn label<'a>(key: &'a SeriesKey, name: &str) -> &'a str {
    key.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
}
