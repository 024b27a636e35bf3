//! Explanations as a resource: which events, dependencies and samples belong to a question, what was answered, and what
//! people said of it.
//!
//! `manazir-rca` ranks and is pure; here are the ports from which a question is put together and in which its answer is
//! kept.

mod event_graph;
mod explainer;
mod explanations;
pub mod gather;
pub mod learn;
pub mod memory;
pub mod mirror;
pub mod spans;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use event_graph::{EventGraphStore, EventQuery, seen_again, sound};
pub use explainer::{Asking, Explainer};
pub use explanations::{
    ExplanationFilter, Explanations, NewExplanation, PersonsVerdict, REVISIONS_MAX, StoredExplanation,
};
pub use manazir_ingest::Error;
