//! What tests share: a short notation for series, and real servers.

mod notation;
pub mod postgres;

pub use notation::series;
