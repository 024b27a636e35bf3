//! Identifiers of what is new.

use uuid::{Builder, Uuid};

use crate::Problem;

/// An identifier that nobody can guess and nothing else has.
pub(super) fn new_id() -> Result<Uuid, Problem> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(|error| Problem::internal(&error))?;
    Ok(Builder::from_random_bytes(entropy).into_uuid())
}

/// What the identifiers of an import are made from.
pub(super) fn seed() -> Result<u64, Problem> {
    let mut entropy = [0; 8];
    getrandom::fill(&mut entropy).map_err(|error| Problem::internal(&error))?;
    Ok(u64::from_be_bytes(entropy))
}
