//! Rules tested as text: what happened, and what the ranking should say.
//!
//! ```text
//! scenario the database of what is called
//!
//! web -> api -> db
//!
//! -90s  db   db_slow        0.9  dc=a
//! -50s  api  latency_spike
//!   0s  web  latency_spike  0.7  dc=a  alert
//!
//! 1. db db_slow
//! not api latency_spike
//! path web < api < db
//! ```
//!
//! A line is what it looks like: a chain of callers and callees; an event with its onset, entity, type, and then in any
//! order severity, `target=ENTITY`, dimensions as `NAME=VALUE`, and `alert` on one of them; what must be on a place of
//! the ranking; what must not be on the first; entities on the path to the first, in parentheses where nobody reported
//! anything. `#` begins a comment. Onsets are in `s`, `m` or `h`.

use std::fmt;

use manazir_model::Timestamp;

use super::event::Event;
use super::graph::EventGraph;
use super::live::EventId;
use super::rules::RuleSet;
use super::{Answer, Error, Method};

/// Lines that a text may have.
const LINES_MAX: usize = 100_000;
/// Onsets are told from here: late enough for any that a text may tell.
const ZERO_S: f64 = 2e9;
/// Ten years before and after.
const ONSET_S_MAX: f64 = 3.2e8;

/// What happened, and what the ranking should say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// Its first line in the text, counted from 1.
    pub line: usize,
    depends: Vec<(String, String)>,
    events: Vec<Told>,
    alert: Option<usize>,
    expected: Vec<Expected>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    onset_s: f64,
    entity: String,
    event_type: String,
    severity: f32,
    target: Option<String>,
    dims: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Expected {
    At(usize, String, String),
    NotFirst(String, String),
    Path(Vec<String>),
}

/// A line that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ScenarioError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub reason: String,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Of the scenario.
    pub name: String,
    /// The ranking: `db db_slow 0.93`.
    pub ranking: Vec<String>,
    /// What was expected and is not so; empty if all is.
    pub differences: Vec<String>,
}

/// Reads scenarios.
pub fn parse(text: &str) -> Result<Vec<Scenario>, ScenarioError> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (content, line) in text.lines().zip(1..) {
        let wrong = |reason: String| ScenarioError { line, reason };
        if line > LINES_MAX {
            return Err(wrong(format!("more than {LINES_MAX} lines")));
        }
        let content = content.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        if let Some(name) = content.strip_prefix("scenario ") {
            scenarios.push(Scenario { name: name.trim().to_owned(), line, ..Scenario::default() });
            continue;
        }
        let here =
            scenarios.last_mut().ok_or_else(|| wrong("the first line must be `scenario NAME`".into()))?;
        here.read(content).map_err(wrong)?;
    }
    for scenario in &scenarios {
        if scenario.alert.is_none() {
            let reason = format!("no event of {:?} is marked `alert`", scenario.name);
            return Err(ScenarioError { line: scenario.line, reason });
        }
    }
    Ok(scenarios)
}

impl Scenario {
    fn read(&mut self, content: &str) -> Result<(), String> {
        let words: Vec<&str> = content.split_whitespace().collect();
        if content.contains("->") {
            return self.read_chain(content);
        }
        if let Some(path) = content.strip_prefix("path ") {
            self.expected
                .push(Expected::Path(path.split('<').map(|entity| entity.trim().to_owned()).collect()));
            return Ok(());
        }
        match words[..] {
            ["not", entity, event_type] => {
                self.expected.push(Expected::NotFirst(entity.to_owned(), event_type.to_owned()));
                Ok(())
            }
            [place, entity, event_type] if place.ends_with('.') => {
                let place = place.trim_end_matches('.').parse().ok().filter(|place| *place > 0);
                let place = place.ok_or("a place of the ranking is `1.`, `2.` and so on")?;
                self.expected.push(Expected::At(place, entity.to_owned(), event_type.to_owned()));
                Ok(())
            }
            [onset, entity, event_type, ref more @ ..] => self.read_event(onset, entity, event_type, more),
            _ => Err(format!(
                "{content:?} is neither `A -> B`, nor `ONSET ENTITY TYPE …`, nor `1. ENTITY TYPE`, nor \
                 `not ENTITY TYPE`, nor `path A < B`"
            )),
        }
    }

    fn read_chain(&mut self, content: &str) -> Result<(), String> {
        let chain: Vec<&str> = content.split("->").map(str::trim).collect();
        if chain.iter().any(|name| name.is_empty() || name.contains(char::is_whitespace)) {
            return Err("between `->` stands one name of an entity".to_owned());
        }
        self.depends.extend(chain.windows(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())));
        Ok(())
    }

    fn read_event(
        &mut self,
        onset: &str,
        entity: &str,
        event_type: &str,
        more: &[&str],
    ) -> Result<(), String> {
        let mut told = Told {
            onset_s: seconds(onset)
                .ok_or_else(|| format!("{onset:?} is no onset as `-90s`, `0s` or `2m`"))?,
            entity: entity.to_owned(),
            event_type: event_type.to_owned(),
            severity: 1.0,
            ..Told::default()
        };
        for word in more {
            match (word.split_once('='), word.parse::<f32>()) {
                (Some(("target", target)), _) => told.target = Some(target.to_owned()),
                (Some((name, value)), _) => told.dims.push((name.to_owned(), value.to_owned())),
                (None, Ok(severity)) if (0.0..=1.0).contains(&severity) => told.severity = severity,
                (None, _) if *word == "alert" && self.alert.is_none() => self.alert = Some(self.events.len()),
                (None, _) if *word == "alert" => return Err("a scenario has one alert".to_owned()),
                _ => {
                    return Err(format!("{word:?} is no severity in 0..=1, no `NAME=VALUE` and not `alert`"));
                }
            }
        }
        self.events.push(told);
        Ok(())
    }

    /// Ranks what happened, and compares with what should be said.
    pub fn run(&self, rules: &RuleSet, method: &Method) -> Result<Outcome, Error> {
        let mut graph = EventGraph::new(rules.clone());
        for (caller, callee) in &self.depends {
            let (caller, callee) = (graph.topology_mut().entity(caller), graph.topology_mut().entity(callee));
            graph.topology_mut().depends(caller, callee);
        }
        let mut ids = Vec::with_capacity(self.events.len());
        for told in &self.events {
            let event = told.event(&mut graph)?;
            ids.push(graph.add(event).id);
        }
        let alert = self.alert.and_then(|alert| ids.get(alert)).ok_or(Error::NotLive)?;
        let answer = graph.rank(*alert, method)?;
        let name = |id: EventId| {
            let event = graph.get(id);
            let name = event.map(|event| (graph.topology().name(event.entity), event.event_type));
            name.map(|(entity, id)| format!("{entity} {}", graph.vocabulary().type_name(id)))
                .unwrap_or_default()
        };
        let ranked: Vec<String> = answer.causes.iter().map(|cause| name(cause.event)).collect();
        let differences =
            self.expected.iter().filter_map(|expected| expected.differs(&graph, &answer, &ranked));
        let differences = differences.collect();
        let ranking =
            ranked.iter().zip(&answer.causes).map(|(name, cause)| format!("{name} {:.3}", cause.score));
        Ok(Outcome { name: self.name.clone(), ranking: ranking.collect(), differences })
    }
}

impl Told {
    fn event(&self, graph: &mut EventGraph) -> Result<Event, Error> {
        let entity = graph.topology_mut().entity(&self.entity);
        let at = Timestamp(((ZERO_S + self.onset_s) * 1e6) as i64);
        let mut event = graph.event(entity, &self.event_type, at)?;
        event.severity = self.severity;
        event.target = self.target.as_ref().map(|target| graph.topology_mut().entity(target));
        event.dims = graph
            .vocabulary_mut()
            .dims(self.dims.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
        Ok(event)
    }
}

impl Expected {
    /// What is not as expected.
    fn differs(&self, graph: &EventGraph, answer: &Answer, ranked: &[String]) -> Option<String> {
        let at = |place: usize| ranked.get(place).map_or("nothing", String::as_str);
        match self {
            Self::At(place, entity, event_type) => {
                let wanted = format!("{entity} {event_type}");
                let there = at(place - 1);
                (there != wanted).then(|| format!("place {place}: {wanted} was expected, {there} is there"))
            }
            Self::NotFirst(entity, event_type) => {
                let unwanted = format!("{entity} {event_type}");
                (at(0) == unwanted).then(|| format!("place 1: {unwanted} is there and should not be"))
            }
            Self::Path(wanted) => {
                let first = answer.causes.first().map(|cause| cause.path.as_slice()).unwrap_or_default();
                let entity = |step: &super::Step| match step.event {
                    Some(_) => graph.topology().name(step.entity).to_owned(),
                    None => format!("({})", graph.topology().name(step.entity)),
                };
                let mut path: Vec<String> = first.iter().map(entity).collect();
                path.dedup();
                let (wanted, there) = (wanted.join(" < "), path.join(" < "));
                (there != wanted).then(|| format!("path: {wanted} was expected, {there} is there"))
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.differences.is_empty() { "ok" } else { "differs" };
        writeln!(f, "{word}: {}", self.name)?;
        for difference in &self.differences {
            writeln!(f, "  {difference}")?;
        }
        if !self.differences.is_empty() {
            for (place, name) in self.ranking.iter().enumerate() {
                writeln!(f, "  {}. {name}", place + 1)?;
            }
        }
        Ok(())
    }
}

/// `-90s`, `2m`, `1.5h`.
fn seconds(onset: &str) -> Option<f64> {
    let (number, unit) = onset.split_at_checked(onset.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    (seconds.abs() <= ONSET_S_MAX).then_some(seconds)
}
