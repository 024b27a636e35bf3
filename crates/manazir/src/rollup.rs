//! Rollups as the command line runs them: specification and tables from files, findings from a stream, totals into a
//! destination.

pub mod consuming;
pub mod counting;
pub mod destinations;
pub mod feeding;
pub mod hosting;
pub mod input;
pub mod moment;
pub mod playing;
pub mod producing;
pub mod releasing;
pub mod replaying;
pub mod specification;
pub mod table;
