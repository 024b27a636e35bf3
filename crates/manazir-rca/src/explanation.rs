//! One answer: what an [event graph](crate::events), [evidence](crate::evidence) and a [cube](crate::contributors) say of a
//! question, on one scale, in names, numbers and sentences.
//!
//! [`explain`] ranks the candidates of all of them together. A candidate's `confidence` is a probability: of the answers
//! that said 0.8, four of five were right, as far as the incidents go on which [`Scale`] was fitted. What is left to
//! 1 is the probability that the cause is none of those that were seen.

mod ask;
mod candidates;
mod charts;
mod cube;
mod drawing;
mod measured;
mod odds;
mod related;
mod rfc3339;
mod told;
mod words;

use std::collections::BTreeMap;

use manazir_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use ask::{Config, Events, Measured, Question, explain};
pub use cube::explain_cube;
pub use odds::{Scale, confidences};
pub use words::{duration, percent, plain};

use crate::contributors::Contributors;
use crate::events::{self, Kind};

/// Everything that is said of one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// What was asked about.
    pub asked: Asked,
    /// The answer in a sentence.
    pub summary: String,
    /// True if the likeliest cause is likelier than that none of them is the cause; else no cause is found.
    pub found: bool,
    /// Candidates for the root cause, the likeliest first.
    pub causes: Vec<Cause>,
    /// Probability that the cause is none of the candidates, in 0..=1.
    pub none_of_these: f64,
    /// Which dimension values made the change, if it is one of a cube.
    pub contributors: Option<Contributors>,
    /// What people changed around the time, the last first.
    pub changes: Vec<Told>,
    /// What else happened near by, apart from the causes; the nearest first.
    pub related: Vec<Told>,
    /// What happened, and what may have caused what.
    pub graph: Graph,
    /// Series that show it.
    pub charts: Vec<Chart>,
    /// What would make the answer surer.
    pub missing: Vec<String>,
    /// True if the search ended before it was at an end.
    pub cut: bool,
}

/// What was asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    /// Which entity; none if something is wrong and nobody knows where.
    pub entity: Option<String>,
    /// The metric or the type of event that called for help.
    pub what: String,
    /// When it began.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// A candidate for the root cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// Its identity, in this answer and in later ones to the same question: 16 hexadecimal digits.
    pub id: String,
    /// Where.
    pub entity: String,
    /// What happened there, if an event tells it.
    pub event_type: Option<String>,
    /// What sort of event that is.
    pub kind: Option<Kind>,
    /// When it began there, if that is known.
    #[serde(with = "rfc3339::option")]
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// What it is limited to.
    pub dims: BTreeMap<String, String>,
    /// Probability that it is the root cause, in 0..=1.
    pub confidence: f64,
    /// In a sentence.
    pub sentence: String,
    /// From what was asked about to the cause.
    pub path: Vec<Step>,
    /// What speaks for it, the strongest first.
    #[serde(rename = "for")]
    pub supporting: Vec<Reason>,
    /// What speaks against it.
    #[serde(rename = "against")]
    pub opposing: Vec<Reason>,
    /// What should have been seen if it is the cause, and was not.
    pub not_seen: Vec<String>,
    /// What to look at next, to know.
    pub next_check: String,
    /// What a person's verdict on it teaches.
    pub lesson: Option<events::Verdict>,
}

/// One event or entity on the way to a cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The node of the graph.
    pub node: String,
    /// Where.
    pub entity: String,
    /// What happened there, or would have.
    pub event_type: Option<String>,
    /// When it began there, if anybody reported it.
    #[serde(with = "rfc3339::option")]
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// Seconds from its onset to that of the step before, if both are known.
    pub lag_seconds: Option<f64>,
    /// True if nobody reported it.
    pub assumed: bool,
    /// How likely it caused the step before, in 0..=1; 1 of the first.
    pub weight: f64,
    /// In a sentence.
    pub sentence: String,
}

/// Something that speaks for or against a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// What kind of evidence: `lag`, `rules`, `support`, `verdicts`, `resource`, `proportion`, …
    pub source: String,
    /// In a sentence.
    pub sentence: String,
    /// How strong, on the scale of its source.
    pub strength: f64,
    /// Place in [`Explanation::charts`] of the series that shows it.
    pub chart: Option<usize>,
}

/// An event that is told beside the causes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// The node of the graph, if it is drawn there.
    pub node: String,
    /// Where.
    pub entity: String,
    /// What.
    pub event_type: String,
    /// Onset.
    #[serde(with = "rfc3339")]
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How near it is in time, calls and dimensions, in 0..=1.
    pub nearness: f64,
    /// In a sentence.
    pub sentence: String,
}

/// The part of an event graph that an answer speaks of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Graph {
    /// Events and entities.
    pub nodes: Vec<Node>,
    /// From cause to effect.
    pub edges: Vec<Edge>,
}

/// What a node of the graph is in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What was asked about.
    Alert,
    /// A candidate.
    Cause,
    /// On the way to a candidate.
    Path,
    /// On the way, but nobody reported it.
    Assumed,
}

/// An event, or an entity of which only series tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Its name within the graph.
    pub id: String,
    /// Where.
    pub entity: String,
    /// What.
    pub event_type: Option<String>,
    /// When, if anybody reported it.
    #[serde(with = "rfc3339::option")]
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// What it is in the answer.
    pub role: Role,
    /// Of a candidate.
    pub confidence: Option<f64>,
}

/// One may have caused the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// The node that causes.
    pub cause: String,
    /// The node that is caused.
    pub effect: String,
    /// Seconds between, if both onsets are known.
    pub lag_seconds: Option<f64>,
    /// How likely, in 0..=1.
    pub weight: f64,
}

/// A series around the time that was asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chart {
    /// Whose.
    pub entity: String,
    /// Of a call, who calls.
    pub caller: Option<String>,
    /// Its metric.
    pub metric: String,
    /// The time of each value.
    #[serde(with = "rfc3339::list")]
    #[schemars(with = "Vec<String>")]
    pub times: Vec<Timestamp>,
    /// Shape `(n_samples,)`; none where nothing was measured.
    pub values: Vec<Option<f64>>,
    /// Places of the incident among the values, the second without.
    pub incident: (usize, usize),
    /// What is normal, if enough was measured to tell.
    pub normal: Option<f64>,
}
