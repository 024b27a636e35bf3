//! Totals of a table: which series add up, over which dimensions.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use manazir_catalog::{Adding, Table};
use manazir_model::{Series, SeriesKey, SeriesKind, Timestamp};
use manazir_rca::contributors::DIMENSIONS_MAX;

use crate::engine::judged;

/// With two leaves, the other is what the one is not: their charts say it all.
const LEAVES_MIN: usize = 3;

/// Values by which exports name a total of their own: to add it again would count everything twice.
const TOTALS: [&str; 8] = ["all", "total", "totals", "overall", "sum", "any", "*", "(all)"];

/// A total and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is judged. Its labels are those that all leaves share.
    pub series: Series,
    /// Names of the labels in which leaves differ.
    pub dimensions: Vec<String>,
    /// Of an amount its leaves; of a ratio those of the measure above the line, each with that below it.
    pub leaves: Vec<LeafKeys>,
}

/// Which series make a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafKeys {
    /// A value for each dimension.
    pub values: Vec<String>,
    /// The amount, or the numerator.
    pub over: SeriesKey,
    /// The denominator of a ratio.
    pub under: Option<SeriesKey>,
}

/// The totals of a table: of each metric whose series add up, or are a ratio of two that do.
///
/// Leaves share a clock: a sum of samples that came at different times would be one of chance.
pub fn plans(table: &Table, series: &[Series]) -> Vec<Plan> {
    if table.grain.value.is_none() {
        return Vec::new();
    }
    let mut by_metric: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    for series in series {
        by_metric.entry(&series.key.metric).or_default().push(series);
    }
    let plan = |(metric, leaves): (&&str, &Vec<&Series>)| {
        let unit = leaves.first()?.unit.as_deref();
        match table.adding_of(metric, unit).value {
            Adding::Apart => None,
            Adding::Adds => plan(table, metric, unit, leaves, None),
            Adding::Ratio { over, under } => {
                let under = by_metric.get(under.as_str())?;
                plan(table, metric, unit, by_metric.get(over.as_str())?, Some(under))
            }
        }
    };
    by_metric.iter().filter_map(plan).collect()
}

fn plan(
    table: &Table,
    metric: &str,
    unit: Option<&str>,
    over: &[&Series],
    under: Option<&[&Series]>,
) -> Option<Plan> {
    let under: Option<BTreeMap<_, _>> =
        under.map(|under| under.iter().map(|series| (&series.key.labels, *series)).collect());
    let is_part = |series: &&&Series| {
        let is_total = |(_, value): &(String, String)| TOTALS.contains(&value.to_lowercase().as_str());
        let is_whole = under.as_ref().is_none_or(|under| under.contains_key(&series.key.labels));
        is_whole && !series.key.labels.iter().any(is_total)
    };
    let leaves: Vec<&Series> = over.iter().filter(is_part).copied().collect();
    let labels = &leaves.first()?.key.labels;
    let same_names = |series: &&Series| {
        let names = series.key.labels.iter().map(|(name, _)| name);
        names.eq(labels.iter().map(|(name, _)| name))
    };
    let differs = |place: usize| leaves.iter().any(|series| series.key.labels[place].1 != labels[place].1);
    if leaves.len() < LEAVES_MIN || !leaves.iter().all(same_names) {
        return None;
    }
    let places: Vec<usize> = (0..labels.len()).filter(|place| differs(*place)).collect();
    if places.is_empty() || places.len() > DIMENSIONS_MAX {
        return None;
    }
    let below = |series: &Series| under.as_ref().and_then(|under| under.get(&series.key.labels)).copied();
    let sum = summed(&leaves)?;
    let (sum, unit) = match &under {
        None => {
            let unit = judged_of(leaves[0]).unit.clone();
            (sum, unit)
        }
        Some(_) => {
            let under: Vec<&Series> = leaves.iter().filter_map(|series| below(series)).collect();
            (quotients(sum, &summed(&under)?), unit.map(str::to_owned))
        }
    };
    let shared = (0..labels.len()).filter(|place| !places.contains(place)).map(|place| labels[place].clone());
    let (at, values) = sum.into_iter().unzip();
    Some(Plan {
        series: Series {
            key: SeriesKey::new(metric, shared),
            kind: SeriesKind::Gauge,
            unit,
            grain: table.grain.value,
            zone: table.zone.value.clone(),
            at,
            values,
        },
        dimensions: places.iter().map(|place| labels[*place].0.clone()).collect(),
        leaves: leaves
            .iter()
            .map(|series| LeafKeys {
                values: places.iter().map(|place| series.key.labels[*place].1.clone()).collect(),
                over: series.key.clone(),
                under: below(series).map(|under| under.key.clone()),
            })
            .collect(),
    })
}

/// A counter's growth instead of the counter.
fn judged_of(series: &Series) -> Cow<'_, Series> {
    match series.kind {
        SeriesKind::Counter => Cow::Owned(judged(series.clone())),
        SeriesKind::Gauge => Cow::Borrowed(series),
    }
}

/// The sum at each instant at which any leaf has a slot; NaN where none has a number. `None` if leaves follow
/// clocks of their own: then nearly every instant is that of one leaf.
fn summed(leaves: &[&Series]) -> Option<Vec<(Timestamp, f64)>> {
    /// Instants of all for each of the longest leaf.
    const CLOCKS_MAX: usize = 2;
    let leaves: Vec<Cow<'_, Series>> = leaves.iter().map(|series| judged_of(series)).collect();
    let longest = leaves.iter().map(|series| series.len()).max()?;
    let mut at: BTreeSet<Timestamp> = BTreeSet::new();
    for series in &leaves {
        at.extend(&series.at);
        if at.len() > CLOCKS_MAX * longest {
            return None;
        }
    }
    let at: Vec<Timestamp> = at.into_iter().collect();
    let mut sums = vec![(0.0, false); at.len()];
    for series in &leaves {
        let mut place = 0;
        for sample in series.samples().filter(|sample| sample.value.is_finite()) {
            // Each instant is in the list that was made of them, and both are in order.
            while at[place] < sample.at {
                place += 1;
            }
            sums[place] = (sums[place].0 + sample.value, true);
        }
    }
    let value = |(sum, any): (f64, bool)| if any { sum } else { f64::NAN };
    Some(at.into_iter().zip(sums.into_iter().map(value)).collect())
}

/// One over the other where both have a number, and there is something below the line.
fn quotients(over: Vec<(Timestamp, f64)>, under: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    let quotient = |(at, over): (Timestamp, f64)| {
        let place = under.binary_search_by_key(&at, |(at, _)| *at);
        let under = place.map_or(f64::NAN, |place| under[place].1);
        (at, if under > 0.0 { over / under } else { f64::NAN })
    };
    over.into_iter().map(quotient).collect()
}
