//! What spans say: who calls whom, how often, how long, how much of it on the way, minute by minute.
//!
//! A span is numbered by its trace and itself. Its parent is whoever called: where the two are of different services,
//! that is a dependency of the parent's service on the span's own. A span that ends before it begins is no span; one
//! whose parent is not there, or that is its own ancestor, has none. All of them are counted, none is followed.

mod forest;
mod summary;

use std::collections::{BTreeMap, HashSet};

use manazir_model::{Dependency, Timestamp};

use super::labels::dependency;
use super::{NAME_BYTES_MAX, cut};
use forest::Forest;
use summary::Durations;
pub use summary::Summary;

/// Who says so, in a [`Dependency`].
pub const SOURCE: &str = "traces";

/// What is summed up at a time.
const MINUTE_US: i64 = 60_000_000;

/// One span, its text borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span<'a> {
    /// The trace that it belongs to.
    pub trace: &'a str,
    /// Its number within the trace.
    pub id: &'a str,
    /// The number of the span that called it; empty for the first.
    pub parent: &'a str,
    /// Who did it.
    pub service: &'a str,
    /// What was done.
    pub operation: &'a str,
    /// When it began.
    pub start: Timestamp,
    /// When it was done.
    pub end: Timestamp,
    /// True if it failed.
    pub failed: bool,
}

/// How many names are told apart; of more, those with the most spans are, then those with the smallest names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Services and their operations. 10,000 at first: a service has a few, unless its operations hold identifiers.
    pub operations_max: usize,
    /// Callers and callees. 20,000 at first: ten for each of 2,000 services.
    pub calls_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { operations_max: 10_000, calls_max: 20_000 }
    }
}

/// One operation of a service in one minute, by when its spans began.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationMinute {
    /// The first instant of the minute.
    pub minute: Timestamp,
    /// Who did it.
    pub service: String,
    /// What was done.
    pub operation: String,
    /// How often and how long.
    pub spans: Summary,
    /// Mean of what was its own: its length without the time in which one of its children ran, in microseconds.
    pub exclusive_mean_us: f64,
}

/// Calls of one service by another in one minute, by when the callee's spans began.
#[derive(Clone, Debug, PartialEq)]
pub struct CallMinute {
    /// The first instant of the minute.
    pub minute: Timestamp,
    /// Who called.
    pub caller: String,
    /// Who was called.
    pub callee: String,
    /// How often and how long, as the callee has it.
    pub spans: Summary,
    /// Mean time on the way in microseconds: the caller's span minus the callee's. A callee that outlives its caller was
    /// not waited for and has no such time; `None` if all are such.
    pub gap_mean_us: Option<f64>,
}

/// What was left out, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broken {
    /// Spans that end before they begin: not counted at all.
    pub ends_before_it_begins: usize,
    /// Spans with the trace and number of another: one of them is kept.
    pub twice: usize,
    /// Spans with a parent that is not among them: kept without one.
    pub unknown_parent: usize,
    /// Spans that are their own ancestors: kept without a parent.
    pub cycle: usize,
    /// Spans of operations beyond the limit.
    pub operations_beyond_limit: usize,
    /// Spans of calls beyond the limit.
    pub calls_beyond_limit: usize,
}

/// What spans say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traces {
    /// Who depends on whom, from the beginning of the first minute in which a call was seen to the end of the last;
    /// sorted.
    pub dependencies: Vec<Dependency>,
    /// By minute, service and operation.
    pub operations: Vec<OperationMinute>,
    /// By minute, caller and callee.
    pub calls: Vec<CallMinute>,
    /// What was left out.
    pub broken: Broken,
}

/// Sums spans up. The order in which they come changes nothing. O(spans), but for sorting what hangs on one parent and
/// what is told.
pub fn per_minute(spans: &[Span<'_>], limits: &Limits) -> Traces {
    let mut broken = Broken::default();
    let forest = Forest::grow(spans, &mut broken);
    let kept = most_seen(forest.spans.iter().map(operation), limits.operations_max);
    let mut operations: BTreeMap<_, (Durations, i128)> = BTreeMap::new();
    for (place, span) in forest.spans.iter().enumerate() {
        let (service, operation) = operation(span);
        if !kept.contains(&(service, operation)) {
            broken.operations_beyond_limit += 1;
            continue;
        }
        let (durations, exclusive) = operations.entry((minute(span.start), service, operation)).or_default();
        durations.add(length(span), span.failed);
        *exclusive += i128::from(forest.exclusive_us[place]);
    }
    let operations = operations.into_iter().map(|((minute, service, operation), (durations, exclusive))| {
        let exclusive_mean_us = exclusive as f64 / durations.count() as f64;
        let (service, operation) = (service.to_owned(), operation.to_owned());
        OperationMinute { minute, service, operation, spans: durations.summary(), exclusive_mean_us }
    });
    let operations = operations.collect();
    let (dependencies, calls) = calls(&forest, limits, &mut broken);
    Traces { dependencies, operations, calls, broken }
}

/// Durations of calls, and of what was on the way: their sum and number.
type OfCall = (Durations, i128, u64);

fn calls(forest: &Forest<'_>, limits: &Limits, broken: &mut Broken) -> (Vec<Dependency>, Vec<CallMinute>) {
    let found: Vec<(&Span<'_>, &Span<'_>)> = forest
        .spans
        .iter()
        .zip(&forest.parents)
        .filter_map(|(span, parent)| Some((&forest.spans[(*parent)? as usize], span)))
        .filter(|call| is_between_services(pair(*call)))
        .collect();
    let kept = most_seen(found.iter().copied().map(pair), limits.calls_max);
    let mut minutes: BTreeMap<_, OfCall> = BTreeMap::new();
    let mut seen: BTreeMap<_, (Timestamp, Timestamp)> = BTreeMap::new();
    for call in &found {
        let (caller, callee) = pair(*call);
        if !kept.contains(&(caller, callee)) {
            broken.calls_beyond_limit += 1;
            continue;
        }
        let begins = minute(call.1.start);
        let ends = Timestamp(minute(call.1.end).micros().saturating_add(MINUTE_US));
        let span = seen.entry((caller, callee)).or_insert((begins, ends));
        *span = (span.0.min(begins), span.1.max(ends));
        let (durations, gap_us, waited) = minutes.entry((begins, caller, callee)).or_default();
        durations.add(length(call.1), call.1.failed);
        let gap = i128::from(length(call.0)) - i128::from(length(call.1));
        if gap >= 0 {
            *gap_us += gap;
            *waited += 1;
        }
    }
    let dependencies = seen.into_iter().filter(|(_, (from, until))| from < until);
    let dependencies = dependencies
        .map(|((caller, callee), (from, until))| dependency(caller, callee, SOURCE, from, until))
        .collect();
    let minutes =
        minutes.into_iter().map(|((minute, caller, callee), (durations, gap_us, waited))| CallMinute {
            minute,
            caller: caller.to_owned(),
            callee: callee.to_owned(),
            spans: durations.summary(),
            gap_mean_us: (waited > 0).then(|| gap_us as f64 / waited as f64),
        });
    (dependencies, minutes.collect())
}

/// At most `max` of the names, those that come most often first, then the smallest.
fn most_seen<Name: std::hash::Hash + Ord + Copy>(
    names: impl Iterator<Item = Name>,
    max: usize,
) -> HashSet<Name> {
    let mut counts: std::collections::HashMap<Name, usize> = std::collections::HashMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    if counts.len() <= max {
        return counts.into_keys().collect();
    }
    let mut counts: Vec<(Name, usize)> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    counts.into_iter().take(max).map(|(name, _)| name).collect()
}

fn name(text: &str) -> &str {
    cut(text, NAME_BYTES_MAX)
}

fn operation<'a>(span: &Span<'a>) -> (&'a str, &'a str) {
    (name(span.service), name(span.operation))
}

/// The names of caller and callee.
fn pair<'a>((caller, callee): (&Span<'a>, &Span<'a>)) -> (&'a str, &'a str) {
    (name(caller.service), name(callee.service))
}

/// A service that has no name is nobody to depend on.
fn is_between_services((caller, callee): (&str, &str)) -> bool {
    caller != callee && !caller.is_empty() && !callee.is_empty()
}

/// Microseconds, ≥ 0.
fn length(span: &Span<'_>) -> i64 {
    span.end.micros_since(span.start)
}

fn minute(at: Timestamp) -> Timestamp {
    Timestamp(at.micros().div_euclid(MINUTE_US).saturating_mul(MINUTE_US))
}

#[cfg(test)]
mod tests;
