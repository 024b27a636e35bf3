//! Decisions about a table, each with confidence and reason.
//!
//! In order: the time column, then the columns that are neither measure nor dimension, then the key (what
//! tells series apart), then measures with kind, unit and whether they add up. Each step sees what the steps before it decided.

pub(crate) mod adding;
pub(crate) mod facts;
pub(crate) mod grain;
pub(crate) mod key;
pub(crate) mod kind;
pub(crate) mod roles;
pub(crate) mod time_column;
pub(crate) mod unit;
