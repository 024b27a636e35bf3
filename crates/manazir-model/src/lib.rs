//! The vocabulary of Manazir: time, series, samples, events, verdicts and anomalies; seeded randomness, and the hash of
//! stored formats.
//!
//! No I/O, no runtime, no policy. Every other crate speaks in these words.

mod anomaly;
mod event;
mod graph;
pub mod hash;
mod judged;
pub mod labels;
mod random;
mod series;
mod time;

pub use anomaly::{Anomaly, AnomalyKind, Direction, HeldBack, Verdict};
pub use event::{Event, EventVerdict, Reason};
pub use graph::{Dependency, GraphEvent};
pub use judged::{EpisodeState, JudgedSample, SeriesFinding, SeriesRows};
pub use random::Random;
pub use series::{Sample, Series, SeriesKey, SeriesKind, SeriesSamples};
pub use time::{Grain, Timestamp};
