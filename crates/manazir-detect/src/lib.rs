//! Detectors, calibration, choice and alarm life cycle. Synchronous and pure: samples in, scores out.

pub mod batch;
mod random;
pub mod stream;

pub use random::Random;
