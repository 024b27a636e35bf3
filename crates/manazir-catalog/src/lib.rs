#![doc = include_str!("../README.md")]

mod cell;
mod collect;
mod decide;
mod discover;
mod error;
mod files;
mod format;
mod limits;
mod memory;
mod open;
mod overrides;
mod progress;
mod rejects;
mod report;
mod sample;
mod scan;
mod source;
mod table;
mod time;
mod walk;

pub use collect::{Collection, Group, TableOutcome, collect, rate_per_second};
pub use error::Error;
pub use format::Format;
pub use limits::Limits;
pub use memory::{MemorySource, MemoryTable, Value};
pub use open::Compression;
pub use overrides::RULES_FILE;
pub use progress::{Progress, Watch, unwatched};
pub use rejects::{REJECTS_FILE, Reason, Reject, RejectCount, Rejects};
pub use report::{Report, SeriesReport, TableQuality, TableReport, survey};
pub use scan::quality::SeriesQuality;
pub use source::{Batch, FileSource, Keys, Outcome, SampleSink, SeriesFacts, SourceReader};
pub use table::{
    Adding, Catalog, Column, Decision, Layout, Role, Skipped, Spread, Table, TableFile, TimeAxis,
};
pub use time::{DateOrder, EpochUnit, TimeForm};
