//! Series around a question, on one grid.

use std::collections::{BTreeMap, HashSet};

use manazir_ingest::lake::{KnownSeries, SampleQuery, SeriesFilter};
use manazir_model::{JudgedSample, Timestamp};
use manazir_rca::contributors;
use manazir_rca::discover::labels;
use manazir_rca::discover::meaning::{Meaning, meaning};
use manazir_rca::events::EventGraph;
use manazir_rca::evidence::{Alert, Incident, Kind, Series, Statistic};
use manazir_rca::topology::{EntityId, Topology};

use super::{Ask, Limits, Sources};
use crate::Error;

/// A series of the lake.
pub type Known = KnownSeries;

/// Series that are asked for at a time.
const PAGE: usize = 1_000;

/// Steps of the incident.
const WINDOW_SAMPLES: usize = 5;

/// Without samples that tell another, a minute.
const STEP_MICROS: i64 = 60_000_000;

/// Samples that are further apart belong to no incident.
const DAY_MICROS: i64 = 86_400_000_000;

/// So far back samples are looked for that tell the step, until there are any.
const LOOKED_BACK: [i64; 3] = [60 * STEP_MICROS, DAY_MICROS, 60 * DAY_MICROS];

/// Fewer distances tell no usual one.
const STEPS_MIN: usize = 3;

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
    grid: Grid,
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

/// Series that the lake knows, in the order of their numbers, at most `max`.
///
/// # Errors
///
/// If the lake fails.
pub async fn known(sources: &Sources, max: usize) -> Result<Vec<Known>, Error> {
    let mut found: Vec<Known> = Vec::new();
    while found.len() < max {
        let after = found.last().map(|series| series.id);
        let page = sources.lake.series(&SeriesFilter::default(), after, PAGE.min(max - found.len())).await?;
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    Ok(found)
}

/// Reads the series of entities that the question's entity depends on, or that depend on it; `None` if there are none.
pub(super) async fn read(
    sources: &Sources,
    ask: &Ask,
    (limits, grid): (&Limits, Grid),
    graph: &EventGraph,
    known: &[Known],
) -> Result<Option<Recording>, Error> {
    let Some(asked) = ask.entity.as_deref() else { return Ok(None) };
    let chosen = chosen(known, ask, &around(graph.topology(), asked, ask.at), limits.series_max);
    let mut recording = Recording::new(copied(graph.topology(), ask.at), grid);
    let mut last = grid.history;
    for (series, told) in chosen {
        let rows = sources.lake.samples(&grid.query(series.id, ask.as_of)).await?;
        last = last.max(rows.iter().filter_map(|row| grid.place(row.at)).max().unwrap_or_default());
        let is_asked = told.entity == asked && series.key.metric == ask.metric;
        recording.add(&rows, told, is_asked);
    }
    recording.end(last);
    Ok((!recording.owned.is_empty()).then_some(recording))
}

/// Series of entities that are near, all if nothing is known of who that is, those of the asked metric first.
fn chosen<'a>(
    known: &'a [Known],
    ask: &Ask,
    around: &HashSet<&str>,
    max: usize,
) -> Vec<(&'a Known, Meaning)> {
    let is_near = |series: &&Known| {
        around.is_empty() || around.contains(labels::entity(&series.key.metric, &series.key.labels).as_str())
    };
    let (first, others): (Vec<&Known>, Vec<&Known>) =
        known.iter().filter(is_near).partition(|series| series.key.metric == ask.metric);
    let meant = first.into_iter().chain(others).filter_map(|series| Some((series, meaning(&series.key)?)));
    meant.take(max).collect()
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
fn is_sound(kind: Kind, values: &[f64]) -> bool {
    kind != Kind::Availability
        || values.iter().filter(|value| value.is_finite()).all(|value| (0.0..=1.0).contains(value))
}

fn is_symptom(kind: Kind) -> bool {
    matches!(kind, Kind::Latency | Kind::Availability | Kind::Errors)
}

impl Recording {
    fn new(topology: Topology, grid: Grid) -> Self {
        Self {
            topology,
            owned: Vec::new(),
            times: grid.times(),
            start: grid.history,
            history: [(0, grid.history.saturating_sub(1))],
            alert: None,
            grid,
        }
    }

    /// Adds a series, if any sample of it is there.
    fn add(&mut self, rows: &[JudgedSample], told: Meaning, is_asked: bool) {
        let Meaning { kind, statistic, entity, caller, metric } = told;
        let values = self.grid.values(rows, kind.is_count());
        if rows.is_empty() || !is_sound(kind, &values) {
            return;
        }
        let residuals = self.grid.means(rows, |row| row.judged_value() - f64::from(row.expected));
        let entity = self.topology.entity(&entity);
        let caller = caller.map(|caller| self.topology.entity(&caller));
        if is_asked && is_symptom(kind) {
            self.alert = Some((entity, kind, metric.clone()));
        }
        self.owned.push(Owned { entity, caller, kind, statistic, metric, values, residuals });
    }

    /// Ends with the last step of which anything is known. That step may not be over yet: unless the incident is whole, or
    /// there is no other, it is left out, for a count would seem to fall in it.
    fn end(&mut self, last: usize) {
        let is_whole = last + 1 >= self.times.len();
        let n = if is_whole || last == self.start { last + 1 } else { last };
        self.times.truncate(n);
        for owned in &mut self.owned {
            owned.values.truncate(n);
            owned.residuals.truncate(n);
        }
    }

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
    /// The step is the usual distance of the samples of the metric that is asked about.
    pub(super) async fn around(
        sources: &Sources,
        ask: &Ask,
        limits: &Limits,
        of_metric: &[&Known],
    ) -> Result<Self, Error> {
        let mut step = STEP_MICROS;
        for back in LOOKED_BACK {
            let Some(series) = of_metric.first() else { break };
            let query = SampleQuery {
                series: series.id,
                from: Timestamp(ask.at.micros().saturating_sub(back)),
                until: Timestamp(ask.at.micros().saturating_add(1)),
                as_of: ask.as_of,
                revisions: false,
                max: 1_000,
            };
            if let Some(usual) = usual_step(&sources.lake.samples(&query).await?) {
                step = usual;
                break;
            }
        }
        let known = ask.as_of.map_or(i64::MAX, |as_of| as_of.micros_since(ask.at).div_euclid(step) + 1);
        let window = usize::try_from(known).unwrap_or(1).clamp(1, WINDOW_SAMPLES);
        let from = ask.at.micros().saturating_sub(step.saturating_mul(limits.history_samples as i64));
        Ok(Self { from, step, history: limits.history_samples, window })
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

    /// From the question to the end of its last step.
    pub(super) fn incident(&self) -> contributors::Span {
        let end = self.from + self.step * (self.history + self.window) as i64 - 1;
        contributors::Span {
            start: Timestamp(self.from + self.step * self.history as i64),
            end: Timestamp(end),
        }
    }

    /// Instants of the history and their distance.
    pub(super) fn history(&self) -> (Timestamp, i64) {
        (Timestamp(self.from), self.step)
    }

    /// Sums of a number of the samples in each step, and of how many samples.
    fn sums(&self, rows: &[JudgedSample], of: impl Fn(&JudgedSample) -> f64) -> Vec<(f64, u32)> {
        let mut sums = vec![(0.0, 0_u32); self.history + self.window];
        for row in rows {
            let value = of(row);
            if let Some(place) = self.place(row.at).filter(|_| value.is_finite()) {
                sums[place].0 += value;
                sums[place].1 += 1;
            }
        }
        sums
    }

    /// Means in each step; NaN without any.
    fn means(&self, rows: &[JudgedSample], of: impl Fn(&JudgedSample) -> f64) -> Vec<f64> {
        // 0 / 0 is the NaN of a step without samples.
        self.sums(rows, of).into_iter().map(|(sum, count)| sum / f64::from(count)).collect()
    }

    /// Means of levels, sums of counts. A count that was not told in a step is 0 as soon as it was told in an earlier one.
    fn values(&self, rows: &[JudgedSample], is_count: bool) -> Vec<f64> {
        if !is_count {
            return self.means(rows, JudgedSample::judged_value);
        }
        let sums = self.sums(rows, JudgedSample::judged_value);
        let first = sums.iter().position(|(_, count)| *count > 0).unwrap_or(sums.len());
        let value = |(place, (sum, _)): (usize, (f64, u32))| if place < first { f64::NAN } else { sum };
        sums.into_iter().enumerate().map(value).collect()
    }
}

/// The median distance of samples, at least a second and at most a day.
fn usual_step(rows: &[JudgedSample]) -> Option<i64> {
    let mut steps: Vec<i64> = rows.windows(2).map(|pair| pair[1].at.micros_since(pair[0].at)).collect();
    let middle = steps.len() / 2;
    (steps.len() >= STEPS_MIN)
        .then(|| *steps.select_nth_unstable(middle).1)
        .map(|step| step.clamp(1_000_000, DAY_MICROS))
}
