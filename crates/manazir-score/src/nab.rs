//! The Numenta Anomaly Benchmark: its corpus and its score, v1.1.
//!
//! What the score rewards (Lavin and Ahmad 2015, "Evaluating Real-time Anomaly Detection Algorithms"; rules as
//! in `nab/sweeper.py` and `nab/runner.py` of numenta/NAB v1.1): in each labelled window only the first
//! detection counts, and counts more the earlier it comes; each detection outside costs, little just after a
//! window and the full weight far from it; a window without a detection costs too. The first 15 % of a file,
//! at most 750 rows, are for learning and are not scored, whatever happens there.
//!
//! A detection is a row whose score is **at or above** the threshold. One threshold serves all files, so the
//! scores must be comparable across them. The published figure takes the threshold that is best on the labels
//! themselves; [`Report::out_of_group`] is the figure for a threshold that has not seen the labels it is
//! applied to.

mod corpus;
mod report;
mod sweep;
mod worth;

pub use corpus::{Corpus, File, Reference};
pub use report::{Optimum, OutOfGroup, PerProfile, Report};
pub use worth::{Profile, Tally};
