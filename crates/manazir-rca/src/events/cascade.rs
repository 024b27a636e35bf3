//! Our own ranking: the root is the event whose cascade explains the alert, and what else was seen.
//!
//! score = reach^a · origin · prior · (1 + b · min(support, c))
//!
//! * reach: weight of the likeliest path from the alert back to the event, with bridges over what nobody reported;
//! * origin: 1 − d · how well its own likeliest direct cause explains it. What is explained is no root;
//! * prior: changes, resources and what lies outside are roots, symptoms hardly ever;
//! * support: the weights of what else the event would have caused, summed over a search in the other direction.
//!
//! Equal scores are decided by what was the cause before, by the distance in calls, by onset, and last by names.

use std::collections::HashMap;

use super::answer::{Answer, Cause, Factors};
use super::event::Event;
use super::graph::EventGraph;
use super::live::EventId;
use super::search::{Found, Reach, Search, Towards, seconds};

/// Settings of the ranking. The defaults were chosen on one half of 200 simulated incidents, and checked on the other
/// half and with a fifth of the events left out; they are round numbers on purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CascadeRank {
    /// What an event that nobody reported costs, as a factor, in 0..=1.
    pub bridge: f64,
    /// How many such events may follow one another.
    pub bridges_max: u8,
    /// Power of the weight of a path, `a`: below 1 a long chain loses less.
    pub reach_power: f64,
    /// Power of the severity in each link; 0 leaves severity out.
    pub severity_power: f64,
    /// How much being explained takes away, `d` in 0..=1.
    pub origin: f64,
    /// How likely a root is of each kind, in 0..=1, in the order of [`Kind::ALL`](super::Kind::ALL).
    pub priors: [f64; 5],
    /// How much other effects add, `b`.
    pub support: f64,
    /// Beyond so many other effects more of them say nothing new, `c`.
    pub support_max: f64,
    /// Seconds by which clocks differ.
    pub skew_s: f64,
    /// Seconds to which onsets are known: the distance of samples, where events are made of series. Lags within it are as
    /// likely as none.
    pub resolution_s: f64,
    /// Paths that weigh less are not followed.
    pub weight_min: f64,
    /// Events that the search for causes follows at most, assumed ones included: a bound of time.
    pub steps_max: usize,
    /// Lists of events that it looks up at most: a bound of time where an entity has many callers.
    pub looks_max: usize,
    /// A search for effects follows paths down to this weight: it counts what is surely explained.
    pub effect_weight_min: f64,
    /// Events that a search for effects follows at most.
    pub effect_steps_max: usize,
    /// Lists of events that it looks up at most.
    pub effect_looks_max: usize,
    /// The likeliest so many candidates are looked at for their other effects; the others keep their order behind.
    pub candidates: usize,
}

impl Default for CascadeRank {
    fn default() -> Self {
        Self {
            bridge: 0.4,
            bridges_max: 2,
            reach_power: 0.8,
            severity_power: 0.5,
            origin: 0.9,
            priors: [0.08, 0.08, 1.0, 1.0, 1.0],
            support: 2.0,
            support_max: 8.0,
            skew_s: 5.0,
            resolution_s: 0.0,
            weight_min: 1e-4,
            // Eight times as many steps found no cause more, and took three times as long.
            steps_max: 500,
            looks_max: 40_000,
            effect_weight_min: 3e-3,
            effect_steps_max: 150,
            effect_looks_max: 4_000,
            candidates: 10,
        }
    }
}

pub(super) fn rank(graph: &EventGraph, alert: EventId, event: &Event, settings: &CascadeRank) -> Answer {
    let mut search = Search::new(graph, settings.into());
    let found = search.run(alert, Towards::Causes);
    let mut causes: Vec<Cause> = found
        .reached(graph)
        .skip(1)
        .map(|(id, candidate, end)| first_look(graph, settings, &found, (id, candidate, end), event))
        .collect();
    sort(graph, &mut causes);
    search.bounded(
        settings.effect_weight_min.max(1e-9),
        settings.effect_steps_max,
        settings.effect_looks_max,
    );
    let candidates = settings.candidates.min(causes.len());
    for cause in &mut causes[..candidates] {
        second_look(graph, settings, &mut search, alert, cause);
    }
    // What was not looked at a second time was less likely at the first, and its other effects are unknown.
    let mut least = f64::INFINITY;
    for (place, cause) in causes.iter_mut().enumerate() {
        if place < candidates {
            least = least.min(cause.score);
        } else {
            cause.score = cause.score.min(least);
        }
    }
    let ends: HashMap<EventId, u32> = found.reached(graph).map(|(id, _, end)| (id, end)).collect();
    for cause in &mut causes {
        cause.path = found.path(graph, ends[&cause.event]);
        cause.factors.assumed = Some(cause.path.iter().filter(|step| step.event.is_none()).count());
    }
    let answer = Answer::new(alert, causes, |one, other| before(graph, one, other));
    Answer { reached: found.len(), cut: found.cut, ..answer }
}

impl From<&CascadeRank> for Reach {
    fn from(settings: &CascadeRank) -> Self {
        Self {
            bridge: settings.bridge.clamp(0.0, 1.0),
            bridges_max: settings.bridges_max,
            severity_power: settings.severity_power,
            skew_s: settings.skew_s.max(0.0),
            resolution_s: settings.resolution_s.max(0.0),
            weight_min: settings.weight_min.max(1e-9),
            steps_max: settings.steps_max,
            looks_max: settings.looks_max,
        }
    }
}

/// Reach, prior and what decides between equals.
fn first_look(
    graph: &EventGraph,
    settings: &CascadeRank,
    found: &Found,
    (id, candidate, end): (EventId, &Event, u32),
    alert: &Event,
) -> Cause {
    let node = found.node(end);
    let prior = prior(graph, settings, candidate);
    let factors = Factors {
        reach: Some(node.weight),
        prior: Some(prior),
        distance: Some(node.distance),
        history: Some(graph.verdicts.history(graph.vocabulary.type_name(candidate.event_type))),
        age_s: Some(seconds(candidate.from, alert.from)),
        ..Factors::default()
    };
    let score = node.weight.powf(settings.reach_power) * prior;
    Cause { event: id, score, share: 0.0, factors, path: Vec::new() }
}

/// Origin and support.
fn second_look(
    graph: &EventGraph,
    settings: &CascadeRank,
    search: &mut Search<'_>,
    alert: EventId,
    cause: &mut Cause,
) {
    let origin = 1.0 - settings.origin.clamp(0.0, 1.0) * search.explained(cause.event);
    let effects = search.run(cause.event, Towards::Effects);
    let others = effects.reached(graph).skip(1).filter(|(id, ..)| *id != alert);
    let mut weights: Vec<f64> = others.map(|(_, _, end)| effects.node(end).weight).collect();
    // In one order always, for the last digits of a sum depend on it.
    weights.sort_by(f64::total_cmp);
    let support: f64 = weights.iter().sum();
    cause.score *= origin * (1.0 + settings.support * support.min(settings.support_max));
    cause.factors.origin = Some(origin);
    cause.factors.support = Some(support);
}

/// An event that only points elsewhere is never a root.
fn prior(graph: &EventGraph, settings: &CascadeRank, event: &Event) -> f64 {
    if graph.points_to(event).is_some() {
        return 0.0;
    }
    let own = graph.known_type(event.event_type).and_then(|known| known.prior);
    own.unwrap_or(settings.priors[event.kind.index()])
}

fn sort(graph: &EventGraph, causes: &mut [Cause]) {
    causes.sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| before(graph, one, other)));
}

/// Which of two equal candidates comes first.
pub(super) fn before(graph: &EventGraph, one: &Cause, other: &Cause) -> std::cmp::Ordering {
    let by_history = other.factors.history.partial_cmp(&one.factors.history);
    let by_distance = || one.factors.distance.cmp(&other.factors.distance);
    let by_event = || match (graph.get(one.event), graph.get(other.event)) {
        (Some(one), Some(other)) => graph.order(one, other),
        _ => std::cmp::Ordering::Equal,
    };
    by_history.unwrap_or(std::cmp::Ordering::Equal).then_with(by_distance).then_with(by_event)
}
