//! Why something happened: which entity, which change, which combination of dimensions.
//!
//! Pure and synchronous: sources and stores are the business of whoever calls.

pub mod contributors;
pub mod discover;
pub mod events;
pub mod evidence;
mod normal;
pub mod topology;
