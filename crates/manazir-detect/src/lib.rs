//! Detectors, calibration, choice and alarm life cycle. Synchronous and pure: samples in, scores out.

pub mod batch;
mod random;
mod ring;
mod robust;
pub mod stream;

pub use random::Random;
