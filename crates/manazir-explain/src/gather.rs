//! From a question to all that belongs to it: events and dependencies of that time, series around it.

mod alert;
mod ask;
mod cube;
mod guess;
mod series;

use std::sync::Arc;

pub use ask::Ask;
use manazir_ingest::lake::Lake;
use manazir_model::{Dependency, GraphEvent, Timestamp};
use manazir_rca::contributors::Contributors;
use manazir_rca::events::{self, CascadeRank, EventGraph, EventId, Method, RuleSet};
use manazir_rca::explanation::{Config, Events, Explanation, Measured, Question, explain};
use manazir_rca::topology::Span;
pub use series::{Known, known};

use series::{Grid, Recording};

use crate::{Error, EventGraphStore, EventQuery};

/// Where things are looked up.
#[derive(Clone)]
pub struct Sources {
    /// What happened, and who depends on whom.
    pub events: Arc<dyn EventGraphStore>,
    /// What was measured.
    pub lake: Arc<dyn Lake>,
}

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events before the question, in microseconds.
    pub before_micros: i64,
    /// And after it: evidence arrives.
    pub after_micros: i64,
    /// Events at most; of more, those with the latest onset.
    pub events_max: usize,
    /// Dependencies at most.
    pub dependencies_max: usize,
    /// Series that are looked through.
    pub series_looked_at_max: usize,
    /// Series of entities near by that are read.
    pub series_max: usize,
    /// Normal samples before the question.
    pub history_samples: usize,
}

const MINUTE: i64 = 60_000_000;

/// Samples further apart say nothing of what came first.
const STEP_S_MAX: f64 = 1_800.0;

impl Default for Limits {
    fn default() -> Self {
        Self {
            before_micros: 120 * MINUTE,
            after_micros: 15 * MINUTE,
            events_max: 50_000,
            dependencies_max: 100_000,
            series_looked_at_max: 50_000,
            series_max: 1_000,
            history_samples: 180,
        }
    }
}

/// Who says what somebody gave, in a [`Dependency`].
pub const GIVEN: &str = "given";

/// A call that was seen holds for so long before and after: services that are idle for a while still depend on one
/// another.
const SEEN_HOLDS: i64 = 60 * MINUTE;

/// Everything that belongs to a question.
#[derive(Debug)]
pub struct Gathered {
    ask: Ask,
    graph: EventGraph,
    alert: EventId,
    recording: Option<Recording>,
    contributors: Option<Contributors>,
    /// Dependencies that nobody told.
    guessed: usize,
}

/// Looks up what belongs to a question. `known` are the series of the lake, which several questions may share.
///
/// # Errors
///
/// If a store fails.
pub async fn gather(
    sources: &Sources,
    ask: &Ask,
    limits: &Limits,
    rules: &RuleSet,
    known: &[Known],
) -> Result<Gathered, Error> {
    let from = Timestamp(ask.at.micros().saturating_sub(limits.before_micros));
    let until = Timestamp(ask.at.micros().saturating_add(limits.after_micros));
    let until = ask.as_of.map_or(until, |as_of| until.min(Timestamp(as_of.micros().saturating_add(1))));
    let query = EventQuery { from, until, as_of: ask.as_of, max: limits.events_max };
    let told = sources.events.events(&query).await?;
    let mut graph = EventGraph::new(rules.clone());
    depend(sources, limits, (from, until), &mut graph).await?;
    let of_metric: Vec<&Known> = known.iter().filter(|series| series.key.metric == ask.metric).collect();
    let entity = alert::entity(ask, &told, &of_metric);
    let mut ids = Vec::with_capacity(told.len());
    for event in &told {
        ids.push(add(&mut graph, event).map_err(Error::store)?);
    }
    let alert = alert::of(ask, &entity, &told, &ids, &mut graph).map_err(Error::store)?;
    let ask = Ask { entity: Some(entity), ..ask.clone() };
    let grid = Grid::around(sources, &ask, limits, &of_metric).await?;
    let mut recording = series::read(sources, &ask, (limits, grid), &graph, known).await?;
    let guessed = recording.as_mut().map_or(0, |recording| guess::dependencies(recording, &mut graph));
    let contributors = cube::contributors(sources, &ask, grid, &of_metric).await?;
    Ok(Gathered { ask, graph, alert, recording, contributors, guessed })
}

/// Dependencies that held at some time, sorted by caller and callee, at most `max`: those that somebody said exactly then,
/// those that were seen also for an hour around.
///
/// # Errors
///
/// If the store fails.
pub async fn dependencies_at(
    events: &dyn EventGraphStore,
    at: Timestamp,
    max: usize,
) -> Result<Vec<Dependency>, Error> {
    let around = |by: i64| Timestamp(at.micros().saturating_add(by));
    let mut found = events.dependencies(around(-SEEN_HOLDS), around(SEEN_HOLDS), None, max).await?;
    found.retain(|told| held(told).holds_at(at));
    Ok(found)
}

/// When a dependency held.
fn held(told: &Dependency) -> Span {
    let seen = if told.source == GIVEN { 0 } else { SEEN_HOLDS };
    let moved = |at: Timestamp, by: i64| Timestamp(at.micros().saturating_add(by));
    Span { from: moved(told.from, -seen), until: moved(told.until, seen) }
}

async fn depend(
    sources: &Sources,
    limits: &Limits,
    (from, until): (Timestamp, Timestamp),
    graph: &mut EventGraph,
) -> Result<(), Error> {
    let around = |at: Timestamp, by: i64| Timestamp(at.micros().saturating_add(by));
    let found = sources
        .events
        .dependencies(around(from, -SEEN_HOLDS), around(until, SEEN_HOLDS), None, limits.dependencies_max)
        .await?;
    for told in &found {
        let topology = graph.topology_mut();
        let (caller, callee) = (topology.entity(&told.caller), topology.entity(&told.callee));
        topology.depends_during(caller, callee, held(told));
    }
    Ok(())
}

/// Adds an event in names to a graph.
fn add(graph: &mut EventGraph, told: &GraphEvent) -> Result<EventId, events::Error> {
    let entity = graph.topology_mut().entity(&told.entity);
    let mut event = graph.event(entity, &told.event_type, told.from)?;
    event.until = told.until;
    event.severity = told.severity;
    event.target = told.target.as_ref().map(|target| graph.topology_mut().entity(target));
    let dims = told.dims.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    event.dims = graph.vocabulary_mut().dims(dims)?;
    event.source = graph.vocabulary_mut().source(&told.source)?;
    Ok(graph.add(event).id)
}

impl Gathered {
    /// The entity that is asked about.
    pub fn entity(&self) -> &str {
        self.ask.entity.as_deref().unwrap_or_default()
    }

    /// Onsets of events that are made of series are known to a sample.
    fn method(&self) -> Method {
        let usual = CascadeRank::default();
        let step_s = self.recording.as_ref().map_or(0.0, Recording::step_s).min(STEP_S_MAX);
        Method::Cascade(CascadeRank { resolution_s: step_s, skew_s: usual.skew_s.max(step_s), ..usual })
    }

    /// The answer, by what people said of earlier ones.
    ///
    /// # Errors
    ///
    /// If the event that is asked about was too old to be kept beside the others.
    pub fn explain(
        &mut self,
        verdicts: events::Verdicts,
        config: &Config,
    ) -> Result<Explanation, events::Error> {
        self.graph.learn(verdicts);
        let method = self.method();
        let series = self.recording.as_ref().map(Recording::series);
        let incident = self
            .recording
            .as_ref()
            .zip(series.as_deref())
            .map(|(recording, series)| recording.incident(series));
        let question = Question {
            entity: self.ask.entity.as_deref(),
            what: &self.ask.metric,
            at: self.ask.at,
            events: Some(Events { graph: &self.graph, alert: self.alert, method: &method }),
            measured: incident
                .as_ref()
                .zip(self.recording.as_ref())
                .map(|(incident, recording)| Measured { incident, times: &recording.times }),
        };
        let mut told = explain(&question, config)?;
        told.contributors.clone_from(&self.contributors);
        if self.guessed > 0 {
            let words =
                "nobody says who depends on whom; it was guessed from series that move one after the other";
            told.missing.push(words.to_owned());
        }
        Ok(told)
    }
}
