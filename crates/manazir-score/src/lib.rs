#![doc = include_str!("../README.md")]

mod accuracy;
mod average_precision;
pub mod cases;
pub mod cloudtrail;
pub mod cubes;
mod error;
pub mod events;
pub mod labelled;
mod memory;
pub mod nab;
pub mod nezha;
mod operator;
pub mod petshop;
mod recording;
mod reliability;
mod table;
pub mod vus;

pub use accuracy::Accuracy;
pub use average_precision::average_precision;
pub use error::{Error, Result};
pub use memory::peak_rss_mib;
pub use operator::{Operator, operator};
pub use recording::Figures;
pub use reliability::{Bin, Reliability};
