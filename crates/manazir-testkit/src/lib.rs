//! What tests share: a short notation for series.

mod notation;

pub use notation::series;
