//! What is strange in a total, taken apart.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use manazir_model::{Anomaly, AnomalyKind, Grain, SeriesKey, Timestamp};
use manazir_rca::contributors::{
    self as rca, Back, Config, Cube, History, Leaf, Numbers, Span, explain, heatmap,
};
use rayon::prelude::*;

use super::total::{LeafKeys, Plan};
use super::{Baseline, Contributors, Drilled, Element, HeatDimension, HeatValue, Outcome, Total};
use crate::finding::SeriesReport;
use crate::report::number::counted;
use crate::report::when::duration;

/// Episodes of a total that are taken apart: as many as get a card in the report.
const DRILLED_MAX: usize = 20;

/// Leaves times samples of an episode; three baselines of so many take about ten seconds.
const NUMBERS_MAX: usize = 20_000_000;

/// Elements that are told. What more there are goes into the remainder.
const ELEMENTS_MAX: usize = 10;

/// Less of a change is not worth a row; it goes into the remainder. ThirdEye leaves out what is below 3 %.
const SHARE_MIN: f64 = 0.02;

/// Values of a dimension in its heat map.
const HEAT_VALUES_MAX: usize = 12;

/// Spans that a median is taken of: an incident in one of four does not move it far.
const MEDIAN_SPANS: usize = 4;

/// Earlier spans that tell how far combinations are off for no reason.
const NOISE_SPANS: usize = 8;

/// Takes the strangest episodes of a total apart. `leaves` are the reports of all series of the table; one that is
/// not among them counts for nothing.
pub fn drill(plan: &Plan, total: &SeriesReport, leaves: &HashMap<&SeriesKey, &SeriesReport>) -> Total {
    let mut strange: Vec<&Anomaly> = total.anomalies.iter().filter(|anomaly| is_change(anomaly)).collect();
    strange.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.start_at.cmp(&other.start_at)));
    let episodes: Vec<Span> = total.anomalies.iter().map(span).collect();
    let known: Vec<Leaf<'_>> = plan.leaves.iter().filter_map(|keys| leaf_of(plan, keys, leaves)).collect();
    let drill = Drill { plan, total, history: History::new(plan.dimensions.clone(), known, &episodes) };
    let taken = &strange[..strange.len().min(DRILLED_MAX)];
    let mut drilled: Vec<Drilled> = taken.par_iter().filter_map(|anomaly| drill.one(anomaly)).collect();
    drilled.sort_by_key(|drilled| drilled.start_at);
    Total { leaves: plan.leaves.len(), left_out: strange.len() - drilled.len(), drilled }
}

/// Scatter, form and silence are no change of an amount.
fn is_change(anomaly: &Anomaly) -> bool {
    matches!(anomaly.kind, AnomalyKind::Spike | AnomalyKind::LevelShift | AnomalyKind::Season)
}

fn span(anomaly: &Anomaly) -> Span {
    Span { start: anomaly.start_at, end: anomaly.end_at }
}

fn leaf_of<'a>(
    plan: &'a Plan,
    keys: &'a LeafKeys,
    leaves: &HashMap<&SeriesKey, &'a SeriesReport>,
) -> Option<Leaf<'a>> {
    debug_assert_eq!(keys.values.len(), plan.dimensions.len());
    let numbers = |key: &SeriesKey| {
        let SeriesReport { series, expected, .. } = leaves.get(key)?;
        Some(Numbers { at: &series.at, actual: &series.values, expected })
    };
    let under = match &keys.under {
        Some(under) => Some(numbers(under)?),
        None => None,
    };
    Some(Leaf { values: keys.values.iter().map(String::as_str).collect(), over: numbers(&keys.over)?, under })
}

struct Drill<'a> {
    plan: &'a Plan,
    total: &'a SeriesReport,
    history: History<'a>,
}

impl Drill<'_> {
    /// `None` if it is too large, or nothing can be compared with it.
    fn one(&self, anomaly: &Anomaly) -> Option<Drilled> {
        let episode = span(anomaly);
        let samples = self.history.slots(episode).len();
        if samples.saturating_mul(self.plan.leaves.len()) > NUMBERS_MAX {
            return None;
        }
        let by: Vec<Contributors> =
            Baseline::ALL.iter().filter_map(|baseline| self.by(*baseline, episode, samples)).collect();
        (!by.is_empty()).then_some(Drilled { start_at: anomaly.start_at, by })
    }

    fn by(&self, baseline: Baseline, episode: Span, samples: usize) -> Option<Contributors> {
        let series = &self.plan.series;
        let (grain, first) = (series.grain?, *series.at.first()?);
        let back = Back::of(episode, grain, first);
        let spans = |n: usize| match back {
            Some(back) => back.spans(episode, first, n),
            None => Vec::new(),
        };
        let on_the_clock =
            |spans: Vec<Span>| spans.into_iter().map(|span| self.on_the_clock(episode, span)).collect();
        let (by, words) = match baseline {
            Baseline::Expected => {
                let span = spans(1).first().map(|span| self.on_the_clock(episode, *span));
                let before = span.map_or(0, |span| episode.start.micros_since(span.start));
                let whole = self.whole(episode);
                (rca::Baseline::Expected { before, whole }, "what was expected".to_owned())
            }
            Baseline::LastWeek => (rca::Baseline::Spans(on_the_clock(spans(1))), last_words(back?)),
            Baseline::MedianWeeks => {
                let spans = spans(MEDIAN_SPANS);
                let words = median_words(back?, spans.len())?;
                (rca::Baseline::Spans(on_the_clock(spans)), words)
            }
        };
        // Only a broken denominator makes no cube; then there is nothing to say of this episode.
        let cube = self.history.cube(episode, &by).ok()?;
        let earlier = back.map_or(Vec::new(), |back| back.spans(episode, first, NOISE_SPANS));
        Some(told(&cube, baseline, (words, samples), self.history.noise(&by, &earlier)))
    }

    /// What the total was expected to come to; `None` of a ratio, and where it was not expected to be anything.
    fn whole(&self, episode: Span) -> Option<f64> {
        let SeriesReport { series, expected, .. } = self.total;
        let first = series.at.partition_point(|at| *at < episode.start);
        let after = series.at.partition_point(|at| *at <= episode.end);
        let with_number = (first..after.max(first)).filter(|index| series.values[*index].is_finite());
        let sum: f64 = with_number.map(|index| expected[index]).sum();
        let is_ratio = self.plan.leaves.iter().any(|leaf| leaf.under.is_some());
        (sum.is_finite() && !is_ratio).then_some(sum)
    }

    /// The same time on the wall: a week in which clocks change has an hour more or less.
    fn on_the_clock(&self, episode: Span, earlier: Span) -> Span {
        let series = &self.plan.series;
        let zone = TimeZone::get(&series.zone).unwrap_or(TimeZone::UTC);
        let offset = |at: Timestamp| at.to_jiff().map_or(0, |at| i64::from(zone.to_offset(at).seconds()));
        let is_day = series.grain.is_some_and(|grain| grain <= Grain::DAY);
        let shift = |now: Timestamp, then: Timestamp| {
            let seconds = if is_day { offset(now) - offset(then) } else { 0 };
            Timestamp(then.micros().saturating_add(seconds * Grain::SECOND.micros()))
        };
        Span { start: shift(episode.start, earlier.start), end: shift(episode.end, earlier.end) }
    }
}

fn last_words(back: Back) -> String {
    let before = |n: i64, one: &str, many: &str| match n {
        1 => format!("the same span {} before", if one == "week" { "a week" } else { "a day" }),
        n => format!("the same span {} before", counted(n as usize, one, many)),
    };
    match back {
        Back::Weeks(weeks) => before(weeks, "week", "weeks"),
        Back::Days(days) => before(days, "day", "days"),
        Back::Length(micros) => format!("the {} before", duration(micros)),
    }
}

/// `None` of fewer than two: that is what the other baseline says.
fn median_words(back: Back, spans: usize) -> Option<String> {
    let what = match back {
        Back::Weeks(1) => "weeks".to_owned(),
        Back::Weeks(weeks) => format!("times {weeks} weeks"),
        Back::Days(1) => "days".to_owned(),
        Back::Days(days) => format!("times {days} days"),
        Back::Length(micros) => format!("times {}", duration(micros)),
    };
    (spans > 1).then(|| format!("the median of the same span of the last {spans} {what}"))
}

fn told(
    cube: &Cube,
    baseline: Baseline,
    (baseline_words, samples): (String, usize),
    noise: f64,
) -> Contributors {
    let config = Config { elements: ELEMENTS_MAX, noise, ..Config::default() };
    let explanation = explain(cube, &config);
    let ratio = matches!(cube.measure(), rca::Measure::Ratio { .. });
    let unit = if ratio { 1.0 } else { 1.0 / samples.max(1) as f64 };
    let change = explanation.totals.change();
    let element = |element: &rca::Element| Element {
        values: element.values.iter().map(|(dimension, code)| named(cube, *dimension, *code)).collect(),
        observed: unit * element.totals.actual,
        expected: unit * element.totals.expected,
        contribution: unit * element.contribution,
        share: element.share,
        closes: element.closes,
        confidence: element.confidence,
        leaves: element.leaves,
    };
    // What moved as all did is no part of its own, however large.
    let own_share = |element: &Element| match explanation.everywhere {
        Some(times) if !ratio => (element.observed - times * element.expected) / (unit * change),
        _ => element.share,
    };
    let (elements, small): (Vec<Element>, Vec<Element>) =
        explanation.elements.iter().map(element).partition(|element| own_share(element).abs() >= SHARE_MIN);
    let remainder =
        unit * explanation.remainder + small.iter().map(|element| element.contribution).sum::<f64>();
    Contributors {
        baseline,
        baseline_words,
        dimensions: cube.dimensions().iter().map(|dimension| dimension.name.clone()).collect(),
        leaves: cube.len(),
        samples,
        observed: unit * explanation.totals.actual,
        expected: unit * explanation.totals.expected,
        verdict: verdict(&explanation, &elements),
        everywhere: explanation.everywhere,
        remainder,
        remainder_share: if change == 0.0 { 0.0 } else { remainder / (unit * change) },
        closes: explanation.closes - small.iter().map(|element| element.closes).sum::<f64>(),
        elements,
        heatmap: heat(cube, unit),
    }
}

/// Many small elements of which the largest are little of the change are no explanation but a list.
fn verdict(explanation: &rca::Explanation, elements: &[Element]) -> Outcome {
    const LARGEST: usize = 3;
    const MANY: usize = 5;
    const SHARE_OF_LARGEST_MIN: f64 = 0.6;
    let largest: f64 = elements.iter().take(LARGEST).map(|element| element.share.max(0.0)).sum();
    let is_list = elements.len() >= MANY && largest < SHARE_OF_LARGEST_MIN;
    match Outcome::from(explanation.verdict) {
        Outcome::Elements if elements.is_empty() && explanation.everywhere.is_some() => Outcome::Everywhere,
        Outcome::Elements if elements.is_empty() || (is_list && explanation.everywhere.is_none()) => {
            Outcome::Nowhere
        }
        outcome => outcome,
    }
}

fn named(cube: &Cube, dimension: usize, code: u32) -> (String, String) {
    let dimension = &cube.dimensions()[dimension];
    (dimension.name.clone(), dimension.values[code as usize].clone())
}

fn heat(cube: &Cube, unit: f64) -> Vec<HeatDimension> {
    let dimension = |(place, rows): (usize, Vec<rca::HeatRow>)| {
        let shown = rows.len().min(HEAT_VALUES_MAX);
        let value = |row: &rca::HeatRow| HeatValue {
            value: named(cube, place, row.code).1,
            observed: unit * row.totals.actual,
            expected: unit * row.totals.expected,
            contribution: unit * row.contribution,
            share: row.share,
        };
        HeatDimension {
            name: cube.dimensions()[place].name.clone(),
            values: rows[..shown].iter().map(value).collect(),
            more: rows.len() - shown,
            more_contribution: unit * rows[shown..].iter().map(|row| row.contribution).sum::<f64>(),
        }
    };
    heatmap(cube).into_iter().enumerate().map(dimension).collect()
}
