//! The series of one metric as a cube: which label values made its change.

use std::collections::BTreeMap;

use manazir_model::SeriesKey;
use manazir_rca::contributors::{Builder, DIMENSIONS_MAX};
use manazir_rca::discover::meaning::meaning;
use manazir_rca::evidence::Kind;
use manazir_rca::explanation::{Contributors, explain_cube};

use super::series::{Grid, Named};
use super::{Ask, Limits, Sources};
use crate::Error;

/// Fewer leaves need no drill-down.
const LEAVES_MIN: usize = 4;
/// More are not read for one answer.
const LEAVES_MAX: usize = 2_000;
/// A minute.
const STEP_MICROS: i64 = 60_000_000;

/// Which labels made the metric change; `None` if it has too few series, or values that do not add up.
pub(super) async fn contributors(
    sources: &Sources,
    ask: &Ask,
    limits: &Limits,
    named: &[Named],
) -> Result<Option<Contributors>, Error> {
    let same: Vec<&Named> = named.iter().filter(|series| series.key.metric == ask.metric).collect();
    let dimensions = dimensions(&same);
    if !(LEAVES_MIN..=LEAVES_MAX).contains(&same.len()) || dimensions.is_empty() || !adds_up(&same) {
        return Ok(None);
    }
    let grid = Grid::of(ask.at, STEP_MICROS, limits, ask.as_of);
    let names: Vec<&str> = dimensions.iter().map(String::as_str).collect();
    let mut rows = Builder::new(&names);
    for series in same {
        let samples = sources.lake.samples(&grid.query(series.id, ask.as_of)).await?;
        let Some((actual, expected)) = totals(&grid, &samples) else { continue };
        let values: Vec<&str> = names.iter().map(|name| label(&series.key, name)).collect();
        rows.push(&values, actual, expected);
    }
    let cube = rows.build().map_err(Error::store)?;
    if cube.len() < LEAVES_MIN {
        return Ok(None);
    }
    Ok(explain_cube(&cube, &ask.metric, ask.at).contributors)
}

/// Labels with at least two values, as many as a cube can have.
fn dimensions(series: &[&Named]) -> Vec<String> {
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
fn adds_up(series: &[&Named]) -> bool {
    let kind = series.first().and_then(|series| meaning(&series.key)).map(|told| told.kind);
    !matches!(
        kind,
        Some(Kind::Latency | Kind::Availability | Kind::Errors | Kind::Resource | Kind::NetworkGap)
    )
}

/// What came in the incident, and what was expected: as the detectors said, else the median of what came before.
fn totals(grid: &Grid, samples: &[manazir_model::JudgedSample]) -> Option<(f64, f64)> {
    let mut before: Vec<f64> = Vec::new();
    let (mut actual, mut forecast, mut n) = (0.0, 0.0, 0.0);
    for sample in samples {
        let value = sample.judged_value();
        match grid.place(sample.at).filter(|_| value.is_finite()) {
            Some(place) if grid.is_incident(place) => {
                actual += value;
                forecast += f64::from(sample.expected);
                n += 1.0;
            }
            Some(_) => before.push(value),
            None => {}
        }
    }
    if before.is_empty() && n == 0.0 {
        return None;
    }
    let middle = before.len() / 2;
    let usual =
        if before.is_empty() { 0.0 } else { *before.select_nth_unstable_by(middle, f64::total_cmp).1 };
    let expected = if n > 0.0 && f64::is_finite(forecast) { forecast } else { usual * f64::max(n, 1.0) };
    Some((actual, expected))
}

fn label<'a>(key: &'a SeriesKey, name: &str) -> &'a str {
    key.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
}
