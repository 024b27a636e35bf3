//! The vocabulary of Manazir: time, series, samples, verdicts and anomalies.
//!
//! No I/O, no runtime, no policy. Every other crate speaks in these words.

mod anomaly;
mod series;
mod time;

pub use anomaly::{Anomaly, AnomalyKind, Direction, HeldBack, Verdict};
pub use series::{Sample, Series, SeriesKey, SeriesKind};
pub use time::{Grain, Timestamp};
