//! Rollups as the command line runs them: specification and tables from files, findings from a stream, totals into a
//! destination.

pub mod counting;
pub mod destinations;
pub mod specification;
pub mod table;
