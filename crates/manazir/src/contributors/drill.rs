//! What is strange in a total, taken apart.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use manazir_model::{Anomaly, AnomalyKind, Grain, SeriesKey, Timestamp};
use manazir_rca::contributors::{self as rca, Back, History, Leaf, Numbers, Span, Telling, tell};
use rayon::prelude::*;

use super::total::{LeafKeys, Plan};
use super::{Baseline, Compared, Drilled, Total};
use crate::finding::SeriesReport;
use crate::report::number::counted;
use crate::report::when::duration;

/// Episodes of a total that are taken apart: as many as get a card in the report.
const DRILLED_MAX: usize = 20;

/// Leaves times samples of an episode; three baselines of so many take about ten seconds.
const NUMBERS_MAX: usize = 20_000_000;

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
        let by: Vec<Compared> =
            Baseline::ALL.iter().filter_map(|baseline| self.by(*baseline, episode, samples)).collect();
        (!by.is_empty()).then_some(Drilled { start_at: anomaly.start_at, by })
    }

    fn by(&self, baseline: Baseline, episode: Span, samples: usize) -> Option<Compared> {
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
        let noise = self.history.noise(&by, &earlier);
        let telling = Telling { noise, unit: 1.0 / samples.max(1) as f64, ..Telling::default() };
        Some(Compared { baseline, baseline_words: words, samples, told: tell(&cube, &telling) })
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
