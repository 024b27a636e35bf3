//! The event graph and explanations in memory: the twins of the real stores.

mod event_graph;
mod explanations;

pub use event_graph::InMemoryGraph;
pub use explanations::InMemoryExplanations;
