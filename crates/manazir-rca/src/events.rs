//! The event graph: what happened to which entity, which event may have caused which, and which of them is the root.
//!
//! In the manner of Groot (Wang et al., "Groot: An Event-graph-based Approach for Root Cause Analysis in Industrial
//! Settings", ASE 2021, arXiv 2108.00344): [rules](RuleSet) are data and say which type of event causes which, in the
//! entity itself, in what it calls or in what calls it. An [`EventGraph`] keeps what is live and, from an alert, ranks
//! the events that may have caused it by a [`Method`].
//!
//! ```
//! use manazir_model::Timestamp;
//! use manazir_rca::events::{EventGraph, Method, RuleSet};
//!
//! let mut graph = EventGraph::new(RuleSet::standard());
//! let (web, db) = (graph.topology_mut().entity("web"), graph.topology_mut().entity("db"));
//! graph.topology_mut().depends(web, db);
//! let mut happened = |entity, event_type, second| {
//!     let event = graph.event(entity, event_type, Timestamp::from_seconds(second)).unwrap();
//!     graph.add(event).id
//! };
//! let deploy = happened(db, "deploy", 0);
//! happened(db, "latency_spike", 40);
//! let alert = happened(web, "latency_spike", 60);
//! let answer = graph.rank(alert, &Method::default()).unwrap();
//! assert_eq!(answer.causes[0].event, deploy);
//! ```

mod answer;
mod baseline;
mod calibration;
mod cascade;
mod causality;
mod event;
mod graph;
mod groot_rank;
mod hops;
mod live;
mod rules;
pub mod scenario;
mod search;
mod verdicts;
mod vocabulary;

pub use answer::{Answer, Cause, Factors, Step};
pub use calibration::Calibration;
pub use cascade::CascadeRank;
pub use causality::GrootGraph;
pub use event::{Event, Kind};
pub use graph::{Added, EventGraph, Limits};
pub use groot_rank::{GrootRank, Role, groot_rank};
pub use live::EventId;
pub use rules::records::from_records;
pub use rules::spec::{Family, Place, RuleError, schema};
pub use rules::{EventType, Rule, RuleId, RuleSet};
pub use verdicts::{Verdict, Verdicts};
pub use vocabulary::{DimsId, KeyId, SourceId, TypeId, Vocabulary};

/// What can go wrong between an event and an answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The alert is not, or no longer, among the live events.
    #[error("the event that the search should start from is not live")]
    NotLive,
    /// More names than are kept apart.
    #[error("more than {max} {what}")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

/// How causes are ranked.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// Our own: the cause whose cascade explains the alert and what else was seen.
    Cascade(CascadeRank),
    /// Groot's: a weighted PageRank whose dangling mass goes to dangling events twice as much as to others.
    Groot(GrootGraph, GrootRank),
    /// For comparison: changes in what the alerting entity depends on, the last before the alert first.
    LastChange,
    /// For comparison: PageRank of the services around the alert, started in proportion to their events.
    ServicePageRank,
    /// For comparison: the events around the alert in an order drawn from a seed.
    Random {
        /// The same seed gives the same order.
        seed: u64,
    },
}

impl Default for Method {
    fn default() -> Self {
        Self::Cascade(CascadeRank::default())
    }
}
