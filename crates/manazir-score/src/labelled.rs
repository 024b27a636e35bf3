//! Folders of labelled sets: what they hold, and how scores fare on them.
//!
//! Each sub-folder of a folder is a set, or the folder itself is one. A set is any number of `.parquet`,
//! `.csv` or `.csv.gz` files with the columns
//!
//! | column | |
//! |---|---|
//! | `label` | 0 or 1; required |
//! | `split` | optional; rows that say `train` come first, may be learnt from and are not scored |
//! | `timestamp` or `t` | optional; the order of the rows, which else is that of the file |
//! | `series` or `channel` | optional; several series in one file |
//! | any other column of numbers | a value; several make a multivariate series |
//!
//! and an optional `set.toml` with `vus_buffer` (buffer of VUS-PR in points) and `rows` (only the first rows
//! of each file). Nothing depends on the name of a folder.

mod report;
mod rows;
mod set;
mod write;

pub use report::{Figures, Report, SetReport};
pub use rows::Series;
pub use set::{Labelled, Set, load};
pub use write::write_scores;
