//! The relational truth, what people look at: its twin in memory, and what every implementation must do.

pub mod memory;

#[cfg(any(test, feature = "contract"))]
pub mod contract;
