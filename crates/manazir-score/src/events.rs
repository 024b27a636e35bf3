//! Incidents of events on a graph of services, each with one event as its root cause.
//!
//! A folder holds `graph.csv` (caller, callee), `incidents.jsonl` (an incident a line: its alert, and the events that
//! were seen), `rules.json` (which event may cause which, and where) and `labels.json`; `.gz` may stand behind the
//! names. Every method ranks the same events by the same rules, and nothing is fitted to the incidents.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use manazir_model::{Random, Timestamp};
use manazir_rca::events::{EventGraph, EventId, GrootGraph, GrootRank, Method, from_records};
use manazir_rca::explanation::{Events, Question, Scale};
use serde::{Deserialize, Serialize};

use crate::accuracy::{Accuracy, quantile};
use crate::petshop::read_calls;
use crate::recording::read_json;
use crate::reliability::{Engine, Ranked, Reliability};
use crate::table::lines;
use crate::{Error, Result, peak_rss_mib};

/// Share of the events that the second figures are without; alert and root cause stay, for nothing can name an event
/// that is not there.
const DROPPED: f64 = 0.2;

/// Each leaves other events out.
const SEEDS: [u64; 3] = [1, 2, 3];

/// A score of entities in the order of chance.
const RANDOM_SEED: u64 = 7;

/// What the folder holds.
#[derive(Debug)]
pub struct Suite {
    /// The graph of services, without events.
    graph: EventGraph,
    incidents: Vec<(Incident, u64)>,
    /// Where they are.
    path: PathBuf,
}

/// What `score events` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Of the method that is used.
    #[serde(flatten)]
    pub found: Accuracy,
    /// Median time of an incident, with its events in the graph.
    pub ms_per_case_p50: f64,
    /// 95th percentile of it.
    pub ms_per_case_p95: f64,
    /// With 20 % of the events left out, over three draws.
    pub dropped: Accuracy,
    /// Whether confidences mean what they say.
    pub confidence: Confidence,
    /// What it has to beat, by name.
    pub others: BTreeMap<&'static str, Accuracy>,
    /// Peak memory of the process.
    pub peak_rss_mib: Option<f64>,
}

/// Whether confidences mean what they say.
#[derive(Clone, Debug, Serialize)]
pub struct Confidence {
    /// On the odd incidents, with the scale fitted on the even ones, with and without left out events.
    #[serde(flatten)]
    pub fitted: Reliability,
    /// The same odd incidents with a fifth of the events left out.
    pub dropped: Reliability,
    /// On all incidents, with the scale that an explanation uses.
    pub as_shipped: Reliability,
    /// The fitted power and score of "none of these".
    pub scale: (f64, f64),
}

#[derive(Debug, Deserialize)]
struct Incident {
    incident: u64,
    alert: u64,
    events: Vec<Told>,
}

#[derive(Debug, Deserialize)]
struct Told {
    id: u64,
    service: String,
    r#type: String,
    /// Seconds.
    t: f64,
    dc: String,
    severity: f32,
}

#[derive(Deserialize)]
struct Label {
    incident: u64,
    root_cause: u64,
}

impl Suite {
    /// Reads a folder.
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join("rules.json");
        let text = fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let rules = from_records(&text).map_err(|error| Error::layout(&path, error.to_string()))?;
        let mut graph = EventGraph::new(rules);
        read_calls(&packed_or_plain(dir, "graph.csv"), graph.topology_mut())?;
        let labels: Vec<Label> = read_json(&dir.join("labels.json"))?;
        let roots: HashMap<u64, u64> =
            labels.into_iter().map(|label| (label.incident, label.root_cause)).collect();
        let path = packed_or_plain(dir, "incidents.jsonl");
        let incident = |(line, number): (String, usize)| {
            let broken = |what: String| Error::layout(&path, format!("line {number}: {what}"));
            let incident: Incident =
                serde_json::from_str(&line).map_err(|error| broken(error.to_string()))?;
            let root = roots.get(&incident.incident);
            let none = || broken(format!("incident {} has no label", incident.incident));
            root.copied().ok_or_else(none).map(|root| (incident, root))
        };
        let incidents = lines(&path)?.into_iter().zip(1..).map(incident).collect::<Result<_>>()?;
        Ok(Self { graph, incidents, path })
    }

    /// How many incidents there are.
    pub fn len(&self) -> usize {
        self.incidents.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.incidents.is_empty()
    }

    /// Ranks the causes of all incidents by each method.
    pub fn score(&self) -> Result<Report> {
        let ours = Method::default();
        let mut ms = Vec::new();
        let found = self.rankings(&ours, None, &mut ms)?;
        let mut dropped = Vec::new();
        for seed in SEEDS {
            dropped.extend(self.rankings(&ours, Some(seed), &mut Vec::new())?);
        }
        let others = [
            ("groot_rank", Method::Groot(GrootGraph::default(), GrootRank::default())),
            ("last_change", Method::LastChange),
            ("service_page_rank", Method::ServicePageRank),
            ("random", Method::Random { seed: RANDOM_SEED }),
        ];
        let of_method = |(name, method): (&'static str, Method)| {
            Ok((name, accuracy(&self.rankings(&method, None, &mut Vec::new())?)))
        };
        Ok(Report {
            confidence: self.confidence(&found, &dropped),
            found: accuracy(&found),
            ms_per_case_p50: quantile(&mut ms, 0.5),
            ms_per_case_p95: quantile(&mut ms, 0.95),
            dropped: accuracy(&dropped),
            others: others.into_iter().map(of_method).collect::<Result<_>>()?,
            peak_rss_mib: peak_rss_mib(),
        })
    }

    /// Fits on the even incidents and measures on the odd ones. `dropped` holds all incidents for each draw.
    fn confidence(&self, found: &[Ranked], dropped: &[Ranked]) -> Confidence {
        let half = |rest: u64, rankings: &[Ranked]| -> Vec<Ranked> {
            let numbers = self.incidents.iter().map(|(incident, _)| incident.incident).cycle();
            let of_half = rankings.iter().zip(numbers).filter(|(_, number)| number % 2 == rest);
            of_half.map(|(ranked, _)| ranked.clone()).collect()
        };
        let even = [half(0, found), half(0, dropped)].concat();
        let scale = Engine::Events.fit(&even);
        Confidence {
            fitted: Engine::Events.reliability(&scale, &half(1, found)),
            dropped: Engine::Events.reliability(&scale, &half(1, dropped)),
            as_shipped: Engine::Events.reliability(&Scale::default(), found),
            scale: (scale.event_power, scale.event_none),
        }
    }

    /// The candidates of each incident.
    fn rankings(&self, method: &Method, drop: Option<u64>, ms: &mut Vec<f64>) -> Result<Vec<Ranked>> {
        self.incidents.iter().map(|(incident, root)| self.rank(incident, *root, method, drop, ms)).collect()
    }

    fn rank(
        &self,
        incident: &Incident,
        root: u64,
        method: &Method,
        drop: Option<u64>,
        ms: &mut Vec<f64>,
    ) -> Result<Ranked> {
        let (graph, alert, root) = self.graph(incident, root, drop)?;
        let begun = Instant::now();
        let answer = graph.rank(alert, method).map_err(|error| self.broken(incident, &error.to_string()))?;
        ms.push(begun.elapsed().as_secs_f64() * 1e3);
        let right = root.and_then(|root| answer.causes.iter().position(|cause| cause.event == root));
        let scores = answer.causes.iter().map(|cause| cause.score).collect();
        Ok(Ranked { scores, score_min: 0.0, right })
    }

    fn broken(&self, incident: &Incident, what: &str) -> Error {
        Error::layout(&self.path, format!("incident {}: {what}", incident.incident))
    }

    /// The graph with the events of an incident, the alert, and the root cause.
    fn graph(
        &self,
        incident: &Incident,
        root: u64,
        drop: Option<u64>,
    ) -> Result<(EventGraph, EventId, Option<EventId>)> {
        let broken = |error: manazir_rca::events::Error| self.broken(incident, &error.to_string());
        let mut graph = self.graph.clone();
        let mut random = Random::new(drop.unwrap_or_default().wrapping_mul(7_919) + incident.incident);
        let mut known = HashMap::new();
        for told in &incident.events {
            let is_left_out = drop.is_some() && random.uniform() < DROPPED;
            if is_left_out && told.id != incident.alert && told.id != root {
                continue;
            }
            let entity = graph.topology_mut().entity(&told.service);
            let at = Timestamp((told.t * 1e6) as i64);
            let mut event = graph.event(entity, &told.r#type, at).map_err(broken)?;
            event.severity = told.severity;
            let dims = graph.vocabulary_mut().dims([("dc", told.dc.as_str())]);
            event.dims = dims.map_err(broken)?;
            known.insert(told.id, graph.add(event).id);
        }
        let alert = known.get(&incident.alert).copied();
        let alert = alert.ok_or_else(|| self.broken(incident, "its alert is no event"))?;
        Ok((graph, alert, known.get(&root).copied()))
    }

    /// The numbers of the incidents.
    pub(crate) fn names(&self) -> Vec<String> {
        self.incidents.iter().map(|(incident, _)| incident.incident.to_string()).collect()
    }

    /// What an incident asks, with the graph and its root cause; `None` without such an incident.
    pub(crate) fn ask<T>(
        &self,
        name: &str,
        answer: impl FnOnce(&Question<'_>, &EventGraph, Option<EventId>) -> T,
    ) -> Result<Option<T>> {
        let named = |incident: &&(Incident, u64)| incident.0.incident.to_string() == name;
        let Some((incident, root)) = self.incidents.iter().find(named) else { return Ok(None) };
        let (graph, alert, root) = self.graph(incident, *root, None)?;
        let Some(event) = graph.get(alert).copied() else {
            return Err(self.broken(incident, "its alert is not live"));
        };
        let question = Question {
            entity: Some(graph.topology().name(event.entity)),
            what: graph.vocabulary().type_name(event.event_type),
            at: event.from,
            events: Some(Events { graph: &graph, alert, method: &Method::default() }),
            measured: None,
        };
        Ok(Some(answer(&question, &graph, root)))
    }
}

fn accuracy(rankings: &[Ranked]) -> Accuracy {
    Accuracy::of(&rankings.iter().map(|ranked| ranked.right).collect::<Vec<_>>())
}

fn packed_or_plain(dir: &Path, name: &str) -> PathBuf {
    let packed = dir.join(format!("{name}.gz"));
    if packed.is_file() { packed } else { dir.join(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of three services, of which the last was deployed before all were slow.
    #[test]
    fn a_folder_becomes_figures() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("graph.csv", "caller,callee\nfront,shop\nshop,store\n");
        let rule = |cause: &str, place: &str| {
            format!(r#"{{"effect": "slow", "cause": "{cause}", "where": "{place}", "same_dc": true}}"#)
        };
        write("rules.json", &format!("[{}, {}]", rule("slow", "callee"), rule("deploy", "self")));
        let event = |id: u64, service: &str, kind: &str, t: f64| {
            format!(
                r#"{{"id": {id}, "service": "{service}", "type": "{kind}", "t": {t}, "dc": "a", "severity": 0.6}}"#
            )
        };
        let events = [
            event(7, "store", "deploy", 30.0),
            event(1, "store", "slow", 60.0),
            event(2, "shop", "slow", 90.0),
            event(3, "front", "slow", 120.0),
        ];
        let incident =
            format!(r#"{{"incident": 5, "alert": 3, "now": 200, "events": [{}]}}"#, events.join(", "));
        write("incidents.jsonl", &format!("{incident}\n"));
        write("labels.json", r#"[{"incident": 5, "root_cause": 7}]"#);
        let suite = Suite::load(folder.path()).unwrap();
        let report = suite.score().unwrap();
        assert_eq!((suite.len(), report.found.cases, report.dropped.cases), (1, 1, 3));
        assert_eq!((report.found.ac_at_1, report.others["groot_rank"].ac_at_3), (1.0, 1.0));
        write("labels.json", "[]");
        let error = Suite::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("incident 5 has no label"), "{error}");
    }
}
