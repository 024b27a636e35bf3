//! From evidence of several kinds to one score an entity.
//!
//! score = reach · (max wᵢ eᵢ + 0.3 · Σ wᵢ eᵢ),   eᵢ = min(max(sᵢ − 1, 0), 12)
//!
//! with sᵢ the surprise in nats of the entity's strangest metric of a source. The strongest evidence decides, since each
//! kind of fault has one source that shows it and the others only add noise; the sum settles what is close. One nat is
//! taken off each because the strangest of several metrics surprises that much at any time, and the bound keeps one
//! source from outweighing all others together.

use std::collections::BTreeMap;
use std::fmt;

use super::excess::origins;
use super::gap::slow_ways;
use super::onset::onset;
use super::proportion::broken_proportions;
use super::series::{Incident, Kind, Series, Statistic};
use super::shift::{Shift, shifts};
use crate::topology::{EntityId, Topology};

/// Nats taken off each surprise.
const USUAL_NATS: f64 = 1.0;

/// The most that one source says.
const EVIDENCE_MAX: f64 = 12.0;

/// Share of the sum beside the strongest; any from 0.1 to 0.5 ranks the Nezha systems the same within one fault.
const SUM_SHARE: f64 = 0.3;

/// Of an entity that nothing on the way to the alert depends on.
const OUT_OF_REACH: f64 = 0.5;

/// Below this score the best candidate is no cause, where the alert's excess was followed: on the normal run of PetShop a
/// twentieth of the windows has a candidate above.
const SCORE_MIN: f64 = 2.0;

/// What is added for each e-fold of pieces of evidence that were weighed without an alert to follow: the strangest of many
/// surprises more than that of few. Measured on the quiet minutes of Train Ticket.
const SCORE_MIN_PER_NAT: f64 = 0.8;

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A resource of the entity is used more.
    Resource,
    /// A proportion between spans, log lines and calls of the entity is broken.
    Proportion,
    /// Calls take longer on their way to the entity.
    WayIn,
    /// Calls take longer on their way from the entity.
    WayOut,
    /// The excess that the alert shows is the entity's own.
    Excess,
    /// The entity answers later.
    Latency,
}

impl Source {
    /// Evidence from inside counts whole; a symptom, which callers share with the callee that caused it, a third.
    fn weight(self) -> f64 {
        match self {
            Self::Resource | Self::Proportion | Self::WayIn | Self::Excess => 1.0,
            Self::WayOut => 0.5,
            Self::Latency => 0.3,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resource => "resource",
            Self::Proportion => "proportion",
            Self::WayIn => "way in",
            Self::WayOut => "way out",
            Self::Excess => "excess",
            Self::Latency => "latency",
        })
    }
}

/// One reason for a candidate, as a number and in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// Where it comes from.
    pub source: Source,
    /// How rarely that comes up, in nats.
    pub surprise: f64,
    /// What it adds: surprise less the usual, bounded, times weight and share.
    pub evidence: f64,
    /// Position of the series that shows it best.
    pub series: usize,
    /// For people.
    pub reason: String,
}

/// An entity that may be the cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub entity: EntityId,
    /// > 0; higher = more likely.
    pub score: f64,
    /// 1, or less for an entity out of the alert's reach.
    pub reach: f64,
    /// Strongest first.
    pub factors: Vec<Factor>,
    /// Position on the grid where its strongest factor began.
    pub onset: Option<usize>,
}

/// Entities with any evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Likeliest first; equal scores by onset.
    pub candidates: Vec<Candidate>,
    /// A candidate needs this score to be called the cause.
    pub score_min: f64,
}

impl Ranking {
    /// The likeliest cause; `None`, "no cause found", if the evidence for it is thin.
    pub fn cause(&self) -> Option<&Candidate> {
        self.candidates.first().filter(|first| first.score >= self.score_min)
    }
}

/// Ranks the entities of an incident.
///
/// O(n_samples) a series, and what [`broken_proportions`] costs; on all cores. The order of the series changes nothing.
pub fn rank(incident: &Incident<'_>) -> Ranking {
    rank_shifted(incident, &shifts(incident))
}

/// The same with the shifts of its series at hand.
pub(crate) fn rank_shifted(incident: &Incident<'_>, shifts: &[Option<Shift>]) -> Ranking {
    let mut factors: BTreeMap<EntityId, Vec<Factor>> = BTreeMap::new();
    let mut n_weighed = 0_usize;
    let mut add = |entity, factor: Factor| {
        n_weighed += usize::from(factor.source != Source::Excess);
        if factor.evidence > 0.0 {
            factors.entry(entity).or_default().push(factor);
        }
    };
    from_metrics(incident, shifts, Kind::Resource, Source::Resource, &mut add);
    from_proportions(incident, &mut add);
    from_ways(incident, shifts, &mut add);
    if !from_excess(incident, shifts, &mut add) {
        from_metrics(incident, shifts, Kind::Latency, Source::Latency, &mut add);
    }
    let reach = Reach::of(incident);
    let candidate = |(entity, factors)| fuse(incident, shifts, entity, factors, reach.factor(entity));
    let mut candidates: Vec<Candidate> = factors.into_iter().map(candidate).collect();
    candidates.sort_by(|a, b| {
        let onset = |candidate: &Candidate| candidate.onset.unwrap_or(usize::MAX);
        b.score.total_cmp(&a.score).then_with(|| onset(a).cmp(&onset(b))).then(a.entity.cmp(&b.entity))
    });
    let score_min = SCORE_MIN + SCORE_MIN_PER_NAT * (n_weighed.max(1) as f64).ln();
    Ranking { candidates, score_min }
}

fn fuse(
    incident: &Incident<'_>,
    shifts: &[Option<Shift>],
    entity: EntityId,
    mut factors: Vec<Factor>,
    reach: f64,
) -> Candidate {
    factors.sort_by(|a, b| b.evidence.total_cmp(&a.evidence).then(a.source.cmp(&b.source)));
    let strongest = factors.first().map_or(0.0, |factor| factor.evidence);
    let sum: f64 = factors.iter().map(|factor| factor.evidence).sum();
    let onset = factors.first().and_then(|factor| began(incident, shifts, factor.series));
    Candidate { entity, score: reach * (strongest + SUM_SHARE * sum), reach, factors, onset }
}

/// Where a series began to shift: between as long before the incident as it lasts, and its end.
pub(crate) fn began(incident: &Incident<'_>, shifts: &[Option<Shift>], series: usize) -> Option<usize> {
    let values = incident.series[series].values;
    let normal = shifts[series]?.normal;
    let window = incident.window(values.len());
    let first = window.start.saturating_sub(incident.window_samples());
    let sizes: Vec<f64> = values[first..window.end].iter().map(|value| normal.score(*value).abs()).collect();
    onset(&sizes).map(|place| first + place)
}

fn evidence(source: Source, surprise: f64, share: f64) -> f64 {
    source.weight() * share * (surprise - USUAL_NATS).clamp(0.0, EVIDENCE_MAX)
}

/// The strangest metric of each entity, where a metric says what its statistics say in the mean: what is real shows in
/// all of them.
fn from_metrics(
    incident: &Incident<'_>,
    shifts: &[Option<Shift>],
    kind: Kind,
    source: Source,
    add: &mut impl FnMut(EntityId, Factor),
) {
    let of_kind = |(place, (series, shift)): (usize, (&Series<'_>, &Option<Shift>))| {
        (series.kind == kind).then_some((place, (*shift)?.up))
    };
    let mut rises: Vec<(usize, f64)> =
        incident.series.iter().zip(shifts).enumerate().filter_map(of_kind).collect();
    let name = |place: usize| {
        let series = &incident.series[place];
        (series.entity, series.caller, series.metric)
    };
    rises.sort_unstable_by(|a, b| name(a.0).cmp(&name(b.0)).then(a.1.total_cmp(&b.1)));
    let metrics = rises.chunk_by(|a, b| name(a.0) == name(b.0)).map(|statistics| {
        let mean = statistics.iter().map(|(_, up)| up).sum::<f64>() / statistics.len() as f64;
        (statistics[statistics.len() - 1].0, mean)
    });
    let metrics: Vec<(usize, f64)> = metrics.collect();
    for of_entity in metrics.chunk_by(|a, b| name(a.0).0 == name(b.0).0) {
        let Some(&(series, surprise)) = of_entity.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
        let evidence = evidence(source, surprise, 1.0);
        let entity = incident.series[series].entity;
        add(entity, Factor { source, surprise, evidence, series, reason: moved(incident, shifts, series) });
    }
}

fn from_proportions(incident: &Incident<'_>, add: &mut impl FnMut(EntityId, Factor)) {
    let source = Source::Proportion;
    for (entity, broken) in broken_proportions(incident) {
        let metric = |series: usize| incident.series[series].metric;
        let reason = format!(
            "`{}` came {:.0} times where `{}` lets expect {:.0}",
            metric(broken.series),
            broken.now,
            metric(broken.partner),
            broken.expected
        );
        let evidence = evidence(source, broken.surprise, 1.0);
        add(entity, Factor { source, surprise: broken.surprise, evidence, series: broken.series, reason });
    }
}

fn from_ways(incident: &Incident<'_>, shifts: &[Option<Shift>], add: &mut impl FnMut(EntityId, Factor)) {
    for (entity, ways) in slow_ways(incident, shifts) {
        for (source, surprise) in [(Source::WayIn, ways.incoming), (Source::WayOut, ways.outgoing)] {
            let evidence = evidence(source, surprise, 1.0);
            let reason = moved(incident, shifts, ways.series);
            add(entity, Factor { source, surprise, evidence, series: ways.series, reason });
        }
    }
}

/// False if no excess can be followed.
fn from_excess(
    incident: &Incident<'_>,
    shifts: &[Option<Shift>],
    add: &mut impl FnMut(EntityId, Factor),
) -> bool {
    let source = Source::Excess;
    let Some(origins) = origins(incident) else { return false };
    for (entity, origin) in origins {
        let evidence = evidence(source, origin.surprise, origin.share);
        let share = 100.0 * origin.share;
        let reason = format!(
            "{share:.0} % of what the alert shows starts here: {}",
            moved(incident, shifts, origin.series)
        );
        add(entity, Factor { source, surprise: origin.surprise, evidence, series: origin.series, reason });
    }
    true
}

/// In words what a series did.
pub(crate) fn moved(incident: &Incident<'_>, shifts: &[Option<Shift>], series: usize) -> String {
    let Series { metric, caller, kind, statistic, .. } = incident.series[series];
    let of_call =
        caller.map_or(String::new(), |caller| format!(" of calls from {}", incident.topology.name(caller)));
    let what = match (kind, statistic) {
        (Kind::NetworkGap, _) => "time on the way",
        (_, Statistic::Mean) => "mean",
        (_, Statistic::Sum) => "total",
        (_, Statistic::Quantile) => "level",
    };
    match shifts[series] {
        Some(shift) => format!(
            "`{metric}`{of_call}, {what} {} instead of {}",
            short(shift.now),
            short(shift.normal.center)
        ),
        None => format!("`{metric}`{of_call} was not seen before"),
    }
}

/// Four digits.
fn short(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { (3 - value.abs().log10().floor() as i32).clamp(0, 9) };
    format!("{value:.*}", digits as usize)
}

/// Who may have brought the alert about: whom its entity depends on, directly or not. Without an alert, who has to do
/// with anybody.
struct Reach {
    reachable: Vec<bool>,
}

impl Reach {
    fn of(incident: &Incident<'_>) -> Self {
        let topology = incident.topology;
        let with_callees = |entity: EntityId| !topology.callees(entity).is_empty();
        let reachable = match incident.alert.map(|alert| alert.entity).filter(|entity| with_callees(*entity))
        {
            Some(entity) => below(topology, entity),
            None => (0..topology.len() as u32)
                .map(EntityId)
                .map(|entity| with_callees(entity) || !topology.callers(entity).is_empty())
                .collect(),
        };
        Self { reachable }
    }

    fn factor(&self, entity: EntityId) -> f64 {
        let is_reachable = self.reachable.get(entity.index()).copied().unwrap_or(false);
        if is_reachable || !self.reachable.contains(&true) { 1.0 } else { OUT_OF_REACH }
    }
}

fn below(topology: &Topology, first: EntityId) -> Vec<bool> {
    let mut seen = vec![false; topology.len()];
    seen[first.index()] = true;
    let mut next = vec![first];
    while let Some(entity) = next.pop() {
        for callee in topology.callees(entity) {
            if !std::mem::replace(&mut seen[callee.index()], true) {
                next.push(*callee);
            }
        }
    }
    seen
}
