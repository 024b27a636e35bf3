//! Event detectors: who does what to what, from where, with what, when, and how often.
//!
//! Each holds an expectation that it learns from the stream alone; [`EventJudge`] adds up what they say. Memory
//! is fixed whatever comes, one look-up a detector where an event repeats what was seen in its hour.

mod action;
mod backoff;
mod budget;
mod calibrate;
mod detector;
mod error;
mod facts;
mod hash;
mod judge;
mod names;
mod origin;
mod peer;
mod place;
mod principal;
mod rate;
mod resource;
mod sequence;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod time_of_week;
pub mod weight;
mod words;

pub use judge::{EventConfig, EventJudge};
pub use table::{EventInfo, detectors};
