//! Continuous aggregates: each finding of a stream is joined with reference tables, and counts for one key.
//!
//! A finding counts once in each destination, however often it is delivered, in whatever order, by however many
//! processes. What makes it so stands in two rules:
//!
//! 1. the identity of a finding is its source, its position there and what it says ([`Row`]): a line that is delivered
//!    twice is one finding, two equal lines are two;
//! 2. a destination adds to its totals and remembers the identities in one step ([`Destination::count`]): whoever dies
//!    before it leaves nothing behind, whoever repeats it changes nothing.
//!
//! Amounts are whole numbers, so that no order of adding them gives another sum.

pub mod aggregate;
mod compiled;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod decode;
mod destination;
mod expression;
pub mod follow;
pub mod history;
pub mod hosted;
pub mod memory;
mod message;
mod plan;
pub mod play;
pub mod reference;
mod row;
pub mod seen;
mod shape;
pub mod spec;
mod value;
pub mod windows;

pub use compiled::Compiled;
pub use destination::{Destination, Error, Total};
pub use history::{AsOf, History};
pub use message::{TYPE, batches, events};
pub use plan::{Identity, Outcome, Plan};
pub use row::{AMOUNT_MAX, Key, Raw, Row};
pub use shape::{KeyType, Shape, TotalsShape};
pub use value::Value;
