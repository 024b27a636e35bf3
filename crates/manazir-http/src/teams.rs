//! Teams, who is in them, the services they own, and the files that tell of both.
//!
//! Whoever has signed in reads all of it. What may be changed say the rules of `manazir_people::teams`: a token with the
//! scope `people` and an administrator may everything, a person what is theirs.

mod entropy;
pub(crate) mod import;
mod json;
pub(crate) mod members;
mod paging;
mod parameters;
mod refused;
pub(crate) mod services;
pub(crate) mod team;
mod who;

pub(crate) use parameters::{OfService, OfTeam};
