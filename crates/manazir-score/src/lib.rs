#![doc = include_str!("../README.md")]

mod average_precision;
pub mod cloudtrail;
pub mod cubes;
mod error;
pub mod labelled;
mod memory;
pub mod nab;
mod operator;
mod table;
pub mod vus;

pub use average_precision::average_precision;
pub use error::{Error, Result};
pub use memory::peak_rss_mib;
pub use operator::{Operator, operator};
