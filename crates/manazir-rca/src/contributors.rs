//! Which combinations of dimension values explain a change.
//!
//! A [`Cube`] holds what was measured and what was to be expected for each combination of dimension values, a
//! *leaf*. An *element* fixes some of the values, `country=DE & app=5.2`, and stands for all leaves that have them.
//! [`explain`] finds the elements that explain the change as a whole, however many there are; [`summary`] makes the
//! short table that people read first, and [`heatmap`] shows each dimension by itself. A [`History`] makes the cube of
//! an episode from the series of a table, and [`tell`] says the answer in names.

mod cube;
mod evidence;
mod explain;
mod fit;
mod heatmap;
mod lattice;
mod noise;
mod search;
mod summary;
mod table;
mod told;

pub use cube::{Builder, Cube, DIMENSIONS_MAX, Dimension, Error, Measure, Rows, Totals};
pub use explain::{Element, Explanation, Verdict, explain};
pub use heatmap::{HeatRow, heatmap};
pub use search::Config;
pub use summary::{Side, SummaryConfig, SummaryRow, summary};
pub use table::{Back, Baseline, History, Leaf, Numbers, Span};
pub use told::{Contributor, Contributors, HeatDimension, HeatValue, Telling, tell};
