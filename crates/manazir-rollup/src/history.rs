//! What a destination knows of its past: every finding that it counted, in the order in which it counted them.
//!
//! From it follows the table as it was at any time, counts and sums of any hour, and everything anew: into another
//! destination, or by another specification.
//!
//! Findings stand in [segments](segment), columns of up to some hundred thousand of them. Small segments are
//! [merged](merge) into larger ones; those that are full end with a [checkpoint], the totals of all findings up to
//! there. The table as of a time is the last checkpoint that lies wholly before it, and what of the segments behind
//! it does.

mod as_of;
pub mod aside;
pub mod cells;
pub mod checkpoint;
pub mod labels;
pub mod merge;
mod port;
pub mod segment;
pub mod spans;

pub use as_of::{AsOf, Head, Looked, Sums, needed, touched};
pub use aside::{Aside, AsideState, Resolution};
pub use port::{History, Status};
pub use spans::{By, Span, SpanQuery, TooMany};
