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
use manazir_rca::events::{EventGraph, GrootGraph, GrootRank, Method, from_records};
use serde::{Deserialize, Serialize};

use crate::accuracy::{Accuracy, quantile};
use crate::petshop::read_calls;
use crate::recording::read_json;
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
    /// What it has to beat, by name.
    pub others: BTreeMap<&'static str, Accuracy>,
    /// Peak memory of the process.
    pub peak_rss_mib: Option<f64>,
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
        let found = self.places(&ours, None, &mut ms)?;
        let mut dropped = Vec::new();
        for seed in SEEDS {
            dropped.extend(self.places(&ours, Some(seed), &mut Vec::new())?);
        }
        let others = [
            ("groot_rank", Method::Groot(GrootGraph::default(), GrootRank::default())),
            ("last_change", Method::LastChange),
            ("service_page_rank", Method::ServicePageRank),
            ("random", Method::Random { seed: RANDOM_SEED }),
        ];
        let accuracy = |(name, method): (&'static str, Method)| {
            Ok((name, Accuracy::of(&self.places(&method, None, &mut Vec::new())?)))
        };
        Ok(Report {
            found: Accuracy::of(&found),
            ms_per_case_p50: quantile(&mut ms, 0.5),
            ms_per_case_p95: quantile(&mut ms, 0.95),
            dropped: Accuracy::of(&dropped),
            others: others.into_iter().map(accuracy).collect::<Result<_>>()?,
            peak_rss_mib: peak_rss_mib(),
        })
    }

    /// Where the root cause of each incident stands, 0 = first.
    fn places(&self, method: &Method, drop: Option<u64>, ms: &mut Vec<f64>) -> Result<Vec<Option<usize>>> {
        self.incidents.iter().map(|(incident, root)| self.place(incident, *root, method, drop, ms)).collect()
    }

    fn place(
        &self,
        incident: &Incident,
        root: u64,
        method: &Method,
        drop: Option<u64>,
        ms: &mut Vec<f64>,
    ) -> Result<Option<usize>> {
        let broken =
            |what: String| Error::layout(&self.path, format!("incident {}: {what}", incident.incident));
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
            let mut event =
                graph.event(entity, &told.r#type, at).map_err(|error| broken(error.to_string()))?;
            event.severity = told.severity;
            let dims = graph.vocabulary_mut().dims([("dc", told.dc.as_str())]);
            event.dims = dims.map_err(|error| broken(error.to_string()))?;
            known.insert(told.id, graph.add(event).id);
        }
        let alert = known.get(&incident.alert).ok_or_else(|| broken("its alert is no event".to_owned()))?;
        let begun = Instant::now();
        let answer = graph.rank(*alert, method).map_err(|error| broken(error.to_string()))?;
        ms.push(begun.elapsed().as_secs_f64() * 1e3);
        let root = known.get(&root);
        Ok(root.and_then(|root| answer.causes.iter().position(|cause| cause.event == *root)))
    }
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
