//! Series around a question, on one grid.

use std::collections::{BTreeMap, HashSet};

use manazir_ingest::lake::{KnownSeries, SampleQuery, SeriesFilter};
use manazir_model::{JudgedSample, Timestamp};
use manazir_rca::discover::meaning::{Meaning, meaning};
use manazir_rca::events::EventGraph;
use manazir_rca::evidence::{Alert, Incident, Kind, Series, Statistic};
use manazir_rca::topology::{EntityId, Topology};

use super::{Ask, Limits, Sources};
use crate::Error;

/// A series of the lake.
pub(super) type Named = KnownSeries;

/// Series that are asked for at a time.
const PAGE: usize = 1_000;

/// Steps of the incident.
const WINDOW_SAMPLES: usize = 5;

/// Without samples that tell another, a minute.
const STEP_MICROS: i64 = 60_000_000;

/// Samples that are further apart belong to no incident.
const DAY_MICROS: i64 = 86_400_000_000;

/// Samples of the asked series that tell the step.
const STEP_TOLD_BY: i64 = 60;

/// What was measured around a question.
#[derive(Debug)]
pub(super) struct Recording {
    topology: Topology,
    owned: Vec<Owned>,
    pub(super) times: Vec<Timestamp>,
    /// Position of the question.
    start: usize,
    history: [(usize, usize); 1],
    alert: Option<(EntityId, Kind, String)>,
}

#[derive(Debug)]
struct Owned {
    entity: EntityId,
    caller: Option<EntityId>,
    kind: Kind,
    statistic: Statistic,
    metric: String,
    values: Vec<f64>,
    /// What is left of the values once what was expected is taken away; NaN where nothing was.
    residuals: Vec<f64>,
}

impl Owned {
    fn borrow(&self) -> Series<'_> {
        let Self { entity, caller, kind, statistic, metric, values, .. } = self;
        Series { entity: *entity, caller: *caller, kind: *kind, statistic: *statistic, metric, values }
    }
}

/// Series that the lake knows, those of the asked metric first.
pub(super) async fn known(sources: &Sources, ask: &Ask, limits: &Limits) -> Result<Vec<Named>, Error> {
    let mut found: Vec<Named> = Vec::new();
    let mut after = None;
    while found.len() < limits.series_looked_at_max {
        let page = sources.lake.series(&SeriesFilter::default(), after, PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|series| series.id);
        found.extend(page);
        if is_last {
            break;
        }
    }
    found.sort_by_key(|series| (series.key.metric != ask.metric, series.id));
    Ok(found)
}

/// Reads the series of entities that the question's entity depends on, or that depend on it; `None` if there are none.
pub(super) async fn read(
    sources: &Sources,
    ask: &Ask,
    limits: &Limits,
    graph: &EventGraph,
    named: &[Named],
) -> Result<Option<Recording>, Error> {
    let Some(asked) = ask.entity.as_deref() else { return Ok(None) };
    let around = around(graph.topology(), asked, ask.at);
    let is_near = |told: &Meaning| around.is_empty() || around.contains(told.entity.as_str());
    let meant = named.iter().filter_map(|series| Some((series, meaning(&series.key)?)));
    let chosen: Vec<(&Named, Meaning)> =
        meant.filter(|(_, told)| is_near(told)).take(limits.series_max).collect();
    if chosen.is_empty() {
        return Ok(None);
    }
    let grid = Grid::around(sources, ask, limits, &chosen).await?;
    let mut recording = Recording {
        topology: copied(graph.topology(), ask.at),
        owned: Vec::new(),
        times: grid.times(),
        start: grid.history,
        history: [(0, grid.history.saturating_sub(1))],
        alert: None,
    };
    for (series, told) in chosen {
        let rows = sources.lake.samples(&grid.query(series.id, ask.as_of)).await?;
        if rows.is_empty() {
            continue;
        }
        let values = grid.values(&rows, told.kind.is_count());
        let Some(kind) = sound(told.kind, &values) else { continue };
        if told.entity == asked && series.key.metric == ask.metric && is_symptom(kind) {
            let entity = recording.topology.entity(asked);
            recording.alert = Some((entity, kind, told.metric.clone()));
        }
        let entity = recording.topology.entity(&told.entity);
        let caller = told.caller.as_ref().map(|caller| recording.topology.entity(caller));
        let residuals = grid.means(&rows, |row| row.judged_value() - f64::from(row.expected));
        let Meaning { statistic, metric, .. } = told;
        recording.owned.push(Owned { entity, caller, kind, statistic, metric, values, residuals });
    }
    Ok((!recording.owned.is_empty()).then_some(recording))
}

/// Names of entities within reach of one, itself included; empty if nothing is known of it.
fn around<'a>(topology: &'a Topology, asked: &str, at: Timestamp) -> HashSet<&'a str> {
    let mut found = HashSet::new();
    let Some(first) = topology.named(asked) else { return found };
    let as_of = topology.as_of(at);
    let mut next = vec![first];
    found.insert(topology.name(first));
    while let Some(entity) = next.pop() {
        for callee in as_of.callees(entity) {
            if found.insert(topology.name(callee)) {
                next.push(callee);
            }
        }
    }
    // Whoever calls it shows the same symptom, or sends it the load.
    found.extend(as_of.callers(first).map(|caller| topology.name(caller)));
    if found.len() == 1 { HashSet::new() } else { found }
}

/// The topology as it was then.
fn copied(topology: &Topology, at: Timestamp) -> Topology {
    let mut copy = Topology::default();
    for caller in (0..topology.len() as u32).map(EntityId) {
        for callee in topology.as_of(at).callees(caller) {
            let (caller, callee) = (copy.entity(topology.name(caller)), copy.entity(topology.name(callee)));
            copy.depends(caller, callee);
        }
    }
    copy
}

/// An availability is a share; what is none measures something else.
fn sound(kind: Kind, values: &[f64]) -> Option<Kind> {
    let is_share =
        || values.iter().filter(|value| value.is_finite()).all(|value| (0.0..=1.0).contains(value));
    match kind {
        Kind::Availability => is_share().then_some(kind),
        other => Some(other),
    }
}

fn is_symptom(kind: Kind) -> bool {
    matches!(kind, Kind::Latency | Kind::Availability | Kind::Errors)
}

impl Recording {
    /// Of each entity the symptom that is measured best: what moves along dependencies.
    pub(super) fn symptoms(&self) -> BTreeMap<&str, &[f64]> {
        let mut symptoms: BTreeMap<&str, &[f64]> = BTreeMap::new();
        let known = |values: &[f64]| values.iter().filter(|value| value.is_finite()).count();
        for owned in self.owned.iter().filter(|owned| is_symptom(owned.kind) || owned.kind == Kind::Log) {
            let best = symptoms.entry(self.topology.name(owned.entity)).or_insert(&owned.residuals);
            if known(&owned.residuals) > known(best) {
                *best = &owned.residuals;
            }
        }
        symptoms
    }

    /// One depends on the other.
    pub(super) fn depends(&mut self, caller: &str, callee: &str) {
        let (caller, callee) = (self.topology.entity(caller), self.topology.entity(callee));
        self.topology.depends(caller, callee);
    }

    /// Seconds between samples.
    pub(super) fn step_s(&self) -> f64 {
        self.times.windows(2).next().map_or(0.0, |pair| pair[1].micros_since(pair[0]) as f64 / 1e6)
    }

    pub(super) fn series(&self) -> Vec<Series<'_>> {
        self.owned.iter().map(Owned::borrow).collect()
    }

    pub(super) fn incident<'a>(&'a self, series: &'a [Series<'a>]) -> Incident<'a> {
        Incident {
            series,
            topology: &self.topology,
            window: (self.start, self.times.len()),
            history: &self.history,
            alert: self.alert.as_ref().map(|(entity, kind, metric)| Alert {
                entity: *entity,
                kind: *kind,
                metric,
            }),
        }
    }
}

/// Steps of equal length around a question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    from: i64,
    step: i64,
    /// Steps before the question, and from it on.
    history: usize,
    window: usize,
}

impl Grid {
    /// The step is the usual distance of the samples of the first series.
    async fn around(
        sources: &Sources,
        ask: &Ask,
        limits: &Limits,
        chosen: &[(&Named, Meaning)],
    ) -> Result<Self, Error> {
        let mut step = STEP_MICROS;
        if let Some((series, _)) = chosen.first() {
            let query = SampleQuery {
                series: series.id,
                from: Timestamp(ask.at.micros().saturating_sub(STEP_TOLD_BY * DAY_MICROS)),
                until: Timestamp(ask.at.micros().saturating_add(1)),
                as_of: ask.as_of,
                revisions: false,
                max: 1_000,
            };
            let rows = sources.lake.samples(&query).await?;
            step = usual_step(&rows).unwrap_or(step);
        }
        Ok(Self::of(ask.at, step, limits, ask.as_of))
    }

    pub(super) fn of(at: Timestamp, step: i64, limits: &Limits, as_of: Option<Timestamp>) -> Self {
        let known =
            as_of.map_or(i64::MAX, |as_of| as_of.micros_since(at).div_euclid(step.max(1)).saturating_add(1));
        let window = usize::try_from(known).unwrap_or(1).clamp(1, WINDOW_SAMPLES);
        let from = at.micros().saturating_sub(step.saturating_mul(limits.history_samples as i64));
        Self { from, step, history: limits.history_samples, window }
    }

    pub(super) fn query(&self, series: u64, as_of: Option<Timestamp>) -> SampleQuery {
        let until = self.from.saturating_add(self.step.saturating_mul((self.history + self.window) as i64));
        SampleQuery {
            series,
            from: Timestamp(self.from),
            until: Timestamp(until),
            as_of,
            revisions: false,
            // Finer samples than so many a step are not all looked at.
            max: 60 * (self.history + self.window),
        }
    }

    fn times(&self) -> Vec<Timestamp> {
        (0..(self.history + self.window) as i64).map(|step| Timestamp(self.from + step * self.step)).collect()
    }

    /// The place of an instant.
    pub(super) fn place(&self, at: Timestamp) -> Option<usize> {
        let place = usize::try_from((at.micros() - self.from).div_euclid(self.step)).ok()?;
        (place < self.history + self.window).then_some(place)
    }

    pub(super) fn is_incident(&self, place: usize) -> bool {
        place >= self.history
    }

    /// Means in each step; NaN without any.
    fn means(&self, rows: &[JudgedSample], of: impl Fn(&JudgedSample) -> f64) -> Vec<f64> {
        let n = self.history + self.window;
        let (mut sums, mut counts) = (vec![0.0; n], vec![0_u32; n]);
        for row in rows {
            let value = of(row);
            if let Some(place) = self.place(row.at).filter(|_| value.is_finite()) {
                sums[place] += value;
                counts[place] += 1;
            }
        }
        // 0 / 0 is the NaN of a step without samples.
        sums.iter().zip(counts).map(|(sum, count)| sum / f64::from(count)).collect()
    }

    /// Sums or means of the samples in each step; NaN without any. A count that was not told in a step is 0 as soon as it
    /// was told in an earlier one.
    fn values(&self, rows: &[JudgedSample], is_count: bool) -> Vec<f64> {
        let n = self.history + self.window;
        let (mut sums, mut counts) = (vec![0.0; n], vec![0_u32; n]);
        for row in rows {
            let value = row.judged_value();
            if let Some(place) = self.place(row.at).filter(|_| value.is_finite()) {
                sums[place] += value;
                counts[place] += 1;
            }
        }
        let first = counts.iter().position(|count| *count > 0).unwrap_or(n);
        let value = |place: usize| match (counts[place], is_count) {
            (0, true) if place > first => 0.0,
            (0, _) => f64::NAN,
            (_, true) => sums[place],
            (count, false) => sums[place] / f64::from(count),
        };
        (0..n).map(value).collect()
    }
}

/// The median distance of samples, at least a second and at most a day.
fn usual_step(rows: &[JudgedSample]) -> Option<i64> {
    let mut steps: Vec<i64> = rows.windows(2).map(|pair| pair[1].at.micros_since(pair[0].at)).collect();
    let middle = steps.len() / 2;
    (!steps.is_empty())
        .then(|| *steps.select_nth_unstable(middle).1)
        .map(|step| step.clamp(1_000_000, DAY_MICROS))
}
