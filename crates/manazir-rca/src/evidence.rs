//! Which entity broke: evidence from metrics, traces and logs, fused into a ranking.
//!
//! Every series is asked one question, in one unit: how rarely does it move this far in a window this long
//! ([`shifts`], in nats, −ln p)? What the answers prove depends on the kind:
//!
//! | evidence | from | speaks of |
//! |---|---|---|
//! | [`Source::Resource`] | what an entity uses up itself | the inside |
//! | [`Source::Proportion`] | spans, log lines and calls that no longer keep their proportion ([`proportion`]) | the inside |
//! | [`Source::WayIn`], [`Source::WayOut`] | time between caller and callee ([`gap`]) | the network at an entity |
//! | [`Source::Excess`] | the alert's excess, followed along the calls ([`excess`]) | the origin of a symptom |
//! | [`Source::Latency`] | time to answer, where no alert can be followed | a symptom |
//!
//! [`rank`] weighs them, and says that there is no cause where all of it is thin.

pub mod baselines;
pub mod excess;
mod fuse;
pub mod gap;
mod onset;
pub mod proportion;
mod series;
mod shift;
mod surprise;

pub use fuse::{Candidate, Factor, Ranking, Source, rank};
pub(crate) use fuse::{began, moved, rank_shifted};
pub use onset::onset;
pub use series::{Alert, Incident, Kind, Series, Statistic};
pub use shift::{Normal, Shift, shifts};

#[cfg(test)]
mod tests;
