//! Detectors, calibration, choice and alarm life cycle. Synchronous and pure: samples in, scores out.

pub mod alarm;
pub mod baseline;
pub mod batch;
pub mod choose;
pub mod event;
pub mod fourier;
pub mod history;
pub mod inject;
pub mod linear;
pub mod live;
pub mod period;
pub mod profile;
pub mod reference;
mod ring;
mod robust;
pub mod rule;
mod sorted_window;
pub mod stream;
pub mod tail;

pub use manazir_model::Random;
